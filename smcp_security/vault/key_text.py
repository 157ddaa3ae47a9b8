"""Master keys as text: 32 random bytes in base64, base64url or hexadecimal. Pure, but for the making of a new one."""

from __future__ import annotations

import base64
import re
import secrets
from collections import Counter
from hashlib import sha256
from itertools import pairwise
from typing import Final

from smcp_security.errors import PolicyError, VaultError
from smcp_security.policy.secret import ADVICE as OTHER_ADVICE
from smcp_security.policy.secret import check_secret
from smcp_security.vault.envelope import KEY_BYTES

ADVICE: Final = "make one with: openssl rand -base64 32"
"""How an operator gets a key; what it prints is taken as it is."""

_HEXADECIMAL: Final = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{43}|[A-Za-z0-9_-]{43})=?")
_PRINTABLE: Final = re.compile(rb"[\t-\r -~]*")
_PUBLISHED: Final = frozenset(
    # NIST SP 800-38A, F.1.5: the key of every example of AES-256.
    {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"}
)
_HASHED: Final = (
    "|0|1|a|abc|admin|apikey|changeit|changeme|default|demo|dev|development|example|foo|foobar|hello|hello world"
    "|hunter2|key|letmein|master|masterkey|master key|mcp|my secret|my secret key|mykey|mysecret|mysecretkey|null|pass"
    "|passphrase|passw0rd|password|password1|password123|production|qwerty|root|secret|secret key|secretkey|smcp"
    "|smcp_security|smcp-security|super secret|supersecret|test|test key|testing|testkey|token|vault|vault key|vaultkey"
    "|12345|123456|12345678|123456789|1234567890"
).split("|")
"""What is hashed to get "a key" out of a word: `echo -n secret | sha256sum`."""


def new_key() -> str:
    """A new master key, as text that `key_of` takes."""
    return secrets.token_urlsafe(KEY_BYTES)


def key_of(text: str, where: str) -> bytes:
    """The key that `text` spells: 64 hexadecimal digits, or 43 characters of base64 or base64url and perhaps a `=`.

    Blanks and line breaks around it do not count. Raises `VaultError`, which says `where` and never the text.
    """
    key = _decoded(text.strip(" \t\r\n"))
    if key is None:
        raise VaultError(f"{where}: expected {_EXPECTED}; {ADVICE}")
    check_key(key, where)
    return key


_EXPECTED: Final = f"{KEY_BYTES} random bytes in base64 (43 characters and one =) or hexadecimal (64 digits)"


def check_key(key: bytes, where: str) -> None:
    """Nothing, if `key` may be random and is none that everybody knows. Raises `VaultError`."""
    try:
        check_secret(key, where, least=KEY_BYTES)
    except PolicyError as error:
        # Its last part says how to make a secret; a key is made otherwise.
        raise VaultError(f"{str(error).removesuffix(OTHER_ADVICE)}{ADVICE}") from None
    if _PRINTABLE.fullmatch(key) is not None:
        raise VaultError(f"{where}: is text and no random bytes, so it can be guessed; {ADVICE}")
    if _step(key) > KEY_BYTES // 2:
        raise VaultError(f"{where}: a sequence that everybody can continue; {ADVICE}")
    if key.hex() in _PUBLISHED or _is_hashed_word(key):
        raise VaultError(f"{where}: a key that everybody knows, out of an example or a word; {ADVICE}")


def _decoded(text: str) -> bytes | None:
    if _HEXADECIMAL.fullmatch(text) is not None:
        return bytes.fromhex(text)
    if _BASE64.fullmatch(text) is None:
        return None
    spelled = text.rstrip("=").replace("+", "-").replace("/", "_")
    key = base64.urlsafe_b64decode(f"{spelled}=")
    # The last character has two bits too many; where they are set, it was mistyped or cut off.
    return key if base64.urlsafe_b64encode(key).decode().rstrip("=") == spelled else None


def _step(key: bytes) -> int:
    """How often the most frequent difference of neighbours comes."""
    return max(Counter((after - before) % 256 for before, after in pairwise(key)).values())


def _is_hashed_word(key: bytes) -> bool:
    return any(sha256(f"{word}{end}".encode()).digest() == key for word in _HASHED for end in ("", "\n"))
