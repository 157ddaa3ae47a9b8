"""`smcp explain`: every code can be looked up, and what it says of the wire is what is sent."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.cli.wire import MASKED, REPORTED, shape
from smcp_security.codes import CODES
from smcp_security.rules.catalogue import read_rules
from tests.architecture.source import modules, tree
from tests.cli.terminal import smcp


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    """Everything that `smcp explain --all` knows, by code."""
    return {entry["code"]: entry for entry in smcp("explain", "--all", "--format", "json").json}


def test_every_code_and_every_rule_is_listed_in_order(listed: dict[str, Any]) -> None:
    assert list(listed) == sorted({*CODES, *(rule.id for rule in read_rules())})


def test_the_list_for_people_has_a_line_for_each_code(listed: dict[str, Any]) -> None:
    result = smcp("explain")
    assert result.code == 0
    assert [line.split()[:2] for line in result.out.splitlines()] == [[code, listed[code]["slug"]] for code in listed]


@pytest.mark.parametrize("name", ["SMCP112", "smcp112", "duplicate-key", "Duplicate-Key"])
def test_a_code_is_found_by_number_and_slug_in_any_case(name: str) -> None:
    result = smcp("explain", name)
    row = CODES["SMCP112"]
    assert result.code == 0
    assert result.out.startswith("SMCP112 duplicate-key\n")
    for part in (row.meaning, row.remediation, row.cwe, row.owasp, row.severity.value):
        assert part in result.out


def test_a_rule_is_explained_with_its_reasons_and_without_its_patterns() -> None:
    rule = next(rule for rule in read_rules() if rule.id == "SMCP631")
    result = smcp("explain", rule.slug)
    words = " ".join(result.out.split())
    assert (rule.why in words, rule.remediation in words, all(each in words for each in rule.references)) == (True,) * 3
    patterns = [pattern for found in rule.detect for pattern in (*found.any, found.near, found.unless) if pattern]
    assert patterns
    assert [pattern for pattern in patterns if pattern in result.out] == []


def test_an_unknown_code_is_answered_with_one_that_exists() -> None:
    result = smcp("explain", "dupicate-key")
    assert result.code == 2
    assert "did you mean duplicate-key" in result.complaint


def test_an_unknown_code_like_no_other_points_to_the_list() -> None:
    result = smcp("explain", "x" * 500)
    assert result.code == 2
    assert "`smcp explain` lists all" in result.complaint
    assert len(result.complaint) < 120


def test_a_code_and_all_codes_exclude_each_other() -> None:
    result = smcp("explain", "SMCP112", "--all")
    assert result.code == 2
    assert "leave one out" in result.complaint


def test_the_facts_of_one_code_come_as_json() -> None:
    entry = smcp("explain", "smcp127", "--format", "json").json
    assert (entry["code"], entry["slug"], entry["severity"]) == ("SMCP127", "unknown-method", "medium")
    assert entry["answers"] == {
        "2026-07-28": "HTTP 404, JSON-RPC error -32601, with the request's id",
        "older revisions": "HTTP 200, JSON-RPC error -32601, with the request's id",
    }


def _call(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "q", "arguments": arguments}}


@pytest.mark.parametrize(
    ("message", "code", "kind"),
    [
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', "SMCP112", ""),
        (b'{"jsonrpc":"2.0","id":1,"method":"x/y"}', "SMCP127", "older revisions"),
        (_call({"q": "x' OR '1'='1"}), "SMCP631", "tools/call"),
    ],
)
def test_what_it_says_of_the_answer_is_what_the_framework_answers(
    listed: dict[str, Any], message: Any, code: str, kind: str
) -> None:
    with SMCPSecurityFramework({}) as security:
        decision = security.process_request_sync(message)
    assert decision.blocking is not None and decision.answer is not None
    assert decision.blocking.code == code
    assert str(shape(decision.answer)) == listed[code]["answers"][kind]


def test_every_code_says_how_it_is_answered(listed: dict[str, Any]) -> None:
    assert [code for code, entry in listed.items() if not all(entry["answers"].values())] == []


@pytest.mark.parametrize("code", ["SMCP705", "SMCP706", "SMCP922"])
def test_what_is_masked_is_not_said_to_be_withheld(listed: dict[str, Any], code: str) -> None:
    assert listed[code]["answers"] == {"": "none: what was found is masked where it stands, and the rest passes"}
    assert "-31502" in str(listed["SMCP709"]["answers"])


def _uses() -> dict[str, set[bool]]:
    """Code -> whether each place in the package that gives it only reports it."""
    uses: dict[str, set[bool]] = {}
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("finding", "denied"):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    reports = any(ast.unparse(each.value) == "Action.REPORT" for each in node.keywords)
                    uses.setdefault(str(first.value), set()).add(reports)
    return uses


def test_exactly_the_codes_that_no_check_denies_with_are_said_to_pass() -> None:
    assert {code for code, reports in _uses().items() if reports == {True}} - MASKED == REPORTED
