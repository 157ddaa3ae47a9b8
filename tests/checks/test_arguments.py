"""Arguments against the schema of the tool: what fits, what a server would coerce, what nobody declared."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks import arguments
from smcp_security.checks.rung import Question, Recall
from smcp_security.decision import Action, Outcome
from smcp_security.message import Era, parse, typed
from smcp_security.policy import ArgumentsPolicy
from smcp_security.schemas import compile_schema
from tests.envelopes import LEGACY, MODERN, arriving, call, climb, codes, encoded, headers_of, legacy

SCHEMA = compile_schema(
    {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "who": {"type": "string", "maxLength": 5}, "tags": {"type": "array"}},
        "required": ["n"],
    }
)


def _judge(value: dict[str, Any], *, known: Any = SCHEMA, fields: Any = None, **policy: Any) -> Outcome:
    def answer(question: Question) -> object:
        assert question == Recall(value["params"]["name"])
        return known

    context = arriving(value, fields)
    era, revision = (Era.MODERN, MODERN) if "_meta" in value.get("params", {}) else (Era.LEGACY, LEGACY)
    context.message = typed(parse(encoded(value), max_depth=64), era, revision)
    return climb(arguments.build(ArgumentsPolicy(**policy))(context), answer)


@pytest.mark.parametrize("given", [{"n": 1}, {"n": 1, "who": "Ann"}, {"n": -5, "tags": [1, "a"]}, {"n": 5.0}])
def test_arguments_that_fit_pass_under_every_setting(given: dict[str, Any]) -> None:
    assert codes(_judge(call("x", given))) == []
    assert codes(_judge(call("x", given), extras="deny", coercions="deny", unknown_schema="deny")) == []


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, "/params/arguments"),
        ({"n": "many"}, "/params/arguments/n"),
        ({"n": None}, "/params/arguments/n"),
        ({"n": 1.5}, "/params/arguments/n"),
        ({"n": 1, "who": "longer than five"}, "/params/arguments/who"),
    ],
)
def test_arguments_that_do_not_fit_are_pointed_at(given: dict[str, Any], where: str) -> None:
    outcome = _judge(call("x", given))
    assert codes(outcome) == ["SMCP501"] and outcome.findings[0].where == where


def test_a_call_without_arguments_is_a_call_with_none() -> None:
    assert codes(_judge(legacy("tools/call", {"name": "x"}))) == ["SMCP501"]
    assert codes(_judge(legacy("tools/call", {"name": "x"}), known=compile_schema({"type": "object"}))) == []


@pytest.mark.parametrize("given", [{"n": "5"}, {"n": True}, {"n": 1, "tags": "[1,2]"}, {"n": "1", "tags": "[]"}])
def test_what_servers_coerce_passes_unless_the_policy_denies_coercions(given: dict[str, Any]) -> None:
    assert codes(_judge(call("x", given))) == []
    found = codes(_judge(call("x", given), coercions="deny"))
    assert found and set(found) == {"SMCP504"}


def test_an_extra_argument_passes_unless_the_policy_denies_extras() -> None:
    value = call("x", {"n": 1, "Zq~": "payload"})
    assert codes(_judge(value)) == []
    outcome = _judge(value, extras="deny")
    assert codes(outcome) == ["SMCP503"] and "Zq~" not in str(outcome.findings)
    assert outcome.findings[0].hint == "one of n, tags, who"


def test_a_schema_that_closes_its_object_refuses_extras_by_itself() -> None:
    closed = compile_schema({"type": "object", "properties": {"n": {}}, "additionalProperties": False})
    outcome = _judge(call("x", {"Zq~": 1}), known=closed)
    assert codes(outcome) == ["SMCP501"] and "Zq~" not in str(outcome.findings)
    assert codes(_judge(call("x", {"n": 1}), known=closed)) == []


def test_a_tool_whose_schema_is_unknown_passes_unless_the_policy_denies() -> None:
    value = call("x", {"anything": 1})
    assert codes(_judge(value, known=None)) == []
    assert codes(_judge(value, known=None, unknown_schema="deny")) == ["SMCP502"]


@pytest.mark.parametrize("method", ["tools/list", "prompts/get", "resources/read", "ping"])
def test_other_methods_are_not_asked_for_a_schema(method: str) -> None:
    value = legacy(method, {"name": "x", "uri": "x"})
    context = arriving(value)
    context.message = typed(parse(encoded(value), max_depth=64), Era.LEGACY, LEGACY)
    assert codes(climb(arguments.build(ArgumentsPolicy(unknown_schema="deny"))(context))) == []


MIRRORING = compile_schema({"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}})


def test_a_mirrored_argument_agrees_with_its_header_in_the_modern_era() -> None:
    value = call("x", {"region": "eu"}, era="modern")
    honest = [*headers_of(value), ("mcp-param-region", "eu")]
    assert codes(_judge(value, known=MIRRORING, fields=honest)) == []
    for fields in (headers_of(value), [*headers_of(value), ("mcp-param-region", "us")], [*honest, honest[-1]]):
        assert codes(_judge(value, known=MIRRORING, fields=fields)) == ["SMCP124"]
    # The older era has no such headers, so they mean nothing there.
    assert codes(_judge(call("x", {"region": "eu"}), known=MIRRORING)) == []


def test_every_violation_up_to_a_few_is_told() -> None:
    outcome = _judge(call("x", {"n": "many", "who": "longer than five", "tags": 1}))
    assert codes(outcome) == ["SMCP501"] * 3


def test_arguments_of_a_tool_whose_schema_cannot_be_used_are_reported_as_unchecked() -> None:
    broken = compile_schema({"type": "object", "properties": {"n": {"pattern": "(?=x)y"}}})
    message = legacy("tools/call", {"name": "x", "arguments": {"n": 1}})
    [finding] = _judge(message, known=broken).findings
    assert (finding.code, finding.action) == ("SMCP505", Action.REPORT)
    assert codes(_judge(message, known=broken, unknown_schema="deny")) == ["SMCP505", "SMCP502"]
