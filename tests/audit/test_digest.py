"""The keyed hash of caller text."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from smcp_security.audit import Digest
from smcp_security.errors import PolicyError

KEY = "vT3qz8Lw-0aXr9KfJ2uYbN6cHd5eGm7s"


def test_the_same_bytes_hash_the_same_under_one_key() -> None:
    one, two = (Digest.from_reference("env:AUDIT", {"AUDIT": KEY}) for _ in range(2))
    assert one(b"a") == two(b"a") == one(b"a")
    assert one(b"a") != one(b"b")


def test_another_key_gives_another_hash() -> None:
    assert Digest(KEY.encode())(b"a") != Digest(b"other" * 8)(b"a")


def test_without_a_key_two_processes_cannot_be_compared() -> None:
    assert Digest.from_reference(None, {})(b"a") != Digest.from_reference(None, {})(b"a")


def test_a_hash_is_32_hexadecimal_characters() -> None:
    digest = Digest(KEY.encode())(b"x" * 100_000)
    assert len(digest) == 32 and int(digest, 16) >= 0


def test_the_hash_cannot_be_guessed_without_the_key() -> None:
    digest = Digest(KEY.encode())(b"yes")
    assert digest not in {hashlib.new(name, b"yes").hexdigest()[:32] for name in ("sha256", "sha512", "blake2b")}


def test_a_published_example_of_the_hash_stays_true() -> None:
    """The construction as docs/audit.md states it, so that others can compute it."""
    extracted = hmac.digest(bytes(32), KEY.encode(), "sha256")
    derived = hmac.digest(extracted, b"smcp.audit/1 digest\x01", "sha256")
    digest = Digest.from_reference("env:AUDIT", {"AUDIT": KEY})
    assert digest(b"yes") == hmac.digest(derived, b"yes", "sha256").hex()[:32]


@pytest.mark.parametrize("environ", [{}, {"AUDIT": ""}, {"AUDIT": "x" * 31}], ids=["missing", "empty", "short"])
def test_a_missing_or_short_key_stops_the_start(environ: dict[str, str]) -> None:
    with pytest.raises(PolicyError, match="environment variable AUDIT") as caught:
        Digest.from_reference("env:AUDIT", environ)
    assert "x" * 31 not in str(caught.value)


@pytest.mark.parametrize("reference", ["", "env:", "AUDIT", KEY, "file:/key"])
def test_a_key_written_into_the_policy_is_refused_and_not_shown(reference: str) -> None:
    with pytest.raises(PolicyError, match="expected env:NAME") as caught:
        Digest.from_reference(reference, {"AUDIT": KEY, "": KEY})
    assert KEY not in str(caught.value)


def test_the_key_is_not_in_the_repr() -> None:
    assert KEY not in repr(Digest(KEY.encode()))
