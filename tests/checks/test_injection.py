"""The rulebook over caller text: every place of every method, actions, exclusions, and pointers that tell nothing."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from smcp_security import leaves
from smcp_security.checks import injection
from smcp_security.checks.rung import Question, Recall
from smcp_security.decision import Action, Outcome
from smcp_security.message import Era, parse, typed
from smcp_security.policy import Policy
from smcp_security.rulebook import Rulebook, load
from smcp_security.schemas import compile_schema
from tests.envelopes import ASSUMED, MODERN, arriving, call, climb, codes, encoded, legacy, modern, response

SHELL = "Zq~; cat /etc/passwd | sh"
NOW = 1_800_000_000.0  # 2027-01-15
SCHEMA = compile_schema(
    {
        "type": "object",
        "properties": {"body": {"type": "string"}, "items": {"type": "array", "items": {"properties": {"text": {}}}}},
    }
)


@cache
def _rules() -> Rulebook:
    return load(2)


def _judge(value: dict[str, Any], *, known: Any = None, **section: Any) -> Outcome:
    def answer(question: Question) -> object:
        assert isinstance(question, Recall)
        return known

    context = arriving(value)
    context.now = NOW
    era, revision = (Era.MODERN, MODERN) if "_meta" in value.get("params", {}) else (Era.LEGACY, ASSUMED)
    context.message = typed(parse(encoded(value), max_depth=64), era, revision)
    policy = Policy.from_dict({"injection": section})
    return climb(injection.build(policy.injection, _rules())(context), answer)


PLACES: list[Any] = [
    lambda text: call("x", {"a": text}),
    lambda text: call("x", {"a": {"b": [1, {"c": text}]}}),
    lambda text: call("x", {text: 1}),
    lambda text: call("x", {"a": {text: None}}),
    lambda text: call(text),
    lambda text: call("x", {"name": text}),
    lambda text: call("x", {"a": text}, era="modern"),
    lambda text: legacy("prompts/get", {"name": "p", "arguments": {"a": text}}),
    lambda text: legacy("resources/read", {"uri": f"note://{text}"}),
    lambda text: legacy("tools/list", {"cursor": text}),
    lambda text: legacy(
        "completion/complete", {"ref": {"type": "ref/prompt", "name": "a"}, "argument": {"value": text}}
    ),
    lambda text: legacy("completion/complete", {"context": {"arguments": {"a": text}}}),
    lambda text: legacy("notifications/cancelled", {"requestId": 1, "reason": text}, id=None),
    lambda text: legacy("tools/call", {"name": "x", "_meta": {"vendor/key": text}}),
    lambda text: modern("server/discover", **{"io.modelcontextprotocol/clientInfo": {"name": text}}),
    lambda text: modern("tools/call", {"name": "x", "requestState": text}),
    lambda text: modern("tools/call", {"name": "x", "inputResponses": {"a": {"content": {"b": text}}}}),
    lambda text: modern("subscriptions/listen", {"notifications": {"resourceSubscriptions": [text]}}),
    lambda text: legacy("x-vendor/thing", {"a": text}),
    lambda text: response(1, {"content": {"answer": text}}),
    lambda text: {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": text}},
]


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_an_attack_is_found_in_every_place_that_the_caller_writes(place: Any) -> None:
    assert "SMCP610" in codes(_judge(place(SHELL)))
    assert codes(_judge(place("weekly report"))) == []


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_a_finding_tells_nothing_that_the_caller_wrote(place: Any) -> None:
    outcome = _judge(place(SHELL))
    assert outcome.findings and "Zq~" not in repr(outcome.findings)


def test_texts_are_judged_one_by_one_and_not_across_their_borders() -> None:
    assert codes(_judge(call("x", {"a": "notes; rm", "b": " -rf /tmp/x"}))) == []
    assert codes(_judge(call("x", {"a": "notes; rm -rf /tmp/x"}))) != []


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"body": SHELL}, "/params/arguments/body"),
        ({"items": [{"text": "x"}, {"text": SHELL}]}, "/params/arguments/items/1/text"),
        ({"other": SHELL}, "/params/arguments/*"),
        ({"items": [{"other": SHELL}]}, "/params/arguments/items/0/*"),
        ({SHELL: 1}, "/params/arguments/*"),
    ],
)
def test_the_pointer_shows_only_what_the_schema_declares(arguments: dict[str, Any], where: str) -> None:
    assert _judge(call("x", arguments), known=SCHEMA).findings[0].where == where
    unknown = _judge(call("x", arguments)).findings[0].where
    assert unknown.startswith("/params/arguments/") and "body" not in unknown and "items" not in unknown


@pytest.mark.parametrize(
    ("action", "expected"), [("block", [Action.BLOCK]), ("annotate", [Action.REPORT]), ("off", [])]
)
def test_the_policy_says_what_a_hit_of_a_category_does(action: str, expected: list[Action]) -> None:
    outcome = _judge(call("x", {"a": SHELL}), action={"command": action})
    assert [found.action for found in outcome.findings if found.code == "SMCP610"] == expected


def _excluding(value: dict[str, Any], **exclusion: Any) -> list[str]:
    return codes(_judge(value, exclude=[{"rule": "SMCP610", "reason": "a test", **exclusion}]))


CALL = call("wiki.save", {"body": SHELL})


@pytest.mark.parametrize(
    ("exclusion", "covered"),
    [
        ({}, True),
        ({"tool": "wiki.save"}, True),
        ({"tool": "wiki.*"}, True),
        ({"tool": "wiki"}, False),
        ({"tool": "Wiki.*"}, False),
        ({"pointer": "/body"}, True),
        ({"pointer": "/*"}, True),
        ({"pointer": "/body/x"}, False),
        ({"pointer": ""}, False),
        ({"tool": "wiki.*", "pointer": "/body"}, True),
        ({"tool": "mail.*", "pointer": "/body"}, False),
        ({"until": "2027-01-15"}, True),
        ({"until": "2027-01-14"}, False),
    ],
)
def test_an_exclusion_covers_its_own_place_and_time(exclusion: dict[str, Any], covered: bool) -> None:
    assert ("SMCP610" not in _excluding(CALL, **exclusion)) is covered


def test_an_exclusion_of_another_rule_covers_nothing() -> None:
    assert "SMCP610" in codes(_judge(CALL, exclude=[{"rule": "SMCP611", "reason": "a test"}]))


@pytest.mark.parametrize(
    "value",
    [
        legacy("prompts/get", {"name": "wiki.save", "arguments": {"body": SHELL}}),
        legacy("tools/call", {"name": "wiki.save", "_meta": {"body": SHELL}}),
        legacy("tools/call", {"name": "wiki.save", "arguments": {}, "body": SHELL}),
        call(f"wiki.{SHELL}", {}),
    ],
)
def test_an_exclusion_for_a_tool_reaches_no_further_than_its_arguments(value: dict[str, Any]) -> None:
    assert "SMCP610" in _excluding(value, tool="wiki.*")
    assert "SMCP610" in _excluding(value, tool="wiki.*", pointer="/*")


def test_many_hits_cost_one_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    # A walk for each hit made 100 KB of nested strings with 64 hits cost seconds.
    walks: list[int] = []
    places = leaves._places

    def counted(*given: Any, **more: Any) -> Any:
        walks.append(1)
        return places(*given, **more)

    monkeypatch.setattr(leaves, "_places", counted)
    outcome = _judge(call("x", {"items": [{"text": SHELL} for _ in range(60)]}), known=SCHEMA)
    assert {found.where for found in outcome.findings} >= {f"/params/arguments/items/{n}/text" for n in range(60)}
    assert len(walks) <= 2


def test_file_uris_of_roots_are_no_attack_but_as_an_argument_they_are() -> None:
    roots = {"roots": [{"uri": "file:///home/ann/project", "name": "project"}]}
    assert codes(_judge(response(1, roots))) == []
    assert codes(_judge(call("fetch", {"url": "file:///etc/passwd"}))) != []


def test_ordinary_conversation_has_no_findings() -> None:
    text = "Please compare the sales of Q3 & Q4; see the notes (draft) in ./reports/2026.md | thanks, Ann"
    assert codes(_judge(call("notes.add", {"text": text, "tags": ["sales", "draft"]}))) == []
