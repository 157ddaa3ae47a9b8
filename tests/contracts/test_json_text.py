"""A text that is one JSON value, read as strictly as a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.json_text import JsonRule
from smcp_security.policy.contracts import JsonContract

RULE = JsonRule(JsonContract(max_depth=3))


@pytest.mark.parametrize("value", ["{}", "[1, 2]", '"text"', "null", "-1.5e3", ' {"a": {"b": [1]}}\n', '{"a": "é"}'])
def test_one_json_value_is_accepted(value: str) -> None:
    assert RULE.fault(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "{", "{} {}", "{'a': 1}", '{"a": 1,}', '{"a": 1, "a": 2}', "NaN", "1e999", "[1] // one", "\ufeff{}",
        '"\\ud800"', "01", "[[[[1]]]]", '{"a": {"b": {"c": {}}}}', "[" * 60_000, '{"a":' * 10_000, "9" * 2_000,
        "[" + "1," * 60_000 + "1]",
    ],
)  # fmt: skip
def test_what_readers_could_differ_on_is_refused(value: str) -> None:
    fault = RULE.fault(value)
    assert fault is not None
    assert fault.code == "SMCP517"


def test_the_length_counts_before_anything_is_read() -> None:
    rule = JsonRule(JsonContract(max_length=10))
    assert rule.fault('"12345678"') is None
    assert rule.fault('"123456789"') is not None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text("abc"), children, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(_VALUES)
def test_what_the_standard_library_writes_is_accepted(value: object) -> None:
    assert JsonRule(JsonContract(max_depth=64)).fault(json.dumps(value)) is None
