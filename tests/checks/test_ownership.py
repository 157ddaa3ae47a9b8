"""Tasks belong to who started them: claimed when they come into being, asked for at every access, filtered in lists."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks import ownership
from smcp_security.checks.rung import Context, Question
from smcp_security.checks.task_claims import HeldTasks
from smcp_security.decision import CLEAN, Action, Caller, Origin, Outcome
from smcp_security.drivers import drive
from smcp_security.errors import StoreAway
from smcp_security.message import Era
from smcp_security.policy import Policy
from tests.checks.callers import ANN, caller, message_of, policy_of
from tests.checks.claims_kept import Claims
from tests.envelopes import climb, codes, legacy, response

POLICY = policy_of()
BOB = caller(id="jwt:https://idp.example#bob")
METHODS = ["tasks/get", "tasks/result", "tasks/update", "tasks/cancel"]


def _create(claims: Claims, result: Any, who: Caller | None = ANN, **facts: Any) -> Outcome:
    origin = facts.pop("origin", Origin("tools/call", "report", "" if who is None else who.id))
    policy = facts.pop("policy", POLICY)
    context = Context(message=message_of(response(1, result)), caller=who, origin=origin, **facts)
    return climb(ownership.build_response(policy)(context), claims)


def _access(claims: Claims, method: str, params: Any, who: Caller | None = ANN, **facts: Any) -> Outcome:
    context = Context(message=message_of(legacy(method, params)), caller=who, **facts)
    return climb(ownership.build_request(POLICY)(context), claims)


LEGACY_TASK = {"task": {"taskId": "t1", "status": "working"}}
MODERN_TASK = {"resultType": "task", "taskId": "t1", "status": "working"}


@pytest.mark.parametrize("created", [LEGACY_TASK, MODERN_TASK])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shared", [False, True])
def test_only_who_started_a_task_has_access_to_it(created: Any, method: str, shared: bool) -> None:
    claims = Claims(shared=shared)
    assert _create(claims, created) is CLEAN
    assert "t1" not in str(claims.owners.keys())
    assert codes(_access(claims, method, {"taskId": "t1"})) == []
    assert codes(_access(claims, method, {"taskId": "t1"}, BOB)) == ["SMCP305"]
    assert codes(_access(claims, method, {"taskId": "t1"}, None)) == ["SMCP305"]


def test_a_foreign_task_is_answered_like_an_unknown_one() -> None:
    claims = Claims()
    _create(claims, LEGACY_TASK)
    foreign, unknown = (_access(claims, "tasks/get", {"taskId": id}, BOB) for id in ("t1", "t2"))
    assert foreign == unknown and foreign.findings[0].where == "/params/taskId"


@pytest.mark.parametrize("params", [{}, {"taskId": 7}, {"taskId": None}, {"taskId": ["t1"]}])
@pytest.mark.parametrize("method", METHODS)
def test_a_task_id_that_is_no_text_is_refused(method: str, params: Any) -> None:
    assert codes(_access(Claims(), method, params)) == ["SMCP305"]


def test_callers_without_a_credential_are_one_owner() -> None:
    claims = Claims()
    assert _create(claims, LEGACY_TASK, None) is CLEAN
    assert codes(_access(claims, "tasks/get", {"taskId": "t1"}, None)) == []
    assert codes(_access(claims, "tasks/get", {"taskId": "t1"}, ANN)) == ["SMCP305"]


def test_the_first_owner_keeps_a_task_that_a_server_names_twice() -> None:
    claims = Claims()
    _create(claims, LEGACY_TASK)
    outcome = _create(claims, LEGACY_TASK, BOB)
    assert [(found.code, found.action, found.where) for found in outcome.findings] == [
        ("SMCP305", Action.REPORT, "/result/task/taskId")
    ]
    assert codes(_access(claims, "tasks/get", {"taskId": "t1"}, BOB)) == ["SMCP305"]
    assert codes(_access(claims, "tasks/get", {"taskId": "t1"}, ANN)) == []


def test_equal_ids_of_two_servers_are_two_tasks() -> None:
    claims = Claims()
    _create(claims, LEGACY_TASK, upstream="a")
    _create(claims, LEGACY_TASK, BOB, upstream="b")
    assert codes(_access(claims, "tasks/get", {"taskId": "t1"}, upstream="a")) == []
    assert codes(_access(claims, "tasks/get", {"taskId": "t1"}, upstream="b")) == ["SMCP305"]
    assert codes(_access(claims, "tasks/get", {"taskId": "t1"}, BOB, upstream="b")) == []


def test_a_task_of_unknown_origin_belongs_to_who_receives_it() -> None:
    claims = Claims()
    _create(claims, LEGACY_TASK, origin=None)
    assert codes(_access(claims, "tasks/get", {"taskId": "t1"})) == []


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/cancel"])
def test_looking_at_a_task_claims_nothing(method: str) -> None:
    claims = Claims()
    _create(claims, {"taskId": "t1", **LEGACY_TASK}, BOB, origin=Origin(method, "t1", BOB.id))
    assert claims.owners == {}


@pytest.mark.parametrize(
    "result", [{}, {"task": "t1"}, {"task": {}}, {"task": {"taskId": 7}}, {"taskId": "t1"}, [], "x"]
)
def test_a_result_without_a_task_claims_nothing(result: Any) -> None:
    claims = Claims()
    assert _create(claims, result) is CLEAN and claims.asked == 0


def test_what_a_result_is_held_to_is_remembered_with_its_task() -> None:
    asserted = policy_of(results={"tenant": [{"tools": [glob], "pointer": "/org"} for glob in ("other", "rep*", "*")]})
    held, claims = HeldTasks(asserted.results.tenant), Claims()
    _create(claims, LEGACY_TASK, policy=asserted)
    assert climb(held.of(Context(), "t1"), claims) == [1, 2]
    assert climb(held.of(Context(), "t2"), claims) is None
    # Where the assertions have changed since, nobody knows.
    assert climb(HeldTasks(asserted.results.tenant[1:]).of(Context(), "t1"), claims) is None
    plain = Claims()
    _create(plain, LEGACY_TASK)
    assert climb(held.of(Context(), "t1"), plain) is None


def test_a_task_whose_tool_nobody_knows_is_held_to_nobody_knows_what() -> None:
    asserted = policy_of(results={"tenant": [{"tools": ["report"], "pointer": "/org"}]})
    for origin in (None, Origin("tools/call", "a" * 64), Origin("prompts/get", "report")):
        claims = Claims()
        _create(claims, LEGACY_TASK, policy=asserted, origin=origin)
        assert climb(HeldTasks(asserted.results.tenant).of(Context(), "t1"), claims) is None


# -- lists -------------------------------------------------------------------------------------------------------------


def _list(claims: Claims, ids: list[Any], who: Caller | None = ANN, **facts: Any) -> tuple[Outcome, Any]:
    result = {"tasks": [{"taskId": id, "status": "working"} for id in ids], "nextCursor": "c"}
    message = message_of(response(1, result))
    origin = facts.get("origin", Origin("tasks/list", "", "" if who is None else who.id))
    outcome = climb(ownership.build_response(POLICY)(Context(message=message, caller=who, origin=origin)), claims)
    value = (message if outcome.edit is None else outcome.edit).value["result"]
    assert value["nextCursor"] == "c"
    return outcome, [task["taskId"] for task in value["tasks"]]


def test_a_list_of_tasks_shows_each_caller_its_own() -> None:
    claims = Claims()
    for id, who in (("a", ANN), ("b", BOB), ("c", ANN)):
        _create(claims, {"task": {"taskId": id}}, who)
    assert _list(claims, ["a", "b", "c", "d", 7])[1] == ["a", "c"]
    assert _list(claims, ["a", "b"], BOB)[1] == ["b"]
    assert _list(claims, ["a", "b"], None)[1] == []
    assert _list(claims, ["a", "b"], origin=None)[1] == ["a"]
    assert _list(claims, ["a", "c"])[0] is CLEAN


def test_a_long_list_of_tasks_is_cut_and_reported() -> None:
    claims = Claims()
    ids = [f"t{place}" for place in range(1_200)]
    for id in ids:
        _create(claims, {"task": {"taskId": id}})
    claims.asked = 0
    outcome, shown = _list(claims, ids)
    assert len(shown) == claims.asked == 1_000
    assert [(found.code, found.action) for found in outcome.findings] == [("SMCP305", Action.REPORT)]


# -- where it is off, or the store away ------------------------------------------------------------------------------


def test_where_nobody_is_identified_tasks_are_left_alone() -> None:
    off = Policy()
    message = message_of(legacy("tasks/get", {"taskId": "t1"}))
    assert climb(ownership.build_request(off)(Context(message=message))) is CLEAN
    assert climb(ownership.build_response(off)(Context(message=message_of(response(1, LEGACY_TASK))))) is CLEAN


def test_roles_without_identity_leave_no_task_to_anybody() -> None:
    rung = ownership.build_request(Policy.from_dict({"roles": {}}))
    context = Context(message=message_of(legacy("tasks/get", {"taskId": "t1"})))
    assert codes(climb(rung(context), Claims())) == ["SMCP305"]


@pytest.mark.parametrize("method", ["tools/call", "tasks/list", "ping", "notifications/cancelled"])
def test_other_messages_ask_the_store_nothing(method: str) -> None:
    context = Context(message=message_of(legacy(method, {"name": "x"})), caller=ANN)
    assert climb(ownership.build_request(POLICY)(context)) is CLEAN
    assert climb(ownership.build_request(POLICY)(Context())) is CLEAN
    assert climb(ownership.build_response(POLICY)(Context())) is CLEAN


def test_a_store_that_is_away_lets_nobody_at_a_task() -> None:
    def away(question: Question) -> object:
        raise StoreAway("away")

    run = ownership.build_request(POLICY)(
        Context(message=message_of(legacy("tasks/get", {"taskId": "t1"})), caller=ANN)
    )
    with pytest.raises(StoreAway):
        climb(run, away)
    created = Context(message=message_of(response(1, MODERN_TASK), Era.MODERN), caller=ANN)
    with pytest.raises(StoreAway):
        climb(ownership.build_response(POLICY)(created), away)


def _announce(claims: Any, method: str, params: Any, who: Caller | None = ANN) -> Outcome:
    context = Context(message=message_of(legacy(method, params, id=None)), caller=who)
    return climb(ownership.build_response(POLICY)(context), claims)


@pytest.mark.parametrize("method", ["notifications/tasks", "notifications/tasks/status"])
def test_news_of_a_task_is_for_its_owner_alone(method: str) -> None:
    claims = Claims()
    _create(claims, LEGACY_TASK)
    news = {"taskId": "t1", "status": "working", "statusMessage": "half of it"}
    assert _announce(claims, method, news) is CLEAN
    assert (
        codes(_announce(claims, method, news, BOB)) == codes(_announce(claims, method, {"taskId": "t2"})) == ["SMCP305"]
    )
    assert _announce(claims, "notifications/message", news, BOB) is CLEAN


def test_news_of_a_task_is_dropped_while_its_owner_is_not_known() -> None:
    def away(question: Question) -> str:
        raise StoreAway("no")

    message = message_of(legacy("notifications/tasks/status", {"taskId": "t1"}, id=None))
    outcome = drive(ownership.build_response(POLICY)(Context(message=message, caller=ANN)), away)
    # As a finding and not as an error, which would be an answer to the call whose stream it came on.
    assert codes(outcome) == ["SMCP206"]


def test_a_list_of_tasks_that_may_answer_anything_is_cut_to_the_callers_own() -> None:
    claims = Claims()
    _create(claims, LEGACY_TASK)
    listed = response(1, {"tasks": [{"taskId": "t1"}, {"taskId": "t2"}]})
    for origin in (None, Origin("tools/call", "slow", ANN.id), Origin("tasks/list", "", ANN.id)):
        context = Context(message=message_of(listed), caller=ANN, origin=origin)
        outcome = climb(ownership.build_response(POLICY)(context), claims)
        assert outcome.edit is not None and outcome.edit.value["result"]["tasks"] == [{"taskId": "t1"}]
