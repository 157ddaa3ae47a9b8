"""Contracts: a kind has its own settings, every mistake is told, and who writes none pays for none."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from smcp_security.errors import PolicyError
from smcp_security.policy import Policy
from smcp_security.policy.contracts import KINDS, CidrContract, EnumContract
from smcp_security.policy.formats import TextContract

REQUIRED = {
    "path": {"roots": ["/srv"]},
    "command": {"programs": {"git": None}},
    "enum": {"values": ["a"]},
    "regex": {"pattern": "a"},
}


def _read(contract: Any) -> Any:
    return Policy.from_dict({"tools": {"t": {"arguments": {"a": contract}}}}).tools["t"].arguments["/a"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_needs_only_what_it_cannot_guess(kind: str) -> None:
    contract = _read({"kind": kind, **REQUIRED.get(kind, {})})
    assert type(contract) is KINDS[kind]
    assert contract.kind == kind and contract.detect is None


@pytest.mark.parametrize("kind", REQUIRED)
def test_a_kind_without_what_it_needs_is_refused(kind: str) -> None:
    with pytest.raises(PolicyError, match="missing, and it has no default"):
        _read({"kind": kind})


def test_every_mistake_in_several_contracts_is_told_at_once() -> None:
    contracts = {"a": {"kind": "uuid", "versions": [0], "x": 1}, "b": {"kind": "no"}, "c/d": {}}
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({
            "tools": {"t": {"arguments": contracts}},
            "resources": {"a://b": {"uri": {"kind": "path"}}},
        })  # fmt: skip
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        'resources."a://b".uri.roots', 'tools.t.arguments."c/d"', "tools.t.arguments.a.versions[0]",
        "tools.t.arguments.a.x", "tools.t.arguments.b.kind",
    ]  # fmt: skip


def test_a_mistake_never_shows_what_looks_like_a_secret() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({"tools": {"t": {"arguments": {"api_key": {"kind": "regex", "pattern": 7}}}}})
    assert "found" not in str(caught.value)


def test_only_the_written_actions_of_a_contract_are_kept() -> None:
    assert dict(_read({"kind": "text", "detect": {"sql": "off"}}).detect) == {"sql": "off"}
    assert dict(_read({"kind": "text", "detect": {}}).detect) == {}


def test_values_of_an_enum_stay_as_they_are_written() -> None:
    assert _read({"kind": "enum", "values": ["A", "a ", ""]}) == EnumContract(values=("A", "a ", ""))


@pytest.mark.parametrize("version", [True, 4.5, "4", 5])
def test_a_version_of_ip_is_four_or_six(version: object) -> None:
    with pytest.raises(PolicyError, match="expected 4 or 6"):
        _read({"kind": "cidr", "version": version})
    assert _read({"kind": "cidr", "version": 6, "within": ["2001:db8::/32"]}) == CidrContract(
        version=6, within=("2001:db8::/32",)
    )


@pytest.mark.parametrize("flag", ["yes", 1, "true", None])
def test_a_switch_is_true_or_false(flag: object) -> None:
    with pytest.raises(PolicyError, match="expected true or false"):
        _read({"kind": "url", "public_only": flag})


@pytest.mark.parametrize("character", ["\x00", "\u2028", "\u202e", "ab", "", "a", 7])
def test_only_control_characters_are_control_characters(character: object) -> None:
    with pytest.raises(PolicyError, match="expected one control character"):
        _read({"kind": "text", "controls": [character]})


def test_an_empty_list_of_a_contract_stays_empty() -> None:
    contract = _read({"kind": "text", "controls": [], "scripts": []})
    assert contract == TextContract(controls=(), scripts=())
    assert _read({"kind": "url", "hosts": [], "ports": []}).hosts == ()


def test_a_policy_without_contracts_imports_no_kind() -> None:
    program = (
        "import sys; from smcp_security.policy import Policy;"
        "Policy.from_dict({'tools': {'a*': {'infer': False, 'arguments': {}}}, 'resources': {'a://b': {'uri': None}}});"
        "late = {'smcp_security.policy.contracts', 'smcp_security.policy.formats', 're2', 'jsonschema', 'sqlglot'};"
        "print(sorted(late & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
