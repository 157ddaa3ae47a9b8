"""The texts of a server's message, with the names of their fields, and the way back to each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.fields import LEAST_NUMBER, MAX_DEPTH, fields_of, places
from smcp_security.strict_json import Malformed

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=4), below, max_size=4),
    max_leaves=20,
)
MESSAGES = st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "result", "params", "x"]), JSON, max_size=6)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@given(MESSAGES)
def test_the_way_back_leads_to_the_very_text(value: dict[str, Any]) -> None:
    gathered = fields_of(value)
    assert len(gathered.texts) == len(gathered.names)
    where = places(value, range(len(gathered.texts) + 1))
    assert sorted(where) == list(range(len(gathered.texts)))
    for index, (path, is_key) in where.items():
        text, name = gathered.texts[index], gathered.names[index]
        if is_key:
            assert (path[-1], name) == (text, "")
        else:
            assert str(_at(value, path)) == text
            assert name == next(step for step in reversed(path) if isinstance(step, str))


@given(MESSAGES, st.sets(st.integers(0, 30), max_size=5))
def test_places_tell_of_the_wanted_texts_alone(value: dict[str, Any], wanted: set[int]) -> None:
    every = places(value, range(len(fields_of(value).texts)))
    assert places(value, wanted) == {index: every[index] for index in wanted if index in every}


@given(MESSAGES)
def test_every_string_but_those_of_the_envelope_is_there(value: dict[str, Any]) -> None:
    strings: list[str] = []
    waiting = [[member] for key, member in value.items() if key not in {"jsonrpc", "id", "method"}]
    while waiting:
        node: Any = waiting.pop()
        for member in [*node, *node.values()] if isinstance(node, dict) else node:
            if isinstance(member, str):
                strings.append(member)
            elif isinstance(member, dict | list):
                waiting.append(member)  # type: ignore[arg-type]
            elif type(member) is int and abs(member) >= LEAST_NUMBER:
                strings.append(str(member))
    assert sorted(fields_of(value).texts) == sorted(strings)


def test_texts_stand_in_the_order_of_the_document() -> None:
    gathered = fields_of({"jsonrpc": "2.0", "id": 1, "result": {"a": ["x", {"b": "y"}], "c": 4111111111111111}})
    assert gathered.texts == ["a", "x", "b", "y", "c", "4111111111111111"]
    assert gathered.names == ["", "a", "", "b", "", "c"]


@pytest.mark.parametrize("number", [0, 443, 2026, LEAST_NUMBER - 1, 1 - LEAST_NUMBER, True, 1e9, 12345678.5])
def test_short_numbers_and_fractions_are_no_texts(number: float) -> None:
    assert fields_of({"result": {"n": number}}).texts == ["n"]


def test_a_value_may_be_as_deep_as_the_bound_and_no_deeper() -> None:
    node: Any = "x"
    for _ in range(MAX_DEPTH - 1):
        node = [node]
    assert fields_of({"result": node}).texts == ["x"]
    with pytest.raises(Malformed) as refused:
        fields_of({"result": [[node]]})
    assert refused.value.code == "SMCP117"
