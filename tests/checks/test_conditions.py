"""Conditions: what holds, what fails, and what nobody can tell because a server may take it for something else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.conditions import Truth, all_of, of_arguments, of_claims
from smcp_security.policy.access import Condition

HOLDS, FAILS, UNKNOWN = Truth


def _of(value: Any, **test: Any) -> Truth:
    return of_arguments(Condition(argument="/x", **test), {"x": value})


@pytest.mark.parametrize(
    ("wanted", "value", "truth"),
    [
        ("a", "a", HOLDS),
        ("a", "b", FAILS),
        ("a", "A", FAILS),
        ("", "", HOLDS),
        (5, 5, HOLDS),
        (5, 5.0, HOLDS),
        (5.5, 5.5, HOLDS),
        (5, 6, FAILS),
        (2**53, 2**53 + 1, FAILS),
        (5, "5", UNKNOWN),
        ("5", 5, UNKNOWN),
        (1, True, UNKNOWN),
        (True, 1, UNKNOWN),
        ("true", True, UNKNOWN),
        (True, True, HOLDS),
        (True, False, FAILS),
        (False, 0, UNKNOWN),
        (0, False, UNKNOWN),
        (False, False, HOLDS),
        ("a", None, UNKNOWN),
        ("a", ["a"], UNKNOWN),
        ("a", {"a": 1}, UNKNOWN),
        (0, None, UNKNOWN),
    ],
)
def test_equals_counts_types_and_knows_nothing_of_others(wanted: Any, value: Any, truth: Truth) -> None:
    assert _of(value, equals=wanted) is truth
    assert _of(value, one_of=(wanted,)) is truth


def test_in_holds_for_any_of_its_values() -> None:
    assert _of("b", one_of=("a", "b")) is HOLDS and _of("c", one_of=("a", "b")) is FAILS
    assert _of("5", one_of=("a", 5)) is UNKNOWN and _of(5, one_of=("a", 5)) is HOLDS


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        ("/srv/data/x", HOLDS),
        ("/srv/data/", HOLDS),
        ("/srv/data", FAILS),
        ("/etc", FAILS),
        ("", FAILS),
        ("/srv/data/../x", UNKNOWN),
        ("/srv/data/%2e", UNKNOWN),
        ("/srv/data/\\..", UNKNOWN),
        ("/srv/data/\x00", UNKNOWN),
        (" /etc/", UNKNOWN),
        ("\u200b/etc/", UNKNOWN),
        ("/etc/\u2028", UNKNOWN),
        ("\ufeff/srv/data/x", UNKNOWN),
        ("/srv/data/my file", HOLDS),
        ("/srv//data/x", UNKNOWN),
        ("/srv/./data/x", UNKNOWN),
        ("./srv/data/x", UNKNOWN),
        ("/etc/../srv/data/", UNKNOWN),
        ("https://example.com/", FAILS),
        ("/srv/data//x", HOLDS),
        (5, UNKNOWN),
        (None, UNKNOWN),
        (["/srv/data/"], UNKNOWN),
    ],
)
def test_prefix_judges_only_texts_that_are_what_they_look_like(value: Any, truth: Truth) -> None:
    assert _of(value, prefix="/srv/data/") is truth


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (1, HOLDS),
        (100, HOLDS),
        (50.5, HOLDS),
        (0, FAILS),
        (101, FAILS),
        (10**400, FAILS),
        (-(10**400), FAILS),
        ("50", UNKNOWN),
        (True, UNKNOWN),
        (None, UNKNOWN),
        ([50], UNKNOWN),
    ],
)
def test_range_judges_numbers_alone(value: Any, truth: Truth) -> None:
    assert _of(value, range=(1, 100)) is truth


def test_an_open_end_of_a_range_bounds_nothing() -> None:
    assert _of(10**9, range=(5, None)) is HOLDS and _of(4, range=(5, None)) is FAILS
    assert _of(-5, range=(None, 5)) is HOLDS and _of(6, range=(None, 5)) is FAILS


def test_what_is_missing_fails() -> None:
    assert of_arguments(Condition(argument="/y", equals=1), {"x": 1}) is FAILS
    assert of_arguments(Condition(argument="/x/y", equals=1), {"x": {}}) is FAILS
    assert of_arguments(Condition(argument="/x/5", equals=1), {"x": [1]}) is FAILS
    assert of_claims(Condition(claim="org.name", equals="a"), {"org": {}}) is FAILS


def test_a_pointer_leads_into_objects_and_lists() -> None:
    given = {"x": {"a/b": [{"c~d": 7}]}}
    assert of_arguments(Condition(argument="/x/a~1b/0/c~0d", equals=7), given) is HOLDS
    assert of_arguments(Condition(argument="/x/a~1b/0/c~0d", equals=8), given) is FAILS


@pytest.mark.parametrize("within", ['{"y": 1}', 5, None, True, ["a"]])
def test_what_a_server_may_still_unpack_is_unknown(within: Any) -> None:
    assert of_arguments(Condition(argument="/x/y", equals=1), {"x": within}) is UNKNOWN


@pytest.mark.parametrize("arguments", [None, "{}", 5, []])
def test_arguments_that_are_no_object_tell_nothing(arguments: Any) -> None:
    assert of_arguments(Condition(argument="/x", equals=1), arguments) is UNKNOWN


def test_a_claim_of_that_very_name_counts_before_its_dots() -> None:
    claims = {"https://idp.example/org": "a", "realm": {"org": "b"}, "realm.team": "c", "team": "d"}
    for name, value in [("https://idp.example/org", "a"), ("realm.org", "b"), ("realm.team", "c"), ("team", "d")]:
        assert of_claims(Condition(claim=name, equals=value), claims) is HOLDS
        assert of_claims(Condition(claim=name, equals="z"), claims) is FAILS
    assert of_claims(Condition(claim="team.name", equals="d"), claims) is UNKNOWN


@given(st.lists(st.sampled_from(list(Truth))))
def test_one_that_fails_settles_several_conditions(truths: list[Truth]) -> None:
    expected = FAILS if FAILS in truths else UNKNOWN if UNKNOWN in truths else HOLDS
    assert all_of(truths) is expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_TESTS = st.sampled_from(
    [{"equals": 1}, {"equals": "a"}, {"one_of": (True, "b")}, {"prefix": "a"}, {"range": (0, None)}]
)


@given(_JSON, _TESTS)
def test_a_condition_judges_any_json_without_failing(value: Any, test: dict[str, Any]) -> None:
    truth = _of(value, **test)
    if isinstance(value, list | dict) or value is None:
        assert truth is UNKNOWN


@pytest.mark.parametrize(
    ("place", "arguments"),
    [
        ("/x", {"X": "a"}),
        ("/x", {"x": "a", "X": "b"}),
        ("/o/x", {"O": {"x": "a"}}),
        ("/o/0/x", {"o": [{"x": "a", "X": "b"}]}),
    ],
)
def test_a_name_that_some_server_takes_for_the_one_meant_tells_nothing(place: str, arguments: dict[str, Any]) -> None:
    assert of_arguments(Condition(argument=place, equals="a"), arguments) is UNKNOWN


def test_other_names_beside_the_one_meant_change_nothing() -> None:
    assert of_arguments(Condition(argument="/x", equals="a"), {"x": "a", "y": "b", "xx": "c"}) is HOLDS
    assert of_arguments(Condition(argument="/o/x", equals="a"), {"o": {"x": "b"}, "Ox": 1}) is FAILS
