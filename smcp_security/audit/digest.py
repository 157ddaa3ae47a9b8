"""The keyed hash that stands for caller text in the audit. Must not import a file system, a network or logging."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from smcp_security.errors import PolicyError
from smcp_security.policy.secret import ADVICE, check_secret

HEX_LENGTH: Final = 32
"""Hexadecimal characters of a digest: 128 bits, so no two values of a log collide by chance."""

KEY_CHARACTERS: Final = 32
"""Least length of a key: a shorter one can be found by trial, and then short arguments can be too."""

_PREFIX: Final = "env:"
# The same key will authenticate the chain; a purpose of its own keeps the two apart.
_PURPOSE: Final = b"smcp-audit-hash"


class Digest:
    """HMAC-SHA-256 cut to 128 bits. Without the key nobody can test guesses against a log.

    `key` is any bytes; None draws a random one, so that values compare equal only within this process and
    the children it forks.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes | None = None) -> None:
        secret = secrets.token_bytes(32) if key is None else key
        key = hmac.digest(secret, _PURPOSE, "sha256").ljust(64, b"\0")
        # RFC 2104 with the two padded keys hashed once: `hmac.new` takes longer than the hash of a short message.
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in key))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in key))

    def __call__(self, data: bytes) -> str:
        """The hash of `data`: 32 hexadecimal characters."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.hexdigest()[:HEX_LENGTH]

    @classmethod
    def from_reference(cls, reference: str | None, environ: Mapping[str, str]) -> Digest:
        """The digest keyed by `env:NAME` of `environ`; None draws a random key.

        Raises `PolicyError` if the reference has another form, or the variable is missing or too short.
        """
        return cls() if reference is None else cls(_secret(reference, environ))


def _secret(reference: str, environ: Mapping[str, str]) -> bytes:
    name = reference.removeprefix(_PREFIX)
    if not reference.startswith(_PREFIX) or not name:
        # The reference itself may be the key that somebody pasted here: it is not shown.
        raise PolicyError("audit.key: expected env:NAME, the name of an environment variable that holds the key")
    if name not in environ:
        raise PolicyError(f"audit.key: the environment variable {name} is not set; {ADVICE}")
    return check_secret(environ[name], f"audit.key: the environment variable {name}", least=KEY_CHARACTERS)
