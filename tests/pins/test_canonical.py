"""The canonical form: one digest for one definition however it is spelt, and another for anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.pins.canonical import MAX_DEPTH, Unpinnable, canonical, digest_of
from tests.pins.definitions import ADD, READ, changed, reordered

_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(_TEXT, children, max_size=4),
    max_leaves=12,
)


def test_the_order_of_keys_is_no_part_of_a_definition() -> None:
    assert list(reordered(READ)) != list(READ)
    assert digest_of(reordered(READ)) == digest_of(READ)


def test_whole_floats_are_the_integers_that_other_languages_make_of_them() -> None:
    assert canonical({"b": 1.0, "a": [-0.0, 2.5, 1e300]}) == b'{"a":[0,2.5,1e300],"b":1}'
    assert digest_of(ADD) == digest_of({**ADD, "inputSchema": {"type": "object", "properties": {"by": {"default": 1}}}})


def test_integers_stay_exact_and_a_float_beyond_them_is_none() -> None:
    assert digest_of(2**53 + 1) != digest_of(2**53)
    assert digest_of(float(2**53)) == digest_of(2**53)
    assert digest_of(1e22) != digest_of(10**22)


@pytest.mark.parametrize(
    "other",
    [
        changed(READ, description="Reads a note.\nOne at a time. "),
        changed(READ, title=None),
        changed(READ, title=""),
        changed(READ, icons=[]),
        changed(READ, **{"x-unknown": 1}),
        changed(READ, _meta={"vendor/tags": ["b"]}),
        changed(READ, annotations={"readOnlyHint": True, "openWorldHint": 0}),
        changed(READ, annotations={"readOnlyHint": 1, "openWorldHint": False}),
        changed(READ, name="Read"),
    ],
)
def test_anything_else_in_a_definition_counts(other: dict[str, Any]) -> None:
    assert digest_of(other) != digest_of(READ)


def test_letters_composed_another_way_are_other_letters() -> None:
    assert digest_of("\u00e9") != digest_of("e\u0301")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {None: 1}, (1,), b"a", {"a": {2, 3}}, object()])
def test_what_json_does_not_have_cannot_be_pinned(value: Any) -> None:
    with pytest.raises(Unpinnable, match=r"^a (value that JSON does not have|key that is no text)$"):
        digest_of(value)


def test_half_of_a_surrogate_pair_cannot_be_pinned() -> None:
    with pytest.raises(Unpinnable, match="surrogate"):
        digest_of({"name": "\ud800"})


def test_a_definition_is_pinned_down_to_the_depth_that_messages_may_have() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert canonical(deep).count(b"[") == MAX_DEPTH
    with pytest.raises(Unpinnable, match="nested deeper than 200 levels"):
        canonical([deep])


@given(JSON)
def test_canonical_bytes_are_json_of_an_equal_value_and_their_own_canonical_form(value: Any) -> None:
    data = canonical(value)
    assert json.loads(data) == value
    assert canonical(json.loads(data)) == data
    assert canonical(reordered(value)) == data


@given(JSON, JSON)
def test_two_values_share_canonical_bytes_only_if_they_are_equal(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other) or one == other
