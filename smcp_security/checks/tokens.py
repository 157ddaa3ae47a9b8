"""JWT access tokens (RFC 7519, 9068): read strictly, verified with the keys of their issuer. Pure; keys are a question.

The only check that imports joserfc, and only its signature algorithms: what was inspected here is what was signed,
because no other parser looks at the token. Header fields that name or hold a key (jku, jwk, x5u, x5c) are never read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from smcp_security.checks.claims import Hierarchy, Meaning
from smcp_security.checks.credentials import Refused
from smcp_security.checks.memo import Memo
from smcp_security.checks.rung import FetchKeys, Run, Standing, VerificationKey
from smcp_security.decision import Caller, Outcome
from smcp_security.policy import IdentityPolicy, IssuerPolicy
from smcp_security.strict_json import Malformed, load

REMEMBERED: Final = 10_000
"""Verified tokens that a process keeps: about 2 KiB each."""
REMEMBERED_FOR: Final = 300
KEYS_TRIED: Final = 4
"""Keys that one token is tried with. Sets have one or two of an algorithm; a stranger must not buy 100 checks."""

_LONGEST_HEADER: Final = 4096
_LONGEST_KID: Final = 256
_DEEPEST: Final = 16
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
# RFC 7515, 4.1.11: what must be understood, and is not. b64 is never without crit; zip and enc are of encryption.
_FOREIGN_HEADERS: Final = frozenset({"crit", "b64", "zip", "enc"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was taken apart and that nobody vouches for yet."""

    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token was found to be. It counts until `until`, while its issuer has the key and nothing was revoked."""

    outcome: Outcome
    caller: Caller
    names: tuple[str, ...]
    thumbprint: str
    until: float

    def stands(self, standing: Standing, now: float) -> bool:
        """Whether all of that still holds; where the issuer's keys are not known, it does not."""
        if now >= self.until or self.thumbprint not in standing.keys.get(self.caller.issuer, ()):
            return False
        return not standing.revoked or standing.revoked.isdisjoint(self.names)


def read(text: str) -> Token | None:
    """Take a token apart; None if it is no JWT that we would read, whatever else it may be."""
    parts = text.split(".")
    if len(parts) != 3 or len(parts[0]) > _LONGEST_HEADER:
        return None
    header, claims, signature = _object(parts[0]), _object(parts[1]), _decoded(parts[2])
    if header is None or claims is None or signature is None:
        return None
    return Token(header, claims, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def _object(part: str) -> dict[str, Any] | None:
    """The JSON object of a part: no duplicate keys, nothing deep, no NaN."""
    raw = _decoded(part)
    try:
        value = None if raw is None else load(raw)[0]
    except Malformed:
        return None
    return value if isinstance(value, dict) and _is_flat(value) else None


def _is_flat(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        members = [each.values() if isinstance(each, dict) else each for each in level]
        level = [node for group in members for node in group if isinstance(node, dict | list)]
    return not level


def _decoded(part: str) -> bytes | None:
    """Base64url as RFC 7515 has it: without padding, and the one spelling of its bytes."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=") == part.encode("ascii") else None


class _Issuer:
    """One issuer: what its tokens may look like and what they mean."""

    __slots__ = ("meaning", "policy")

    def __init__(self, policy: IssuerPolicy, resource: str | None, hierarchy: Hierarchy) -> None:
        self.policy = policy
        self.meaning = Meaning(policy, resource, hierarchy)

    def check_header(self, header: Mapping[str, Any]) -> tuple[str, str]:
        """(alg, kid) of a header that this issuer's tokens may have. Raises `Refused`."""
        algorithm, kid = header.get("alg"), header.get("kid", "")
        if not isinstance(algorithm, str) or algorithm not in self.policy.algorithms:
            raise _bad("an algorithm that the policy lists")
        if not isinstance(kid, str) or len(kid) > _LONGEST_KID:
            raise _bad(f"kid as a text of at most {_LONGEST_KID} characters")
        if not _FOREIGN_HEADERS.isdisjoint(header):
            raise _bad("a header without crit, b64, zip and enc")
        self._check_type(header)
        return algorithm, kid

    def _check_type(self, header: Mapping[str, Any]) -> None:
        if "typ" not in header and not self.policy.require_type:
            return
        kind = header.get("typ")
        plain = kind.lower() if isinstance(kind, str) else ""
        if plain not in _TYPES and (self.policy.require_type or plain != "jwt"):
            raise _bad("typ at+jwt")


class Tokens:
    """The issuers of a policy, and the tokens that were verified lately."""

    __slots__ = ("_algorithms", "_error", "_issuers", "_known")

    def __init__(self, identity: IdentityPolicy, resource: str | None, hierarchy: Hierarchy) -> None:
        self._issuers = {each.issuer: _Issuer(each, resource, hierarchy) for each in identity.jwt}
        self._known: Memo[bytes, Verified] = Memo(REMEMBERED)
        self._algorithms: Mapping[str, Any] = {}
        self._error: type[Exception] = ValueError
        if self._issuers:
            # Late: most policies have API keys alone, and this costs tens of milliseconds.
            from joserfc.errors import JoseError
            from joserfc.jws import JWSRegistry

            self._algorithms, self._error = JWSRegistry.algorithms, JoseError

    def known(self, token: bytes) -> Verified | None:
        """What is remembered of a token. It counts only if it `stands`."""
        return self._known.get(sha256(token).digest())

    def remember(self, token: bytes, verified: Verified) -> None:
        """Keep what was found."""
        self._known.put(sha256(token).digest(), verified)

    def issued(self, text: str) -> Token | None:
        """The token, if its own word is that one of these issuers issued it: that chooses the keys, no more."""
        if not self._issuers or (token := read(text)) is None:
            return None
        issuer = token.claims.get("iss")
        return token if isinstance(issuer, str) and issuer in self._issuers else None

    def verify(self, token: Token, now: float) -> Run[Verified]:
        """Verify a token that is `issued`. Raises `Refused`, and what `FetchKeys` raises."""
        issuer = self._issuers[token.claims["iss"]]
        algorithm, kid = issuer.check_header(token.header)
        keys = yield from FetchKeys(issuer.policy.issuer, kid).ask()
        key = self._signer(token, algorithm, keys)
        if key is None:
            raise _bad("a signature by a key of the issuer")
        caller = issuer.meaning.caller(token.claims, now)
        ends = issuer.meaning.ends(caller.expires_at or 0.0)
        return Verified(
            Outcome(caller=caller), caller, revocable(caller), key.thumbprint, min(now + REMEMBERED_FOR, ends)
        )

    def _signer(self, token: Token, name: str, keys: Sequence[VerificationKey]) -> VerificationKey | None:
        algorithm = self._algorithms[name]
        fitting = [key for key in keys if key.algorithm in ("", name) and self._fits(algorithm, key)]
        for key in fitting[:KEYS_TRIED]:
            if algorithm.verify(token.signed, token.signature, key.key):
                return key
        return None

    def _fits(self, algorithm: Any, key: VerificationKey) -> bool:
        """Whether the key is of the algorithm's type and curve, and is there to verify signatures."""
        try:
            algorithm.check_key(key.key)
            key.key.check_key_op("verify")
        except self._error:
            return False
        return algorithm.name != "EdDSA" or key.key.curve_name in ("Ed25519", "Ed448")


def revocable(caller: Caller) -> tuple[str, ...]:
    """The names by which a caller's credential can be revoked, as in `Standing`."""
    names = [f"sub:{caller.id}"]
    if caller.credential:
        own = f"key:{caller.credential}" if caller.source == "api-key" else f"jti:{caller.issuer}#{caller.credential}"
        names.append(own)
    return tuple(names)


def _bad(hint: str) -> Refused:
    return Refused("SMCP202", hint=hint, guess="token")
