"""What is told of a verdict besides the answer: to observers when it takes effect, and in the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smcp_security import PolicyError, SMCPSecurityFramework
from smcp_security.audit import notes
from smcp_security.audit.record import decision_record
from smcp_security.contexts import in_process
from smcp_security.observers import Observer
from tests.audit.records import read_records
from tests.envelopes import encoded
from tests.watched import ANSWER, HONEST, HOSTILE, POLICY, Arrange, Watcher, arranging, judge

pytestmark = pytest.mark.anyio

TRACE = f"00-{'a1' * 16}-{'b2' * 8}-01"


@pytest.fixture(scope="module")
def plain() -> Iterator[SMCPSecurityFramework]:
    """One framework for all; what a test puts into it is taken out again."""
    with SMCPSecurityFramework(POLICY) as framework:
        yield framework


@pytest.fixture
def arrange(plain: SMCPSecurityFramework) -> Iterator[Arrange]:
    with arranging(plain) as arranged:
        yield arranged


# -- observers -----------------------------------------------------------------------------------------------------


def test_an_observer_is_told_of_each_verdict_and_of_what_became_of_it(
    arrange: Arrange,
) -> None:
    watcher = Watcher()
    security = arrange(watcher)
    allowed, denied = judge(security, HONEST), judge(security, HOSTILE)
    security.process_response_sync(ANSWER, allowed)
    assert watcher.verdicts == [(allowed.id, True, "process"), (denied.id, False, "process")]
    [(id, ending)] = watcher.endings
    assert (id, ending.result, ending.error) == (allowed.id, "complete", "")


async def test_an_observer_is_told_where_an_event_loop_judges(arrange: Arrange) -> None:
    watcher = Watcher()
    security = arrange(watcher)
    decision = await security.process_request(HONEST)
    await security.process_response(ANSWER, decision)
    assert watcher.verdicts == [(decision.id, True, "process")]
    assert [id for id, _ in watcher.endings] == [decision.id]


def test_an_observer_is_told_of_what_an_edge_refuses_by_itself(arrange: Arrange) -> None:
    watcher = Watcher()
    decision = arrange(watcher).refuse("SMCP110", in_process(b"", None), edge="asgi")
    assert watcher.verdicts == [(decision.id, False, "asgi")]


def test_more_about_an_outcome_is_no_second_one(arrange: Arrange) -> None:
    watcher = Watcher()
    security = arrange(watcher)
    decision = judge(security, HONEST)
    security.finish(decision, result="complete", beside=True)
    assert watcher.endings == []
    security.finish(decision, result="complete")
    assert len(watcher.endings) == 1


def test_an_observer_that_breaks_is_left_out_and_decides_nothing(
    arrange: Arrange, caplog: pytest.LogCaptureFixture
) -> None:
    broken, well = Watcher(breaks=True), Watcher()
    security = arrange(broken, well)
    allowed, denied = judge(security, HONEST), judge(security, HOSTILE)
    security.process_response_sync(ANSWER, allowed)
    assert (allowed.allowed, denied.allowed) == (True, False)
    assert (len(broken.verdicts), len(broken.endings)) == (1, 0)
    assert (len(well.verdicts), len(well.endings)) == (2, 1)
    told = [record.getMessage() for record in caplog.records if "observer" in record.getMessage()]
    assert len(told) == 1 and "Watcher failed" in told[0] and "ValueError" in told[0]
    assert "secret-text" not in caplog.text


def test_a_new_policy_has_observers_of_its_own_and_the_old_ones_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Watcher] = []

    def observers_of(policy: Any, subject: Any) -> tuple[Observer, ...]:
        made.append(Watcher())
        return (made[-1],)

    monkeypatch.setattr("smcp_security.metrics.observers_of", observers_of)
    policy = {"metrics": {"prometheus": True}}
    with SMCPSecurityFramework(policy) as security:
        judge(security, HONEST)
        made[0].breaks = True
        judge(security, HONEST)
        security.reload(policy)
        judge(security, HONEST)
        assert [(len(each.verdicts), each.closed) for each in made] == [(2, 1), (1, 0)]
    assert [each.closed for each in made] == [1, 1]


def test_a_policy_that_is_refused_leaves_the_observers_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher()
    monkeypatch.setattr("smcp_security.metrics.observers_of", lambda *_: (watcher,))
    with SMCPSecurityFramework({"metrics": {"prometheus": True}}) as security:
        with pytest.raises(PolicyError):
            security.reload({"audit": {"file": "/no/such/folder/audit.jsonl"}})
        judge(security, HONEST)
        assert (len(watcher.verdicts), watcher.closed) == (1, 0)


# -- what the records of a framework say -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SMCPSecurityFramework, Path]]:
    """A framework that counts tokens and writes to a file."""
    file = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    policy = {"limits": [], "audit": {"file": str(file)}, "budgets": [{"per": "address", "tokens": "1000000/day"}]}
    with SMCPSecurityFramework(policy) as framework:
        yield framework, file


Written = tuple[SMCPSecurityFramework, Path]


def last(written: Written, kind: str) -> dict[str, Any]:
    assert written[0].flush()
    return [record for record in read_records(written[1]) if record["kind"] == kind][-1]


def answered(written: Written, answer: dict[str, Any]) -> dict[str, Any]:
    """The outcome of a call that was answered so."""
    security = written[0]
    security.process_response_sync(encoded({"jsonrpc": "2.0", "id": 1, **answer}), judge(security, HONEST))
    return last(written, "outcome")


def test_an_outcome_says_how_many_tokens_were_counted(written: Written) -> None:
    answer = {"result": {"content": [{"type": "text", "text": "x" * 400}]}}
    size = len(encoded({"jsonrpc": "2.0", "id": 1, **answer}))
    assert answered(written, answer)["tokens"] == -(-size // 4)


def test_without_budgets_nobody_counts_tokens(arrange: Arrange) -> None:
    watcher = Watcher()
    security = arrange(watcher)
    security.process_response_sync(ANSWER, judge(security, HONEST))
    assert watcher.endings[0][1].tokens is None


@pytest.mark.parametrize(
    ("answer", "result", "error"),
    [
        ({"result": {"content": []}}, "complete", ""),
        ({"result": {"content": [], "isError": False}}, "complete", ""),
        ({"result": {"content": [], "isError": True}}, "tool-error", "tool"),
        ({"error": {"code": -32602, "message": "no"}}, "error", "-32602"),
    ],
)
def test_an_outcome_says_of_what_class_the_failure_was(
    written: Written, answer: dict[str, Any], result: str, error: str
) -> None:
    outcome = answered(written, answer)
    assert (outcome["result"], outcome["error"]) == (result, error)


def test_a_decision_says_which_trace_it_belongs_to(written: Written) -> None:
    security = written[0]
    meta = {**HONEST, "params": {**HONEST["params"], "_meta": {"traceparent": TRACE}}}
    assert judge(security, meta).allowed
    assert last(written, "decision")["traceparent"] == TRACE
    judge(security, HONEST)
    assert last(written, "decision")["traceparent"] == ""


def test_what_says_something_of_a_person_is_nowhere_in_plain_text(written: Written) -> None:
    security, file = written
    facts = {"user_id": "ann.example", "ip_address": "192.0.2.77", "session_id": "0123456789abcdef"}
    security.process_request_sync(HONEST, facts)
    record = last(written, "decision")
    assert (record["label"], record["address"]) == ("ann.example", "192.0.2.77")
    text = file.read_text()
    assert not any(value in text for value in (*facts.values(), record["session"], record["arguments"]))
    assert record["id"] in text


def test_a_reload_keeps_the_hashes_comparable_and_says_what_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    policy = {"audit": {"file": str(file)}}
    with SMCPSecurityFramework(policy) as security:
        judge(security, HONEST)
        security.reload({**policy, "injection": {"level": 1}})
        judge(security, HONEST)
        security.reload({"audit": {"file": str(file), "arguments": "redacted"}})
        judge(security, HONEST)
    with SMCPSecurityFramework(policy) as security:
        judge(security, HONEST)
    records = [record for record in read_records(file) if record["kind"] == "decision"]
    hashed = [record["arguments"] for record in records]
    assert hashed[0] == hashed[1] == hashed[3] and hashed[2]["arguments"] == {"text": "hello"}
    assert records[0]["policy"] != records[1]["policy"] and records[0]["policy"] == records[3]["policy"]


@pytest.mark.parametrize("more", [{"on_failure": "deny"}, {"on_failure": "continue"}, {"fsync": "always"}], ids=str)
def test_a_reload_in_the_midst_of_a_record_loses_it_not_and_denies_nothing(
    tmp_path: Path, more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, now = ({"audit": {"file": str(tmp_path / name), **more}} for name in ("a", "b"))
    with SMCPSecurityFramework(before) as security:
        early = judge(security, HONEST)

        def late(*facts: Any) -> dict[str, Any]:
            security.reload(now)
            return decision_record(*facts)

        monkeypatch.setattr(notes, "decision_record", late)
        decision = judge(security, HONEST)
        assert decision.allowed
    told = [[record["id"] for record in read_records(tmp_path / name)] for name in ("a", "b")]
    assert told == [[early.id], [decision.id]]


@pytest.mark.parametrize("fsync", ["always", "interval", "never"])
def test_whatever_is_promised_of_the_disk_each_verdict_is_written(tmp_path: Path, fsync: str) -> None:
    file = tmp_path / "audit.jsonl"
    with SMCPSecurityFramework({"audit": {"file": str(file), "fsync": fsync}}) as security:
        decision = judge(security, HONEST)
        if fsync == "always":
            assert json.loads(file.read_bytes().splitlines()[-1])["id"] == decision.id
    assert [record["id"] for record in read_records(file)] == [decision.id]
