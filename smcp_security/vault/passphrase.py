"""Keys out of passphrases: Argon2id (RFC 9106), within bounds that a header of a vault cannot leave."""

from __future__ import annotations

import unicodedata
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from smcp_security.errors import PolicyError, VaultDamaged, VaultError
from smcp_security.policy.secret import ADVICE as OTHER_ADVICE
from smcp_security.policy.secret import check_secret
from smcp_security.vault.envelope import KEY_BYTES

LEAST_CHARACTERS: Final = 16
MOST_CHARACTERS: Final = 1024
LEFT_OVER: Final = 12
"""Letters and digits that remain beside the words of examples: random text may have signs, or a word by chance."""

SALT_BYTES: Final = range(16, 65)
MEMORY: Final = range(19 * 1024, 1024 * 1024 + 1)
"""KiB. The least is what OWASP asks of Argon2id with two passes."""

PASSES: Final = range(2, 33)
LANES: Final = range(1, 17)
MOST_WORK: Final = 2 * 1024 * 1024
"""`memory` times `passes`: some seconds. A header that was tampered with must not stall a start for longer."""

_FAMOUS: Final = (
    "correcthorsebatterystaple", "thequickbrownfoxjumpsoverthelazydog", "thequickbrownfox", "loremipsumdolorsitamet",
    "tobeornottobethatisthequestion", "tobeornottobe", "openthepodbaydoors", "maytheforcebewithyou",
)  # fmt: skip
_ADVICE: Final = "take five or more random words, or what this prints: openssl rand -base64 24"


class Derivation(msgspec.Struct, frozen=True):
    """How a passphrase becomes a key (Argon2id, RFC 9106). `memory` is KiB."""

    salt: bytes
    memory: int = 64 * 1024
    passes: int = 3
    lanes: int = 4


def check_derivation(derivation: Derivation) -> None:
    """Nothing, if no passphrase is derived weakly by it and no start stalled. Raises `VaultDamaged`."""
    given = ("salt", len(derivation.salt), SALT_BYTES), ("memory", derivation.memory, MEMORY)
    for name, value, allowed in (*given, ("passes", derivation.passes, PASSES), ("lanes", derivation.lanes, LANES)):
        if value not in allowed:
            raise VaultDamaged(f"Argon2id: {name} is {value}, expected {allowed[0]} to {allowed[-1]}; {_HEADER}")
    if derivation.memory * derivation.passes > MOST_WORK:
        raise VaultDamaged(f"Argon2id: memory times passes is over {MOST_WORK}; {_HEADER}")


_HEADER: Final = "the header of the vault is not as it was written: restore it from a backup"


def key_from(text: str, derivation: Derivation, where: str) -> bytes:
    """The key of the passphrase `text`; line breaks at its end do not count. Raises `VaultError`."""
    passphrase = unicodedata.normalize("NFC", text.rstrip("\r\n"))
    check_passphrase(passphrase, where)
    check_derivation(derivation)
    try:
        return Argon2id(
            salt=derivation.salt,
            length=KEY_BYTES,
            iterations=derivation.passes,
            lanes=derivation.lanes,
            memory_cost=derivation.memory,
        ).derive(passphrase.encode())
    except UnsupportedAlgorithm:
        raise VaultError(f"{where}: the OpenSSL in use has no Argon2id (3.2 has); use a random key, env:NAME") from None
    except MemoryError:
        raise VaultError(
            f"{where}: Argon2id needs {derivation.memory // 1024} MiB of memory, and they are not there"
        ) from None


def check_passphrase(text: str, where: str) -> None:
    """Nothing, if `text` is no passphrase that is tried first. Raises `VaultError`, which never shows it."""
    if not LEAST_CHARACTERS <= len(text) <= MOST_CHARACTERS:
        raise VaultError(
            f"{where}: expected a passphrase of {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters, found {len(text)};"
            f" {_ADVICE}"
        )
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise VaultError(f"{where}: expected a passphrase in UTF-8; {_ADVICE}") from None
    if not text.isprintable():
        raise VaultError(f"{where}: expected a passphrase in one line, without control characters; {_ADVICE}")
    try:
        check_secret(data, where, least=LEAST_CHARACTERS, left_over=LEFT_OVER)
    except PolicyError as error:
        raise VaultError(f"{str(error).removesuffix(OTHER_ADVICE)}{_ADVICE}") from None
    if _left_of_famous(text) < LEFT_OVER:
        raise VaultError(f"{where}: a phrase that everybody knows, which is tried first; {_ADVICE}")


def _left_of_famous(text: str) -> int:
    """How many letters and digits remain beside phrases that are quoted everywhere."""
    left = "".join(filter(str.isalnum, text.casefold()))
    for phrase in _FAMOUS:
        left = left.replace(phrase, "")
    return len(left)
