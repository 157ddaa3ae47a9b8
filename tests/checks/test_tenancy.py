"""Results of some tools hold rows of the caller's tenant alone: dropped, refused, or nothing to see at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import ownership, tenancy
from smcp_security.checks.rung import Context
from smcp_security.decision import CLEAN, Action, Caller, Origin, Outcome
from smcp_security.policy import Policy
from tests.checks.callers import caller, message_of, policy_of
from tests.checks.claims_kept import Claims
from tests.envelopes import call, climb, codes, encoded, legacy, response

ACME = caller("viewer", tenant="acme")
LISTED = {"tools": ["list_*"], "pointer": "/items/*/org"}
SINGLE = {"tools": ["get_*"], "pointer": "/org"}
FOREIGN = ["SMCP704"]


def _policy(*assertions: Any, **more: Any) -> Policy:
    return policy_of(results={"tenant": list(assertions)}, **more)


def _row(org: Any, id: int = 1) -> dict[str, Any]:
    return {"org": org, "id": id}


def _told(value: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": json.dumps(value)}]


def _judge(
    policy: Policy, result: Any, who: Caller | None = ACME, *, tool: str = "list_x", **facts: Any
) -> tuple[Outcome, Any]:
    rung = tenancy.build(policy.results.tenant, policy)
    message = message_of(facts.pop("value", None) or response(1, result))
    answer = facts.pop("answer", None)
    context = Context(
        **{"message": message, "request": message_of(call(tool)), "origin": Origin("tools/call", tool)} | facts
    )
    context.caller = who
    outcome = climb(rung(context), answer)
    shown = message if outcome.edit is None else outcome.edit
    assert shown.raw == encoded(shown.value)
    return outcome, shown.value.get("result")


def _codes(policy: Policy, result: Any, who: Caller | None = ACME, **facts: Any) -> list[str]:
    return codes(_judge(policy, result, who, **facts)[0])


# -- rows --------------------------------------------------------------------------------------------------------------


def test_a_task_of_another_workspace_is_withheld() -> None:
    """ACCEPTANCE row 23: an ordinary get by the id of another customer's row."""
    policy = _policy({"tools": ["get_task"], "pointer": "/workspace_id", "claim": "workspace"})
    who = caller("viewer", claims={"workspace": "w1"})
    for value, expected in (({"workspace_id": "w1", "name": "a"}, []), ({"workspace_id": "w2", "name": "b"}, FOREIGN)):
        for result in ({"structuredContent": value, "content": _told(value)}, {"content": _told(value)}):
            assert _codes(policy, result, who, tool="get_task") == expected


def test_foreign_rows_are_dropped_and_the_rest_is_told_anew() -> None:
    items = [_row("acme", 1), _row("other", 2), _row("acme", 3)]
    given = {"structuredContent": {"items": items, "next": "c"}, "content": _told({"items": items}), "isError": False}
    outcome, result = _judge(_policy(LISTED), given)
    kept = {"items": [items[0], items[2]], "next": "c"}
    assert result == {"structuredContent": kept, "content": result["content"], "isError": False}
    assert [json.loads(block["text"]) for block in result["content"]] == [kept]
    [found] = outcome.findings
    assert (found.code, found.action, found.where) == ("SMCP704", Action.REPORT, "/result")
    assert found.hint == "rows of another tenant that were dropped: 1"


def test_rows_that_are_all_the_callers_keep_their_bytes() -> None:
    value = {"items": [_row("acme", 1), _row("acme", 2)]}
    for content in (_told(value), _told(value["items"]), [*_told(_row("acme", 1)), *_told(_row("acme", 2))], []):
        assert _judge(_policy(LISTED), {"structuredContent": value, "content": content})[0] is CLEAN
    assert _judge(_policy(LISTED), {"structuredContent": value})[0] is CLEAN
    assert _judge(_policy(LISTED), {"content": _told(value)})[0] is CLEAN
    assert _judge(_policy(LISTED), {"content": _told({"items": []})})[0] is CLEAN


@pytest.mark.parametrize("org", ["other", "ACME", "acme ", "", None, 7, True, ["acme"], {"acme": 1}])
def test_a_row_of_another_or_of_no_tenant_is_foreign(org: Any) -> None:
    policy = _policy({**LISTED, "rows": "refuse"})
    assert _codes(policy, {"structuredContent": {"items": [_row("acme"), _row(org)]}}) == FOREIGN
    assert _codes(policy, {"structuredContent": {"items": [_row("acme"), {"id": 1}]}}) == FOREIGN
    assert _codes(policy, {"structuredContent": {"items": [_row("acme"), "acme"]}}) == FOREIGN
    assert _codes(policy, {"structuredContent": {"items": [_row("acme")]}}) == []


def test_without_a_star_the_whole_result_is_the_one_row() -> None:
    for rows in ("drop", "refuse"):
        policy = _policy({**SINGLE, "rows": rows})
        assert _codes(policy, {"structuredContent": _row("acme")}, tool="get_x") == []
        assert _codes(policy, {"structuredContent": _row("other")}, tool="get_x") == FOREIGN


def test_rows_may_hold_lists_of_their_own() -> None:
    policy = _policy({"tools": ["*"], "pointer": "/items/*/shares/*/org"})
    mine, mixed, none = ({"shares": [{"org": org} for org in orgs]} for orgs in (["acme"], ["acme", "other"], []))
    _, result = _judge(policy, {"structuredContent": {"items": [mine, mixed, none, {}]}})
    assert result["structuredContent"] == {"items": [mine]}


def test_a_list_may_be_the_result_itself() -> None:
    policy = _policy({"tools": ["*"], "pointer": "/*/org"})
    _, result = _judge(policy, {"content": _told([_row("acme"), _row("other")])})
    assert [json.loads(block["text"]) for block in result["content"]] == [[_row("acme")]]


@pytest.mark.parametrize(
    "value",
    [{}, {"items": None}, {"items": {}}, {"items": {"*": _row("acme")}}, {"rows": []}, [], "x", 7, {"Items": []}],
)
def test_a_pointer_that_leads_nowhere_withholds_the_result(value: Any) -> None:
    assert _codes(_policy(LISTED), {"structuredContent": value}) == FOREIGN
    assert _codes(_policy(LISTED), {"content": _told(value)}) == FOREIGN


# -- texts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["Ann's tasks: 1, 2", "", '{"items": [', '{"items":[],"items":[]}', "7", '"x"', "[NaN]"]
)
def test_a_text_that_is_no_json_is_withheld_where_there_is_nothing_else(text: str) -> None:
    assert _codes(_policy(LISTED), {"content": [{"type": "text", "text": text}]}) == FOREIGN


def test_each_text_is_judged_by_itself() -> None:
    first, second = {"items": [_row("acme", 1)]}, {"items": [_row("other", 2), _row("acme", 3)]}
    outcome, result = _judge(_policy(LISTED), {"content": [*_told(first), {**_told(second)[0], "annotations": {}}]})
    assert [json.loads(block["text"]) for block in result["content"]] == [first, {"items": [_row("acme", 3)]}]
    assert result["content"][0] == _told(first)[0] and result["content"][1]["annotations"] == {}
    assert codes(outcome) == FOREIGN


@pytest.mark.parametrize("text", ["a summary", json.dumps({"items": [_row("other")]}), json.dumps(_row("other")), "[]"])
def test_a_text_that_does_not_repeat_the_judged_rows_is_exchanged(text: str) -> None:
    value = {"items": [_row("acme")]}
    for rows in ("drop", "refuse"):
        given = {"structuredContent": value, "content": [{"type": "text", "text": text}]}
        outcome, result = _judge(_policy({**LISTED, "rows": rows}), given)
        assert [json.loads(block["text"]) for block in result["content"]] == [value]
        assert result["structuredContent"] == value
        assert [found.action for found in outcome.findings] == [Action.REPORT]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "resource", "resource": {"uri": "docs://a", "text": "x"}},
        {"type": "resource_link", "uri": "docs://a"},
        {"type": "image", "data": "", "mimeType": "image/png"},
        {"type": "text"}, {"type": "text", "text": 7}, {"text": "{}"}, "x", None,
    ],
)  # fmt: skip
def test_what_nobody_can_judge_is_withheld(block: Any) -> None:
    value = {"items": [_row("acme")]}
    assert _codes(_policy(LISTED), {"structuredContent": value, "content": [*_told(value), block]}) == FOREIGN
    assert _codes(_policy(LISTED), {"content": [*_told(value), block]}) == FOREIGN


def test_results_of_older_shapes_are_withheld() -> None:
    assert _codes(_policy(LISTED), {"toolResult": {"items": []}}) == FOREIGN
    assert _codes(_policy(LISTED), {"content": {"items": []}, "structuredContent": {"items": []}}) == FOREIGN


def test_an_error_in_words_passes_and_one_with_rows_is_judged() -> None:
    policy = _policy(LISTED)
    for text in ("no such list", '{"error": "no such list"}', "[]"):
        assert _codes(policy, {"isError": True, "content": [{"type": "text", "text": text}]}) == []
    value = {"items": [_row("other")]}
    outcome, result = _judge(policy, {"isError": True, "content": _told(value)})
    assert json.loads(result["content"][0]["text"]) == {"items": []} and codes(outcome) == FOREIGN
    assert _codes(policy, {"isError": True, "content": [], "structuredContent": {"error": "x"}}) == FOREIGN
    assert _codes(policy, {"isError": "yes", "content": [{"type": "text", "text": "words"}]}) == FOREIGN


# -- whose rows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "own"),
    [
        ({"org": "a"}, ["a"]), ({"org": ["a", 7]}, ["a", 7, "7"]), ({"org": 42}, [42, "42"]), ({"org": []}, []),
        ({}, []),
        ({"org": None}, []), ({"org": True}, []), ({"org": {"id": "a"}}, []), ({"org": ""}, []), ({"org": [["a"]]}, []),
    ],
)  # fmt: skip
def test_the_callers_tenants_come_from_the_claim_that_is_named(claims: Any, own: list[Any]) -> None:
    policy = _policy({**LISTED, "claim": "org"})
    rows = [_row(each) for each in ("a", 7, "7", 42, "42", "", None, True, "True", "acme")]
    _, result = _judge(policy, {"structuredContent": {"items": rows}}, caller("viewer", tenant="acme", claims=claims))
    assert [row["org"] for row in result["structuredContent"]["items"]] == [
        each for each in ("a", 7, "7", 42, "42") if each in own
    ]


@pytest.mark.parametrize("who", [None, caller("viewer"), caller("viewer", tenant="acme", verified=False)])
def test_who_has_no_tenant_has_no_rows(who: Caller | None) -> None:
    _, result = _judge(_policy(LISTED), {"structuredContent": {"items": [_row("acme"), _row("")]}}, who)
    assert result["structuredContent"] == {"items": []}


def test_every_assertion_on_a_tool_must_hold() -> None:
    policy = _policy(LISTED, {"tools": ["*"], "pointer": "/items/*/owner/org", "claim": "orgs"})
    who = caller("viewer", tenant="acme", claims={"orgs": ["x"]})
    rows = [{"org": org, "owner": {"org": owner}} for org in ("acme", "no") for owner in ("x", "y")]
    _, result = _judge(policy, {"structuredContent": {"items": rows}}, who)
    assert result["structuredContent"] == {"items": [rows[0]]}


# -- which answers ---------------------------------------------------------------------------------------------------


def test_other_tools_and_other_methods_are_left_alone() -> None:
    foreign = {"structuredContent": {"items": [_row("other")]}, "content": [{"type": "text", "text": "x"}]}
    assert _judge(_policy(LISTED), foreign, tool="other")[0] is CLEAN
    assert _judge(_policy(LISTED), foreign, origin=Origin("prompts/get", "list_x"))[0] is CLEAN
    assert _judge(_policy(LISTED), {"tools": []}, origin=None)[0] is CLEAN
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}}
    assert _judge(_policy(LISTED), None, value=error)[0] is CLEAN
    progress = legacy("notifications/progress", {"progress": 1}, id=None)
    assert _judge(_policy(LISTED), None, value=progress, origin=None)[0] is CLEAN
    assert climb(tenancy.build(_policy(LISTED).results.tenant, _policy(LISTED))(Context())) is CLEAN


@pytest.mark.parametrize("origin", [None, Origin("tools/call"), Origin("tools/call", "a" * 64)])
def test_an_answer_to_nobody_knows_which_call_is_withheld(origin: Origin | None) -> None:
    mine = {"structuredContent": {"items": [_row("acme")]}}
    assert _codes(_policy(LISTED), mine, request=None, origin=origin) == FOREIGN
    assert _codes(_policy(LISTED), mine, request=None, origin=Origin("tools/call", "list_x")) == []
    started = {"resultType": "task", "taskId": "t"}
    assert _codes(_policy(LISTED), started, request=None, origin=origin) == []


def test_a_tool_with_a_long_name_is_known_by_the_request_itself() -> None:
    name = "list_" + "x" * 200
    foreign = {"structuredContent": {"items": [_row("other")]}}
    assert (
        _codes(_policy({**LISTED, "rows": "refuse"}), foreign, tool=name, origin=Origin("tools/call", "0" * 64))
        == FOREIGN
    )


def _started(policy: Policy, *tools: str) -> Claims:
    """What the store knows of task t1 after calls of these tools."""
    claims = Claims()
    for tool in tools:
        context = Context(message=message_of(response(1, {"resultType": "task", "taskId": "t1"})), caller=ACME)
        context.origin = Origin("tools/call", tool, ACME.id)
        climb(ownership.build_response(policy)(context), claims)
    return claims


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result"])
def test_the_result_of_a_task_is_held_to_the_tool_that_started_it(method: str) -> None:
    policy = _policy({"tools": ["odd"], "pointer": "/x"}, {**LISTED, "rows": "refuse"})
    foreign = {"structuredContent": {"items": [_row("other")]}}
    request = message_of(legacy(method, {"taskId": "t1"}))
    for result in (foreign, {"taskId": "t1", "status": "completed", "result": foreign}):
        for tools, expected in ((["list_x"], FOREIGN), (["other"], []), ([], FOREIGN)):
            claims = _started(policy, *tools)
            assert _codes(policy, result, origin=Origin(method, "t1"), answer=claims, request=request) == expected
    assert _codes(policy, {"taskId": "t1", "status": "working"}, origin=Origin(method, "t1")) == []
    assert _codes(policy, foreign, origin=Origin(method), request=request) == FOREIGN


def test_what_is_not_proven_to_answer_something_else_is_held_to_be_unknown() -> None:
    mine = {"structuredContent": {"items": [_row("acme")]}}
    request = message_of(legacy("prompts/get", {"name": "p"}))
    assert _codes(_policy(LISTED), mine, origin=Origin("prompts/get", "p"), request=request) == []
    assert _codes(_policy(LISTED), mine, origin=Origin("prompts/get", "p"), request=None) == FOREIGN
    other = message_of(legacy("prompts/get", {"name": "p"}, id=2))
    assert _codes(_policy(LISTED), mine, origin=Origin("prompts/get", "p"), request=other) == FOREIGN


def test_rows_within_the_result_of_a_task_are_dropped_in_place() -> None:
    policy = _policy(LISTED)
    below = {"structuredContent": {"items": [_row("acme"), _row("other")]}}
    facts = {"origin": Origin("tasks/get", "t1"), "answer": _started(policy, "list_x")}
    _, result = _judge(policy, {"taskId": "t1", "result": below}, **facts)
    assert result == {"taskId": "t1", "result": {"structuredContent": {"items": [_row("acme")]}}}


def test_a_notification_that_carries_a_result_is_judged_too() -> None:
    def told(org: str) -> dict[str, Any]:
        below = {"structuredContent": {"items": [_row(org)]}}
        return legacy("notifications/tasks/status", {"taskId": "t1", "status": "completed", "result": below}, id=None)

    policy = _policy({**LISTED, "rows": "refuse"})
    for tools, org, expected in [(["list_x"], "acme", []), (["list_x"], "other", FOREIGN), ([], "acme", FOREIGN)]:
        assert _codes(policy, None, value=told(org), origin=None, answer=_started(policy, *tools)) == expected
    anonymous = told("acme")
    del anonymous["params"]["taskId"]
    assert _codes(policy, None, value=anonymous, origin=None) == FOREIGN


@pytest.mark.parametrize("key", ["rows", "data", "task"])
def test_objects_and_lists_under_keys_of_its_own_are_refused(key: str) -> None:
    mine = {
        "structuredContent": {"items": [_row("acme")]},
        "isError": False,
        "_meta": {"fastmcp": {"wrap_result": True}},
    }
    assert _codes(_policy(LISTED), {**mine, "resultType": "complete"}) == []
    for more in ([_row("other")], {"a": _row("other")}):
        assert _codes(_policy(LISTED), {**mine, key: more}) == FOREIGN


# -- monitor ---------------------------------------------------------------------------------------------------------


def test_in_monitor_mode_nothing_is_changed() -> None:
    policy = _policy(LISTED, mode={"results": "monitor"})
    outcome, result = _judge(policy, {"structuredContent": {"items": [_row("other")]}})
    assert result == {"structuredContent": {"items": [_row("other")]}}
    assert outcome.edit is None and codes(outcome) == FOREIGN


# -- always ----------------------------------------------------------------------------------------------------------

_ORGS = st.sampled_from(["acme", "SECRET-other", None, 7])
_ROWS = st.lists(st.builds(_row, _ORGS) | st.just("SECRET-text"), max_size=4)
_VALUES = st.fixed_dictionaries({"items": _ROWS}) | _ROWS | st.just("SECRET-text")
_BLOCKS = st.builds(lambda value: _told(value)[0], _VALUES) | st.just({"type": "text", "text": "SECRET words"})
_ANSWERS = st.fixed_dictionaries({}, optional={"structuredContent": _VALUES, "content": st.lists(_BLOCKS, max_size=3)})


@given(_ANSWERS, st.sampled_from(["drop", "refuse"]))
def test_nothing_foreign_ever_reaches_the_caller(result: Any, rows: str) -> None:
    outcome, shown = _judge(_policy({**LISTED, "rows": rows}), result)
    refused = any(found.action is Action.BLOCK for found in outcome.findings)
    assert refused or "SECRET" not in json.dumps(shown)
    if outcome is CLEAN:
        assert shown == result
