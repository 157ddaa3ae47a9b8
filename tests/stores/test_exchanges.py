"""Which request a later message belongs to: by session and typed id."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from smcp_security.checks.rung import Context, Draw, Trace
from smcp_security.decision import Origin
from smcp_security.message import Message, parse, typed
from smcp_security.stores.exchanges import Exchanges
from tests.envelopes import call, encoded, legacy, response


def _message(value: dict[str, Any]) -> Message:
    return typed(parse(encoded(value), max_depth=64))


def _traced(
    exchanges: Exchanges, value: dict[str, Any], *, session: str = "", request: Message | None = None, caller: str = ""
) -> Origin | None:
    return exchanges.trace(Trace(_message(value), request, session, caller))


def test_an_answer_on_the_same_exchange_belongs_to_its_request() -> None:
    request = _message(call("add", id=1))
    assert _traced(Exchanges(), response(1, {}), request=request, caller="ann") == Origin("tools/call", "add", "ann")


@pytest.mark.parametrize("id", ["1", 2, 0, "", -1])
def test_an_answer_with_another_id_is_of_unknown_origin(id: Any) -> None:
    assert _traced(Exchanges(), response(id, {}), request=_message(call("add", id=1))) is None


def test_true_is_no_id_and_answers_nothing() -> None:
    assert _traced(Exchanges(), response(True, {}), request=_message(call("add", id=1))) is None


def test_a_string_and_a_number_are_two_ids() -> None:
    exchanges = Exchanges()
    exchanges.open("s", _message(call("one", id=1)), "")
    exchanges.open("s", _message(call("text", id="1")), "")
    assert _traced(exchanges, response("1", {}), session="s") == Origin("tools/call", "text")
    assert _traced(exchanges, response(1, {}), session="s") == Origin("tools/call", "one")


def test_one_id_in_two_sessions_is_two_requests() -> None:
    exchanges = Exchanges()
    exchanges.open("ann", _message(call("read", id=0)), "ann")
    exchanges.open("bob", _message(legacy("tools/list", id=0)), "bob")
    assert _traced(exchanges, response(0, {}), session="eve") is None
    assert _traced(exchanges, response(0, {}), session="bob") == Origin("tools/list", "", "bob")
    assert _traced(exchanges, response(0, {}), session="ann") == Origin("tools/call", "read", "ann")


def test_a_request_is_answered_once() -> None:
    exchanges = Exchanges()
    exchanges.open("s", _message(call("add", id=1)), "")
    assert _traced(exchanges, response(1, {}), session="s") is not None
    assert _traced(exchanges, response(1, {}), session="s") is None


def test_without_a_session_nothing_is_remembered() -> None:
    exchanges = Exchanges()
    exchanges.open("", _message(call("add", id=1)), "")
    assert _traced(exchanges, response(1, {})) is None


def test_a_notification_opens_no_exchange() -> None:
    exchanges = Exchanges()
    exchanges.open("s", _message(legacy("notifications/initialized", id=None)), "")
    assert _traced(exchanges, response(1, {}), session="s") is None


def test_who_waits_is_settled_once_by_the_very_id_in_its_own_session() -> None:
    exchanges = Exchanges()
    exchanges.open("s", _message(call("add", id=3)), "")
    assert not exchanges.settle("other", 3) and not exchanges.settle("s", "3") and not exchanges.settle("", 3)
    assert exchanges.settle("s", 3) and not exchanges.settle("s", 3)


def test_a_question_of_the_server_does_not_answer_the_clients_request_of_the_same_id() -> None:
    exchanges = Exchanges()
    exchanges.open("s", _message(call("add", id=3)), "")
    _traced(exchanges, legacy("ping", id=3), session="s")
    assert _traced(exchanges, response(3, {}), session="s") == Origin("tools/call", "add")


def test_only_so_many_requests_are_remembered_and_the_oldest_goes_first() -> None:
    exchanges = Exchanges(size=3)
    for id in range(4):
        exchanges.open("s", _message(call("add", id=id)), "")
    assert _traced(exchanges, response(0, {}), session="s") is None
    assert all(_traced(exchanges, response(id, {}), session="s") for id in (1, 2, 3))


def _open(exchanges: Exchanges, tool: str, *, session: str = "s", id: Any = 1) -> Message:
    request = _message(call(tool, id=id))
    exchanges.open(session, request, "")
    return request


def test_two_requests_at_once_with_one_id_have_no_answer_that_is_known() -> None:
    """SDK 1.30 sends the answer to the first on the stream of the second."""
    exchanges = Exchanges()
    _open(exchanges, "crm")
    later = _open(exchanges, "echo")
    assert _traced(exchanges, response(1, {}), session="s", request=later) is None
    # Nor later on: one of the two answers may still be to come.
    again = _open(exchanges, "echo")
    assert _traced(exchanges, response(1, {}), session="s", request=again) is None
    other = _open(exchanges, "echo", id=2)
    assert _traced(exchanges, response(2, {}), session="s", request=other) == Origin("tools/call", "echo")


def test_an_id_used_again_tells_nothing_on_a_stream_that_may_repeat_answers() -> None:
    exchanges = Exchanges()
    _traced(exchanges, response(1, {}), session="s", request=_open(exchanges, "crm"))
    _open(exchanges, "echo")
    assert _traced(exchanges, response(1, {}), session="s") is None
    # On its own exchange an answer is the request's: the one before has had its answer.
    later = _open(exchanges, "echo")
    assert _traced(exchanges, response(1, {}), session="s", request=later) == Origin("tools/call", "echo")


def test_an_id_used_again_for_the_same_tool_is_known_everywhere() -> None:
    exchanges = Exchanges()
    for _ in range(3):
        _open(exchanges, "crm")
        assert _traced(exchanges, response(1, {}), session="s") == Origin("tools/call", "crm")


def test_spellings_of_a_session_that_servers_take_for_one_are_one() -> None:
    exchanges, session = Exchanges(), "0123456789abcdef0123456789abcdef"
    _open(exchanges, "crm", session=session.upper())
    _open(exchanges, "echo", session=session)
    assert _traced(exchanges, response(1, {}), session=session) is None
    exchanges.forget("urn:uuid:" + session)
    _open(exchanges, "echo", session=session)
    assert _traced(exchanges, response(1, {}), session=session) == Origin("tools/call", "echo")


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result"])
def test_the_result_of_a_task_is_traced_to_who_asked_for_it(method: str) -> None:
    exchanges, started = Exchanges(), {"task": {"taskId": "t1", "status": "working"}}
    _traced(exchanges, response(1, started), request=_message(call("build", id=1)), caller="ann")
    asked = _message(legacy(method, {"taskId": "t1"}, id=2))
    assert _traced(exchanges, response(2, {}), request=asked, caller="bob") == Origin(method, "t1", "bob")


@pytest.mark.parametrize("result", [None, "text", 7, [], [{"taskId": "t1"}], {"task": "t1"}, {"task": {"taskId": 7}}])
def test_a_result_of_any_shape_is_traced(result: Any) -> None:
    origin = _traced(Exchanges(), response(1, result), request=_message(call("add", id=1)))
    assert origin == Origin("tools/call", "add")


def test_locks_that_were_held_at_the_fork_are_replaced() -> None:
    exchanges = Exchanges()
    for recent in (exchanges._asked, exchanges._answered):
        recent._lock.acquire()
    exchanges.reset_lock()
    exchanges.open("s", _message(call("add", id=1)), "")
    assert _traced(exchanges, response(1, {}), session="s") == Origin("tools/call", "add")


def test_long_ids_sessions_and_names_do_not_fill_the_memory() -> None:
    # A server that answers 404 never closes an exchange, so whatever is kept here is kept for long.
    exchanges = Exchanges()

    def fill() -> None:
        for place in range(100):
            exchanges.open(f"{place}" + "s" * 60_000, _message(call("n" * 100_000, id=f"{place}" + "i" * 100_000)), "")
            _traced(exchanges, legacy("ping", id=f"{place}" + "i" * 100_000), session=f"{place}" + "s" * 60_000)

    fill()
    tracemalloc.start()
    try:
        fill()
        for place in range(100, 200):
            exchanges.open(f"{place}" + "s" * 60_000, _message(call("n" * 100_000, id=f"{place}" + "i" * 100_000)), "")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


def test_long_ids_that_differ_at_their_end_are_two_ids() -> None:
    exchanges = Exchanges()
    exchanges.open("s", _message(call("one", id="i" * 1000 + "1")), "")
    exchanges.open("s", _message(call("two", id="i" * 1000 + "2")), "")
    assert _traced(exchanges, response("i" * 1000 + "1", {}), session="s") == Origin("tools/call", "one")
    assert _traced(exchanges, response("i" * 1000, {}), session="s") is None


def _owed(exchanges: Exchanges, *, id: Any = 1, session: str = "s", payload: str = "") -> Context:
    message = _message(call("add", {"text": payload}, id=id))
    exchanges.open(session, message, "")
    return Context(session=session, message=message, draws=(Draw("d", 9, 1, 60.0),))


def test_what_is_owed_is_told_once_and_holds_nothing_of_the_request() -> None:
    exchanges = Exchanges()
    asked = _owed(exchanges)
    assert not exchanges.owes and exchanges.defer(asked) and exchanges.owes
    assert exchanges.owing("s", "1") is None and exchanges.owing("t", 1) is None and exchanges.owing("s", None) is None
    owing = exchanges.owing("s", 1)
    assert owing is not None and owing.draws == asked.draws and owing.message is None
    assert exchanges.owing("s", 1) is None and not exchanges.owes


@pytest.mark.parametrize("ending", ["answered", "forgotten", "no session"])
def test_nothing_is_kept_for_an_answer_that_never_comes(ending: str) -> None:
    exchanges = Exchanges()
    asked = _owed(exchanges, session="" if ending == "no session" else "s")
    if ending == "answered":
        _traced(exchanges, response(1, {}), session="s", request=asked.message)
    if ending == "forgotten":
        exchanges.forget("s")
    assert not exchanges.defer(asked)


def test_what_a_session_owes_ends_with_it() -> None:
    exchanges = Exchanges()
    assert exchanges.defer(_owed(exchanges)) and exchanges.defer(_owed(exchanges, session="t"))
    exchanges.forget("s")
    assert exchanges.owing("s", 1) is None and exchanges.owing("t", 1) is not None
