"""The keyed hash that stands for caller text in the audit. Must not import a file system, a network or logging."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Final

from smcp_security.audit.keys import keys_of, secret_of

HEX_LENGTH: Final = 32
"""Hexadecimal characters of a digest: 128 bits, so no two values of a log collide by chance."""

_BLOCK: Final = 64


class Digest:
    """HMAC-SHA-256 cut to 128 bits. Without the key nobody can test guesses against a log.

    `key` is `AuditKeys.digest`, or any bytes; None draws a random one, so that values compare equal only within this
    process and the children it forks.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes | None = None) -> None:
        secret = secrets.token_bytes(32) if key is None else key
        padded = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        # RFC 2104 with the two padded keys hashed once: `hmac.new` takes longer than the hash of a short message.
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))

    def __call__(self, data: bytes) -> str:
        """The hash of `data`: 32 hexadecimal characters."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.hexdigest()[:HEX_LENGTH]

    @classmethod
    def from_reference(cls, reference: str | None, environ: Mapping[str, str]) -> Digest:
        """The digest keyed by `env:NAME` of `environ`, as for an audit with that secret; None draws a random key.

        Raises `PolicyError` if the reference has another form, or the variable is missing or too short.
        """
        return cls() if reference is None else cls(keys_of(secret_of(reference, environ), "hmac").digest)
