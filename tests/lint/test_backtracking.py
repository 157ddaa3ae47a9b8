"""Which patterns take backtracking engines very long, told by their shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.lint.backtracking import backtracks, widest
from smcp_security.lint.shapes import runs


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+", "^(\\w+\\s?)*$", "([a-zA-Z]+)*", "((a*))*", "(x|y+)+", "^(?:[A-Z]{2,})+$", "(\\d+\\.?)+", "(.*)*",
        "^(([a-z])+.)+[A-Z]([a-z])+$", "(?:a+){20,}",
    ],
)  # fmt: skip
def test_a_repeat_without_a_sign_between_its_rounds_is_told(pattern: str) -> None:
    assert backtracks(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z0-9]+(-[a-z0-9]+)*$", "^(\\w+,)*$", "^(?:[a-z]+/)*[a-z]+$", "^(\\s*\\w+\\s*;)*$", "^[^@]+@[^@]+$",
        "^\\d{3}-\\d{4}$", "^(?:a+){2}$", "(ab?)+", "^(\\.[a-z]+)+$", "[unfinished", "(?<name>x)",
    ],
)  # fmt: skip
def test_rounds_that_a_sign_of_their_own_parts_pass(pattern: str) -> None:
    assert not backtracks(pattern)


def test_the_width_of_a_pattern_is_told_where_it_has_one() -> None:
    assert widest("^[0-9]{3}-[a-z]{2,4}$") == 8
    assert widest("^[a-z]+$") is None
    assert widest("[unfinished") is None


def test_a_plain_pattern_and_a_measured_one_run_and_a_look_ahead_does_not() -> None:
    assert runs("^[a-z]+$")
    assert runs("^[a-z]{1,9}$")
    assert not runs("^(?=a)b$")
    assert not runs("[z-a]")


@given(st.text(alphabet="ab.*+?()[]{}|^$\\d-,0129:=<", max_size=40))
def test_no_pattern_stops_the_look_at_it(pattern: str) -> None:
    assert backtracks(pattern) in (True, False)
    assert runs(pattern) in (True, False)
