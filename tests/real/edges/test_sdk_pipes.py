"""What no SDK's client sends, written to the pipes of stdio servers that are secured in process: always an answer, and
the next call passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.sdk.hosts import HONEST
from tests.real.edges.sdk_stand import KINDS, Pipe, stand_of

pytestmark = pytest.mark.real

POLICY: dict[str, Any] = {"concurrency": [{"per": "address", "max": 1, "tools": ["wait", "run"]}]}


@pytest.fixture(scope="module", params=KINDS)
def pipe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipe]:
    stand = stand_of(request.param, request, tmp_path_factory.mktemp("pipes"))
    with stand.piped(POLICY) as piped:
        piped.handshake()
        yield piped


def _text(answer: dict[str, Any]) -> str:
    return json.dumps(answer)


def _serves(pipe: Pipe, id: int) -> bool:
    return f"ran {HONEST}" in _text(pipe.call(id, "run", command=HONEST))


def test_a_method_that_nobody_knows_is_refused_with_its_id(pipe: Pipe) -> None:
    assert pipe.ask(10, "x-vendor/thing")["error"]["data"]["code"] == "SMCP127"
    assert _serves(pipe, 11)


def test_a_key_that_looks_like_another_is_refused(pipe: Pipe) -> None:
    refused = pipe.ask(20, "tools/call", name="told", Name="run", arguments={})
    assert refused["error"]["data"]["code"] == "SMCP123"
    assert _serves(pipe, 21)


@pytest.mark.parametrize("depth", [100, 190])
def test_arguments_nested_too_deeply_are_refused(pipe: Pipe, depth: int) -> None:
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    pipe.say(
        b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"told","arguments":%b}}' % (depth, nested)
    )
    assert "SMCP117" in _text(pipe.answer(depth))
    assert _serves(pipe, depth + 1)


def test_a_call_that_its_client_gives_up_holds_its_place_no_longer(pipe: Pipe) -> None:
    pipe.say({"jsonrpc": "2.0", "id": 40, "method": "tools/call", "params": {"name": "wait", "arguments": {}}})
    assert "SMCP404" in _text(pipe.call(41, "run", command=HONEST))
    pipe.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 40}})
    ids = iter(range(1_000, 9_000))
    while "SMCP404" in (told := _text(pipe.call(next(ids), "run", command=HONEST))):
        pass
    assert f"ran {HONEST}" in told


def test_an_unreadable_line_costs_nothing_but_itself(pipe: Pipe) -> None:
    for line in (
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"told"}}',
    ):
        pipe.say(line)
    assert _serves(pipe, 51)


def test_two_requests_of_one_id_never_get_each_others_answer(pipe: Pipe) -> None:
    pipe.say({"jsonrpc": "2.0", "id": 60, "method": "tools/call", "params": {"name": "rest", "arguments": {}}})
    second = _text(pipe.call(60, "told"))
    assert "SMCP121" in second or '"text": "[' in second
    pipe.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 60}})


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_goes_during_a_call_ends_the_server_and_the_exchange(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    stand = stand_of(kind, request, tmp_path)
    with stand.piped() as pipe:
        pipe.handshake()
        pipe.say({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "wait", "arguments": {}}})
        pipe.call(8, "write", count=1)
        assert pipe.close() == 0
    records = stand.recorded()
    [call] = [each["id"] for each in records if each["kind"] == "decision" and each.get("target") == "wait"]
    assert [each["result"] for each in records if each["kind"] == "outcome" and each["id"] == call] == ["cancelled"]
