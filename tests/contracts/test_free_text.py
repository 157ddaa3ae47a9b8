"""Text by its length, control characters and scripts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.free_text import TextRule
from smcp_security.policy.contracts import TextContract

PLAIN = TextRule(TextContract())
LATIN = TextRule(TextContract(scripts=("Latin",)))


@pytest.mark.parametrize(
    "value", ["", "hello", "two\r\nlines\tand more", "Stražičić, O'Brien", "日本 🎉 👨‍👩‍👧", "می‌خواهم"]
)
def test_text_of_any_language_is_accepted(value: str) -> None:
    assert PLAIN.fault(value) is None


@pytest.mark.parametrize("value", ["a\0b", "\x1b[2J", "a\x08b", "bell\x07", "\x7f", "a\x85b", "\x9b31m", "\x0b"])
def test_control_characters_are_refused_but_for_those_listed(value: str) -> None:
    fault = PLAIN.fault(value)
    assert fault is not None
    assert fault.code == "SMCP518"


def test_the_policy_says_which_control_characters_are_allowed() -> None:
    single = TextRule(TextContract(controls=()))
    assert single.fault("one line") is None
    assert single.fault("two\nlines") is not None
    assert TextRule(TextContract(controls=("\x1b",))).fault("\x1b[2J") is None


def test_the_length_is_counted_in_characters_from_both_ends() -> None:
    rule = TextRule(TextContract(min_length=2, max_length=4))
    assert [length for length in range(7) if rule.fault("é" * length) is None] == [2, 3, 4]
    assert rule.fault_of_beginning("é") is None
    assert rule.fault_of_beginning("é" * 5) is not None


@pytest.mark.parametrize("value", ["plain text, 100 %", "naïve café №5", "e\u0301", "🎉 done", ""])
def test_signs_and_accents_belong_to_every_script(value: str) -> None:
    assert LATIN.fault(value) is None


@pytest.mark.parametrize("value", ["pаypal", "Ωmega", "привет", "漢字", "\ue000", "\U000e0fff", "ﬀ\u0378"])
def test_letters_of_another_script_are_refused(value: str) -> None:
    assert LATIN.fault(value) is not None
    assert PLAIN.fault(value) is None


def test_several_scripts_may_be_mixed_if_the_policy_says_so() -> None:
    rule = TextRule(TextContract(scripts=("Latin", "Cyrillic")))
    assert rule.fault("привет, world") is None
    assert rule.fault("καλημέρα") is not None


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_any_text_at_all_is_judged_without_an_error(value: str) -> None:
    controls = any((ord(each) < 32 and each not in "\r\n\t") or 127 <= ord(each) < 160 for each in value)
    assert (PLAIN.fault(value) is not None) == controls
