"""What a rung is: a generator `(Context) -> Outcome` that may yield questions. Pure: no I/O, no clock, no logging.

The list of questions is closed. A rung yields one, a driver passes it to what `framework.py` answers it from; a store
that fails throws into the rung that asked, so that the traceback names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec

from smcp_security.decision import Caller, Finding, Origin, Outcome

if TYPE_CHECKING:
    from smcp_security.message import Message
    from smcp_security.schemas import ToolSchema

T = TypeVar("T")


class Question(msgspec.Struct, frozen=True):
    """What only the outside world knows."""


Run: TypeAlias = Generator[Question, Any, T]


class ReadBody(Question, frozen=True):
    """The body of the request, at most `limit` bytes and one more; None if the client hung up first."""

    limit: int

    def ask(self) -> Run[bytes | None]:
        body: bytes | None = yield self
        return body


class Charge(msgspec.Struct, frozen=True):
    """One counter to charge by GCRA. `interval` is seconds a unit, `burst` is units that may come at once.

    `shared` is the key to fall back to when the store is full of busy keys, so that filling it never resets a limit.
    """

    key: str
    interval: float
    burst: int
    shared: str = ""
    cost: int = 1


class Spend(Question, frozen=True):
    """Charge several counters at once, all or none. `local` keeps to this process (the flood guard)."""

    charges: Sequence[Charge]
    local: bool = False

    def ask(self) -> Run[Refusal | None]:
        refusal: Refusal | None = yield self
        return refusal


class Refusal(msgspec.Struct, frozen=True):
    """Which charge (by place) did not fit, and in how many seconds it would."""

    place: int
    wait: float


class Recall(Question, frozen=True):
    """The schema known for a tool: the policy's, or the one learned from a list of this upstream; None if neither."""

    tool: str
    upstream: str = ""

    def ask(self) -> Run[ToolSchema | None]:
        schema: ToolSchema | None = yield self
        return schema


class Learn(Question, frozen=True):
    """Remember a tool's schema as a list showed it; the answer is the one remembered before, None if new."""

    tool: str
    schema: ToolSchema
    upstream: str = ""

    def ask(self) -> Run[ToolSchema | None]:
        before: ToolSchema | None = yield self
        return before


class Trace(Question, frozen=True):
    """Where a message of the server belongs: the request that it answers, None if that is not known."""

    message: Message
    request: Message | None
    session: str
    caller: str

    def ask(self) -> Run[Origin | None]:
        origin: Origin | None = yield self
        return origin


_NO_NAMES: Final[frozenset[str]] = frozenset()


class Headers(msgspec.Struct, frozen=True):
    """Header fields by lower-case name: the first value of each, and the names that came more than once.

    Values stay bytes until somebody asks: most headers are never looked at.
    """

    first: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    repeated: frozenset[str] = _NO_NAMES
    count: int = 0
    size: int = 0

    def get(self, name: str) -> str | None:
        """The first value of `name` as latin-1, without surrounding blanks (RFC 9110, 5.5); None if absent."""
        value = self.first.get(name)
        return None if value is None else value.decode("latin-1").strip(" \t")


def read_headers(fields: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Headers from raw fields, names in any case."""
    # From the last to the first, so that the first of several is the one that stays.
    first = {name.decode("latin-1").lower(): value for name, value in reversed(fields)}
    size = 4 * len(fields) + sum(map(len, chain.from_iterable(fields)))
    return Headers(first, _repeated(fields) if len(first) < len(fields) else _NO_NAMES, len(fields), size)


def _repeated(fields: Sequence[tuple[bytes, bytes]]) -> frozenset[str]:
    counts = Counter(name.decode("latin-1").lower() for name, _ in fields)
    return frozenset(name for name, count in counts.items() if count > 1)


class Http(msgspec.Struct, frozen=True):
    """The HTTP facts of a message. `peer` is the address of the connection, "unix" for a unix socket."""

    method: str
    path: str
    headers: Headers
    peer: str


@dataclass(slots=True)
class Context:
    """What the rungs look at. Rungs only read it; the engine writes what an outcome brought.

    `now` is unix seconds. `address` is who sends, proxies subtracted; `network` its /64 or itself, the key of limits.
    `upstream` tells servers behind one edge apart. `label` is what the edge says of the user: never a proof. `http` is
    None for a message handed over in process.
    """

    now: float = 0.0
    http: Http | None = None
    address: str = ""
    network: str = ""
    label: str = ""
    session: str = ""
    upstream: str = ""
    raw: bytes | None = None
    message: Message | None = None
    caller: Caller | None = None
    findings: list[Finding] = field(default_factory=list)
    # The response side: the request of this exchange, and what the message was traced to (None if unknown).
    request: Message | None = None
    origin: Origin | None = None


Rung: TypeAlias = Callable[[Context], Run[Outcome]]

Check: TypeAlias = Callable[[Context], Outcome]


class Pure(msgspec.Struct, frozen=True):
    """A rung of a check that asks nothing. The engine calls the check itself: a generator costs more than most do."""

    check: Check

    def __call__(self, context: Context) -> Run[Outcome]:
        yield from ()
        return self.check(context)


def pure(check: Check) -> Rung:
    """The rung of a check that asks nothing."""
    return Pure(check)
