"""What an answer means: served, refused, or something between. Of what came, codes alone are shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from smcp_security.cli.selftest.wire import Heard

_CODE: Final = re.compile(r"\bSMCP[0-9]{3}\b")
_REFUSAL: Final = re.compile(
    r"refus|den(?:y|ied)|forbid|not allowed|not permitted|disallow|block|reject|policy|unauthori[sz]ed|unsafe|invalid"
    r"|validation error|outside|not a valid|illegal|suspicious|malicious|prohibit|traversal"
    r"|not within|violat", re.IGNORECASE,
)  # fmt: skip
# What a system behind the tool said, which the text had got to: no word of the server that was asked.
_BEHIND: Final = re.compile(
    r"connection (?:was )?refused|actively refused|econnrefused|permission denied|invalid (?:input )?syntax"
    r"|(?:errno 22\]|einval:) invalid argument|invalid column"
    r"|\b40[13]\b.{0,20}?(?:forbidden|unauthori[sz]ed)|(?:forbidden|unauthori[sz]ed).{0,20}?\b40[13]\b",
    re.IGNORECASE,
)  # fmt: skip
# Where no answer came because something broke, not because somebody said no.
_BROKEN: Final = frozenset({500, 502, 504})
# 0: what the official SDK for Python says where a handler raised.
_INTERNAL: Final = frozenset({-32603, 0})
_RATES: Final = frozenset({"SMCP207", "SMCP401", "SMCP402", "SMCP403", "SMCP404"})
_RATE_ERROR: Final = -31429
_LONGEST: Final = 10**9


class Kind(StrEnum):
    """What became of a request."""

    SERVED = "served"
    OWN_ERROR = "the tool's own error"
    ACCEPTED = "taken without an answer"
    STRANGE = "answered, but not by JSON-RPC"
    FAILED = "the server failed on it"
    SILENT = "no answer in time"
    REFUSED = "refused"
    MOVED = "sent elsewhere"
    GONE = "hung up"
    STREAM = "a stream without an answer"
    PACED = "too fast"


HELD: Final = frozenset({Kind.REFUSED, Kind.MOVED, Kind.GONE, Kind.STREAM})
"""Who sends an attack and gets this has got nothing."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came: `code` is the finding code that the answer names, `rpc` its JSON-RPC error, `wait` seconds to wait."""

    kind: Kind
    status: int = 0
    rpc: int | None = None
    code: str = ""
    wait: float = 0.0
    result: Any = None

    @property
    def held(self) -> bool:
        """Whether it counts as refused."""
        return self.kind in HELD

    @property
    def shown(self) -> str:
        """One short line of facts."""
        facts = [f"HTTP {self.status}" if self.status else "", self.code or ("" if self.rpc is None else str(self.rpc))]
        told = " ".join(fact for fact in facts if fact)
        return f"{self.kind.value} ({told})" if told else self.kind.value


def read(heard: Heard) -> Came:
    """What an answer means."""
    if not heard.status:
        return Came(Kind.SILENT if heard.ending == "silent" else Kind.GONE)
    code, rpc, wait = _code(heard.message), _rpc(heard.message), _wait(heard)
    paced = heard.status == 429 or code in _RATES or rpc == _RATE_ERROR
    kind = Kind.PACED if paced else _kind(heard, code, rpc)
    return Came(kind, heard.status, rpc, code, wait, _member(heard.message, "result"))


def _kind(heard: Heard, code: str, rpc: int | None) -> Kind:
    if 300 <= heard.status < 400:
        return Kind.MOVED
    if not code and (heard.status in _BROKEN or rpc in _INTERNAL):
        return Kind.FAILED
    if heard.status >= 400 or rpc is not None:
        return Kind.REFUSED
    result = _member(heard.message, "result")
    if isinstance(result, Mapping):
        if result.get("isError") is not True:
            return Kind.SERVED
        return Kind.REFUSED if code or _says_no(result) else Kind.OWN_ERROR
    if heard.ending:
        # Who hangs up here had begun to serve.
        return {"silent": Kind.SILENT, "standing": Kind.STREAM}.get(heard.ending, Kind.FAILED)
    return Kind.ACCEPTED if heard.empty else Kind.STRANGE


def _member(message: Any, name: str) -> Any:
    return message.get(name) if isinstance(message, Mapping) else None


def _rpc(message: Any) -> int | None:
    code = _member(_member(message, "error"), "code")
    return code if type(code) is int and abs(code) < 10**6 else None


def _code(message: Any) -> str:
    """The code of this package's refusals: in the data of an error, or in the text of a tool's result."""
    data = _member(_member(message, "error"), "data")
    told = _member(data, "code")
    if isinstance(told, str) and _CODE.fullmatch(told):
        return told
    result = _member(message, "result")
    found = _CODE.search(_text(result)) if _member(result, "isError") is True else None
    return found[0] if found else ""


def _says_no(result: Mapping[str, Any]) -> bool:
    return _REFUSAL.search(_BEHIND.sub("", _text(result))) is not None


def _text(result: Any) -> str:
    content = _member(result, "content")
    parts = content if isinstance(content, list) else []
    texts = [_member(part, "text") for part in parts[:20]]
    return "\n".join(text[:4_000] for text in texts if isinstance(text, str))


def _wait(heard: Heard) -> float:
    told = _member(_member(_member(heard.message, "error"), "data"), "retryAfterMs")
    if isinstance(told, int | float) and 0 <= told <= _LONGEST:
        return told / 1000
    header = heard.headers.get("retry-after", "")
    return float(header) if re.fullmatch(r"[0-9]{1,6}", header) else 1.0
