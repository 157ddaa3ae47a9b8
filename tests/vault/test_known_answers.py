"""Published answers, of the ciphers underneath and of our own format; a second implementation has to agree on each."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smcp_security.vault import envelope, passphrase
from smcp_security.vault.envelope import bound, derived, seal, unseal
from smcp_security.vault.keyring import MasterKey
from tests.vault import plain, plain_file

FOLDER = Path(__file__).parent / "vectors"
GCM = [("nist_gcm_256", "encrypt", 75, 0), ("nist_gcm_256", "decrypt", 50, 50), ("wycheproof_gcm_256", "cases", 39, 27)]


@cache
def _vectors(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def _library(key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes, tag: bytes) -> bytes | None:
    try:
        return envelope.AESGCM(key).decrypt(nonce, ciphertext + tag, aad)
    except InvalidTag:
        return None


def _plain(key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes, tag: bytes) -> bytes | None:
    try:
        return plain.gcm_decrypt(key, nonce, ciphertext, tag, aad)
    except plain.Refused:
        return None


@pytest.mark.parametrize(("name", "table", "opening", "refused"), GCM)
def test_the_cipher_gives_the_published_answers(name: str, table: str, opening: int, refused: int) -> None:
    counts = {True: 0, False: 0}
    for row in _vectors(name)[table]:
        key, nonce, aad, plaintext, ciphertext, tag = map(bytes.fromhex, row[:6])
        counts[row[6]] += 1
        expected = plaintext if row[6] else None
        assert _library(key, nonce, aad, ciphertext, tag) == expected, row
        assert _plain(key, nonce, aad, ciphertext, tag) == expected, row
        if row[6]:
            assert envelope.AESGCM(key).encrypt(nonce, plaintext, aad) == ciphertext + tag, row
            assert b"".join(plain.gcm_encrypt(key, nonce, plaintext, aad)) == ciphertext + tag, row
    assert counts == {True: opening, False: refused}


@pytest.mark.parametrize("number", range(3))
def test_the_derivation_of_keys_gives_the_published_answers(number: int) -> None:
    *parts, length, answer = _vectors("derivations")["hkdf"][number]
    key, salt, info = map(bytes.fromhex, parts)
    assert HKDF(SHA256(), length, salt, info).derive(key).hex() == answer
    assert plain.hkdf(key, salt, info, length).hex() == answer


@pytest.mark.parametrize("number", range(2))
def test_the_derivation_from_passphrases_gives_the_published_answers(number: int) -> None:
    memory, passes, lanes, *parts, answer = _vectors("derivations")["argon2id"][number]
    password, salt, secret, data = map(bytes.fromhex, parts)
    argon = passphrase.Argon2id(
        salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory, ad=data or None, secret=secret or None
    )
    assert argon.derive(password).hex() == answer


@pytest.mark.parametrize("number", range(4))
def test_a_token_that_was_sealed_once_opens_for_ever(number: int) -> None:
    parts, *spelt, fingerprint = _vectors("tokens")["rows"][number]
    key, salt, nonce, place, plaintext, token, other = map(bytes.fromhex, spelt)
    assert bound(*parts) == plain.bound(*parts) == place
    assert unseal(key, token, place) == plain.opened(key, token, place) == plaintext
    assert envelope._sealed(key, plaintext, place, salt, nonce) == token
    assert plain.sealed(key, plaintext, place, salt, nonce) == token
    assert derived(key, place) == plain.derived(key, place) == other
    assert MasterKey(key, "env:K").fingerprint == plain_file.fingerprint(key) == fingerprint


def test_what_one_implementation_seals_the_other_one_opens() -> None:
    key, place = plain.hkdf(b"tests", b"", b"", 32), bound("there and back", 1)
    for length in (0, 1, 15, 16, 17, 300):
        value = bytes(range(256))[:length]
        assert plain.opened(key, seal(key, value, place), place) == value
        assert unseal(key, plain.sealed(key, value, place, bytes(32), bytes(12)), place) == value
