"""Exchanges captured from real clients, sent again: each request passes the middleware with the same value.

Each exchange meets a middleware of its own: one that had learned the schemas would rightly refuse the wrong arguments
that were captured too. The captures lie beside the repository, not in it; without them these tests are skipped, and
say so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPMiddleware
from tests.real.house import served
from tests.real.messages import Request
from tests.real.servers.recorder import Recorder
from tests.real.servers.replay import Replay
from tests.real.wire import ask, events

WIRE = Path(__file__).resolve().parents[3] / "shared" / "wire"
FILES = sorted(WIRE.glob("*.jsonl"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.skipif(not FILES, reason="no captured exchanges in ../shared/wire beside the repository"),
]
# One of the answers is an error that repeats what was asked, which is masked unless the policy says otherwise.
POLICY: dict[str, Any] = {"version": 1, "results": {"errors": "pass"}}
# The connection is this test's own, not the captured one's.
_FRAMING = ("host", "content-length", "connection")


def exchanges(file: Path) -> list[dict[str, Any]]:
    """The captured exchanges of one file; lines that only mark a place are left out."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [line for line in lines if "method" in line]


def request_of(exchange: dict[str, Any]) -> Request:
    """The captured request, with the captured Host."""
    fields = [(name, value) for name, value in exchange["req_headers"]]
    host = next(value for name, value in fields if name == "host")
    kept = tuple((name, value) for name, value in fields if name not in _FRAMING)
    return Request(exchange["req_body"].encode(), kept, exchange["method"], exchange["path"], host)


def replay_of(exchange: dict[str, Any]) -> Replay:
    """A server that answers as the captured one did."""
    pieces = [piece.encode() for piece in exchange["resp"] if not piece.startswith("<receive:")]
    return Replay(pieces, [(name, value) for name, value in exchange["resp_headers"]], status=exchange["status"])


def said(body: bytes) -> list[Any]:
    """The messages of an answer, be it JSON or a stream of events."""
    return [json.loads(body)] if body.startswith(b"{") else events(body)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_every_captured_request_and_answer_passes_byte_for_byte(file: Path) -> None:
    captured = exchanges(file)
    assert captured
    for exchange in captured:
        replay, request = replay_of(exchange), request_of(exchange)
        recorder = Recorder(replay)
        async with served(SMCPMiddleware(recorder, POLICY)) as address:
            reply = await ask(address, request)
        assert reply.status == exchange["status"], (exchange["req_body"], reply)
        if b"\\u" in replay.body:
            # The server spelt letters as escapes; the middleware passes the value in its own spelling.
            assert said(reply.body) == said(replay.body)
        else:
            assert reply.body == replay.body
        (seen,) = recorder.seen
        assert seen.body == request.body
        kept = [field for field in request.headers if field[0] != "accept-encoding"]
        assert [(name, value) for name, value in kept if seen.header(name) != [value]] == []
        assert seen.header("accept-encoding") == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_in_a_captured_answer_nothing_but_echoed_input_is_changed_by_default(file: Path) -> None:
    for exchange in exchanges(file):
        replay = replay_of(exchange)
        async with served(SMCPMiddleware(replay)) as address:
            reply = await ask(address, request_of(exchange))
        if said(reply.body) != said(replay.body):
            assert b"input_value=" in replay.body and b"input_value=[redacted:input]" in reply.body


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_captured_request_written_with_other_spacing_passes_with_the_same_value(file: Path) -> None:
    messages = [each for each in exchanges(file) if each["req_body"]]
    assert messages
    for exchange in messages:
        request = request_of(exchange)
        value = json.loads(request.body)
        recorder = Recorder(replay_of(exchange))
        async with served(SMCPMiddleware(recorder)) as address:
            reply = await ask(address, request.carrying(json.dumps(value, indent=2)))
        assert reply.status == exchange["status"]
        assert recorder.messages == [value]
