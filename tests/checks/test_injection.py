"""The rulebook over caller text: every place of every method, actions, exclusions, and pointers that tell nothing."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from smcp_security import leaves
from smcp_security.checks import injection
from smcp_security.checks.meanings import Knowledge
from smcp_security.checks.rung import Question, Recall
from smcp_security.decision import Action, Outcome
from smcp_security.message import Era, parse, typed
from smcp_security.policy import Policy
from smcp_security.rulebook import Rulebook, load
from smcp_security.rules.catalogue import Detection, read_rules
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


def _judge(
    value: dict[str, Any], *, known: Any = None, rules: Rulebook | None = None, more: Any = None, **section: Any
) -> Outcome:
    def answer(question: Question) -> object:
        assert isinstance(question, Recall)
        return known

    context = arriving(value)
    context.now = NOW
    era, revision = (Era.MODERN, MODERN) if "_meta" in value.get("params", {}) else (Era.LEGACY, ASSUMED)
    context.message = typed(parse(encoded(value), max_depth=64), era, revision)
    policy = Policy.from_dict({"injection": section, **(more or {})})
    return climb(injection.build(policy.injection, rules or _rules(), Knowledge(policy))(context), answer)


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


# -- context decides -------------------------------------------------------------------------------------------------

STACKED = "1; DROP TABLE users"
SQL = compile_schema({"type": "object", "properties": {"sql": {"type": "string"}, "title": {"type": "string"}}})


def _actions(outcome: Outcome) -> set[Action]:
    return {found.action for found in outcome.findings}


@pytest.mark.parametrize("known", [SQL, None])
def test_sql_is_content_in_an_argument_for_sql_and_an_attack_in_a_title(known: Any) -> None:
    assert _actions(_judge(call("query_database", {"sql": STACKED}), known=known)) == {Action.REPORT}
    assert Action.BLOCK in _actions(_judge(call("query_database", {"title": STACKED}), known=known))


@pytest.mark.parametrize(
    "arguments", [{"data": {"sql": STACKED}}, {"rows": [{"sql": STACKED}]}, {STACKED: "sql"}, {"sql": {"x": STACKED}}]
)
def test_names_that_the_caller_chose_turn_no_rule_off(arguments: dict[str, Any]) -> None:
    for known in (SQL, None):
        assert Action.BLOCK in _actions(_judge(call("query_database", arguments), known=known))


def test_an_argument_beside_the_schema_is_no_content_whatever_its_name() -> None:
    title = compile_schema({"type": "object", "properties": {"title": {"type": "string"}}})
    assert Action.BLOCK in _actions(_judge(call("query_database", {"sql": STACKED}), known=title))


def test_an_attack_on_another_language_stays_one_in_an_argument_for_sql() -> None:
    assert Action.BLOCK in _actions(_judge(call("query_database", {"sql": SHELL}), known=SQL))


def test_a_file_of_the_system_is_content_in_a_path_and_climbing_to_one_is_not() -> None:
    path = compile_schema({"type": "object", "properties": {"path": {"type": "string"}, "name": {"type": "string"}}})
    for given, expected in (
        ({"path": "/var/log/syslog"}, False),
        ({"name": "/var/log/syslog"}, True),
        ({"path": "../../../../etc/passwd"}, True),
    ):
        assert (Action.BLOCK in _actions(_judge(call("read_file", given), known=path))) is expected


def test_operators_of_a_document_database_are_content_in_its_filters() -> None:
    schema = compile_schema({"type": "object", "properties": {"filter": {"type": "object"}, "name": {}}})
    query = {"age": {"$gt": 5}, "$or": [{"name": {"$ne": None}}]}
    assert Action.BLOCK not in _actions(_judge(call("mongodb_find", {"filter": query}), known=schema))
    assert Action.BLOCK in _actions(_judge(call("mongodb_find", {"name": query}), known=schema))


def test_nothing_is_content_where_nothing_is_inferred() -> None:
    outcome = _judge(call("query_database", {"sql": STACKED}), known=SQL, more={"infer": False})
    assert Action.BLOCK in _actions(outcome)


def test_a_contract_says_what_its_argument_is_and_which_rules_count() -> None:
    def judged(**contract: Any) -> Outcome:
        policy = {"tools": {"x": {"arguments": {"a": contract}}}}
        return _judge(call("x", {"a": STACKED}), more=policy)

    assert codes(judged(kind="code")) == []
    assert _actions(judged(kind="text")) == {Action.BLOCK}
    assert _actions(judged(kind="text", detect={"sql": "annotate"})) == {Action.REPORT}
    assert codes(judged(kind="text", detect={"sql": "off"})) == []
    assert Action.BLOCK in _actions(judged(kind="code", detect={"sql": "block"}))


def test_of_several_contracts_for_one_place_the_strictest_counts() -> None:
    text, code = {"kind": "text"}, {"kind": "code"}
    policy = {"tools": {"x": {"arguments": {"a": code}}, "x*": {"arguments": {"/a": text}}}}
    assert Action.BLOCK in _actions(_judge(call("x", {"a": STACKED}), more=policy))


# -- scores ----------------------------------------------------------------------------------------------------------


def _scored(*scores: int) -> Rulebook:
    """A rulebook with a rule of its own word for each score."""
    raw = [rule for rule in read_rules() if rule.category == "bounds"]
    model = next(rule for rule in read_rules() if rule.category == "sql")
    for number, score in enumerate(scores):
        word = (Detection((f"zebra{number}",)),)
        raw.append(replace(model, id=f"SMCP63{number}", slug=f"zebra-{number}", score=score, detect=word))
    return Rulebook(raw)


def test_rules_that_are_not_certain_alone_add_up_in_one_text() -> None:
    rules = _scored(2, 3, 5)
    assert _actions(_judge(call("x", {"a": "zebra0"}), rules=rules)) == {Action.REPORT}
    assert _actions(_judge(call("x", {"a": "zebra0 zebra0 zebra0"}), rules=rules)) == {Action.REPORT}
    assert _actions(_judge(call("x", {"a": "zebra0 zebra1"}), rules=rules)) == {Action.BLOCK}
    assert _actions(_judge(call("x", {"a": "zebra0", "b": "zebra1"}), rules=rules)) == {Action.REPORT}
    assert _actions(_judge(call("x", {"a": "zebra2"}), rules=rules)) == {Action.BLOCK}


def test_the_policy_says_from_which_sum_on_a_text_is_refused() -> None:
    rules = _scored(2, 3)
    sent = call("x", {"a": "zebra0 zebra1"})
    assert _actions(_judge(sent, rules=rules, threshold=6)) == {Action.REPORT}
    assert _actions(_judge(call("x", {"a": "zebra0"}), rules=rules, threshold=2)) == {Action.BLOCK}


MARKUP = "<script>alert(1)</script>"


def _names(outcome: Outcome) -> set[Action]:
    return {found.action for found in outcome.findings}


def test_a_name_is_never_content_whatever_its_value_is() -> None:
    more = {"tools": {"x": {"arguments": {"/files/*": {"kind": "code"}}}}}
    assert _names(_judge(call("x", {"files": {"a": MARKUP}}), more=more)) == set()
    assert Action.BLOCK in _names(_judge(call("x", {"files": {MARKUP: "a"}}), more=more))


def test_a_caller_cannot_name_an_argument_so_that_its_name_is_content() -> None:
    assert _names(_judge(call("x", {"html": MARKUP}))) == {Action.REPORT}
    assert Action.BLOCK in _names(_judge(call("x", {f"{MARKUP} html": "a"})))


def test_operators_below_a_filter_of_a_document_database_are_content() -> None:
    given = {"filter": {"$where": "this.a == 1", "age": {"$gt": ""}}}
    assert Action.BLOCK not in _names(_judge(call("mongodb_find", given)))
    assert Action.BLOCK in _names(_judge(call("login", {"user": {"$where": "this.a == 1", "$gt": ""}})))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (call("whoami", {}), []),
        (call("report", {"netstat": 3, "deep": [{"systeminfo": "x"}]}), []),
        (legacy("prompts/get", {"name": "whoami"}), []),
        (
            legacy(
                "completion/complete",
                {"ref": {"type": "ref/prompt", "name": "whoami"}, "argument": {"name": "ifconfig", "value": "e"}},
            ),
            [],
        ),
        (call("report", {"field": "whoami"}), ["SMCP618"]),
        (call("report", {"fields": ["whoami"]}), ["SMCP618"]),
        (call("report", {"netstat -an": 1}), ["SMCP618"]),
        (call("whoami /all", {}), ["SMCP618"]),
        (call("; cat /etc/passwd", {}), ["SMCP610"]),
    ],
)
def test_a_command_is_none_where_it_is_what_something_is_called(value: dict[str, Any], found: list[str]) -> None:
    assert [code for code in codes(_judge(value))] == found
