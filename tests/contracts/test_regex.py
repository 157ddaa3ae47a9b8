"""A pattern of the policy has to match the whole text."""

from __future__ import annotations

import pytest

from smcp_security.contracts.regex import RegexRule
from smcp_security.policy.contracts import RegexContract

RULE = RegexRule(RegexContract(pattern="[A-Z]{2,5}-[0-9]+", max_length=12))


@pytest.mark.parametrize("value", ["AB-1", "PROJ-123456"])
def test_a_text_that_the_pattern_matches_is_accepted(value: str) -> None:
    assert RULE.fault(value) is None


@pytest.mark.parametrize("value", ["", "AB-1\n", "xAB-1", "AB-1; id", "AB-１", "AB-1234567890", "\nAB-1"])
def test_a_text_that_the_pattern_only_occurs_in_is_refused(value: str) -> None:
    fault = RULE.fault(value)
    assert fault is not None
    assert fault.code == "SMCP517"
    assert "[A-Z]{2,5}-[0-9]+" in fault.accepted


def test_alternatives_are_matched_as_a_whole_too() -> None:
    rule = RegexRule(RegexContract(pattern="a|ab"))
    assert rule.fault("ab") is None
    assert rule.fault("abc") is not None


def test_a_long_pattern_is_not_told() -> None:
    fault = RegexRule(RegexContract(pattern="x" * 500)).fault("y")
    assert fault is not None
    assert "xxx" not in fault.accepted


def test_a_pattern_that_others_backtrack_on_answers_for_the_longest_text() -> None:
    rule = RegexRule(RegexContract(pattern="(a+)+b", max_length=65_536))
    assert rule.fault("a" * 65_536) is not None
    assert rule.fault("a" * 65_535 + "b") is None
