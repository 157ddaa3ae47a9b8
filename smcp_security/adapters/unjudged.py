"""What passes beside the judged messages of a response: header fields, bodies that are no JSON, lines of events besides
their data. Searched for what the vault has handed out, once it has handed out anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from smcp_security.adapters.account import Account
from smcp_security.adapters.head import Message
from smcp_security.adapters.judges import Judge
from smcp_security.checks.layers import cover
from smcp_security.decision import Action, finding
from smcp_security.errors import SMCPError
from smcp_security.redaction.sought import Sought
from smcp_security.sse import beside_data, message_event, read_event

Field = tuple[bytes, bytes]

_UNPROVEN: Final = "it could not be searched"


class Unjudged:
    """The search of one exchange. Where it fails, what was to be searched does not pass."""

    __slots__ = ("_account", "_framework")

    def __init__(self, framework: Judge, account: Account) -> None:
        self._framework = framework
        self._account = account

    @property
    def searches(self) -> bool:
        """Whether anything was handed out that must not come back, or may be while the answer is on its way."""
        return self._framework.policy.vault is not None or self._framework.sought() is not None

    def fields(self, fields: list[Field]) -> list[Field]:
        """The header fields without those that hold a secret."""
        sought = self._framework.sought()
        if sought is None or self._clean(sought, b"\n".join(b": ".join(field) for field in fields)):
            return fields
        return [field for field in fields if self._passes(sought, b": ".join(field), "header")]

    def body(self, raw: bytes) -> bytes | None:
        """A body that is no message, with secrets masked; None where that cannot be done."""
        sought = self._framework.sought()
        if sought is None or self._clean(sought, raw):
            return raw
        try:
            text = raw.decode()
            spans = sought.find([text], [""])
        except (SMCPError, UnicodeDecodeError):
            spans = []
        if not spans:
            return raw if self._passes(sought, raw, "body") else None
        self._note(sorted({span.kind for span in spans}), "body")
        masked = cover(text, spans).encode()
        return masked if self._passes(sought, masked, "body") else None

    def event(self, told: bytes) -> bytes:
        """An event of judged data without the lines beside it, if they hold a secret."""
        sought = self._framework.sought()
        if sought is None or not (beside := beside_data(told)) or self._passes(sought, beside, "event"):
            return told
        return message_event(read_event(told).data or b"")

    def silent(self, raw: bytes, data: bytes | None = None) -> bytes:
        """Events that nobody judges, `data` as their readers join it; nothing if they hold a secret."""
        sought = self._framework.sought()
        if sought is None or (self._passes(sought, raw, "event") and (not data or self._passes(sought, data, "event"))):
            return raw
        return b""

    def aside(self, message: Message) -> Message | None:
        """What is said besides head and body: trailers without secrets, and of the rest nothing that holds one."""
        sought = self._framework.sought()
        if sought is None or self._clean(sought, repr(message).encode()):
            return message
        if message["type"] == "http.response.trailers":
            fields = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            return {**message, "headers": self.fields(fields)}
        return message if self._passes(sought, repr(message).encode(), "header") else None

    def _clean(self, sought: Sought, raw: bytes) -> bool:
        try:
            return not (sought.suspects(raw) or (b"\0" in raw and sought.suspects(_narrow(raw))))
        except SMCPError:
            return False

    def _passes(self, sought: Sought, raw: bytes, where: str) -> bool:
        """Whether it holds no secret as it stands, in UTF-16 neither. Notes what it holds."""
        try:
            names = _names(sought, (raw, _narrow(raw)) if b"\0" in raw else (raw,))
        except SMCPError:
            self._note((), where)
            return False
        if names:
            self._note(names, where)
        return not names

    def _note(self, names: Iterable[str], where: str) -> None:
        found = finding("SMCP922", where, action=Action.REPORT)
        self._account.note([replace(found, about=", ".join(names), hint="" if names else _UNPROVEN)])


def _names(sought: Sought, forms: Iterable[bytes]) -> list[str]:
    """The names of the secrets that stand in some bytes, whatever text they are."""
    return list(Counter(name for raw in forms for name in sought.names_of(_text(raw))))


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _narrow(raw: bytes) -> bytes:
    """UTF-16 of plain characters is UTF-8 with a NUL beside each."""
    return raw.replace(b"\0", b"")
