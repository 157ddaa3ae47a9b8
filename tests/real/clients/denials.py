"""Every kind of denial that exists, and how a real client comes to meet it. A new kind is a new row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.real.attacks import MARK
from tests.real.clients import spoiler
from tests.real.clients.roster import Traveller
from tests.real.clients.spoiler import SPOIL, Spoiling
from tests.real.clients.steps import Step, add, call, step

HOSTILE: Final = f"; cat /etc/passwd #{MARK}"
ORDER: Final = {
    "type": "object",
    "properties": {"item": {"type": "string"}, "count": {"type": "integer", "maximum": 10}},
    "required": ["item"],
}
# Small limits for the rows that need them; none that the other rows could meet.
_STRICT: Final[Mapping[str, Any]] = {
    "version": 1,
    "server": {"max_body": "64KiB", "flood": "off"},
    "limits": [{"per": "address", "rate": "1000000/hour"}],
    "results": {"max_size": "64KiB"},
    "tools": {"order": {"schema": ORDER}},
}
_LOW: Final = [{"per": "address", "rate": "14/hour"}]
POLICIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "strict": _STRICT,
    "flood": {**_STRICT, "server": {"flood": {"rate": "1/minute", "burst": 14}}},
    "rate": {**_STRICT, "limits": _LOW},
    "status": {**_STRICT, "limits": _LOW, "server": {"flood": "off", "rate_status": 429}},
}
# Refused before the id of the message is known.
_EARLY: Final = frozenset(f"SMCP{number}" for number in (101, 102, 103, 104, 105, 112, 114, 401))
_SPOILT: Final = call("echo", {"text": SPOIL})
_BUSY: Final = add(until_refused=True)


@dataclass(frozen=True)
class Denial:
    """One row: what the client does, what must be found, and what a reader is told about how it came about.

    `spoiling` alters the marked call on its way, at which `breaks` makes the store fail; after the first refusal,
    counters are as new and the store is well. `entry` replaces the path of the server: nothing of that visit succeeds.
    A `stranger` is refused by the headers of every request.
    """

    name: str
    code: str
    how: str
    act: Step
    spoiling: Spoiling | None = None
    policy: str = "strict"
    breaks: bool = False
    entry: str = ""
    day: str = "1 May"
    modern_code: str = ""
    modern: bool = True
    legacy: bool = True
    sse: bool = True
    stranger: bool = False

    def bars(self, client: Traveller) -> bool:
        """Whether it refuses the connection and not one call: over HTTP+SSE, a stranger never gets a session."""
        return bool(self.entry) or (self.stranger and client.transport == "sse")

    @property
    def early(self) -> bool:
        """Whether it comes before the message is understood: over HTTP+SSE, the session ends then."""
        return self.code in _EARLY

    def code_for(self, client: Traveller) -> str:
        """How the finding's code begins; empty where nothing is told to the client (202 and dropped)."""
        return self.modern_code or self.code if client.modern else self.code

    def meets(self, client: Traveller) -> bool:
        """Whether the client can come to meet it."""
        wanted = {self.act["do"]} | ({"ask"} if self.act.get("ask") else set())
        spoken = (self.modern if client.modern else self.legacy) and (self.sse or client.transport != "sse")
        return spoken and not wanted & client.lacks


def _altered(name: str, code: str, how: str, spoiling: Spoiling, **options: Any) -> Denial:
    return Denial(name, code, f"altered on the way: {how}", _SPOILT, spoiling, **options)


DENIALS: Final = (
    _altered("Host", "SMCP101", "`Host` of a stranger", spoiler.foreign_host, stranger=True),
    _altered("Origin", "SMCP102", "`Origin` of a stranger", spoiler.foreign_origin, stranger=True),
    _altered("headers too large", "SMCP103", "220 more header fields", spoiler.many_fields),
    Denial("body too large", "SMCP104", "`server.max_body: 64KiB`", call("measure", {"text": f"{MARK} " * 10_000})),
    _altered("encoding", "SMCP105", "`Content-Encoding: gzip`", spoiler.compressed),
    Denial("path not listed", "SMCP110", "a URL that the policy does not name", add(), entry="/forgotten", sse=False),
    _altered("not JSON", "SMCP114", "the last bytes cut off", spoiler.truncated),
    _altered("duplicate key", "SMCP112", "`method` twice", spoiler.doubled),
    _altered("routing headers disagree", "SMCP124", "another `Mcp-Name`", spoiler.other_name, legacy=False),
    _altered("missing `_meta`", "SMCP125", "`_meta` taken out", spoiler.no_meta, legacy=False),
    _altered("unknown revision", "SMCP126", "revision 2099-01-01", spoiler.unknown_revision, legacy=False),
    _altered("unknown method", "SMCP127", "method `x-vendor/do`", spoiler.unknown_method),
    _altered("params of a wrong shape", "SMCP128", "`arguments` made a list", spoiler.wrong_shape),
    Denial("arguments", "SMCP501", "a tool's schema in the policy", call("order", {"item": MARK, "count": 11})),
    Denial("injection in `tools/call`", "SMCP6", "a shell command as text", call("echo", {"text": HOSTILE})),
    Denial("injection elsewhere", "SMCP6", "a shell command in `prompts/get`",
           step("prompt", name="greet", arguments={"name": HOSTILE})),
    Denial("flood", "SMCP401", "more calls than `server.flood`", _BUSY, policy="flood"),
    Denial("rate", "SMCP402", "more calls than `limits`", _BUSY, policy="rate"),
    Denial("rate, `rate_status: 429`", "SMCP402", "more calls than `limits`", _BUSY, policy="status"),
    Denial("a result withheld", "SMCP701", "`results.max_size: 64KiB`", call("big", {"size": 100_000})),
    Denial("internal failure", "SMCP001", "a store that fails", _SPOILT, breaks=True),
    Denial("refused notification", "", "a shell command in `notifications/progress`", step("progress", message=HOSTILE),
           modern_code="SMCP127"),
    Denial("refused posted response", "SMCP6", "a shell command as an elicitation's answer", call("ask", ask=True),
           day=f"1 May{HOSTILE}"),
)  # fmt: skip
