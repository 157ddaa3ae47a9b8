"""AES-256-GCM, HKDF and the tokens of the vault in plain Python, after their specifications: no library is asked.

Slow, and open to whoever can measure its time: it is here to be right, and to disagree with the library if that is not.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from functools import cache
from hashlib import sha256

LABEL = b"smcp.vault/1 "
SALT, COMMITMENT, NONCE, TAG = 32, 32, 12, 16


class Refused(Exception):
    """A token that does not open."""


def bound(*parts: str | int | bytes) -> bytes:
    """A letter for the type, the length in four bytes and the part itself, one after the other."""
    out = b""
    for part in parts:
        letter, data = ("b", part) if isinstance(part, bytes) else ("si"[isinstance(part, int)], str(part).encode())
        out += letter.encode() + len(data).to_bytes(4, "big") + data
    return out


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256."""
    drawn = hmac.new(salt or bytes(32), key, sha256).digest()
    out, block, count = b"", b"", 0
    while len(out) < length:
        count += 1
        block = hmac.new(drawn, block + info + bytes([count]), sha256).digest()
        out += block
    return out[:length]


def derived(key: bytes, purpose: bytes, length: int = 32) -> bytes:
    """What the vault derives beside tokens."""
    return hkdf(key, b"", LABEL + b"derive\x00" + purpose, length)


def sealed(key: bytes, plaintext: bytes, aad: bytes, salt: bytes, nonce: bytes) -> bytes:
    """A token whose random parts are given."""
    both = hkdf(key, salt, LABEL + b"seal\x00" + aad, 64)
    ciphertext, tag = gcm_encrypt(both[:32], nonce, plaintext, aad)
    return salt + both[32:] + nonce + ciphertext + tag


def opened(key: bytes, token: bytes, aad: bytes) -> bytes:
    """What a token holds. Raises `Refused`."""
    salt, commitment, nonce, rest = token[:32], token[32:64], token[64:76], token[76:]
    both = hkdf(key, salt, LABEL + b"seal\x00" + aad, 64)
    if len(rest) < TAG or both[32:] != commitment:
        raise Refused
    return gcm_decrypt(both[:32], nonce, rest[:-TAG], rest[-TAG:], aad)


def gcm_encrypt(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
    """Ciphertext and tag, of NIST SP 800-38D with a nonce of 96 bits."""
    ciphertext = _counted(_round_keys(key), nonce, plaintext)
    return ciphertext, tag_of(key, nonce, ciphertext, aad)


def gcm_decrypt(key: bytes, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes) -> bytes:
    """The plaintext. Raises `Refused` if the tag is another."""
    if tag_of(key, nonce, ciphertext, aad) != tag:
        raise Refused
    return _counted(_round_keys(key), nonce, ciphertext)


def _counted(round_keys: list[bytes], nonce: bytes, data: bytes) -> bytes:
    stream = b"".join(_block(round_keys, nonce + (n + 2).to_bytes(4, "big")) for n in range((len(data) + 15) // 16))
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def hash_key(key: bytes) -> int:
    """What GHASH multiplies by under `key`."""
    return int.from_bytes(_block(_round_keys(key), bytes(16)), "big")


def tag_of(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """The tag of a ciphertext."""
    subkey = hash_key(key)
    lengths = (8 * len(aad)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
    total = 0
    for block in (*_sixteens(aad), *_sixteens(ciphertext), lengths):
        total = times(total ^ int.from_bytes(block, "big"), subkey)
    mask = int.from_bytes(_block(_round_keys(key), nonce + b"\x00\x00\x00\x01"), "big")
    return (total ^ mask).to_bytes(16, "big")


def _sixteens(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 16].ljust(16, b"\x00") for at in range(0, len(data), 16))


def times(x: int, y: int) -> int:
    """The product in GF(2^128) with its bits mirrored, as SP 800-38D, 6.3 writes it."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = (y >> 1) ^ (0xE1 << 120 if y & 1 else 0)
    return product


@cache
def _box() -> bytes:
    """The S-box of FIPS 197: the inverse in GF(2^8), then an affine map."""
    box, p, q = bytearray(256), 1, 1
    while True:
        p = p ^ _doubled(p)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        q ^= 0x09 if q & 0x80 else 0
        box[p] = q ^ _turned(q, 1) ^ _turned(q, 2) ^ _turned(q, 3) ^ _turned(q, 4) ^ 0x63
        if p == 1:
            break
    box[0] = 0x63
    return bytes(box)


def _turned(byte: int, by: int) -> int:
    return (byte << by | byte >> (8 - by)) & 0xFF


def _doubled(byte: int) -> int:
    return (byte << 1 ^ (0x11B if byte & 0x80 else 0)) & 0xFF


@cache
def _round_keys(key: bytes) -> list[bytes]:
    box = _box()
    words = [key[at : at + 4] for at in range(0, 32, 4)]
    constant = 1
    for index in range(8, 60):
        word = words[-1]
        if index % 8 == 0:
            word = bytes(box[byte] for byte in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _doubled(constant)
        elif index % 8 == 4:
            word = bytes(box[byte] for byte in word)
        words.append(bytes(a ^ b for a, b in zip(words[index - 8], word, strict=True)))
    return [b"".join(words[at : at + 4]) for at in range(0, 60, 4)]


def _block(round_keys: list[bytes], block: bytes) -> bytes:
    box = _box()
    state = bytes(a ^ b for a, b in zip(block, round_keys[0], strict=True))
    for index, round_key in enumerate(round_keys[1:], start=1):
        # Rows shifted: byte r of column c comes from column c + r.
        state = bytes(box[state[(at + 4 * (at % 4)) % 16]] for at in range(16))
        if index < 14:
            state = b"".join(_mixed(state[at : at + 4]) for at in range(0, 16, 4))
        state = bytes(a ^ b for a, b in zip(state, round_key, strict=True))
    return state


def _mixed(column: bytes) -> bytes:
    a, b, c, d = column
    every = a ^ b ^ c ^ d
    pairs = ((a, b), (b, c), (c, d), (d, a))
    return bytes(left ^ every ^ _doubled(left ^ right) for left, right in pairs)
