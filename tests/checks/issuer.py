"""What identity is tested with: issuers' keys made with joserfc, tokens signed by hand, and a world that answers."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from msgspec.structs import replace

from smcp_security.checks import identity
from smcp_security.checks.rung import (
    ApiKey,
    AskStanding,
    Context,
    FetchKeys,
    Introspect,
    LookUp,
    Question,
    Refusal,
    Rung,
    Spend,
    Standing,
    VerificationKey,
)
from smcp_security.decision import Caller, Outcome
from smcp_security.policy import Policy
from tests.envelopes import PLAIN, codes, http

NOW: Final = 1_800_000_000.0
ISSUER: Final = "https://idp.example.com"
OTHER: Final = "https://other.example.com"
ASKED: Final = "https://opaque.example.com"
RESOURCE: Final = "https://mcp.example.com/mcp"
ADDRESS: Final = "203.0.113.7"
ENVIRONMENT_SECRET: Final = "Zt5mV0qKcR8yWb1nXfL3hJ7dPs9uEa2g"


@cache
def signing_key(kind: str, turn: int = 0) -> Any:
    """A private key of a kind; another one for every turn."""
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    if kind == "oct":
        return OctKey.import_key(b"%032d" % turn + b"quite a long secret of an issuer")
    return OKPKey.generate_key(kind) if kind in ("Ed25519", "Ed448", "X25519") else ECKey.generate_key(kind)


def public(key: Any, kid: str = "", algorithm: str = "") -> VerificationKey:
    """What an issuer publishes of a key."""
    if key.key_type == "oct":
        return VerificationKey(key.thumbprint(), key, kid, algorithm)
    return VerificationKey(key.thumbprint(), type(key).import_key(key.as_dict(private=False)), kid, algorithm)


def encoded(part: bytes | Mapping[str, Any]) -> str:
    """One part of a compact token: JSON, or bytes as they are."""
    raw = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(
    claims: Mapping[str, Any] | bytes | None = None,
    header: Mapping[str, Any] | bytes | None = None,
    *,
    key: Any = None,
    sign: str = "RS256",
) -> str:
    """A compact token. What it says (`header`) and how it is signed (`sign`) need not agree."""
    head = {"alg": sign, "kid": "k1", "typ": "at+jwt"} if header is None else header
    signed = f"{encoded(head)}.{encoded(said() if claims is None else claims)}"
    made = JWSRegistry.algorithms[sign].sign(signed.encode(), signing_key("RSA") if key is None else key)
    return f"{signed}.{encoded(made)}"


def said(**claims: Any) -> dict[str, Any]:
    """The claims of a good token; one given as None is left out."""
    all_claims = {"iss": ISSUER, "sub": "ann", "aud": RESOURCE, "exp": NOW + 600, "iat": NOW - 5, "jti": "t1", **claims}
    return {name: value for name, value in all_claims.items() if value is not None}


def policy(*, server: Mapping[str, Any] | None = None, **sections: Any) -> Policy:
    """A policy with the given identity sections; by default one issuer of RS256 and ES256 tokens."""
    chosen = sections or {"jwt": [issuer()]}
    return Policy.from_dict({"server": {"resource": RESOURCE, **(server or {})}, "identity": chosen})


def issuer(name: str = ISSUER, **changed: Any) -> dict[str, Any]:
    """The policy of one issuer."""
    return {"issuer": name, "algorithms": ["RS256", "ES256"], "jwks": f"{name}/jwks.json", **changed}


def introspection(**changed: Any) -> dict[str, Any]:
    """The policy of an issuer that is asked."""
    return {
        "issuer": ASKED,
        "endpoint": f"{ASKED}/introspect",
        "client_id": "mcp",
        "client_secret": "env:INTROSPECTION_SECRET",
        **changed,
    }


def api_key(id: str, secret: str, **changed: Any) -> ApiKey:
    """An API key as the key file has it."""
    salt = b"salt" * 8
    digest = hmac.digest(salt, f"{id}:{secret}".encode(), "sha256")
    return ApiKey(**{"id": id, "owner": "ann", "salt": salt, "digest": digest, **changed})


class World:
    """Answers what a rung asks, and keeps the questions. What it was not given makes it raise."""

    def __init__(
        self,
        *,
        issuers: Mapping[str, Sequence[VerificationKey]] | None = None,
        keys: Sequence[ApiKey] = (),
        opaque: Mapping[str, Mapping[str, Any]] | None = None,
        revoked: Sequence[str] = (),
        throttled: float | None = None,
    ) -> None:
        self.issuers = {ISSUER: [public(signing_key("RSA"), "k1")]} if issuers is None else dict(issuers)
        self.keys = {key.id: key for key in keys}
        self.opaque = dict(opaque or {})
        self.revoked = set(revoked)
        self.throttled = throttled
        self.away: dict[type[Question], Exception] = {}
        self.asked: list[Question] = []

    def __call__(self, question: Question) -> object:
        self.asked.append(question)
        if type(question) in self.away:
            raise self.away[type(question)]
        return self._answer(question)

    def _answer(self, question: Question) -> object:
        match question:
            case LookUp(id):
                return self.keys.get(id)
            case FetchKeys(issuer, _kid):
                return self.issuers[issuer]
            case Introspect(_issuer, text):
                return self.opaque.get(text)
            case AskStanding():
                thumbprints = {name: frozenset(key.thumbprint for key in keys) for name, keys in self.issuers.items()}
                return Standing(frozenset(self.revoked), thumbprints)
            case Spend():
                return None if self.throttled is None else Refusal(0, self.throttled)
        raise AssertionError(f"unexpected question: {type(question)}")

    def of(self, kind: type[Question]) -> list[Any]:
        """The questions of one kind."""
        return [question for question in self.asked if type(question) is kind]


def bearing(text: str | None = None, *more: tuple[str, str], **facts: Any) -> Context:
    """A message that came by HTTP with a bearer token and further header fields."""
    fields = [*PLAIN, *more] if text is None else [*PLAIN, ("authorization", f"Bearer {text}"), *more]
    now = facts.pop("now", NOW)
    return Context(now=now, http=http(fields, peer=facts.pop("peer", ADDRESS)), network=ADDRESS, **facts)


def asking(query: str, text: str | None = None) -> Context:
    """A message that came with a query, and a good token unless `text` is another."""
    context = bearing(token() if text is None else text)
    assert context.http is not None
    context.http = replace(context.http, query=query)
    return context


def judge(rung: Rung, context: Context, world: World | None = None) -> Outcome:
    """Climb a rung; where a question fails, the failure is thrown into it, as the drivers do."""
    answer = World() if world is None else world
    run = rung(context)
    try:
        question = next(run)
        while True:
            try:
                given = answer(question)
            except Exception as error:
                question = run.throw(error)
            else:
                question = run.send(given)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome


def verdict(context: Context, world: World | None = None, **sections: Any) -> Outcome:
    """The outcome of the identity rung of a policy."""
    environment = bool(sections.pop("environment", False))
    chosen = sections.pop("under", None) or policy(**sections)
    return judge(identity.build(chosen, environment_key=environment), context, world)


def caller(outcome: Outcome) -> Caller:
    """The caller of an outcome that refuses nothing."""
    assert codes(outcome) == [] and outcome.caller is not None
    return outcome.caller
