"""The values a verdict is made of. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from smcp_security.codes import CODES, Severity

if TYPE_CHECKING:
    from smcp_security.checks.custody import Given
    from smcp_security.checks.rung import Context, Draw, Slot
    from smcp_security.message import Message


class Action(StrEnum):
    """What was done about a finding. REPORT: audited and passed on (monitor mode, or `annotate` in the policy)."""

    BLOCK = "block"
    REPORT = "report"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was noticed.

    `where` is a JSON pointer into the message, or a header name; segments the caller chose are shown as `*`.
    `hint` says what would be accepted. Neither ever holds text the caller sent. `data` goes into the
    JSON-RPC error's `data` where a revision asks for it (for example the supported revisions). `challenge` is the
    `WWW-Authenticate` of the answer (RFC 9110, 11.6.1). `about` is the operator's own name for what this is about, for
    the audit alone: no client ever sees it.
    """

    code: str
    slug: str
    severity: Severity
    where: str = ""
    action: Action = Action.BLOCK
    hint: str = ""
    data: Mapping[str, Any] = msgspec.field(default_factory=dict)
    retry_after: float = 0.0
    challenge: str = ""
    about: str = ""


NO_CLAIMS: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the message. `verified` is true only when a credential vouched for the identity.

    `id` is one name for one subject of one source: `key:<owner>`, `jwt:<issuer>#<subject>`, `user:<name>` (a gateway's
    word), `cert:<subject>`. `source` is api-key, jwt, introspection, forwarded or certificate. `scopes` holds what the
    policy's hierarchy includes. `credential` is the id of the key or token (jti), `client` the OAuth client.
    `expires_at` is unix seconds, None for a credential without an end.
    """

    id: str
    verified: bool = False
    source: str = ""
    roles: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    tenant: str = ""
    issuer: str = ""
    subject: str = ""
    client: str = ""
    credential: str = ""
    expires_at: float | None = None
    claims: Mapping[str, Any] = field(default_factory=lambda: NO_CLAIMS, repr=False, compare=False)


# Thousands are kept, and hold nothing that the garbage collector would have to follow.
class Origin(msgspec.Struct, frozen=True, gc=False):
    """What a message of the server is traced to: the method and target of the request, and the id of its caller."""

    method: str
    target: str = ""
    caller: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What one rung has to say: findings, a caller or origin it identified, an edited message it proposes.

    `slots` are held from now on until the exchange ends; `draws` say which budgets its result will be taken from.
    `given` is what the vault opened for the tool.
    """

    findings: tuple[Finding, ...] = ()
    caller: Caller | None = None
    origin: Origin | None = None
    edit: Message | None = None
    slots: Sequence[Slot] = ()
    draws: Sequence[Draw] = ()
    given: Sequence[Given] = ()


CLEAN: Final = Outcome()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer in place of the server's. `body` is empty where the table says so."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Timings(Mapping[str, float]):
    """Microseconds per rung, computed when somebody looks: most verdicts are never asked how long they took."""

    __slots__ = ("_names", "_spans", "_ticks")

    def __init__(self, names: Sequence[str] = (), ticks: Sequence[int] = ()) -> None:
        """`ticks` is nanoseconds: one before the first rung, and one after each that ran."""
        self._names = names
        self._ticks = ticks
        self._spans: dict[str, float] | None = None

    def __getitem__(self, name: str) -> float:
        return self._table()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())

    def __repr__(self) -> str:
        return repr(self._table())

    def total(self) -> float:
        """Microseconds of all rungs that ran."""
        return (self._ticks[-1] - self._ticks[0]) / 1000 if self._ticks else 0.0

    def _table(self) -> dict[str, float]:
        if self._spans is None:
            spans = (after - before for before, after in pairwise(self._ticks))
            self._spans = {name: span / 1000 for name, span in zip(self._names, spans, strict=False)}
        return self._spans


class Decision(msgspec.Struct, frozen=True):
    """The verdict on one message.

    `message` is what to forward: canonical bytes, or the dict that came. On a denial it is None, except for a
    refused posted response of the legacy era, where it is the error that the waiting server gets instead.
    `answer` is what to send to the client instead of calling the server. `timings` is microseconds per rung.
    `request` and `context` are what the verdict was made of, for the edges and the response side.
    """

    allowed: bool
    id: str
    findings: tuple[Finding, ...] = ()
    message: bytes | dict[str, Any] | None = None
    caller: Caller | None = None
    answer: Answer | None = None
    timings: Timings = msgspec.field(default_factory=Timings)
    request: Message | None = None
    context: Context | None = None

    def __repr__(self) -> str:
        """Without the message and its context: error pages and crash reports print what lies around."""
        codes = ", ".join(finding.code for finding in self.findings)
        return f"Decision(allowed={self.allowed}, id={self.id!r}, findings=({codes}))"

    @property
    def blocking(self) -> Finding | None:
        """The finding that denied the message, if one did."""
        return next((finding for finding in self.findings if finding.action is Action.BLOCK), None)


def finding(
    code: str,
    where: str = "",
    *,
    hint: str = "",
    action: Action = Action.BLOCK,
    data: Mapping[str, Any] | None = None,
    retry_after: float = 0.0,
    challenge: str = "",
) -> Finding:
    """A finding of the table's `code`; `retry_after` is in seconds."""
    row = CODES[code]
    return Finding(row.code, row.slug, row.severity, where, action, hint, data or {}, retry_after, challenge)


def denied(
    code: str, where: str = "", *, hint: str = "", data: Mapping[str, Any] | None = None, challenge: str = ""
) -> Outcome:
    """The outcome of a rung that refuses the message for one reason."""
    return Outcome((finding(code, where, hint=hint, data=data, challenge=challenge),))
