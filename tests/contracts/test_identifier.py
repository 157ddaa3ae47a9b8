"""The kind `identifier`: one name, whatever reads it next."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.identifier import IdentifierRule
from smcp_security.policy.contracts import IdentifierContract

_NAME = IdentifierRule(IdentifierContract())
_KEY = IdentifierRule(IdentifierContract(alphabet="A-Za-z0-9", max_length=64))
_LAX = IdentifierRule(IdentifierContract(alphabet=r" -\[\]^-~"))
_BRANCH = IdentifierRule(IdentifierContract(alphabet="A-Za-z0-9_./-"))
_LETTERS = IdentifierRule(IdentifierContract(alphabet=r"\pL0-9_"))


@pytest.mark.parametrize(
    "value",
    [
        "abc$(id>/tmp/p)", "../../admin/keys", "..", ".", "%2e%2e%2fadmin", "..;/admin", "1?admin=true",
        "a\r\nX-Role: root", "a\n", "a\x00", "", "x" * 129, "users); DROP TABLE users;--", "-rf", "--force", "a b",
        "a/b", "a\\b", "\u2025", "ａｄｍｉｎ", "a\ud800", "a\u2028",
    ],
)  # fmt: skip
def test_what_a_reader_takes_for_more_than_a_name_is_refused(value: str) -> None:
    fault = _NAME.fault(value)
    assert fault is not None
    assert fault.code == "SMCP516"
    assert not value or value not in fault.accepted or value in (".", "..")


@pytest.mark.parametrize("value", ["abc", "abc.def", "v1.2..3", ".env", "a-b_c", "0", "x" * 128, "users"])
def test_a_plain_name_of_the_alphabet_passes(value: str) -> None:
    assert _NAME.fault(value) is None


def test_the_key_of_a_file_has_letters_and_digits_alone() -> None:
    assert _KEY.fault("abc$(id>/tmp/p)") is not None
    assert _KEY.fault("a_b") is not None
    assert _KEY.fault("aBc123") is None


@pytest.mark.parametrize(
    "value", ["..", "a/../b", "%2e%2e", "a%2Fb", "/a", "a//b", "a/", "..;/x", "&#46;", "\\u002e", "a%u002f"]
)
def test_a_wide_alphabet_still_lets_no_segment_or_escape_through(value: str) -> None:
    assert _LAX.fault(value) is not None


@pytest.mark.parametrize("value", ["100%", "a[0]", "a/b", "R&D", "x=1"])
def test_a_wide_alphabet_lets_its_own_characters_through(value: str) -> None:
    assert _LAX.fault(value) is None


@pytest.mark.parametrize("value", ["feature/login", "release/1.2", "main"])
def test_a_slash_of_the_alphabet_parts_honest_segments(value: str) -> None:
    assert _BRANCH.fault(value) is None
    assert _BRANCH.fault(f"../{value}") is not None


def test_letters_of_every_script_pass_where_the_alphabet_names_them() -> None:
    assert _LETTERS.fault("имя_1") is None
    assert _LETTERS.fault("名前") is None
    # One letter to Unicode; four words and three blanks to who normalises it.
    assert _LETTERS.fault("\ufdfa") is not None


def test_a_beginning_may_be_shorter_than_the_name() -> None:
    rule = IdentifierRule(IdentifierContract(min_length=4))
    assert rule.fault("ab") is not None
    assert rule.fault_of_beginning("ab") is None
    assert rule.fault_of_beginning("") is None
    assert rule.fault_of_beginning("a/") is not None


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=20))
def test_whatever_passes_stays_one_plain_segment(value: str) -> None:
    if _NAME.fault(value) is None:
        assert value.isascii()
        assert not set(value) & set("/\\%?#&;=\r\n\x00 ")
        assert value not in (".", "..")
