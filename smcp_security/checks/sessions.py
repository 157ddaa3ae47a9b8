"""The sessions rung: a session belongs to the caller who began it. Pure: who that is, is a claim in the store.

A session id is no credential (a leaked one must be worth nothing), also in front of servers that do not check.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

from msgspec.structs import replace

from smcp_security.checks.identity import RETRY_AFTER
from smcp_security.checks.memo import Memo
from smcp_security.checks.rung import Claim, Context, Run, Rung, pure
from smcp_security.checks.session_ids import folded
from smcp_security.checks.transport import SESSION_PARAMETERS
from smcp_security.decision import CLEAN, Caller, Outcome, denied, finding
from smcp_security.errors import Unavailable
from smcp_security.policy import Policy

KEPT_FOR: Final = 86_400.0
"""Seconds that a session stays its caller's after the last message. Servers drop idle ones within an hour."""
REMEMBERED: Final = 10_000
LONGEST: Final = 256
"""Characters of an id that is remembered. Servers write 32 or 36; a longer one is asked about each time."""
REMEMBERED_FOR: Final = 5.0
"""Seconds that this process does not ask again, as long as a revocation may take."""
PARAMETERS_MAX: Final = 200
"""Of a query, as many as fields of a header: each is looked at."""


def build(policy: Policy) -> Rung:
    """The sessions rung of a policy. Without identity nobody is anybody, and there is nothing to bind to."""
    if policy.identity is None:
        return pure(lambda _context: CLEAN)
    known: Memo[tuple[str, str], float] = Memo(REMEMBERED)

    def sessions(context: Context) -> Run[Outcome]:
        if context.http is not None and context.http.query.count("&") >= PARAMETERS_MAX:
            return denied("SMCP210", "query", hint=f"at most {PARAMETERS_MAX} parameters")
        named = _named(context)
        if not named:
            return CLEAN
        if len(named) > 1:
            return denied("SMCP210", "Mcp-Session-Id", hint="one session")
        [session] = named
        whose = (session, "" if context.caller is None else context.caller.id)
        asked = known.get(whose)
        # A clock that was set back must not make what is remembered last longer.
        if asked is not None and 0 <= context.now - asked < REMEMBERED_FOR:
            return CLEAN
        # Over HTTP a session is claimed where the server begins it, so that nobody fills the store with sessions that
        # never were. In process nobody sees it begin: the first to use it is its caller.
        claim = replace(session_claim(session, context.caller), begin=context.unwatched)
        try:
            owner = yield from claim.ask()
        except Unavailable:
            return Outcome((finding("SMCP206", retry_after=RETRY_AFTER),))
        if owner != claim.value:
            return denied("SMCP210", "Mcp-Session-Id")
        if len(session) <= LONGEST:
            known.put(whose, context.now)
        return CLEAN

    return sessions


def _named(context: Context) -> set[str]:
    """Every session that a request names, wherever servers look for it; spelt as it came, once for each that it is."""
    http = context.http
    header = "" if http is None else http.headers.get("mcp-session-id") or ""
    if http is None or (not http.query and header in ("", context.session)):
        return {context.session} if context.session else set()
    named = [context.session, header]
    named += [value for name, value in parse_qsl(http.query) if name in SESSION_PARAMETERS]
    return set({folded(session): session for session in named if session}.values())


def begun(session: str, caller: Caller | None) -> Run[bool]:
    """Whether a session that the server has just begun is its caller's from now on."""
    claim = session_claim(session, caller)
    return (yield from claim.ask()) == claim.value


def session_claim(session: str, caller: Caller | None) -> Claim:
    """The claim that binds a session to its caller, in digests: neither stands in the store in clear.

    An edge that sees the server begin a session asks it at once, so that nobody can come first.
    """
    owner = "anonymous" if caller is None else f"caller:{caller.id}"
    return Claim(f"session:{_digest(folded(session))}", _digest(owner), KEPT_FOR)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
