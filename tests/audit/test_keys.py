"""The keys of an audit, against a second implementation by hand and the vectors of the standards."""

from __future__ import annotations

import hashlib
import hmac
import os

import pytest

from smcp_security.audit.digest import Digest
from smcp_security.audit.keys import keys_of, secret_of
from smcp_security.errors import PolicyError

SECRET = bytes(range(32))
TEXT = "vT3qz8Lw-0aXr9KfJ2uYbN6cHd5eGm7s"


def hkdf(secret: bytes, info: bytes, salt: bytes = bytes(32), length: int = 32) -> bytes:
    """RFC 5869, as it stands there."""
    pseudorandom = hmac.digest(salt, secret, "sha256")
    made, block = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes([number]), "sha256")
        made += block
    return made[:length]


def public_key(seed: bytes) -> bytes:
    """RFC 8032, 5.1.5, with numbers alone."""
    prime, d = 2**255 - 19, -121665 * pow(121666, -1, 2**255 - 19)
    one, scalar = (0, 1), int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    scalar = scalar & ~7 & ~(128 << 248) | 64 << 248

    def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
        product = d * p[0] * q[0] * p[1] * q[1]
        x = (p[0] * q[1] + q[0] * p[1]) * pow(1 + product, -1, prime)
        y = (p[1] * q[1] + p[0] * q[0]) * pow(1 - product, -1, prime)
        return x % prime, y % prime

    y = 4 * pow(5, -1, prime) % prime
    square = (y * y - 1) * pow(d * y * y + 1, -1, prime)
    x = pow(square, (prime + 3) // 8, prime)
    x = x if (x * x - square) % prime == 0 else x * pow(2, (prime - 1) // 4, prime) % prime
    point, total = (x if x % 2 == 0 else prime - x, y), one
    while scalar:
        total = add(total, point) if scalar & 1 else total
        point, scalar = add(point, point), scalar >> 1
    return (total[1] | (total[0] & 1) << 255).to_bytes(32, "little")


def test_the_derivation_by_hand_gives_what_the_standard_says() -> None:
    """RFC 5869, test case 1."""
    made = hkdf(b"\x0b" * 22, bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), bytes.fromhex("000102030405060708090a0b0c"), 42)
    assert made.hex() == ("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")


@pytest.mark.parametrize("secret", [SECRET, TEXT.encode(), bytes(100)], ids=["raw", "text", "long"])
def test_each_key_is_derived_under_its_own_label(secret: bytes) -> None:
    keys = keys_of(secret, "ed25519")
    assert keys.mac == hkdf(secret, b"smcp.audit/1 mac")
    assert keys.digest == hkdf(secret, b"smcp.audit/1 digest")
    assert keys.wrapping == hkdf(secret, b"smcp.audit/1 wrapping")
    assert keys.signing == hkdf(secret, b"smcp.audit/1 signing")
    assert keys.fingerprint == hkdf(secret, b"smcp.audit/1 fingerprint")[:8].hex()


def test_the_keys_of_a_known_secret_stay_what_they_are() -> None:
    keys = keys_of(SECRET, "ed25519")
    assert keys.fingerprint == "a4c4271b23c2b2a9"
    assert hashlib.sha256(keys.mac + keys.digest + keys.wrapping + (keys.signing or b"")).hexdigest() == (
        "566d79a825cf57b00b38bda87be55b4719d9232b13a4e1ffd444d2868082abef"
    )
    assert keys.public == "293cdc15920fb5a7fb7bd8cf2fd61d195168d72722ded9d719d3967a87ca3d19"


@pytest.mark.parametrize(
    ("seed", "public"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ),
    ],
)
def test_the_public_key_by_hand_is_that_of_the_standard(seed: str, public: str) -> None:
    """RFC 8032, 7.1, tests 1 and 2."""
    assert public_key(bytes.fromhex(seed)).hex() == public


def test_the_public_key_is_that_of_the_signing_seed() -> None:
    keys = keys_of(SECRET, "ed25519")
    assert keys.signing is not None
    assert keys.public == public_key(keys.signing).hex()


def test_without_signatures_there_is_no_seed_and_no_public_key() -> None:
    keys = keys_of(SECRET, "hmac")
    assert keys.signing is None and keys.public == ""
    assert (keys.mac, keys.fingerprint) == (keys_of(SECRET, "ed25519").mac, keys_of(SECRET, "ed25519").fingerprint)


def test_no_two_of_the_keys_are_the_same() -> None:
    keys = keys_of(SECRET, "ed25519")
    assert len({keys.mac, keys.digest, keys.wrapping, keys.signing, bytes.fromhex(keys.fingerprint), SECRET}) == 6


def test_another_secret_gives_another_fingerprint() -> None:
    assert keys_of(SECRET, "hmac").fingerprint != keys_of(SECRET[::-1], "hmac").fingerprint


def test_the_keys_do_not_show_what_they_are() -> None:
    keys = keys_of(SECRET, "ed25519")
    shown = repr(keys) + str(keys)
    for key in (keys.mac, keys.digest, keys.wrapping, keys.signing, SECRET):
        assert key is not None and repr(key) not in shown and key.hex() not in shown


def test_a_secret_below_32_bytes_gives_no_keys() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        keys_of(SECRET[:31], "hmac")
    assert keys_of(SECRET, "hmac").mac


def test_a_secret_comes_from_the_variable_that_is_named() -> None:
    assert secret_of("env:AUDIT", {"AUDIT": TEXT}) == TEXT.encode()
    with pytest.raises(PolicyError, match="the environment variable AUDIT is not set"):
        secret_of("env:AUDIT", {})


def test_the_digest_of_an_audit_is_that_of_a_logger_with_the_same_secret() -> None:
    of_file = Digest(keys_of(TEXT.encode(), "hmac").digest)
    of_logger = Digest.from_reference("env:AUDIT", {"AUDIT": TEXT})
    assert of_file(b"yes") == of_logger(b"yes") != Digest()(b"yes")


def test_a_digest_is_the_standard_construction_whatever_the_length_of_its_key() -> None:
    for length in (1, 32, 63, 64, 65, 200):
        key = os.urandom(length)
        assert Digest(key)(b"yes") == hmac.digest(key, b"yes", "sha256").hex()[:32]
