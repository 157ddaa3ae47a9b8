"""Contracts that no value can fit: each claim with a neighbour that some value does fit."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.lint.contradictions import apart, made, refused_by_schema, refuses_all
from smcp_security.policy.contract_reader import read_contract
from smcp_security.policy.contracts import AnyContract


def contract(**settings: Any) -> AnyContract:
    """A contract as a policy writes it."""
    return read_contract(settings)


PATH = contract(kind="path", roots=["/srv/a"])
URL = contract(kind="url", schemes=["https"], hosts=["*.example.com"])
DATE = contract(kind="date")
UUID = contract(kind="uuid")
IDENTIFIER = contract(kind="identifier", max_length=10)
LETTERS = contract(kind="identifier", alphabet="a-z")
ENUM = contract(kind="enum", values=["csv", "pdf"])


@pytest.mark.parametrize(
    ("settings", "node"),
    [
        (DATE, {"type": "integer"}),
        (UUID, {"type": ["number", "null"]}),
        (URL, {"type": "boolean"}),
        (LETTERS, {"type": "integer"}),
        (PATH, {"type": "object"}),
        (UUID, {"type": "string", "maxLength": 20}),
        (IDENTIFIER, {"type": "string", "minLength": 11}),
        (ENUM, {"type": "string", "maxLength": 2}),
        (DATE, {"type": "string", "format": "date-time"}),
        (UUID, {"type": "string", "format": "uri"}),
        (DATE, {"enum": ["today", "yesterday"]}),
        (URL, {"const": "ftp://example.com/"}),
        (ENUM, {"enum": ["xlsx"]}),
        (UUID, {"type": "array", "items": {"type": "integer"}}),
    ],
)
def test_a_contract_that_refuses_all_of_a_schema_is_told_why(settings: AnyContract, node: dict[str, Any]) -> None:
    assert refuses_all(settings, node)


@pytest.mark.parametrize(
    ("settings", "node"),
    [
        (IDENTIFIER, {"type": "integer"}),
        (contract(kind="regex", pattern="[0-9]{25}"), {"type": "integer"}),
        (PATH, {"type": ["string", "object"]}),
        (PATH, {"type": "string", "maxLength": 200}),
        (PATH, {}),
        (UUID, {"type": "string", "maxLength": 36, "format": "uuid"}),
        (IDENTIFIER, {"type": "string", "minLength": 10}),
        (DATE, {"type": "string", "format": "date"}),
        (DATE, {"enum": ["today", "2026-01-01"]}),
        (IDENTIFIER, {"enum": ["a", 5]}),
        (IDENTIFIER, {"type": "string", "format": "uri"}),
        (UUID, {"type": "array", "items": {"type": "string"}}),
        (UUID, {"type": "array"}),
        (ENUM, {"enum": ["pdf"]}),
    ],
)
def test_a_contract_that_some_value_fits_is_left_alone(settings: AnyContract, node: dict[str, Any]) -> None:
    assert refuses_all(settings, node) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ENUM, contract(kind="enum", values=["xlsx"])),
        (ENUM, DATE),
        (URL, UUID),
        (PATH, contract(kind="path", roots=["/srv/ab"])),
        (PATH, contract(kind="path", roots=["C:\\srv\\a"])),
        (
            contract(kind="path", roots=["/srv"], suffixes=[".md"]),
            contract(kind="path", roots=["/srv"], suffixes=[".txt"]),
        ),
        (URL, contract(kind="url", schemes=["http"])),
        (URL, contract(kind="url", hosts=["*.example.org"])),
        (contract(kind="url", ports=[80]), contract(kind="url", ports=[443])),
        (contract(kind="sql"), contract(kind="sql", statements=["insert"])),
        (contract(kind="command", programs={"ls": None}), contract(kind="command", programs={"cat": None})),
        (DATE, contract(kind="date", form="time")),
        (contract(kind="date", earliest="2026-01-01"), contract(kind="date", latest="2025-12-31")),
        (contract(kind="uuid", versions=[4]), contract(kind="uuid", versions=[7])),
        (contract(kind="email", domains=["example.com"]), contract(kind="email", domains=["example.org"])),
        (IDENTIFIER, UUID),
        (contract(kind="text", min_length=11), IDENTIFIER),
    ],
)
def test_two_contracts_without_a_common_value_are_told_apart(one: AnyContract, other: AnyContract) -> None:
    assert apart(one, other)
    assert apart(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ENUM, contract(kind="enum", values=["pdf", "xlsx"])),
        (ENUM, contract(kind="identifier")),
        (ENUM, contract(kind="regex", pattern="[a-z]+")),
        (PATH, contract(kind="path", roots=["/srv"])),
        (PATH, contract(kind="path", roots=["/srv/b", "/srv/a/deep"])),
        (URL, contract(kind="url", hosts=["api.example.com"])),
        (URL, contract(kind="url")),
        (URL, contract(kind="text")),
        (contract(kind="identifier"), UUID),
        (DATE, DATE),
        (contract(kind="date", earliest="2026-01-01"), contract(kind="date", latest="2026-01-01")),
        (contract(kind="sql", statements=["select", "insert"]), contract(kind="sql")),
        (contract(kind="regex", pattern="a"), contract(kind="regex", pattern="b")),
    ],
)
def test_two_contracts_that_a_value_may_fit_are_left_alone(one: AnyContract, other: AnyContract) -> None:
    assert apart(one, other) == ""
    assert apart(other, one) == ""


def test_values_of_an_enum_are_held_against_the_whole_schema() -> None:
    root = {"$defs": {"short": {"maxLength": 3}}}
    values = contract(kind="enum", values=["csv", "xlsx"])
    assert refused_by_schema(values, {"$ref": "#/$defs/short"}, root) == [1]
    assert refused_by_schema(values, {"type": "string"}, root) == []
    assert refused_by_schema(values, {"type": "integer"}, root) == []
    assert refused_by_schema(values, {"$ref": "#/$defs/none"}, root) == []
    assert refused_by_schema(DATE, {"maxLength": 1}, root) == []


def test_a_contract_is_made_as_the_server_makes_it() -> None:
    rule = made(DATE)
    assert rule is not None
    assert rule.fault("2026-02-28") is None
    assert rule.fault("2026-02-30") is not None
