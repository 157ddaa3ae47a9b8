"""The keyed hash that stands for caller text in the audit. Must not import a file system, a network or logging."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from smcp_security.audit.keys import keys_of, secret_of
from smcp_security.audit.mac import Mac

HEX_LENGTH: Final = 32
"""Hexadecimal characters of a digest: 128 bits, so no two values of a log collide by chance."""


class Digest:
    """HMAC-SHA-256 cut to 128 bits. Without the key nobody can test guesses against a log.

    `key` is `AuditKeys.digest`, or any bytes; None draws a random one, so that values compare equal only within this
    process and the children it forks.
    """

    __slots__ = ("_mac",)

    def __init__(self, key: bytes | None = None) -> None:
        self._mac = Mac(secrets.token_bytes(32) if key is None else key)

    def __call__(self, data: bytes) -> str:
        """The hash of `data`: 32 hexadecimal characters."""
        return self._mac(data)[:HEX_LENGTH].decode()

    @classmethod
    def from_reference(cls, reference: str | None, environ: Mapping[str, str]) -> Digest:
        """The digest keyed by `env:NAME` of `environ`, as for an audit with that secret; None draws a random key.

        Raises `PolicyError` if the reference has another form, or the variable is missing or too short.
        """
        return cls() if reference is None else cls(keys_of(secret_of(reference, environ), "hmac").digest)
