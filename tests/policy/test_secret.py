"""Shared secrets: weak and well-known ones stop the start, random ones of any spelling pass, none is ever shown."""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.errors import PolicyError
from smcp_security.policy.secret import ADVICE, LONGEST_KEY, check_key, check_secret, is_token

RANDOM = bytes.fromhex("5f1d9a0c3be74826f0a1b7c9d2e4386155ab0e9d7c6f43218890fe12dc34ba76")

WEAK = {
    "too short": ["", "x", "secret-api-key", "your-256-bit-secret", "Tr0ub4dor&3", RANDOM[:31], RANDOM.hex()[:31]],
    "too uniform": ["a" * 32, "0" * 32, b"\0" * 32, "changeme" * 4, "Secret" * 8, "12" * 40, "deadbeef" * 8],
    "a repetition": ["0123456789abcdef" * 2, "0123456789ABCDEF" * 4, RANDOM.hex()[:20] * 3, RANDOM[:16] * 2],
    "a sequence": ["abcdefghijklmnopqrstuvwxyz012345", bytes(range(64)), "zyxwvutsrqponmlkjihgfedcba987654"],
    "made of the words": [
        "a-string-secret-at-least-256-bits-long", "my-super-secret-jwt-signing-key-2024!",
        "django-insecure-change-me-please-12345", "this-is-a-very-long-secret-key-for-testing",
        "PleaseChangeThisSecretBeforeProduction", "correct horse battery staple correct",
        "qwertyuiopasdfghjklzxcvbnm1234567890", "REPLACE_WITH_YOUR_OWN_SECRET_KEY_VALUE",
    ],
    "begins or ends": [RANDOM.hex() + "\n", " " + RANDOM.hex(), RANDOM.hex() + "\r\n"],
}  # fmt: skip


@pytest.mark.parametrize(("problem", "secret"), [(why, weak) for why, many in WEAK.items() for weak in many])
def test_a_weak_secret_is_refused_by_the_name_of_its_variable(problem: str, secret: str | bytes) -> None:
    with pytest.raises(PolicyError) as caught:
        check_secret(secret, "SMCP_X")
    assert str(caught.value).startswith(f"SMCP_X: {problem}")
    assert str(caught.value).endswith(ADVICE)


@pytest.mark.parametrize("secret", [weak for many in WEAK.values() for weak in many if len(weak) > 7])
def test_the_report_of_a_weak_secret_holds_no_part_of_it(secret: str | bytes) -> None:
    shown = secret if isinstance(secret, str) else secret.hex()
    with pytest.raises(PolicyError) as caught:
        check_secret(secret, "SMCP_X")
    assert shown[:8] not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "secret",
    [RANDOM, RANDOM.hex(), RANDOM.hex()[:32], base64.b64encode(RANDOM).decode(), base64.b85encode(RANDOM).decode(),
     "my-secret-key-" + RANDOM.hex(), RANDOM * 2, "wolframite gossamer pennyweight quixotry lambent"],
)  # fmt: skip
def test_a_random_secret_passes_in_every_spelling(secret: str | bytes) -> None:
    assert check_secret(secret, "SMCP_X") == (secret.encode() if isinstance(secret, str) else secret)


def test_the_least_length_may_be_another_one() -> None:
    assert check_secret(RANDOM[:16], "SMCP_X", least=16) == RANDOM[:16]
    with pytest.raises(PolicyError, match="at least 64 random bytes"):
        check_secret(RANDOM, "SMCP_X", least=64)


def test_bytes_that_the_environment_could_not_decode_come_back_as_they_were() -> None:
    secret = RANDOM + b"\xff\xfe"
    assert check_secret(secret.decode("utf-8", "surrogateescape"), "SMCP_X") == secret


@given(st.text(string.ascii_letters + string.digits, min_size=1, max_size=15), st.integers(1, 40))
def test_no_repetition_of_a_short_word_is_a_secret(word: str, times: int) -> None:
    with pytest.raises(PolicyError):
        check_secret((word * times)[:200], "SMCP_X")


@given(st.integers(0, 2**64))
def test_drawn_bytes_are_not_refused(seed: int) -> None:
    drawn = random.Random(seed).randbytes(32)
    assert check_secret(drawn, "SMCP_X") == drawn
    assert check_secret(base64.urlsafe_b64encode(drawn).decode(), "SMCP_X")


ENDLESS = "".join(random.Random(1).choices(string.ascii_letters, k=LONGEST_KEY))


@pytest.mark.parametrize("odd", ["\u00fc", "\udcff", " ", "\t", "\x7f", ENDLESS])
def test_a_key_that_no_client_can_send_stops_the_start_and_is_not_shown(odd: str) -> None:
    check_key(RANDOM.hex(), "SMCP_X")
    with pytest.raises(PolicyError, match="clients send it in a header field") as caught:
        check_key(RANDOM.hex() + odd + "z", "SMCP_X")
    assert RANDOM.hex() not in str(caught.value)


def test_a_key_of_other_signs_is_no_bearer_token() -> None:
    assert is_token("aZ09-._~+/==") and not is_token("a=b") and not is_token("a!b") and not is_token("")
