"""A JWKS (RFC 7517): bytes -> the keys that a signature may be checked with. One of the two importers of joserfc.

What is not understood is left out, as the RFC asks; a set that is damaged as a whole is refused as a whole.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Any, Final

from smcp_security.checks.rung import VerificationKey
from smcp_security.strict_json import Malformed, load

KEYS_MAX: Final = 100
KID_MAX: Final = 256
RSA_BITS: Final = range(2048, 16384 + 1)
"""NIST SP 800-131A at one end; past the other OpenSSL refuses to verify."""

_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_CURVES: Final = {"EC": {"P-256", "P-384", "P-521"}, "OKP": {"Ed25519", "Ed448"}}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class Unusable(Exception):
    """The bytes are no set of keys; the text says why and holds nothing of them."""


def parse_jwks(data: bytes) -> tuple[tuple[VerificationKey, ...], tuple[str, ...]]:
    """The keys of a set, and why others of it were left out, a reason each.

    Raises:
        Unusable: not strict JSON, not an object with a list `keys`, or more than 100 keys.
    """
    try:
        value, _ = load(data)
    except Malformed:
        raise Unusable("not JSON, or with duplicate members") from None
    listed = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise Unusable("not a JWKS: expected an object with a list named keys")
    if len(listed) > KEYS_MAX:
        raise Unusable(f"more than {KEYS_MAX} keys")
    reasons = [_reason(member) for member in listed]
    read = [_key(member) if not reason else "" for member, reason in zip(listed, reasons, strict=True)]
    keys = tuple(key for key in read if isinstance(key, VerificationKey))
    return keys, tuple(reason for reason in (*reasons, *read) if isinstance(reason, str) and reason)


def secret_key(secret: bytes) -> VerificationKey:
    """The key of HS algorithms. Its thumbprint is random: a hash of the secret would be something to search by."""
    from joserfc.jwk import OctKey

    return VerificationKey(secrets.token_urlsafe(32), OctKey.import_key(secret))


def _reason(member: Any) -> str:
    """Why a member is left out; empty if nothing is said against it."""
    if not isinstance(member, dict):
        return "not an object"
    kind = member.get("kty")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        return "a symmetric key, which must never be published" if kind == "oct" else "of an unknown type"
    if _PRIVATE & member.keys():
        return "a private key, which must never be published: its owner should replace it"
    if not _is_for_signatures(member):
        return "not for signatures"
    if not all(isinstance(member.get(name), str) for name in _MEMBERS[kind]):
        return "incomplete"
    return _weakness(kind, member)


def _is_for_signatures(member: Mapping[str, Any]) -> bool:
    operations = member.get("key_ops", ["verify"])
    return member.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _weakness(kind: str, member: Mapping[str, Any]) -> str:
    if not isinstance(member.get("alg", ""), str) or not isinstance(member.get("kid", ""), str):
        return "alg or kid is no text"
    if len(member.get("kid", "")) > KID_MAX:
        return f"a kid of over {KID_MAX} characters"
    if kind == "RSA":
        return "" if _bits(member["n"]) in RSA_BITS else "an RSA key of under 2048 or over 16384 bits"
    return "" if member["crv"] in _CURVES[kind] else "on a curve that no algorithm of ours uses"


def _bits(number: str) -> int:
    if len(number) > RSA_BITS.stop // 6 + 2:
        return RSA_BITS.stop
    try:
        return int.from_bytes(urlsafe_b64decode(number + "=" * (-len(number) % 4)), "big").bit_length()
    except (binascii.Error, ValueError):
        return 0


def _key(member: Mapping[str, Any]) -> VerificationKey | str:
    """The key of a member that nothing is said against, from the numbers alone; or why it is none after all."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    kind: str = member["kty"]
    try:
        key = import_key({"kty": kind, **{name: member[name] for name in _MEMBERS[kind]}})
    except (JoseError, ValueError, KeyError, TypeError, OverflowError, UnsupportedAlgorithm):
        # Their texts hold the numbers.
        return "not a key: its numbers do not fit its type"
    return VerificationKey(key.thumbprint(), key, member.get("kid", ""), member.get("alg", ""))


def chosen(keys: Sequence[VerificationKey], kid: str) -> Sequence[VerificationKey]:
    """The keys that a token with that `kid` may be signed with: all for an empty one; else those that are named so."""
    return keys if not kid else [key for key in keys if key.kid == kid]


def nameless(keys: Sequence[VerificationKey]) -> Sequence[VerificationKey]:
    """The keys that have no name: a token may say any."""
    return [key for key in keys if not key.kid]
