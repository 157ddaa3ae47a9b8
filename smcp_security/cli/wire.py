"""How a refusal looks on the wire, read off real answers of `smcp_security.answers`. Prints nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from smcp_security import answers
from smcp_security.decision import Answer, Finding
from smcp_security.leaves import Texts
from smcp_security.message import Era, Message, typed

# Found where denying is too late or would be wrong: these are recorded and never answered.
# Definitions that speak to the model (SMCP810 to 829) are left out of lists at most.
REPORTED: Final = frozenset({"SMCP405", "SMCP505", "SMCP707", "SMCP708", "SMCP711", "SMCP801", "SMCP805"})
# What was found is masked, and the rest of the result goes on.
MASKED: Final = frozenset({"SMCP705", "SMCP706", "SMCP922"})
UNANSWERABLE: Final = frozenset({"SMCP003"})
_RATE: Final = {"name": "caller", "quota": 1, "window": 60.0}
_REVISIONS: Final = {Era.MODERN: "2026-07-28", Era.LEGACY: "2025-11-25"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What an answer consists of. `rpc` is the JSON-RPC error code, None where there is no error."""

    status: int
    rpc: int | None = None
    tool_error: bool = False
    id: bool = False

    def __str__(self) -> str:
        if self.tool_error:
            return f"HTTP {self.status}, a tool result with isError and the request's id"
        if self.rpc is None:
            return f"HTTP {self.status}, no body"
        return f"HTTP {self.status}, JSON-RPC error {self.rpc}, {'with' if self.id else 'without'} the request's id"


def shape(answer: Answer) -> Shape:
    """What an answer consists of."""
    if not answer.body:
        return Shape(answer.status)
    message: dict[str, Any] = json.loads(answer.body)
    error = message.get("error", {})
    return Shape(answer.status, error.get("code"), "result" in message, "id" in message)


def shapes(finding: Finding) -> dict[str, str]:
    """What a client gets when `finding` refuses its request, by the kind of request it holds for."""
    if finding.code in UNANSWERABLE:
        return {"": "none: the client is gone"}
    if finding.code in REPORTED or "SMCP810" <= finding.code <= "SMCP829":
        return {"": "none: it is recorded, and the message passes"}
    if finding.code in MASKED:
        return {"": "none: what was found is masked where it stands, and the rest passes"}
    if finding.code.startswith("SMCP7") or finding.code == "SMCP923":
        error = json.loads(answers.withheld(finding, 1))["error"]["code"]
        return {"": f"the server's HTTP status, JSON-RPC error {error} with the request's id in place of the result"}
    return _merged({(era, method): _answered(finding, message) for era, method, message in _requests()})


def _answered(finding: Finding, message: Message) -> str:
    known = Finding(
        finding.code, finding.slug, finding.severity, data=_RATE if finding.code == "SMCP402" else {}, retry_after=1.0
    )
    return str(shape(answers.answer(known, (known,), message)))


def _requests() -> Iterator[tuple[str, str, Message]]:
    for era, revision in _REVISIONS.items():
        for method, params in (("tools/call", {"name": "x"}), ("resources/read", {"uri": "x:y"})):
            value = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            yield _spoken(era), _kind(method), typed(Message(value, b"", Texts()), era, revision)


def _spoken(era: Era) -> str:
    return "2026-07-28" if era is Era.MODERN else "older revisions"


def _kind(method: str) -> str:
    return "tools/call" if method == "tools/call" else "other methods"


def _merged(table: dict[tuple[str, str], str]) -> dict[str, str]:
    """The table by era, by method, or as one row, if the other distinction makes no difference."""
    if len(set(table.values())) == 1:
        return {"": next(iter(table.values()))}
    for axis in (0, 1):
        merged: dict[str, set[str]] = {}
        for key, told in table.items():
            merged.setdefault(key[axis], set()).add(told)
        if all(len(told) == 1 for told in merged.values()):
            return {key: told.pop() for key, told in merged.items()}
    return {f"{method}, {era}": told for (era, method), told in table.items()}
