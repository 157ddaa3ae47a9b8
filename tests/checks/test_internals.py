"""Errors of the server tell nothing of its insides, and nothing of what was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.internals import FAILED
from smcp_security.decision import CLEAN, Action, Outcome
from smcp_security.policy import Policy
from tests.checks.callers import policy_of
from tests.checks.redactors import answered, judge, result_of, told
from tests.envelopes import call, codes

LINE = 'File "/srv/app/shop.py", line 7'
TRACE = f"Traceback:\n  {LINE}, in pay\nKeyError: 'card'"
CLEANED = "Traceback:\n  [redacted:stack-trace], in pay\nKeyError: 'card'"
HIDDEN = policy_of(results={"errors": "hide"})
GENERAL = {"code": -32603, "message": "The server failed; its details are in the server's log."}


def _judge(value: dict[str, Any], policy: Policy | None = None, **facts: Any) -> tuple[Outcome, dict[str, Any]]:
    return judge(value, policy, rung="internals", **facts)


def _error(message: str, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": message, **more}}


def _failed(*texts: str, **more: Any) -> dict[str, Any]:
    return answered(result_of(*texts, isError=True, **more))


# -- mask ------------------------------------------------------------------------------------------------------------

TASK = {"taskId": "t", "status": "failed"}


@pytest.mark.parametrize(
    ("build", "where"),
    [
        (_error, "/error/message"),
        (lambda text: _error("x", data={"why": [text]}), "/error/data/*/0"),
        (_failed, "/result/content/0/text"),
        (lambda text: _failed("x", structuredContent={"error": text}), "/result/structuredContent/*"),
        (lambda text: answered({**TASK, "statusMessage": text}), "/result/statusMessage"),
        (lambda text: answered({**TASK, "error": {"code": 1, "message": text}}), "/result/error/message"),
        (lambda text: answered({**TASK, "result": result_of(text, isError=True)}), "/result/result/content/0/text"),
        (lambda text: told("notifications/tasks/status", {**TASK, "statusMessage": text}), "/params/statusMessage"),
    ],
    ids=["message", "data", "result", "structured", "status", "task-error", "task-result", "notification"],
)
def test_a_trace_is_masked_in_every_failure(build: Any, where: str) -> None:
    outcome, shown = _judge(build(TRACE))
    assert shown == build(CLEANED)
    [found] = outcome.findings
    assert (found.code, found.action, found.where, found.hint) == ("SMCP708", Action.REPORT, where, "stack-trace")
    assert _judge(shown)[0] is CLEAN
    assert _judge(build("no such file: report.csv"))[0] is CLEAN


def test_what_did_not_fail_may_tell_of_traces() -> None:
    for value in (
        answered(result_of(TRACE)),
        answered(result_of(TRACE, isError=False)),
        answered({"taskId": "t", "status": "completed", "statusMessage": TRACE}),
        told("notifications/message", {"level": "error", "data": TRACE}),
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
    ):
        assert _judge(value)[0] is CLEAN
        assert _judge(value, HIDDEN)[0] is CLEAN


def test_a_trace_in_json_leaves_json() -> None:
    text = json.dumps({"detail": TRACE, "status": 500}, indent=2)
    shown = _judge(_failed(text))[1]
    assert shown["result"]["content"][0]["text"] == json.dumps({"detail": CLEANED, "status": 500}, indent=2)


# -- echoes ----------------------------------------------------------------------------------------------------------

ASKED = call("pay", {"note": "a private remark", "deep": [{"iban": "DE00 1234 5678"}], "short": "USD", "n": 1})


def test_what_was_asked_is_not_said_again_in_an_error() -> None:
    said = "cannot pay USD: 'a private remark' to DE00 1234 5678 (a private remark)"
    outcome, shown = _judge(_failed(said), request=ASKED, tool="pay")
    expected = "cannot pay USD: '[redacted:input]' to [redacted:input] ([redacted:input])"
    assert shown["result"]["content"][0]["text"] == expected
    assert [found.hint for found in outcome.findings] == ["input (3)"]
    # An answer may say it: the caller asked for it.
    assert _judge(answered(result_of(said)), request=ASKED, tool="pay")[0] is CLEAN
    assert _judge(_failed("cannot pay USD"), request=ASKED, tool="pay")[0] is CLEAN


def test_an_echo_inside_a_trace_is_masked_once() -> None:
    asked = call("read", {"path": "/srv/app/shop.py"})
    _, shown = _judge(_failed(f"{TRACE} {LINE}x /srv/app/shop.py"), request=asked, tool="read")
    assert shown["result"]["content"][0]["text"] == f"{CLEANED} [redacted:stack-trace]x [redacted:input]"


def test_an_error_that_repeats_the_input_without_end_is_withheld() -> None:
    outcome, _ = _judge(_failed("a private remark " * 5_000), request=ASKED, tool="pay")
    assert [(each.code, each.action) for each in outcome.findings] == [("SMCP712", Action.BLOCK)]


# -- hide ------------------------------------------------------------------------------------------------------------


def test_hidden_errors_keep_their_code_and_nothing_else() -> None:
    outcome, shown = _judge(_error(TRACE, data={"trace": TRACE}), HIDDEN)
    assert shown["error"] == GENERAL
    assert codes(outcome) == ["SMCP708"]
    assert _judge(shown, HIDDEN)[0] is CLEAN


def test_hidden_results_say_that_the_tool_failed() -> None:
    given = _failed(TRACE, structuredContent={"t": TRACE}, _meta={"t": TRACE}, x=TRACE, resultType="complete")
    outcome, shown = _judge(given, HIDDEN)
    told_instead = {"content": [{"type": "text", "text": FAILED}], "isError": True, "resultType": "complete"}
    assert shown["result"] == told_instead
    assert codes(outcome) == ["SMCP708"]
    assert _judge(shown, HIDDEN)[0] is CLEAN


@pytest.mark.parametrize("code", [-32021, -32022, -32042])
def test_what_the_protocol_asks_for_stays_in_hidden_errors(code: int) -> None:
    data = {"supported": ["2026-07-28"], "requiredCapabilities": {}, "elicitations": []}
    shown = _judge({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": TRACE, "data": data}}, HIDDEN)[1]
    assert (shown["error"]["code"], shown["error"]["data"]) == (code, data)
    assert "Traceback" not in json.dumps(shown)


@pytest.mark.parametrize(
    "error", [{}, {"code": TRACE, "message": 1}, {"code": [1], "data": TRACE}, {"isError": True, "x": TRACE}]
)
def test_errors_out_of_shape_are_hidden_too(error: dict[str, Any]) -> None:
    shown = _judge({"jsonrpc": "2.0", "id": 1, "error": error}, HIDDEN)[1]
    assert shown["error"] == GENERAL


def test_a_failed_task_is_hidden_in_all_its_parts() -> None:
    task = {**TASK, "statusMessage": TRACE, "error": {"code": 1, "message": TRACE}}
    shown = _judge(answered(task), HIDDEN)[1]["result"]
    assert shown == {**TASK, "statusMessage": FAILED, "error": {**GENERAL, "code": 1}}


# -- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("errors", ["mask", "hide"])
def test_monitored_errors_are_reported_and_stay(errors: str) -> None:
    policy = policy_of(results={"errors": errors}, mode={"results": "monitor"})
    for given_value in (_failed(TRACE), _error(TRACE)):
        outcome, shown = _judge(given_value, policy)
        assert codes(outcome) == ["SMCP708"]
        assert shown == given_value


PIECES = st.lists(st.sampled_from([LINE, "a private remark", "DE00 1234 5678", " ", "x", "\n", '"', "é"]), max_size=6)


@given(PIECES.map("".join), st.booleans())
def test_masking_an_error_twice_changes_nothing_more(text: str, inside: bool) -> None:
    for value in (_error(text), _failed(json.dumps({"e": [text]}) if inside else text)):
        outcome, once = _judge(value, request=ASKED, tool="pay")
        assert (outcome is CLEAN) == (once == value)
        assert LINE not in json.dumps(once)
        assert _judge(once, request=ASKED, tool="pay")[0] is CLEAN
