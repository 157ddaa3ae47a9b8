"""What is content in an argument of a kind, and that every kind of contract can be made."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.contracts.compile import compiled
from smcp_security.contracts.expected import EXPECTED, JUDGED
from smcp_security.policy.contracts import KINDS
from smcp_security.policy.profiles import CATEGORIES
from smcp_security.rules.catalogue import read_rules

# What a kind cannot do without.
NEEDED: dict[str, dict[str, Any]] = {
    "path": {"roots": ("/srv/data",)},
    "command": {"programs": {"ls": None}},
    "enum": {"values": ("a", "b")},
    "regex": {"pattern": "[a-z]+"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_the_policy_becomes_a_contract_that_expects_what_the_table_says(kind: str) -> None:
    contract = compiled(KINDS[kind](**NEEDED.get(kind, {})))
    assert (contract.kind, contract.expects) == (kind, JUDGED[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_refuses_hostile_text_and_text_without_end(kind: str) -> None:
    contract = compiled(KINDS[kind](**NEEDED.get(kind, {})))
    assert contract.fault("\0" * 2_000_000) is not None
    attack = contract.fault("<script>{{7*7}}</script>; DROP TABLE x;\0 $(id)")
    assert (attack is None) == (kind == "code")


def test_only_categories_that_exist_are_expected() -> None:
    named = {category for table in (EXPECTED, JUDGED) for each in table.values() for category in each}
    assert {each for each in named if not each.startswith("SMCP")} <= set(CATEGORIES)
    assert {each for each in named if each.startswith("SMCP")} <= {rule.id for rule in read_rules()}
    assert JUDGED.keys() == KINDS.keys()


def test_hidden_text_and_secrets_are_content_nowhere() -> None:
    for expected in (*EXPECTED.values(), *JUDGED.values()):
        assert expected.isdisjoint({"unicode", "control", "secret", "bounds"})


def test_an_inferred_address_or_path_is_still_judged_by_the_rules() -> None:
    assert [kind for kind in ("url", "hostname", "identifier", "argv_token", "email") if kind in EXPECTED] == []
    assert EXPECTED["path"] == {"SMCP626"}
    assert JUDGED["url"] == {"ssrf"}
