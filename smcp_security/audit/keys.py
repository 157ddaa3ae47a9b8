"""The keys of one audit, all derived from one secret: what authenticates, what signs, what hashes, what wraps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from smcp_security.errors import PolicyError
from smcp_security.policy.secret import ADVICE, check_secret

KEY_BYTES: Final = 32
KEY_CHARACTERS: Final = 32
"""Least length of a secret: a shorter one can be found by trial, and then short arguments can be too."""

_PREFIX: Final = "env:"
_LABEL: Final = "smcp.audit/1 "
_FINGERPRINT_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """What the secret gives (HKDF-SHA256, one label each). `fingerprint` tells two secrets apart and nothing else."""

    fingerprint: str
    mac: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    wrapping: bytes = field(repr=False)
    signing: bytes | None = field(default=None, repr=False)
    """Seed of the Ed25519 key (RFC 8032), with `signature: ed25519`."""

    @property
    def public(self) -> str:
        """The public key as 64 hex digits; empty with `signature: hmac`."""
        if self.signing is None:
            return ""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.signing).public_key().public_bytes_raw().hex()


def keys_of(secret: bytes, signature: str) -> AuditKeys:
    """The keys that a secret of at least 32 bytes gives."""
    if len(secret) < KEY_BYTES:
        raise ValueError(f"expected a secret of at least {KEY_BYTES} bytes, not {len(secret)}")
    return AuditKeys(
        fingerprint=_derived(secret, "fingerprint")[:_FINGERPRINT_BYTES].hex(),
        mac=_derived(secret, "mac"),
        digest=_derived(secret, "digest"),
        wrapping=_derived(secret, "wrapping"),
        signing=_derived(secret, "signing") if signature == "ed25519" else None,
    )


def secret_of(reference: str, environ: Mapping[str, str]) -> bytes:
    """The secret that `env:NAME` of `environ` is.

    Raises `PolicyError` if the reference has another form, or the variable is missing or too short.
    """
    name = reference.removeprefix(_PREFIX)
    if not reference.startswith(_PREFIX) or not name:
        # The reference itself may be the key that somebody pasted here: it is not shown.
        raise PolicyError("audit.key: expected env:NAME, the name of an environment variable that holds the key")
    if name not in environ:
        raise PolicyError(f"audit.key: the environment variable {name} is not set; {ADVICE}")
    return check_secret(environ[name], f"audit.key: the environment variable {name}", least=KEY_CHARACTERS)


def _derived(secret: bytes, label: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, None, (_LABEL + label).encode()).derive(secret)
