"""What a rung is: a generator `(Context) -> Outcome` that may yield questions. Pure: no I/O, no clock, no logging.

The list of questions is closed. A rung yields one, a driver passes it to what `sources.py` answers it from; a store
that fails throws into the rung that asked, so that the traceback names it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from smcp_security.decision import Caller, Finding, Origin, Outcome

if TYPE_CHECKING:
    from smcp_security.checks.custody import Given
    from smcp_security.checks.http import Http
    from smcp_security.contracts.contract import ResolvedPath
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


class Draw(msgspec.Struct, frozen=True):
    """Something to take from a budget: `cost` of the `limit` of one calendar window, which is part of the key.

    `ends` is seconds from now to the end of the window.
    """

    key: str
    limit: int
    cost: int
    ends: float
    shared: str = ""


class Slot(msgspec.Struct, frozen=True):
    """One place among `limit`, held by `holder` for `ttl` seconds unless it is renewed or released."""

    key: str
    limit: int
    holder: str
    ttl: float
    shared: str = ""


class Spend(Question, frozen=True):
    """Charge several counters at once, all or none. `local` keeps to this process (the flood guard)."""

    charges: Sequence[Charge] = ()
    local: bool = False
    draws: Sequence[Draw] = ()
    slots: Sequence[Slot] = ()

    def ask(self) -> Run[Refusal | None]:
        refusal: Refusal | None = yield self
        return refusal


class Refusal(msgspec.Struct, frozen=True):
    """Which charge, draw or slot (by place, counted through in that order) did not fit, and when it would (seconds)."""

    place: int
    wait: float


class Settle(Question, frozen=True):
    """Take from budgets what was used already, whether it fits or not."""

    draws: Sequence[Draw]

    def ask(self) -> Run[None]:
        yield self


class Release(Question, frozen=True):
    """Give slots back."""

    slots: Sequence[Slot]

    def ask(self) -> Run[None]:
        yield self


class Claim(Question, frozen=True):
    """Who owns `key`: `value` if nobody did or it did already, for `ttl` seconds from now; else another's name, which
    need not be the real one.

    Without `begin`, or with an empty `value`, what is nobody's stays so, and the answer is "". Raises `StoreAway` where
    the owner cannot be known.
    """

    key: str
    value: str
    ttl: float
    begin: bool = True

    def ask(self) -> Run[str]:
        owner: str = yield self
        return owner


class ApiKey(msgspec.Struct, frozen=True):
    """What is known of an API key besides its secret. `digest` is HMAC-SHA-256(salt, id + ":" + secret)."""

    id: str
    owner: str
    salt: bytes
    digest: bytes
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tenant: str = ""
    expires_at: float | None = None
    revoked: bool = False

    def __repr__(self) -> str:
        return f"ApiKey(id={self.id!r}, owner={self.owner!r})"


class LookUp(Question, frozen=True):
    """The API key of that id, None if there is none. Raises `Unavailable` while the key file cannot be read."""

    id: str

    def ask(self) -> Run[ApiKey | None]:
        key: ApiKey | None = yield self
        return key


class VerificationKey(msgspec.Struct, frozen=True):
    """One public key (or shared secret) of an issuer. `key` is joserfc's; `thumbprint` is RFC 7638."""

    thumbprint: str
    key: Any
    kid: str = ""
    algorithm: str = ""

    def __repr__(self) -> str:
        return f"VerificationKey(thumbprint={self.thumbprint!r})"


class FetchKeys(Question, frozen=True):
    """The keys of an issuer that a token with `kid` may be signed with; all of them for an empty one.

    An unknown `kid` makes the issuer's set be fetched anew, at most once a minute. Raises `Unavailable` while there is
    no good copy.
    """

    issuer: str
    kid: str = ""

    def ask(self) -> Run[Sequence[VerificationKey]]:
        keys: Sequence[VerificationKey] = yield self
        return keys


class Introspect(Question, frozen=True):
    """What the issuer says of an opaque token (RFC 7662): its claims, None if it is not active.

    Raises `Unavailable` if the issuer does not answer as it should.
    """

    issuer: str
    token: str

    def __repr__(self) -> str:
        return f"Introspect(issuer={self.issuer!r})"

    def ask(self) -> Run[Mapping[str, Any] | None]:
        claims: Mapping[str, Any] | None = yield self
        return claims


class Standing(msgspec.Struct, frozen=True):
    """What has ceased to count: revoked names, and the thumbprints of the keys that each issuer still has.

    Names are `jti:<issuer>#<jti>`, `sub:<Caller.id>` and `key:<key id>`. An issuer without an entry has fetched none.
    """

    revoked: frozenset[str] = frozenset()
    keys: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)


class AskStanding(Question, frozen=True):
    """The present `Standing`, at most five seconds old. Raises `StoreAway` where it cannot be had."""


class Recall(Question, frozen=True):
    """The schema known for a tool: the policy's, the lock file's or the one learned from a list of this upstream.

    None if there is none. `output`: that of its results.
    """

    tool: str
    upstream: str = ""
    output: bool = False

    def ask(self) -> Run[ToolSchema | None]:
        schema: ToolSchema | None = yield self
        return schema


class Learn(Question, frozen=True):
    """Remember a tool's schema as a list showed it; the answer is the one remembered before, None if new."""

    tool: str
    schema: ToolSchema
    upstream: str = ""
    output: bool = False

    def ask(self) -> Run[ToolSchema | None]:
        before: ToolSchema | None = yield self
        return before


class Drift(Question, frozen=True):
    """Remember of a pinned definition whether the last list of this upstream showed another one.

    `kind` is tool, prompt, template or instructions.
    """

    kind: str
    name: str
    drifted: bool
    upstream: str = ""

    def ask(self) -> Run[None]:
        yield self


class AskDrift(Question, frozen=True):
    """Whether the last list of this upstream that had it showed another definition than the pinned one."""

    kind: str
    name: str
    upstream: str = ""

    def ask(self) -> Run[bool]:
        drifted: bool = yield self
        return drifted


class Trace(Question, frozen=True):
    """Where a message of the server belongs: the request that it answers, None if that is not known."""

    message: Message
    request: Message | None
    session: str
    caller: str

    def ask(self) -> Run[Origin | None]:
        origin: Origin | None = yield self
        return origin


class ResolvePath(Question, frozen=True):
    """Where an absolute path leads on this machine. Raises `Unavailable` if that cannot be found out in time."""

    path: str

    def ask(self) -> Run[ResolvedPath]:
        found: ResolvedPath = yield self
        return found


class ResolveHost(Question, frozen=True):
    """The IP addresses of a host name, none if it has none. Raises `Unavailable` after 200 ms without an answer."""

    host: str

    def ask(self) -> Run[tuple[str, ...]]:
        addresses: tuple[str, ...] = yield self
        return addresses


class Detected(msgspec.Struct, frozen=True):
    """What a detector of the operator's found: the index of a text, and the category whose action it takes."""

    leaf: int
    category: str = "prompt"


class Detect(Question, frozen=True):
    """What the detector at `place` in the operator's list finds in some texts. Raises `Unavailable` over its time."""

    place: int
    texts: Sequence[str]
    tool: str

    def ask(self) -> Run[Sequence[Detected]]:
        found: Sequence[Detected] = yield self
        return found


@dataclass(slots=True, weakref_slot=True, repr=False)
class Context:
    """What the rungs look at. Rungs only read it; the engine writes what an outcome brought.

    `id` is the decision's. `now` is unix seconds. `address` is who sends, proxies subtracted; `network` its /64 or
    itself, the key of limits. `upstream` tells servers behind one edge apart. `label` is what the edge says of the
    user: never a proof. `http` is None for a message handed over in process. `unwatched`: no edge sees the server begin
    a session, so the first to use one is its caller.
    """

    id: str = ""
    now: float = 0.0
    http: Http | None = None
    address: str = ""
    network: str = ""
    label: str = ""
    session: str = ""
    unwatched: bool = False
    # Credentials handed over in process; over HTTP they stand in the headers.
    token: str = ""
    api_key: str = ""
    upstream: str = ""
    raw: bytes | None = None
    message: Message | None = None
    caller: Caller | None = None
    # What is held until the exchange ends, and what its result will be taken from.
    slots: Sequence[Slot] = ()
    draws: Sequence[Draw] = ()
    # Tokens of the answer that no budget was charged for yet.
    uncounted: int = 0
    # Tokens of the answer so far, whoever was charged; None where nobody counts.
    tokens: int | None = None
    # What the vault opened for the tool: the one place where a value stands on its way to it.
    given: Sequence[Given] = ()
    findings: list[Finding] = field(default_factory=list)
    # The response side: the request of this exchange, and what the message was traced to (None if unknown).
    request: Message | None = None
    origin: Origin | None = None

    def __repr__(self) -> str:
        """Without what came: error pages and crash reports print what lies around."""
        return f"Context(id={self.id!r}, address={self.address!r})"


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
