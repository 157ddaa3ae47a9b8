"""Policies that are odd and right, and holes beside them that look much the same."""

from __future__ import annotations

import inspect

import pytest

from smcp_security.lint.catalogue import rules
from smcp_security.lint.openness import is_public
from smcp_security.lint.recognition import kind_of
from smcp_security.lint.rules.comments import ASK_TOOLS
from smcp_security.lint.run import examined
from smcp_security.lint.selection import chosen
from smcp_security.policy.model import Policy
from tests.lint.snapshots import CREDENTIAL
from tests.lint.twins import read

ROLE = "identity: {api_keys: {file: keys.yaml}}\nroles: {dev: {allow: [%s]}}\n"
STATED = "tools: {t: {schema: {type: object, properties: {n: {type: number, %s: 0.10}}}}}\n"


def codes(text: str, code: str) -> list[str]:
    """The findings of one rule in a policy that the loader takes."""
    given = read(text)
    assert given.policy is not None, given.faults
    return [finding.code for finding in examined(given, chosen([code], []))[0]]


def when(*conditions: str) -> str:
    """A policy with one rule that has these conditions."""
    return ROLE % f"{{tools: [t], when: [{', '.join(f'{{{each}}}' for each in conditions)}]}}"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("POL006", when("argument: amount, range: [0.00, 499.90]")),
        ("POL006", STATED % "minimum"),
        ("POL006", STATED % "multipleOf"),
        ("POL210", ROLE % "{tools: [a], scopes: [x]}, {tools: [a], scopes: [y]}"),
        ("POL210", ROLE % "{tools: [a], scopes: [x]}, {tools: [b], scopes: [x, y]}"),
        ("POL216", when("argument: n, equals: 1", "argument: n, in: [1.0, 2.0]")),
        ("POL216", when("argument: n, equals: 5", "argument: n, range: [1, null]")),
        ("POL216", when("argument: s, in: [prod-1, test]", "argument: s, prefix: prod-")),
        ("POL217", when('argument: url, prefix: "https://example.com/releases/"')),
        ("POL217", when('argument: url, prefix: "docs://"')),
        ("POL212", ROLE.replace("]}}", "], deny: [{tools: ['*delete*']}]}}") % "{tools: ['*']}"),
        ("POL308", "concurrency: [{per: caller, max: 4}, {per: tool, tools: [render], max: 1}]\n"),
        ("POL309", "budgets: [{per: caller, tokens: 9/day}, {per: caller, tokens: 99/month}]\n"),
        ("POL309", "budgets: [{per: caller, tokens: 9/day}, {per: [caller, tool], tokens: 5/day}]\n"),
    ],
)
def test_what_is_odd_and_right_is_left_alone(code: str, text: str) -> None:
    assert codes(text, code) == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("POL006", when("argument: version, equals: 1.10")),
        ("POL210", ROLE % "{tools: [a], scopes: [x]}, {tools: [a], scopes: [x, y]}"),
        ("POL210", ROLE % '{resources: ["docs://*"]}, {resources: ["docs://secret"], scopes: [secret]}'),
        ("POL216", when("argument: n, equals: 5", "argument: n, range: [10, 20]")),
        ("POL216", when('argument: n, equals: "5"', "argument: n, range: [1, 9]")),
        ("POL216", when("argument: s, prefix: q", "argument: s, in: [ax, bx]")),
        ("POL216", when("argument: s, prefix: q", "argument: s, range: [1, 9]")),
        ("POL217", when('argument: url, prefix: "https://example.com"')),
        ("POL217", when('argument: url, prefix: "https://example.com:8443"')),
        ("POL212", ROLE.replace("]}}", "], deny: [{tools: [read_diary]}]}}") % "{tools: ['*']}"),
        ("POL308", "concurrency: [{per: tool, tools: [render], max: 1}]\n"),
        ("POL309", "budgets: [{per: caller, tokens: 9/day}, {per: caller, tokens: 9/month}]\n"),
        ("POL309", "budgets: [{per: [caller, tool], tokens: 9/day}, {per: caller, tokens: 5/day}]\n"),
    ],
)
def test_a_hole_that_looks_much_the_same_is_found(code: str, text: str) -> None:
    assert codes(text, code) == [code]


def test_three_thousand_rules_with_a_condition_each_are_compared_by_what_they_ask() -> None:
    from smcp_security.lint.rules import access

    asked = access._fewer(frozenset(map(str, range(40))))
    assert len(list(asked)) == 41


@pytest.mark.parametrize("host", ["localhost.example.com", "127.0.0.1.example.com", "mcp.example.com:*"])
def test_a_name_that_only_begins_like_this_machine_is_public(host: str) -> None:
    assert is_public(Policy.model_validate({"server": {"hosts": [host]}}))
    assert not is_public(Policy.model_validate({"server": {"hosts": ["localhost:*", "127.0.0.1:8000", "[::1]:*"]}}))


def test_a_credential_in_a_key_is_in_no_message_and_no_path() -> None:
    given = read(ROLE.replace("dev", CREDENTIAL) % "{tools: [a]}, {tools: [a]}")
    found = examined(given, chosen(["POL211", "POL002"], []))[0]
    assert sorted(finding.code for finding in found) == ["POL002", "POL211"]
    assert CREDENTIAL not in repr(found)
    unknown = examined(read(f"version: 1\n{CREDENTIAL}: 1\n"), chosen([], []))[0]
    assert {finding.code for finding in unknown} == {"POL001", "POL002"}
    assert CREDENTIAL not in repr(unknown)


@pytest.mark.parametrize(
    "text",
    [
        "sever: {}\nmode: monitor # smcp: ignore[POL010] a trial\n",
        ROLE % '{tools: ["future_*"]}' + "# smcp: ignore-file[POL213] comes with the next release\n",
    ],
)
def test_a_comment_whose_rule_could_not_look_is_not_called_unused(text: str) -> None:
    assert "LNT002" not in [finding.code for finding in examined(read(text), chosen([], []))[0]]


def test_every_rule_that_looks_at_known_tools_is_known_to_do_so() -> None:
    looking = {
        code
        for code, rule in rules().items()
        if code.startswith("POL") and "`--tools`" in (inspect.getdoc(rule.look) or "")
    }
    assert looking <= ASK_TOOLS


@pytest.mark.parametrize("comment", ["ignore-file[POL001]", "ignore-file[unusable-policy]"])
def test_no_comment_makes_a_policy_clean_that_does_not_load(comment: str) -> None:
    text = f"version: 1\n# smcp: {comment} it is an old one\nsever: {{}}\n"
    found = [finding.code for finding in examined(read(text), chosen([], []))[0]]
    assert found == ["LNT003", "POL001"]


@pytest.mark.parametrize("kind", ["asyncapi", "openapi", "swagger"])
def test_the_servers_of_an_api_are_no_configuration_of_a_client(kind: str) -> None:
    api = {kind: "3.0.0", "servers": {"prod": {"url": "http://api.example.com", "protocol": "kafka"}}}
    assert kind_of(api) is None
    assert kind_of({"servers": api["servers"]}) == "client"
