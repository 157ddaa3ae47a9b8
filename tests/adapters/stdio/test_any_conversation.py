"""Any order of lines of both sides: each request is answered at most once, settled exactly once, and only if asked."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.stdio.conversation import Conversation
from smcp_security.adapters.stdio.lines import LineReader
from smcp_security.contexts import RequestContext
from smcp_security.decision import Decision
from tests.adapters.stdio.wire import call

CAP = 400
IDS = st.sampled_from([0, 1, "1", "a"])
NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}


def _cancelled(id: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}


def _result(id: Any, filling: int = 0) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": "y" * filling}]}}


def _lines(*messages: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    plain = st.one_of(*messages).map(lambda each: json.dumps(each).encode())
    return st.one_of(plain, st.sampled_from([b"", b"\r", b"garbage", b"[]", b"{}", b'{"id":1,"id":"a"}', b"\xff"]))


ASKED = _lines(
    st.builds(call, IDS, st.just("echo"), text=st.sampled_from(["fine", "; cat /etc/passwd", "z" * CAP])),
    st.builds(_cancelled, IDS),
    st.builds(_result, IDS),
)
TOLD = _lines(
    st.builds(_result, IDS, st.sampled_from([0, CAP])),
    st.just(NOTE),
    IDS.map(lambda id: {"jsonrpc": "2.0", "id": id, "method": "roots/list"}),
)
TURNS = st.lists(st.one_of(st.tuples(st.just(True), ASKED), st.tuples(st.just(False), TOLD)), max_size=25)


class _Books:
    """What was allowed and what was settled, by the id of the decision."""

    def __init__(self, framework: SMCPSecurityFramework, patch: pytest.MonkeyPatch) -> None:
        self.ended: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        settle, finish = framework.settle_sync, framework.finish

        def settled(decision: Decision, **options: Any) -> None:
            if decision.allowed:
                self.ended[decision.id] += 1
            settle(decision, **options)

        def noted(decision: Decision, **options: Any) -> None:
            self.finished[decision.id] += decision.request is not None
            finish(decision, **options)

        patch.setattr(framework, "settle_sync", settled)
        patch.setattr(framework, "finish", noted)


@given(TURNS)
def test_every_request_ends_once_and_no_answer_comes_unasked(
    framework: SMCPSecurityFramework, turns: list[tuple[bool, bytes]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        books = _Books(framework, patch)
        conversation = Conversation(framework, RequestContext(ip_address="stdio"))
        readers = {True: LineReader(CAP), False: LineReader(CAP)}
        asked, passed, answered = Counter[str](), Counter[str](), Counter[str]()
        for by_client, raw in turns:
            if by_client and b"tools/call" in raw:
                asked[_id(json.loads(raw))] += 1
            for line in readers[by_client].feed(raw + b"\n"):
                said = (conversation.from_client if by_client else conversation.from_server)(line)
                passed.update(_id(each) for each in _values(said.server) if each.get("method") == "tools/call")
                answered.update(_id(each) for each in _values(said.client) if "method" not in each and "id" in each)
        answered.update(_id(each) for each in _values(conversation.closed("The server ended.").client))
        # By a line with two ids, a client that cannot count is told by the last of them.
        asked['"a"'] += sum(raw == b'{"id":1,"id":"a"}' for _, raw in turns)
        assert all(count <= asked[id] for id, count in answered.items())
        assert set(books.ended.values()) <= {1}
        assert set(books.finished.values()) <= {1}
        assert sum(books.ended.values()) == sum(books.finished.values()) == sum(passed.values())


def _id(message: dict[str, Any]) -> str:
    return json.dumps(message["id"])


def _values(lines: bytes) -> list[Any]:
    return [json.loads(line) for line in lines.splitlines()]
