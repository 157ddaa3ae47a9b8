"""Which request a later message belongs to: by session and typed id, tasks by whoever created them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from smcp_security.checks.rung import Trace
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


LEGACY_TASK = {"task": {"taskId": "t1", "status": "working"}}
MODERN_TASK = {"resultType": "task", "taskId": "t1"}


@pytest.mark.parametrize("created", [LEGACY_TASK, MODERN_TASK])
def test_a_task_belongs_to_the_call_that_created_it(created: dict[str, Any]) -> None:
    exchanges = Exchanges()
    _traced(exchanges, response(1, created), request=_message(call("build", id=1)), caller="ann")
    asked = _message(legacy("tasks/result", {"taskId": "t1"}, id=2))
    assert _traced(exchanges, response(2, {}), request=asked, caller="bob") == Origin("tools/call", "build", "ann")
    other = _message(legacy("tasks/result", {"taskId": "t2"}, id=2))
    assert _traced(exchanges, response(2, {}), request=other, caller="bob") == Origin("tasks/result", "t2", "bob")


def test_nobody_takes_a_task_over_by_naming_it() -> None:
    exchanges = Exchanges()
    for caller, tool in (("ann", "build"), ("eve", "echo")):
        _traced(exchanges, response(1, LEGACY_TASK), request=_message(call(tool, id=1)), caller=caller)
    asked = _message(legacy("tasks/result", {"taskId": "t1"}, id=2))
    assert _traced(exchanges, response(2, {}), request=asked) == Origin("tools/call", "build", "ann")


@pytest.mark.parametrize("result", [None, "text", 7, [], [{"taskId": "t1"}], {"task": "t1"}, {"task": {"taskId": 7}}])
def test_a_result_of_any_shape_is_traced(result: Any) -> None:
    origin = _traced(Exchanges(), response(1, result), request=_message(call("add", id=1)))
    assert origin == Origin("tools/call", "add")


def test_only_a_call_creates_a_task() -> None:
    exchanges = Exchanges()
    _traced(exchanges, response(1, LEGACY_TASK), request=_message(legacy("prompts/get", {"name": "p"}, id=1)))
    asked = _message(legacy("tasks/result", {"taskId": "t1"}, id=2))
    assert _traced(exchanges, response(2, {}), request=asked) == Origin("tasks/result", "t1")


def test_locks_that_were_held_at_the_fork_are_replaced() -> None:
    exchanges = Exchanges()
    for recent in (exchanges._asked, exchanges._tasks):
        recent._lock.acquire()
    exchanges.reset_lock()
    exchanges.open("s", _message(call("add", id=1)), "")
    assert _traced(exchanges, response(1, LEGACY_TASK), session="s") == Origin("tools/call", "add")


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
