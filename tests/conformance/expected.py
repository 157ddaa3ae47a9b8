"""What the suite is expected to give, in the one place: an improvement shows as much as a regression."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.conformance.measured import Set
from tests.conformance.suite import Check

NEWEST, OLDER = "newest", "older"
"""The two SDKs: `mcp` 2 in this environment, and `mcp` 1.30 in its own."""
SESSIONS, STATELESS = "sessions", "stateless"
"""The shapes of a server: with sessions and event streams, or without and in JSON."""


@dataclass(frozen=True)
class Refusal:
    """`count` requests that the middleware refuses with `code` in the server's place, and why that is right."""

    code: str
    method: str
    count: int
    why: str


@dataclass(frozen=True)
class Expected:
    """One requirement set on one server; the same bare and protected."""

    sdk: str
    shape: str
    revision: str
    required: int
    satisfied: int
    passed: int
    not_passed: frozenset[Check]
    refusals: tuple[Refusal, ...]

    @property
    def denied(self) -> Counter[tuple[str, str]]:
        """The refusals as the audit counts them."""
        return Counter({(refusal.code, refusal.method): refusal.count for refusal in self.refusals})

    @property
    def set(self) -> Set:
        """What is to be run."""
        return self.shape, self.revision


_FOREIGN_HOST = Refusal("SMCP101", "", 1, "`dns-rebinding-protection` asks for `Host: evil.example.com`: 421.")
_REMOVED = "`server-stateless`: the revision has removed it: 404, -32601."
_NEWEST_REFUSALS = (
    _FOREIGN_HOST,
    Refusal("SMCP124", "server/discover", 1, "`server-stateless`: the version header and `_meta` disagree: -32020."),
    Refusal("SMCP124", "tasks/get", 1, "`tasks-request-headers`: `Mcp-Name` is not the task's id: -32020."),
    Refusal(
        "SMCP124",
        "tools/call",
        6,
        "`http-header-validation`: `Mcp-Name` wrong, `Mcp-Name` missing; `tasks-request-headers`: `Mcp-Method` wrong;"
        " `http-custom-header-server-validation`: base64 with bad padding, base64 with bad characters, `Mcp-Param-*`"
        " missing: -32020.",
    ),
    Refusal("SMCP124", "tools/list", 3, "`http-header-validation`: `Mcp-Method` wrong, missing, in capitals: -32020."),
    Refusal("SMCP125", "server/discover", 3, "`server-stateless`: `_meta` or a required member is missing: -32602."),
    Refusal("SMCP126", "server/discover", 1, "`server-stateless`: the revision `v999.0.0` is unknown: -32022."),
    *(
        Refusal("SMCP127", method, 1, _REMOVED)
        for method in ("initialize", "logging/setLevel", "ping", "resources/subscribe", "resources/unsubscribe")
    ),
    Refusal("SMCP127", "unknown/method", 1, "`server-stateless`: nobody defines it: 404, -32601."),
    Refusal(
        "SMCP128", "tools/call", 1, "`input-required-result-validate-input`: an answer to a question is 12345: -32602."
    ),
)
# The suite skips it whatever the server: it waits for a rewrite.
_SKIPPED = frozenset(
    {Check("tasks-status-notifications", "tasks-status-notifications", "TasksStatusNotificationsScenario", "SKIPPED")}
)
# Without sessions and event streams there is no way to ask the client in the middle of a call, or to tell it anything.
_UNTOLD = frozenset(
    {
        Check("elicitation-sep1034-defaults", "elicitation-sep1034-general", "ElicitationSEP1034General", "FAILURE"),
        Check("elicitation-sep1330-enums", "elicitation-sep1330-general", "ElicitationSEP1330General", "FAILURE"),
        Check("tools-call-elicitation", "tools-call-elicitation", "ToolsCallElicitation", "FAILURE"),
        Check("tools-call-sampling", "tools-call-sampling", "ToolsCallSampling", "FAILURE"),
        Check("tools-call-with-logging", "tools-call-with-logging", "ToolsCallWithLogging", "FAILURE"),
        Check("tools-call-with-progress", "tools-call-with-progress", "ToolsCallWithProgress", "FAILURE"),
        Check("server-sse-polling", "server-sse-polling-session", "ServerSSEPollingSession", "WARNING"),
        Check(
            "server-sse-multiple-streams",
            "server-sse-multiple-streams-session",
            "ServerSSEMultipleStreamsSession",
            "WARNING",
        ),
    }
)

SETS = (
    Expected(NEWEST, SESSIONS, "2026-07-28", 37, 37, 196, _SKIPPED, _NEWEST_REFUSALS),
    Expected(NEWEST, SESSIONS, "2025-11-25", 30, 30, 84, frozenset(), (_FOREIGN_HOST,)),
    Expected(NEWEST, STATELESS, "2025-11-25", 30, 23, 61, _UNTOLD, (_FOREIGN_HOST,)),
    Expected(OLDER, SESSIONS, "2025-11-25", 30, 30, 84, frozenset(), (_FOREIGN_HOST,)),
)


def sets(sdk: str) -> tuple[Set, ...]:
    """What is run on an SDK."""
    return tuple(expected.set for expected in SETS if expected.sdk == sdk)
