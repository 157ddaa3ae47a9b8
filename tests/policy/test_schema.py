"""The JSON Schema of a policy and the model agree, in both directions; every key is described."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from smcp_security.errors import PolicyError
from smcp_security.policy import Policy, json_schema
from smcp_security.policy.contracts import KINDS
from smcp_security.policy.document import read_document
from smcp_security.policy.keys import known_keys
from tests.policy import policies
from tests.policy.bad_policies import MISTAKES

VALIDATOR = Draft202012Validator(json_schema())

# What the schema's own description says it cannot say.
BEYOND = {
    "a size without end", "a host that only listens", "an exclusion until no day", "a misspelt type",
    "a negative length", "a misspelt keyword", "a keyword of an older draft", "another dialect", "a remote reference",
    "a reference to a local file", "a reference to nowhere", "a moved base", "a pattern that backtracks",
} | {name for name, mistake in MISTAKES.items() if mistake.beyond}  # fmt: skip


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(json_schema())


@given(policies.valid)
def test_what_the_model_takes_the_schema_takes(raw: dict[str, Any]) -> None:
    Policy.from_dict(raw)
    VALIDATOR.validate(raw)


@given(policies.valid)
def test_the_effective_policy_fits_the_schema(raw: dict[str, Any]) -> None:
    VALIDATOR.validate(Policy.from_dict(raw).model_dump(mode="json"))


@given(policies.spoilt())
def test_what_the_schema_refuses_the_model_refuses_and_the_reverse(raw: dict[str, Any]) -> None:
    try:
        Policy.from_dict(raw)
        taken = True
    except PolicyError:
        taken = False
    assert VALIDATOR.is_valid(raw) is taken


@pytest.mark.parametrize("name", [name for name in MISTAKES if name not in BEYOND])
def test_a_mistake_is_a_mistake_for_the_schema_too(name: str) -> None:
    value, _ = read_document(MISTAKES[name].bad, "p")
    assert not VALIDATOR.is_valid(value)


@pytest.mark.parametrize("name", MISTAKES)
def test_the_good_twin_fits_the_schema(name: str) -> None:
    value, _ = read_document(MISTAKES[name].good, "p")
    VALIDATOR.validate(value)


def test_every_key_of_every_section_has_a_description() -> None:
    schema = json_schema()
    for name, section in {**schema["$defs"], "Policy": schema}.items():
        for key, field in section["properties"].items():
            assert field.get("description"), f"{name}.{key}"


def test_the_schema_gives_the_defaults_that_the_model_has() -> None:
    schema, effective = json_schema(), Policy().model_dump(mode="json")
    for key, field in schema["properties"].items():
        assert field["default"] == effective[key], key


def test_every_section_is_closed() -> None:
    schema = json_schema()
    assert all(section["additionalProperties"] is False for section in (schema, *schema["$defs"].values()))


def test_the_known_keys_are_those_of_the_schema() -> None:
    known = {key for keys in known_keys(Policy).values() for key in keys}
    schema = json_schema()
    contracts = {kind.__name__ for kind in KINDS.values()}
    parts = [part for name, part in schema["$defs"].items() if name not in contracts]
    sections = [schema, *parts, schema["$defs"]["InjectionPolicy"]["properties"]["action"]]
    assert known == {key for section in sections for key in section["properties"]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_the_settings_of_its_model_in_the_schema(kind: str) -> None:
    contract = json_schema()["$defs"][KINDS[kind].__name__]
    assert set(contract["properties"]) == set(KINDS[kind].model_fields)
    assert contract["properties"]["kind"]["const"] == kind
    assert "kind" in contract["required"]


@pytest.mark.parametrize(
    ("settings", "fits"),
    [({"kind": "uuid"}, True), ({}, False), ({"versions": [4]}, False), ({"kind": "uuid", "roots": ["/a"]}, False)],
)
def test_the_kind_decides_in_the_schema_which_settings_there_are(settings: dict[str, Any], fits: bool) -> None:
    for section in ({"tools": {"t": {"arguments": {"a": settings}}}}, {"resources": {"a:{b}": {"uri": settings}}}):
        assert VALIDATOR.is_valid(section) is fits
