"""Globs over tool and method names."""

from __future__ import annotations

from itertools import chain, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.policy.globs import covers, matches, overlap


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("tasks/*", "tasks/get"), ("wiki.*", "wiki.page.read"), ("*", "anything"), ("a*b*c", "aXbYc"), ("a**", "a"),
     ("*/*", "x/y"), ("exact", "exact"), ("*.read", "fs.read"), ("a*a", "aa")],
)  # fmt: skip
def test_a_star_stands_for_any_run_without_a_slash(pattern: str, name: str) -> None:
    assert matches(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("tasks/*", "tasks/a/b"), ("tasks/*", "tasks"), ("*", "a/b"), ("wiki.*", "Wiki.x"), ("a*a", "a"),
     ("exact", "exact2"), ("a*b*c", "acb"), ("[a-z]", "a"), ("a?", "ab"), ("", "a")],
)  # fmt: skip
def test_a_slash_case_and_other_glob_signs_are_literal(pattern: str, name: str) -> None:
    assert not matches(pattern, name)


def test_many_stars_on_a_long_name_do_not_backtrack() -> None:
    # A backtracking matcher would not return from this within the life of the test run.
    assert not matches("*a" * 100 + "b", "a" * 20_000)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("*", "a"),
        ("*", "*"),
        ("a*", "ab*"),
        ("*b*", "a*b*c"),
        ("github.*", "github.delete_*"),
        ("*/*", "a*/b"),
        ("a", "a"),
    ],
)
def test_a_glob_covers_what_says_no_more(wide: str, narrow: str) -> None:
    assert covers(wide, narrow)


@pytest.mark.parametrize(
    ("wide", "narrow"), [("a", "a*"), ("ab*", "a*"), ("*", "a/b"), ("*", "*/*"), ("a*c", "a*"), ("*ab", "*a*b")]
)
def test_a_glob_does_not_cover_what_says_more(wide: str, narrow: str) -> None:
    assert not covers(wide, narrow)


@pytest.mark.parametrize(
    ("one", "other"), [("a*", "*b"), ("a*", "ab*"), ("*", "x"), ("a*c", "*b*"), ("*/x", "y/*"), ("a", "a"), ("**", "*")]
)
def test_globs_overlap_where_a_name_fits_both(one: str, other: str) -> None:
    assert overlap(one, other) and overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("a*", "b*"), ("*a", "*b"), ("*", "*/*"), ("a*c", "a"), ("a", "A"), ("ab", "a")]
)
def test_globs_do_not_overlap_where_no_name_fits_both(one: str, other: str) -> None:
    assert not overlap(one, other) and not overlap(other, one)


_PATTERNS = st.text("ab*/", max_size=6)
_NAMES = [name for length in range(6) for name in map("".join, product("ab/", repeat=length))]


@given(_PATTERNS, _PATTERNS)
def test_overlap_and_cover_agree_with_trying_every_short_name(one: str, other: str) -> None:
    fits = [(matches(one, name), matches(other, name)) for name in _NAMES]
    if covers(one, other):
        assert all(wide for wide, narrow in fits if narrow)
    if any(wide and narrow for wide, narrow in fits):
        assert overlap(one, other)
    if not overlap(one, other):
        assert not any(wide and narrow for wide, narrow in fits)


@given(st.text("ab*", max_size=4), st.text("ab*", max_size=4))
def test_globs_that_overlap_share_a_name_of_at_most_their_length(one: str, other: str) -> None:
    names = map("".join, chain.from_iterable(product("ab", repeat=length) for length in range(9)))
    assert overlap(one, other) == any(matches(one, name) and matches(other, name) for name in names)
