"""The envelope of one sealed value: AES-256-GCM under a key of its own; a commitment to it is checked first.

A token is `salt(32) || commitment(32) || nonce(12) || ciphertext and tag(16)`. HKDF-SHA256 of key, salt and what the
value is bound to gives the key of the token and the commitment. So a token opens under one key and in one place alone,
and no key of AES-GCM seals twice. `docs/vault.md` has the format, byte by byte.
"""

from __future__ import annotations

import secrets
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smcp_security.errors import InvalidToken

KEY_BYTES: Final = 32
SALT_BYTES: Final = 32
COMMITMENT_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD: Final = SALT_BYTES + COMMITMENT_BYTES + NONCE_BYTES + TAG_BYTES
"""How many bytes a token is longer than what it seals."""

_SEAL: Final = b"smcp.vault/1 seal\x00"
_DERIVE: Final = b"smcp.vault/1 derive\x00"
_COMMITTED: Final = SALT_BYTES + COMMITMENT_BYTES
_SEALED: Final = _COMMITTED + NONCE_BYTES


def seal(key: bytes, plaintext: bytes, bound: bytes) -> bytes:
    """`plaintext` sealed under `key` (32 bytes) and bound to `bound`."""
    return _sealed(key, plaintext, bound, secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES))


def unseal(key: bytes, token: bytes, bound: bytes) -> bytes:
    """What `seal` was given. Raises `InvalidToken`, bare, whatever is wrong."""
    if len(key) == KEY_BYTES and len(token) >= OVERHEAD:
        sealing, commitment = _keys(key, token[:SALT_BYTES], bound)
        if compare_digest(commitment, token[SALT_BYTES:_COMMITTED]):
            try:
                return AESGCM(sealing).decrypt(token[_COMMITTED:_SEALED], token[_SEALED:], bound)
            except InvalidTag:
                pass
    # Here, not above: an exception raised while another is handled keeps it as its context.
    raise InvalidToken from None


def derived(key: bytes, bound: bytes, length: int = KEY_BYTES) -> bytes:
    """Another key out of `key`, for the purpose that `bound` says. It tells nothing of `key`."""
    return HKDF(SHA256(), length, None, _DERIVE + bound).derive(key)


def bound(*parts: str | int | bytes) -> bytes:
    """Parts as additional authenticated data: no two lists of parts give the same bytes.

    Each is a letter for its type, its length in four bytes (big-endian) and itself: text as UTF-8, a number in decimal.
    """
    pieces: list[bytes] = []
    for part in parts:
        kind, data = _typed(part)
        pieces += kind, len(data).to_bytes(4, "big"), data
    return b"".join(pieces)


def _typed(part: str | int | bytes) -> tuple[bytes, bytes]:
    if isinstance(part, str):
        return b"s", part.encode()
    if isinstance(part, bytes):
        return b"b", part
    if isinstance(part, bool):
        raise TypeError("expected text, a number or bytes, not bool: it would be bound as the number that it equals")
    return b"i", b"%d" % part


def _sealed(key: bytes, plaintext: bytes, bound: bytes, salt: bytes, nonce: bytes) -> bytes:
    """`seal` with the random parts given: for it, and for known answers. Neither may ever come twice."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"expected a key of {KEY_BYTES} bytes, not {len(key)}")
    sealing, commitment = _keys(key, salt, bound)
    return b"".join((salt, commitment, nonce, AESGCM(sealing).encrypt(nonce, plaintext, bound)))


def _keys(key: bytes, salt: bytes, bound: bytes) -> tuple[bytes, bytes]:
    """The key of one token, and the commitment to `key` and to what the token is bound to."""
    both = HKDF(SHA256(), KEY_BYTES + COMMITMENT_BYTES, salt, _SEAL + bound).derive(key)
    return both[:KEY_BYTES], both[KEY_BYTES:]
