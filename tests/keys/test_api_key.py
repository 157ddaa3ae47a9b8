"""The text of a key, what is kept of it, and what an entry of a key file may say."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.keys.api_key import (
    KEY_PATTERN,
    Entry,
    Misfit,
    check_text,
    digest,
    environment_key,
    moment,
    moment_text,
    new_secret,
    read_entry,
)

ENTRY: dict[str, Any] = {"id": "0123456789ab", "owner": "ann", "digest": "ab" * 32}


def test_a_secret_has_the_form_of_a_key_and_is_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(KEY_PATTERN.fullmatch(f"smcp_0123456789ab_{secret}") for secret in secrets)


def test_what_is_kept_is_an_hmac_of_id_and_secret() -> None:
    kept = digest(b"salt", "0123456789ab", "secret")
    assert kept == hmac.new(b"salt", b"0123456789ab:secret", hashlib.sha256).digest()
    assert kept != digest(b"salt", "0123456789ac", "secret")
    assert kept != digest(b"tlas", "0123456789ab", "secret")


def test_an_entry_is_what_the_rung_judges_by() -> None:
    entry = read_entry({**ENTRY, "roles": ["a", "b"], "scopes": ["s"], "tenant": "t", "expires": "2027-01-01"})
    key = entry.api_key(b"salt")
    assert (key.id, key.owner, key.salt, key.digest) == ("0123456789ab", "ann", b"salt", bytes.fromhex("ab" * 32))
    assert (key.roles, key.scopes, key.tenant, key.revoked) == (("a", "b"), ("s",), "t", False)
    assert key.expires_at == moment("2027-01-01T00:00:00Z") == 1798761600.0


def test_a_field_that_is_null_is_one_that_is_left_out() -> None:
    assert read_entry({**ENTRY, "roles": None, "expires": None, "revoked": None, "tenant": None}) == read_entry(ENTRY)


@pytest.mark.parametrize(("revoked", "expected"), [(True, True), ("2026-01-01", True), (False, False), (None, False)])
def test_a_key_is_revoked_by_true_or_by_a_time(revoked: object, expected: bool) -> None:
    assert read_entry({**ENTRY, "revoked": revoked}).api_key(b"").revoked is expected


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "0123456789AB"), ("id", "0123456789a"), ("id", 12345), ("owner", ""), ("owner", "a b"), ("owner", "a\n"),
     ("owner", "-x"), ("owner", "a" * 129), ("owner", ["ann"]), ("digest", "ab" * 31), ("digest", "AB" * 32),
     ("roles", "viewer"), ("roles", [""]), ("roles", ["a b"]), ("roles", [5]), ("roles", {"a": 1}), ("scopes", ["a b"]),
     ("scopes", ['"']), ("tenant", ""), ("tenant", "a b"), ("tenant", 5), ("expires", "soon"), ("expires", 1798761600),
     ("expires", "2027-02-30"), ("expires", "2027-01-01T00:00:00"), ("expires", "2027-01-01T00:00:00+01:00"),
     ("expires", "2027-01-01T25:00:00Z"), ("expires", "0000-01-01"), ("expires", True), ("expires", False),
     ("revoked", "no"), ("revoked", 1), ("revoked", ""), ("created", "x")],
)  # fmt: skip
def test_a_field_of_the_wrong_form_is_refused_by_name_alone(field: str, value: Any) -> None:
    with pytest.raises(Misfit) as misfit:
        read_entry({**ENTRY, field: value})
    assert str(misfit.value).startswith(f"{field}: expected ")
    assert not isinstance(value, str) or len(value) < 9 or value not in str(misfit.value)


def test_a_key_is_active_until_it_expires_or_is_revoked() -> None:
    entry = read_entry({**ENTRY, "expires": "2027-01-01"})
    assert entry.state(moment("2026-12-31T23:59:59Z")) == "active"
    assert entry.state(moment("2027-01-01")) == "expired"
    assert read_entry({**ENTRY, "revoked": True}).state(0) == "revoked"
    assert read_entry(ENTRY).state(1e12) == "active"


@given(st.integers(0, 250_000_000_000))
def test_a_time_is_read_back_as_it_was_written(seconds: int) -> None:
    assert moment(moment_text(seconds)) == seconds


def test_no_digest_shows_in_the_text_of_an_entry() -> None:
    assert "abab" not in repr(read_entry(ENTRY))
    assert isinstance(read_entry(ENTRY), Entry)


def test_the_key_of_the_environment_is_kept_as_a_digest_under_a_fresh_salt() -> None:
    one, other = environment_key("x" * 40, ["admin"]), environment_key("x" * 40)
    assert (one.id, one.owner, one.roles) == ("SMCP_API_KEY", "SMCP_API_KEY", ("admin",))
    assert (one.expires_at, one.revoked) == (None, False)
    assert one.digest == digest(one.salt, "SMCP_API_KEY", "x" * 40)
    assert one.digest != other.digest


def test_a_made_key_in_the_environment_is_found_by_the_id_in_its_text() -> None:
    secret = new_secret()
    key = environment_key(f"smcp_0123456789ab_{secret}")
    assert (key.id, key.owner) == ("0123456789ab", "SMCP_API_KEY")
    assert key.digest == digest(key.salt, "0123456789ab", secret)


def test_nobody_is_named_like_the_key_of_the_environment() -> None:
    # The two would be one caller, with one set of limits and sessions.
    with pytest.raises(Misfit, match="not SMCP_API_KEY"):
        check_text("owner", "SMCP_API_KEY")
    check_text("owner", "SMCP_API_KEY2")
