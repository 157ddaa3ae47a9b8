"""Both directions of a conversation, without a pipe: who hears what, and that every request ends exactly once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.stdio import conversation as module
from smcp_security.adapters.stdio import ledger
from smcp_security.adapters.stdio.conversation import Conversation
from smcp_security.adapters.stdio.lines import Line, LineReader
from smcp_security.contexts import RequestContext
from smcp_security.decision import Decision
from tests.adapters.stdio.wire import call

HOSTILE = "; cat /etc/passwd"
POLICY = {"version": 1, "limits": [], "concurrency": [{"per": "address", "max": 2}]}


@pytest.fixture(scope="module")
def framework() -> Iterator[SMCPSecurityFramework]:
    """One framework for all: to make one costs more than a test."""
    with SMCPSecurityFramework(POLICY) as made:
        yield made


class Talk:
    """A conversation whose lines are Python values."""

    def __init__(self, framework: SMCPSecurityFramework) -> None:
        self.conversation = Conversation(framework, RequestContext(ip_address="stdio"))

    def client(self, message: Any) -> tuple[list[Any], list[Any]]:
        """What (client, server) hear of a line of the client."""
        said = self.conversation.from_client(Line(_raw(message)))
        return _values(said.client), _values(said.server)

    def server(self, message: Any) -> tuple[list[Any], list[Any]]:
        """What (client, server) hear of a line of the server."""
        said = self.conversation.from_server(Line(_raw(message)))
        return _values(said.client), _values(said.server)

    def answer(self, id: Any, **result: Any) -> tuple[list[Any], list[Any]]:
        """The server answers."""
        return self.server({"jsonrpc": "2.0", "id": id, "result": result or {"content": []}})


def _raw(message: Any) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message, separators=(",", ":")).encode()


def _values(lines: bytes) -> list[Any]:
    assert not lines or lines.endswith(b"\n")
    return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture
def talk(framework: SMCPSecurityFramework) -> Iterator[Talk]:
    """A fresh conversation; what it leaves open is given back."""
    made = Talk(framework)
    yield made
    made.conversation.hung_up()


def test_what_passes_is_the_canonical_bytes_on_one_line(talk: Talk) -> None:
    said = talk.conversation.from_client(Line(b'\t{"jsonrpc" : "2.0",\r "id":1, "method":"ping"} \r'))
    assert (said.client, said.server) == (b"", b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    said = talk.conversation.from_server(Line(b' {"jsonrpc":"2.0", "id":1,\r"result":{}}\r'))
    assert (said.client, said.server) == (b'{"jsonrpc":"2.0","id":1,"result":{}}\n', b"")


@pytest.mark.parametrize("raw", [b"", b" \t\r", b"\r"])
def test_blank_lines_are_nobodys_business(talk: Talk, raw: bytes) -> None:
    assert talk.client(raw) == talk.server(raw) == ([], [])
    assert talk.conversation.strays == 0


@pytest.mark.parametrize(
    ("raw", "code", "id"),
    [
        (b"garbage", "SMCP114", None),
        (b"\0", "SMCP114", None),
        (b'{"jsonrpc":"2.0","id":5,"method":"ping"}\0', "SMCP114", None),
        (b'\xff{"jsonrpc":"2.0","id":5,"method":"ping"}', "SMCP113", None),
        ('{"jsonrpc":"2.0","id":5,"method":"ping"}'.encode("utf-16"), "SMCP113", 5),
        (b'{"jsonrpc":"2.0","id":5,"id":6,"method":"ping"}', "SMCP112", 6),
        (b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"x":NaN}}', "SMCP115", 5),
        (b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', "SMCP116", None),
        (b'[{"jsonrpc":"2.0","id":5,"method":"ping"}]', "SMCP119", None),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', "SMCP121", None),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', "SMCP121", None),
        (b'{"jsonrpc":"2.0","id":5,"method":"ping","Method":"x"}', "SMCP123", 5),
        (b'{"jsonrpc":"2.0","id":5,"method":"unheard/of"}', "SMCP127", 5),
        (b'{"jsonrpc":"2.0","id":5,"Method":"ping"}', "SMCP123", 5),
        (b'{"jsonrpc":"2.0","id":null,"result":{}}', "SMCP121", None),
    ],
)
def test_what_is_refused_before_it_is_understood_is_told_by_its_id_if_it_has_one(
    talk: Talk, raw: bytes, code: str, id: Any
) -> None:
    [told], to_server = talk.client(raw)
    assert (told["error"]["data"]["code"], told.get("id"), to_server) == (code, id, [])


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","method":"notifications/unheard"}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","method":"notifications/progress"}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","extra":1}',
    ],
)
def test_a_refused_notification_is_dropped_in_silence(talk: Talk, raw: bytes) -> None:
    assert talk.client(raw) == ([], [])


def test_an_honest_notification_passes_both_ways(talk: Talk) -> None:
    sent = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert talk.client(sent) == ([], [sent])
    told = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    assert talk.server(told) == ([told], [])


def test_a_modern_notification_that_is_refused_is_not_answered(talk: Talk) -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    sent = {"jsonrpc": "2.0", "method": "notifications/unheard", "params": {"_meta": meta}}
    assert talk.client(sent) == ([], [])


def test_an_id_in_use_is_refused_and_free_again_after_its_answer(talk: Talk) -> None:
    assert talk.client(call(1, "echo"))[1]
    [told], to_server = talk.client(call(1, "echo"))
    # Told without the id: it would be taken for the answer of the first.
    assert (told["error"]["data"]["code"], "id" in told, to_server) == ("SMCP121", False, [])
    assert talk.client(call("1", "echo"))[1]
    assert talk.answer(1)[0]
    assert talk.client(call(1, "echo"))[1]


def test_a_forged_line_cannot_answer_an_open_request(talk: Talk) -> None:
    talk.client(call(1, "echo"))
    [told], _ = talk.client(b'{"jsonrpc":"2.0","id":9,"id":1,"method":"ping"}')
    assert "id" not in told
    [refused], _ = talk.client(b'{"jsonrpc":"2.0","id":9,"id":8,"method":"ping"}')
    assert refused["id"] == 8


def test_a_call_holds_its_place_until_it_is_answered(talk: Talk) -> None:
    for id in (1, 2):
        assert talk.client(call(id, "echo"))[1]
    [told], _ = talk.client(call(3, "echo"))
    assert (told["id"], told["error"]["data"]["code"]) == (3, "SMCP404")
    assert talk.answer(2)[0]
    assert talk.client(call(3, "echo"))[1]


def test_a_cancelled_call_holds_its_place_while_it_may_run(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for id in (1, 2):
        talk.client(call(id, "echo"))
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert talk.client(cancel) == ([], [cancel])
    assert talk.conversation.given_up(now[0]) == 1_030.0
    assert talk.client(call(3, "echo"))[0][0]["error"]["data"]["code"] == "SMCP404"
    assert talk.conversation.given_up(1_031.0) is None
    assert talk.client(call(3, "echo"))[1]
    # Its answer comes too late.
    assert talk.answer(1) == ([], [])


def test_what_a_cancelled_call_answers_in_time_passes(talk: Talk) -> None:
    talk.client(call(1, "echo"))
    talk.client({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    assert talk.answer(1)[0][0]["id"] == 1


def _lapse(talk: Talk, id: Any) -> None:
    """A call that was cancelled, and given up since."""
    talk.client({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
    talk.conversation.given_up(module.time.monotonic() + 60)


def test_the_late_answer_of_a_call_given_up_is_never_that_of_another_tool(talk: Talk) -> None:
    talk.client(call(1, "list_tasks"))
    _lapse(talk, 1)
    [told], to_server = talk.client(call(1, "other"))
    # By its id: nobody else waits by it.
    assert (told["id"], told["error"]["data"]["code"], to_server) == (1, "SMCP121", [])
    assert talk.answer(1) == ([], [])
    assert talk.client(call(1, "other"))[1]
    assert talk.answer(1)[0][0]["id"] == 1


def test_a_client_that_counts_on_is_served_after_a_call_given_up(talk: Talk) -> None:
    talk.client(call(1, "echo"))
    _lapse(talk, 1)
    assert talk.client(call(2, "echo"))[1]
    assert talk.answer(2)[0][0]["id"] == 2


def test_a_line_that_is_only_guessed_to_be_an_answer_does_not_free_the_id(talk: Talk) -> None:
    talk.client(call(1, "list_tasks"))
    reader = LineReader(100)
    lines = reader.feed(_raw({"jsonrpc": "2.0", "result": {"text": "x" * 5_000}}) + b"\n")
    told = [each for line in lines for each in _values(talk.conversation.from_server(line).client)]
    assert [each["id"] for each in told] == [1]
    assert talk.client(call(1, "other"))[0][0]["error"]["data"]["code"] == "SMCP121"
    assert talk.answer(1) == ([], [])


def test_a_connection_with_too_many_calls_never_answered_is_told_to_begin_anew(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_GHOSTS", 1)
    talk.client(call(1, "echo"))
    assert talk.client(call(2, "echo"))[1]
    _lapse(talk, 1)
    [told], to_server = talk.client(call(3, "echo"))
    assert (told["id"], told["error"]["data"]["code"], to_server) == (3, "SMCP121", [])
    assert "a new connection" in told["error"]["data"]["remediation"]
    # What was asked before is answered still.
    assert talk.answer(2)[0][0]["id"] == 2


def test_what_is_too_deep_to_be_read_ends_its_request_and_is_refused_by_its_id(talk: Talk) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    talk.client(call(1, "echo"))
    [told], _ = talk.server(b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"a":' + deep + b"}}}")
    assert (told["id"], told["error"]["code"], talk.conversation.awaited) == (1, -31502, False)
    begun = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"a":'
    [told], to_server = talk.client(begun % 7 + deep + b"}}}")
    assert (told["id"], told["error"]["data"]["code"], to_server) == (7, "SMCP117", [])
    flat = b"[" * 20 + b"]" * 20
    assert talk.client(begun % 8 + flat + b"}}}")[1]
    assert talk.answer(8, content=[], structuredContent={"a": [[[[1]]]]})[0][0]["id"] == 8


def test_every_request_is_told_to_the_audit_once(
    framework: SMCPSecurityFramework, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[tuple[Any, str]] = []
    settled: list[Any] = []

    def finish(decision: Decision, *, result: str, **_: Any) -> None:
        ended.append((decision.request.id if decision.request else None, result))

    monkeypatch.setattr(talk.conversation._judge, "finish", finish)
    monkeypatch.setattr(framework, "settle_sync", lambda decision: settled.append(decision.request.id))
    monkeypatch.setattr(module, "Account", lambda _, decision: real(talk.conversation._judge, decision))
    for id in range(1, 6):
        talk.client({"jsonrpc": "2.0", "id": id, "method": "ping"})
    talk.answer(1)
    talk.answer(1)
    talk.server(b'{"jsonrpc":"2.0","id":2,"result":{"x":NaN}}')
    talk.client({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}})
    talk.conversation.given_up(module.time.monotonic() + 60)
    talk.conversation.closed("The server ended.")
    talk.conversation.hung_up()
    assert ended == [(1, "complete"), (2, "withheld"), (3, "cancelled"), (4, "broken"), (5, "broken")]
    assert settled == [1, 2, 3, 4, 5]


real = module.Account


def test_a_server_that_ends_leaves_nobody_waiting(talk: Talk) -> None:
    talk.client(call(1, "echo"))
    talk.client({"jsonrpc": "2.0", "id": "b", "method": "ping"})
    told = _values(talk.conversation.closed("The server ended.").client)
    assert [(each["id"], each["error"]["code"]) for each in told] == [(1, -31503), ("b", -31503)]
    assert talk.conversation.closed("again").client == b""


def test_a_schema_that_a_list_showed_holds_for_calls(talk: Talk) -> None:
    talk.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    schema = {"type": "object", "properties": {"count": {"type": "integer", "maximum": 3}}}
    talk.answer(1, tools=[{"name": "learned", "inputSchema": schema}])
    [told], _ = talk.client(call(2, "learned", count=4))
    assert "SMCP501" in told["result"]["content"][0]["text"]
    assert talk.client(call(3, "learned", count=3))[1]


def test_strays_of_the_server_are_counted_and_told_ever_less_often(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "smcp_security.stdio"):
        for _ in range(100):
            assert talk.server(b"Listening on stdio...") == ([], [])
    assert talk.conversation.strays == 100
    assert len(caplog.records) == 7
    assert "Listening" not in caplog.text


def test_lines_of_the_client_without_an_end_are_refused_once(talk: Talk) -> None:
    reader = LineReader(100)
    head = b'{"jsonrpc":"2.0","id":"long","method":"tools/call","params":{"name":"x"' + b" " * 100
    lines = [line for piece in (head, b"x" * 1_000, b"x" * 1_000, b'}}\n{"a":1}\n') for line in reader.feed(piece)]
    told = [each for line in lines for each in _values(talk.conversation.from_client(line).client)]
    assert [(each.get("id"), each["error"]["data"]["code"]) for each in told] == [
        ("long", "SMCP104"),
        (None, "SMCP122"),
    ]


def test_results_over_the_cap_pass_whole_where_results_are_only_monitored() -> None:
    with SMCPSecurityFramework({"version": 1, "mode": {"results": "monitor"}}) as framework:
        talk = Talk(framework)
        talk.client(call(1, "big"))
        reader = LineReader(100)
        raw = _raw({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "x" * 500}]}}) + b"\n"
        pieces = [line for start in range(0, len(raw), 90) for line in reader.feed(raw[start : start + 90])]
        assert b"".join(talk.conversation.from_server(line).client for line in pieces) == raw
        assert not talk.conversation.awaited
