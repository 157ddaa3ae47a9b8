"""The framework as a caller in process sees it: never raises for a message, never lets a broken check pass."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pytest

from smcp_security import Decision, PolicyError, RequestContext, SMCPSecurityFramework
from smcp_security.armed import Armed
from smcp_security.checks import Step
from smcp_security.checks.rung import Context, Run
from smcp_security.decision import CLEAN, Outcome
from tests.audit.disk import Disk
from tests.envelopes import call, encoded, headers_of, legacy, response

SHELL = "a; cat /etc/passwd | sh"
BOUNDLESS: Mapping[str, Any] = {"limits": []}


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    """One framework without rates for the tests that do not change it."""
    with SMCPSecurityFramework(BOUNDLESS) as framework:
        yield framework


def _judge(security: SMCPSecurityFramework, message: Any, context: Any = None) -> Decision:
    return security.process_request_sync(message, context)


def _codes(decision: Decision) -> list[str]:
    return [item.code for item in decision.findings]


# -- the two spellings of a message ----------------------------------------------------------------------------------


def test_bytes_come_back_canonical_and_a_dict_as_itself(security: SMCPSecurityFramework) -> None:
    value = call("echo", {"text": "hé"})
    assert _judge(security, json.dumps(value).encode()).message == encoded(value)
    assert _judge(security, value).message is value


@pytest.mark.parametrize(
    "value",
    [
        {**legacy("ping"), "params": {"a": float("nan")}},
        {**dict[Any, Any](legacy("ping")), 1: 2},
        {**legacy("ping"), "params": {"a": b"x"}},
        {**legacy("ping"), "params": {"a": (1,)}},
        {**legacy("ping"), "params": {"a": object()}},
        {**legacy("ping"), "params": {"a": "\ud800"}},
        {},
        [],
        None,
        7,
        "text",
        b"",
        bytearray(b"{}"),
        b"\xff",
    ],
    ids=range(14),
)
def test_what_is_no_json_message_is_refused_and_never_raises(security: SMCPSecurityFramework, value: Any) -> None:
    decision = _judge(security, value)
    assert not decision.allowed and decision.answer is not None and decision.answer.status == 400
    assert decision.message is None and "SMCP001" not in _codes(decision)


def test_an_attack_is_refused_and_its_harmless_twin_passes(security: SMCPSecurityFramework) -> None:
    refused = _judge(security, call("run", {"command": SHELL}))
    assert not refused.allowed and refused.message is None and refused.blocking is not None
    assert _judge(security, call("run", {"command": "weekly report"})).allowed


# -- context ---------------------------------------------------------------------------------------------------------


def test_headers_given_in_process_are_judged(security: SMCPSecurityFramework) -> None:
    fields = {"Host": "localhost", "Content-Type": "application/json"}
    assert _judge(security, legacy("ping"), {"headers": fields}).allowed
    assert _codes(_judge(security, legacy("ping"), {"headers": {**fields, "Host": "evil.example"}})) == ["SMCP101"]
    assert _codes(_judge(security, legacy("ping"), RequestContext(headers={**fields, "Origin": "null"}))) == ["SMCP102"]


@pytest.mark.parametrize("text", ["", "é", "\ud800", "\x00\n", "x" * 5000, "日本"])
@pytest.mark.parametrize("field", ["user_id", "ip_address", "token", "api_key", "session_id", "header"])
def test_no_context_of_the_caller_makes_the_framework_raise(
    security: SMCPSecurityFramework, field: str, text: str
) -> None:
    context: Any = {field: text}
    if field == "header":
        context = {"headers": {"host": "localhost", "content-type": "application/json", "x-note": text}}
    assert isinstance(_judge(security, legacy("ping"), context), Decision)


def test_secrets_of_the_context_do_not_show_in_its_repr() -> None:
    assert "hidden" not in repr(RequestContext(token="hidden", api_key="hidden"))


def test_a_label_counts_only_together_with_its_address() -> None:
    with SMCPSecurityFramework({"limits": [{"per": "caller", "rate": "1/hour"}]}) as security:
        ann = {"user_id": "ann", "ip_address": "192.0.2.1"}
        assert _judge(security, call("x"), ann).allowed
        assert _codes(_judge(security, call("x"), ann)) == ["SMCP402"]
        # Nobody uses up the rate of another by borrowing the name.
        assert _judge(security, call("x"), {**ann, "ip_address": "192.0.2.2"}).allowed
        assert _judge(security, call("x"), {**ann, "user_id": "bob"}).allowed


# -- fail closed -----------------------------------------------------------------------------------------------------


class _Boom(Exception):
    pass


def _with_step(security: SMCPSecurityFramework, side: str, rung: Any) -> None:
    armed: Armed = security._armed
    steps = (*getattr(armed, side)[:-1], Step("broken", rung))
    if side == "request":
        security._armed = replace(armed, request=steps)
    else:
        security._armed = replace(armed, response=steps)


def _exploding(context: Context) -> Run[Outcome]:
    yield from ()
    raise _Boom("Zq~payload")


def test_a_check_that_fails_denies_and_logs_frames_without_the_message(caplog: pytest.LogCaptureFixture) -> None:
    with SMCPSecurityFramework({**BOUNDLESS, "mode": "monitor"}) as security:
        _with_step(security, "request", _exploding)
        with caplog.at_level(logging.ERROR, "smcp_security"):
            decision = _judge(security, call("x", {"a": "Zq~payload"}))
    assert not decision.allowed and _codes(decision) == ["SMCP001"] and decision.message is None
    assert decision.answer is not None and json.loads(decision.answer.body)["id"] == 1
    lines = [record.getMessage() for record in caplog.records if record.name == "smcp_security"]
    assert any("_Boom" in line and "_exploding" in line for line in lines)
    assert all("Zq~" not in line for line in lines) and all(record.exc_info is None for record in caplog.records)


def test_a_check_of_a_result_that_fails_withholds_it() -> None:
    with SMCPSecurityFramework({**BOUNDLESS, "mode": "monitor"}) as security:
        request = _judge(security, call("x", id=8))
        _with_step(security, "response", _exploding)
        decision = security.process_response_sync(response(8, {"a": "Zq~payload"}), request)
    assert not decision.allowed and isinstance(decision.message, bytes) and b"Zq~" not in decision.message
    assert json.loads(decision.message)["id"] == 8


@pytest.mark.parametrize("failure", [_Boom, RecursionError, MemoryError, KeyError, StopIteration])
def test_a_store_that_fails_denies(monkeypatch: pytest.MonkeyPatch, failure: type[Exception]) -> None:
    def fail(*_given: object) -> None:
        raise failure

    with SMCPSecurityFramework() as security:
        assert _judge(security, call("x")).allowed
        monkeypatch.setattr(security._armed.sources, "answer", fail)
        assert _codes(_judge(security, call("x"))) == ["SMCP001"]


def test_a_closed_framework_denies() -> None:
    security = SMCPSecurityFramework(BOUNDLESS)
    security.close()
    assert _codes(_judge(security, legacy("ping"))) == ["SMCP001"]


def test_a_message_that_cannot_be_recorded_is_denied_before_it_runs() -> None:
    with SMCPSecurityFramework(BOUNDLESS) as security:
        request = _judge(security, call("x"))
        disk = Disk()
        disk.full, disk.healthy = True, False
        security._armed = replace(security._armed, sink=disk)
        refused = _judge(security, call("x", id=4))
        assert _codes(refused) == ["SMCP002"] and refused.message is None
        assert refused.answer is not None and json.loads(refused.answer.body)["id"] == 4
        # What has run already cannot be denied any more.
        assert security.process_response_sync(response(1, {}), request).allowed


def test_monitor_mode_never_lets_a_mirrored_header_lie() -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    policy = {**BOUNDLESS, "mode": "monitor", "tools": {"x": {"schema": {"type": "object"}}}}
    value = call("mirrored", {"region": "eu"}, era="modern")
    fields = dict(headers_of(value))
    with SMCPSecurityFramework(policy) as security:
        asked = _judge(security, legacy("tools/list"))
        security.process_response_sync(response(1, {"tools": [{"name": "mirrored", "inputSchema": schema}]}), asked)
        assert _judge(security, value, {"headers": {**fields, "mcp-param-region": "eu"}}).allowed
        assert _codes(_judge(security, value, {"headers": {**fields, "mcp-param-region": "us"}})) == ["SMCP124"]
        assert not _judge(security, value, {"headers": {**fields, "mcp-param-region": "us"}}).allowed


@pytest.mark.parametrize("section", ["arguments", "injection", "limits", "results"])
def test_monitor_mode_of_a_section_leaves_transport_parse_and_envelope_in_force(section: str) -> None:
    with SMCPSecurityFramework({**BOUNDLESS, "mode": {section: "monitor"}}) as security:
        plain = {"host": "localhost", "content-type": "application/json"}
        assert _codes(_judge(security, legacy("ping"), {"headers": {**plain, "host": "evil.example"}})) == ["SMCP101"]
        assert not _judge(security, b'{"a":1,"a":2}').allowed
        assert not _judge(security, legacy("nope")).allowed
        assert _judge(security, call("run", {"command": SHELL})).allowed is (section == "injection")


def test_many_threads_never_get_one_call_too_many() -> None:
    with SMCPSecurityFramework({"limits": [{"per": "address", "rate": "40/hour"}]}) as security:
        allowed: list[int] = []

        def run() -> None:
            allowed.append(sum(_judge(security, call("x"), {"ip_address": "192.0.2.1"}).allowed for _ in range(20)))

        workers = [Thread(target=run) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert sum(allowed) == 40


# -- reload ----------------------------------------------------------------------------------------------------------


def test_a_policy_that_cannot_be_used_leaves_the_last_good_one_in_force() -> None:
    with SMCPSecurityFramework({**BOUNDLESS, "server": {"max_depth": 9}}) as security:
        with pytest.raises(PolicyError):
            security.reload({"server": {"max_depth": "deep"}})
        assert security.policy.server.max_depth == 9
        security.reload({**BOUNDLESS, "server": {"max_depth": 20}})
        assert security.policy.server.max_depth == 20


def test_a_reload_keeps_the_rates_and_the_lessons() -> None:
    limits = [{"per": "address", "rate": "2/hour"}]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    with SMCPSecurityFramework({"limits": limits}) as security:
        asked = _judge(security, legacy("tools/list"))
        security.process_response_sync(response(1, {"tools": [{"name": "add", "inputSchema": schema}]}), asked)
        assert _judge(security, call("x")).allowed
        security.reload({"limits": limits, "server": {"max_depth": 20}})
        assert _codes(_judge(security, call("add", {"n": "x"}))) == ["SMCP501"]
        assert _judge(security, call("x")).allowed
        assert _codes(_judge(security, call("x"))) == ["SMCP402"]


# -- results ---------------------------------------------------------------------------------------------------------


def test_a_result_goes_on_as_it_came(security: SMCPSecurityFramework) -> None:
    asked, answer = _judge(security, call("x")), response(1, {"content": []})
    assert security.process_response_sync(answer, asked).message is answer
    assert security.process_response_sync(json.dumps(answer).encode(), asked).message == encoded(answer)


@pytest.mark.parametrize("raw", [b'{"a":1,"a":2}', b"[]", b"\xff", b"", {"a": float("nan")}])
def test_a_result_that_cannot_be_read_strictly_is_withheld(security: SMCPSecurityFramework, raw: Any) -> None:
    asked = _judge(security, call("x", id="k"))
    decision = security.process_response_sync(raw, asked)
    assert not decision.allowed and isinstance(decision.message, bytes) and json.loads(decision.message)["id"] == "k"


@pytest.mark.anyio
async def test_both_drivers_judge_results_alike(security: SMCPSecurityFramework) -> None:
    asked = _judge(security, call("x"))
    for raw in (response(1, {}), b"{", {"a": float("inf")}):
        alone = security.process_response_sync(raw, asked)
        looped = await security.process_response(raw, asked)
        assert (alone.allowed, alone.findings, alone.message) == (looped.allowed, looped.findings, looped.message)


# -- forks -----------------------------------------------------------------------------------------------------------


def _answers_in_child(security: SMCPSecurityFramework, deadline: float) -> bytes:
    """Fork while the locks are held, judge in the child, and give back what it wrote; empty if it hung."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(int(deadline) + 1)
        decision = _judge(security, call("x"))
        os.write(write, b"allowed" if decision.allowed else repr(_codes(decision)).encode())
        os._exit(0)
    os.close(write)
    ready, _, _ = select.select([read], [], [], deadline)
    told = os.read(read, 100) if ready else b""
    os.close(read)
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return told


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_framework_made_before_a_fork_answers_in_the_child_while_its_locks_are_held() -> None:
    with SMCPSecurityFramework() as security:
        held, done = Event(), Event()
        exchanges = security._around.exchanges
        locks = [
            security._armed.store._lock,
            security._around.flood._lock,
            security._armed.definitions._lock,
            security._changing,
            *(recent._lock for recent in (exchanges._asked, exchanges._answered)),
        ]

        def hold() -> None:
            for lock in locks:
                lock.acquire()
            held.set()
            done.wait()
            for lock in locks:
                lock.release()

        holder = Thread(target=hold)
        holder.start()
        held.wait()
        try:
            assert _answers_in_child(security, 15.0) == b"allowed"
        finally:
            done.set()
            holder.join()
        # The parent goes on as before.
        assert _judge(security, call("x")).allowed


def test_a_rung_that_says_nothing_lets_the_message_pass() -> None:
    def silent(context: Context) -> Run[Outcome]:
        yield from ()
        return CLEAN

    with SMCPSecurityFramework(BOUNDLESS) as security:
        _with_step(security, "request", silent)
        assert _judge(security, call("x")).allowed


# -- what a second pair of eyes found --------------------------------------------------------------------------------


def test_a_loosened_limit_holds_at_once_after_a_reload() -> None:
    with SMCPSecurityFramework({"limits": [{"per": "address", "rate": "1/day"}]}) as security:
        assert [_judge(security, call("x")).allowed for _ in range(2)] == [True, False]
        security.reload({"limits": [{"per": "address", "rate": "600/minute"}]})
        assert _judge(security, call("x")).allowed


def test_facts_that_a_framework_does_not_know_may_be_none() -> None:
    facts = {"ip_address": None, "user_id": None, "session_id": None, "headers": {"host": None}}
    with SMCPSecurityFramework(BOUNDLESS) as security:
        # A header without a value is no header: the Host is missing, and that denies.
        assert _codes(security.process_request_sync(legacy("ping"), facts)) in ([], ["SMCP101"])
        assert security.process_request_sync(legacy("ping"), {**facts, "headers": {}}).allowed


def test_a_message_in_process_is_of_the_newest_revision_with_a_handshake() -> None:
    with SMCPSecurityFramework({**BOUNDLESS, "server": {"min_protocol": "2025-06-18"}}) as security:
        assert _judge(security, legacy("tools/list")).allowed
