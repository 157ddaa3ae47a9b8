"""The ladder: first denial wins, reports go on, monitored sections only report, outcomes flow to later rungs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from smcp_security.checks import Step
from smcp_security.checks.rung import Context, ReadBody, Run, Rung
from smcp_security.decision import CLEAN, Action, Caller, Decision, Origin, Outcome, denied, finding
from smcp_security.engine import inspect_request, inspect_response
from smcp_security.message import Era, Message, parse, typed
from tests.envelopes import ASSUMED, call, climb, encoded, legacy, response


def _message(value: dict[str, Any], revision: str = ASSUMED) -> Message:
    return typed(parse(encoded(value), max_depth=64), Era.LEGACY, revision)


def _saying(outcome: Outcome, seen: list[str] | None = None, name: str = "") -> Rung:
    def rung(context: Context) -> Run[Outcome]:
        yield from ()
        if seen is not None:
            seen.append(name)
        return outcome

    return rung


class _Clock:
    """A thousand nanoseconds a look."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1000
        return self.now


def _request(context: Context, *steps: Step, monitored: Sequence[str] = ()) -> Decision:
    return climb(inspect_request(context, steps, id="d", monitored=frozenset(monitored), timer=_Clock()))


def _response(context: Context, *steps: Step, monitored: Sequence[str] = ()) -> Decision:
    return climb(inspect_response(context, steps, id="d", monitored=frozenset(monitored), timer=_Clock()))


PING = _message(legacy("ping"))


def test_a_message_that_no_rung_minds_is_forwarded_as_inspected() -> None:
    decision = _request(Context(message=PING), Step("a", _saying(CLEAN)), Step("b", _saying(CLEAN)))
    assert decision.allowed and decision.message == PING.raw and decision.answer is None and decision.id == "d"
    assert decision.timings == {"a": 1.0, "b": 1.0} and decision.blocking is None


def test_the_first_denial_ends_the_climb() -> None:
    seen: list[str] = []
    steps = [
        Step("a", _saying(CLEAN, seen, "a")),
        Step("b", _saying(denied("SMCP128"), seen, "b")),
        Step("c", _saying(denied("SMCP402"), seen, "c")),
    ]
    decision = _request(Context(message=PING), *steps)
    assert not decision.allowed and seen == ["a", "b"] and list(decision.timings) == ["a", "b"]
    assert [item.code for item in decision.findings] == ["SMCP128"]
    assert decision.message is None and decision.answer is not None
    assert json.loads(decision.answer.body)["error"]["code"] == -32602


def test_a_report_goes_on_and_is_kept() -> None:
    report = Outcome((finding("SMCP505", action=Action.REPORT),))
    decision = _request(Context(message=PING), Step("a", _saying(report)), Step("b", _saying(CLEAN)))
    assert decision.allowed and [item.code for item in decision.findings] == ["SMCP505"] and decision.blocking is None


def test_one_blocking_finding_among_reports_denies() -> None:
    mixed = Outcome((finding("SMCP505", action=Action.REPORT), finding("SMCP501")))
    decision = _request(Context(message=PING), Step("a", _saying(mixed)))
    assert not decision.allowed and decision.blocking is not None and decision.blocking.code == "SMCP501"
    assert len(decision.findings) == 2


def test_a_monitored_section_reports_instead_of_denying_and_the_others_deny() -> None:
    inner = Step("a", _saying(denied("SMCP501")), "arguments")
    watched = _request(Context(message=PING), inner, monitored=["arguments"])
    assert watched.allowed and watched.findings[0].action is Action.REPORT
    assert not _request(Context(message=PING), inner, monitored=["injection"]).allowed
    always = Step("a", _saying(denied("SMCP501")))
    assert not _request(Context(message=PING), always, monitored=["arguments", "a"]).allowed


def test_what_a_rung_brings_is_there_for_the_next() -> None:
    other, seen = _message(legacy("tools/list")), []

    def looking(context: Context) -> Run[Outcome]:
        yield from ()
        seen.append((context.message, context.caller, context.origin))
        return CLEAN

    brought = Outcome(edit=other, caller=Caller("ann", True), origin=Origin("tools/list"))
    decision = _request(Context(message=PING), Step("a", _saying(brought)), Step("b", looking))
    assert seen == [(other, Caller("ann", True), Origin("tools/list"))]
    assert decision.message == other.raw and decision.caller == Caller("ann", True) and decision.request is other


def test_the_answers_of_the_outside_world_reach_the_rung() -> None:
    def asking(context: Context) -> Run[Outcome]:
        raw = yield from ReadBody(7).ask()
        return denied("SMCP104") if raw == b"too large" else CLEAN

    run = inspect_request(Context(), [Step("a", asking)], id="d", monitored=frozenset(), timer=_Clock())
    assert not climb(run, lambda question: b"too large").allowed


def test_a_ladder_without_a_message_forwards_nothing() -> None:
    decision = _request(Context(), Step("a", _saying(CLEAN)))
    assert decision.allowed and decision.message is None and decision.request is None


def test_a_refused_answer_of_the_client_is_replaced_for_the_server() -> None:
    posted = _message(response(3, {"text": "payload"}))
    decision = _request(Context(message=posted), Step("a", _saying(denied("SMCP501"))))
    assert isinstance(decision.message, bytes) and b"payload" not in decision.message
    assert json.loads(decision.message)["id"] == 3 and decision.answer is not None and decision.answer.status == 202


def test_a_withheld_result_is_an_error_with_the_id_of_the_request() -> None:
    context = Context(raw=b"{}", message=_message(response(9, {})), request=_message(call("x", id="seven")))
    decision = _response(context, Step("a", _saying(denied("SMCP703"))))
    assert not decision.allowed and isinstance(decision.message, bytes)
    assert json.loads(decision.message)["id"] == "seven"


def test_an_allowed_result_goes_on_as_parsed_or_if_nobody_parsed_it_as_it_came() -> None:
    value = _message(response(1, {}))
    assert _response(Context(raw=b" {} ", message=value)).message == value.raw
    assert _response(Context(raw=b" {} ")).message == b" {} "


def test_a_rung_that_breaks_breaks_the_climb() -> None:
    def broken(context: Context) -> Run[Outcome]:
        yield from ()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _request(Context(message=PING), Step("a", broken))
