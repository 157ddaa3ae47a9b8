"""Globs over tool and method names."""

from __future__ import annotations

import pytest

from smcp_security.policy.globs import matches


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
