"""A JWKS is read strictly: what could be misused is left out with its reason, what is damaged is refused whole."""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from smcp_security.keys.jwks import KEYS_MAX, Unusable, chosen, nameless, parse_jwks, secret_key
from tests.keys.issuer import key, public


def parsed(*members: Any) -> tuple[list[str], list[str]]:
    """Names of the keys that were taken, and why others were not."""
    keys, reasons = parse_jwks(json.dumps({"keys": members}).encode())
    return [each.kid for each in keys], list(reasons)


@pytest.mark.parametrize("kind", ["RSA", "EC", "OKP"])
def test_a_public_key_of_each_kind_is_taken_with_its_name_and_algorithm(kind: str) -> None:
    member = public("a", kind, alg="X1", x5c=["not looked at"], x5u="https://evil.example/", unknown=1)
    keys, reasons = parse_jwks(json.dumps({"keys": [member], "unknown": True}).encode())
    assert (len(keys), reasons) == (1, ())
    assert (keys[0].kid, keys[0].algorithm) == ("a", "X1")
    assert keys[0].thumbprint == key("a", kind).thumbprint()
    assert keys[0].key.as_dict().keys() & {"x5c", "x5u", "unknown", "alg"} == set()


def test_a_key_without_name_use_or_algorithm_is_taken() -> None:
    member = {name: value for name, value in public("a").items() if name not in ("kid", "use")}
    assert parsed(member) == ([""], [])


def test_two_keys_of_one_name_are_both_kept() -> None:
    assert parsed({**public("a"), "kid": "x"}, {**public("b"), "kid": "x"}) == (["x", "x"], [])


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ({**public("a"), "use": "enc"}, "not for signatures"),
        ({**public("a"), "use": None}, "not for signatures"),
        ({**public("a"), "key_ops": ["encrypt"]}, "not for signatures"),
        ({**public("a"), "key_ops": "verify"}, "not for signatures"),
        (key("a").as_dict(private=True), "private key"),
        (key("r", "RSA").as_dict(private=True), "private key"),
        (key("o", "OKP").as_dict(private=True), "private key"),
        (OctKey.generate_key(256).as_dict(), "symmetric"),
        ({**public("a"), "k": "c2VjcmV0"}, "private key"),
        ({"kty": "AKP", "pub": "AA"}, "unknown type"),
        ({"kty": ["EC"]}, "unknown type"),
        ({}, "unknown type"),
        ("text", "not an object"),
        (None, "not an object"),
        ({**public("a"), "kid": 7}, "no text"),
        ({**public("a"), "alg": ["ES256"]}, "no text"),
        ({**public("a"), "kid": "x" * 257}, "256"),
        ({"kty": "EC", "crv": "P-256", "x": "AA"}, "incomplete"),
        ({**public("a"), "x": 5}, "incomplete"),
        ({**public("a"), "x": "AAAA"}, "do not fit"),
        ({**public("a"), "x": "!!!!"}, "do not fit"),
        ({**public("a"), "x": ""}, "do not fit"),
        ({**public("a"), "crv": "P-384"}, "do not fit"),
        (ECKey.generate_key("secp256k1").as_dict(private=False), "curve"),
        (OKPKey.generate_key("X25519").as_dict(private=False), "curve"),
        ({**public("o", "OKP"), "x": "AAAA"}, "do not fit"),
        ({**public("r", "RSA"), "n": "A" * 4000}, "16384"),
        ({**public("r", "RSA"), "n": "é"}, "2048"),
        ({**public("r", "RSA"), "n": ""}, "2048"),
        ({**public("r", "RSA"), "e": "AA"}, "do not fit"),
        ({**public("r", "RSA"), "e": "Ag"}, "do not fit"),
    ],
)
def test_a_key_that_must_not_be_used_is_left_out_and_the_others_stay(member: Any, reason: str) -> None:
    names, reasons = parsed(public("honest"), member)
    assert names == ["honest"]
    assert len(reasons) == 1
    assert reason in reasons[0]


def test_a_short_rsa_key_is_left_out_without_a_warning_of_the_library() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = RSAKey.generate_key(1024).as_dict(private=False)
    names, reasons = parsed(short)
    assert names == []
    assert "2048" in reasons[0]


def test_a_hundred_keys_are_the_most_that_a_set_may_have() -> None:
    assert len(parsed(*[public("a")] * KEYS_MAX)[0]) == KEYS_MAX
    with pytest.raises(Unusable, match="100"):
        parsed(*[public("a")] * (KEYS_MAX + 1))


def test_an_empty_set_says_that_no_key_counts() -> None:
    assert parse_jwks(b'{"keys": []}') == ((), ())


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b"[]", b'"keys"', b"null", b"{}", b'{"keys": {}}', b'{"keys": null}', b'{"keys": [], "keys": []}',
     b'\xef\xbb\xbf{"keys": []}', b'{"keys": []}{}', b'{"keys": [{"kty": "EC", "kty": "RSA"}]}', b"\xff",
     b"[" * 100_000, b'{"keys":' + b"[" * 100_000, b'{"keys": [NaN]}'],
    ids=lambda data: repr(data[:30]),
)  # fmt: skip
def test_what_is_no_set_is_refused_whole(data: bytes) -> None:
    with pytest.raises(Unusable) as error:
        parse_jwks(data)
    assert "kty" not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["RSA", "EC", "OKP", "P-256"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("kty kid use alg key_ops n e crv x y d k".split()), inner, max_size=8)
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_no_member_of_a_set_breaks_the_reading(members: list[Any]) -> None:
    names, reasons = parsed(public("honest"), *members)
    assert "honest" in names
    assert len(names) + len(reasons) == len(members) + 1


@given(st.binary(max_size=64))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    with suppress(Unusable):
        assert parse_jwks(data)[0] == ()


def test_a_token_may_be_signed_with_keys_of_its_name_or_with_all_if_it_says_none() -> None:
    keys, _ = parse_jwks(json.dumps({"keys": [public("a"), public("b"), {**public("c"), "kid": "a"}]}).encode())
    assert [each.thumbprint for each in chosen(keys, "a")] == [keys[0].thumbprint, keys[2].thumbprint]
    assert list(chosen(keys, "")) == list(keys)
    assert list(chosen(keys, "A")) == []
    assert list(nameless(keys)) == []


def test_a_shared_secret_is_a_key_whose_thumbprint_says_nothing_of_it() -> None:
    secret = bytes(range(32))
    one, other = secret_key(secret), secret_key(secret)
    assert one.key.raw_value == secret
    assert one.thumbprint != other.thumbprint
    assert one.thumbprint != one.key.thumbprint()
