"""The identity rung: which caller the one credential of a message vouches for. Pure: keys and issuers are questions.

A wrong credential is refused, also where none is required. A right one never waits: failed guesses are counted after
the fact, per address and key id, so that nobody can lock another out. What holds no guess is not counted: an expired,
revoked or foreign token was once somebody's, and its client must hear that it needs a new one.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from smcp_security.checks import api_keys, callers
from smcp_security.checks.claims import Hierarchy, Meaning
from smcp_security.checks.credentials import Credential, Kind, Refused, Sources
from smcp_security.checks.metadata import challenge
from smcp_security.checks.rung import AskStanding, Charge, Context, Introspect, Run, Rung, Spend, pure
from smcp_security.checks.tokens import Tokens, Verified, revocable
from smcp_security.decision import CLEAN, Caller, Outcome, denied, finding
from smcp_security.errors import Unavailable
from smcp_security.policy import IdentityPolicy, Policy

RETRY_AFTER: Final = 5.0
"""Seconds until an issuer, key file or store that is away is worth another try."""
GUESSES: Final = 10
GUESS_INTERVAL: Final = 6.0
"""Ten wrong credentials at once, then ten a minute: a client that was set up wrongly is not cut off at once."""

_STANDING: Final = AskStanding()
_ERRORS: Final = {
    "SMCP202": "invalid_token",
    "SMCP203": "invalid_token",
    "SMCP204": "invalid_token",
    "SMCP205": "invalid_token",
    "SMCP208": "invalid_request",
    "SMCP209": "invalid_request",
}


def build(policy: Policy, *, environment_key: bool) -> Rung:
    """The identity rung of a policy. `environment_key`: whether SMCP_API_KEY is set, and so is one more key."""
    if policy.identity is None:
        return pure(lambda _context: CLEAN)
    return _Identity(policy, policy.identity, environment_key).judge


class _Identity:
    """The sources of a policy, compiled, and what was verified lately."""

    __slots__ = (
        "_challenges",
        "_environment",
        "_hierarchy",
        "_introspection",
        "_missing",
        "_policy",
        "_required",
        "_sources",
        "_tokens",
    )

    def __init__(self, policy: Policy, identity: IdentityPolicy, environment_key: bool) -> None:
        resource = policy.server.resource
        self._policy = identity
        self._environment = environment_key and identity.api_keys is not None
        self._hierarchy = Hierarchy(identity.scope_hierarchy)
        self._sources = Sources(policy, identity)
        self._tokens = Tokens(identity, resource, self._hierarchy)
        self._introspection = [
            (each.issuer, Meaning(each, resource, self._hierarchy)) for each in identity.introspection
        ]
        self._required = frozenset(identity.scopes)
        self._challenges = {error: challenge(policy, error=error) for error in {"", *_ERRORS.values()}}
        lacking = challenge(policy, error="insufficient_scope", scopes=identity.scopes)
        self._missing = denied("SMCP302", data={"scopes": list(identity.scopes)}, challenge=lacking)

    def judge(self, context: Context) -> Run[Outcome]:
        """The rung itself: a token that was verified lately, or else all that there is."""
        try:
            if (known := self._known(context)) is not None and known.stands((yield _STANDING), context.now):
                return known.outcome
            return (yield from self._judge(context))
        except Unavailable:
            return Outcome((finding("SMCP206", retry_after=RETRY_AFTER),))
        except Refused as error:
            refused = error
        return (yield from self._refuse(refused, context))

    def _known(self, context: Context) -> Verified | None:
        """What is remembered of a token that came in the plainest of ways. All others take the long road."""
        http = context.http
        if http is None or http.query or context.token or context.api_key or http.headers.repeated:
            return None
        first = http.headers.first
        value = first.get("authorization")
        if value is None or value[:7] != b"Bearer " or (self._sources.key_header and self._sources.key_header in first):
            return None
        return self._tokens.known(value[7:])

    def _judge(self, context: Context) -> Run[Outcome]:
        credential = self._sources.find(context)
        if credential is None:
            if context.caller is not None:
                return (yield from self._vouched(context.caller))
            return denied("SMCP201", challenge=self._challenges[""]) if self._policy.required else CLEAN
        token = credential.text.encode()
        known = self._tokens.known(token) if credential.kind is Kind.TOKEN else None
        if known is not None and known.stands((yield _STANDING), context.now):
            return known.outcome
        found = yield from self._caller(credential, context)
        caller = found.caller if isinstance(found, Verified) else found
        standing = yield _STANDING
        if not standing.revoked.isdisjoint(revocable(caller)):
            raise Refused("SMCP205", credential.where)
        if self._lacks(caller):
            return self._lacking(caller)
        if isinstance(found, Verified):
            self._tokens.remember(token, found)
            return found.outcome
        return Outcome(caller=caller)

    def _vouched(self, caller: Caller) -> Run[Outcome]:
        """Whom the code around us vouches for: nothing is left to verify, but they may have been revoked."""
        standing = yield _STANDING
        if not standing.revoked.isdisjoint(revocable(caller)):
            raise Refused("SMCP205")
        return self._lacking(caller) if self._lacks(caller) else CLEAN

    def _lacks(self, caller: Caller) -> bool:
        missing = bool(self._required) and not self._required <= caller.scopes
        return missing and callers.has_scopes(caller, self._policy)

    def _caller(self, credential: Credential, context: Context) -> Run[Caller | Verified]:
        """Who the credential vouches for. Raises `Refused`."""
        http = context.http
        try:
            if credential.kind is Kind.FORWARDED and http is not None:
                return callers.forwarded(credential, http, self._sources, self._policy, self._hierarchy)
            if credential.kind is Kind.CERTIFICATE:
                return callers.of_certificate(credential, self._policy)
            return (yield from self._secret(credential, context.now))
        except Refused as refused:
            refused.where = refused.where or credential.where
            raise

    def _secret(self, credential: Credential, now: float) -> Run[Caller | Verified]:
        """The caller of an API key or token, told apart by their form."""
        text = credential.text
        if self._environment and (key := (yield from api_keys.match(api_keys.ENVIRONMENT, text))) is not None:
            return callers.of_key(key, self._hierarchy, now)
        if self._policy.api_keys is not None and (parts := api_keys.parts(text)) is not None:
            if (key := (yield from api_keys.match(*parts))) is None:
                raise Refused("SMCP202", guess=parts[0])
            return callers.of_key(key, self._hierarchy, now)
        if credential.kind is Kind.TOKEN:
            if (token := self._tokens.issued(text)) is not None:
                return (yield from self._tokens.verify(token, now))
            # A key of ours with a slip in it is no business of an issuer's.
            for issuer, meaning in () if text.startswith(api_keys.PREFIX) else self._introspection:
                return (yield from self._introspected(issuer, meaning, text, now))
        raise Refused("SMCP202", guess="token")

    def _introspected(self, issuer: str, meaning: Meaning, text: str, now: float) -> Run[Caller]:
        claims = yield from Introspect(issuer, text).ask()
        if claims is None or claims.get("iss", issuer) != issuer:
            raise Refused("SMCP202", guess="token")
        return meaning.caller(claims, now)

    def _lacking(self, caller: Caller) -> Outcome:
        """Only who has a token of an issuer can get another one by a challenge."""
        [lacking] = self._missing.findings
        return Outcome((lacking if callers.of_issuer(caller) else replace(lacking, challenge=""),))

    def _refuse(self, refused: Refused, context: Context) -> Run[Outcome]:
        """The denial; a guess is counted first, and one too many is told to wait instead."""
        if refused.guess:
            charge = Charge(f"login:{context.network}:{refused.guess}", GUESS_INTERVAL, GUESSES, "login:")
            refusal = yield from Spend((charge,), local=True).ask()
            if refusal is not None:
                return Outcome((finding("SMCP207", retry_after=refusal.wait),))
        answer = self._challenges[_ERRORS[refused.code]]
        return denied(refused.code, refused.where, hint=refused.hint, challenge=answer)
