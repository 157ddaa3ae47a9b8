"""A harness that finds nothing proves something only if it finds what is there: each is shown planted defects."""

from __future__ import annotations

import dataclasses
import json
import os
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from smcp_security.errors import PolicyError
from smcp_security.leaves import Texts
from smcp_security.message import parse
from smcp_security.policy import Policy
from smcp_security.sse import Event, read_event
from smcp_security.text import Derived, Form, derive
from tests.fuzz import engine, message, mutation, policy, reply, rulebook, sse, stray, text
from tests.fuzz.oracle import Broken, expect


def _textless(data: bytes, *, max_depth: int) -> Any:
    return replace(parse(data, max_depth=max_depth), texts=Texts())


class _ByLines:
    """A reader that knows one kind of line end and one way to arrive."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def feed(self, chunk: bytes) -> list[Event]:
        return [read_event(raw + b"\n\n") for raw in chunk.split(b"\n\n")[:-1]]


BOOK = rulebook.book()


class _Blind:
    """A rulebook that looks at the first text only."""

    def scan(self, texts: list[str], surface: Any) -> tuple[Any, ...]:
        return BOOK.scan(texts[:1], surface)


class _Deaf:
    """A rulebook that never finds anything behind a line break."""

    def scan(self, texts: list[str], surface: Any) -> tuple[Any, ...]:
        return BOOK.scan([each.split("\n")[0] for each in texts], surface)


def _curious(path: str, environ: object) -> Policy:
    return Policy(profile="maximum" if os.environ.get("SMCP_PROFILE") else "standard")


def _wandering(path: str, environ: object) -> Policy:
    with open(os.devnull, encoding="utf-8") as elsewhere:
        elsewhere.read()
    return Policy.load(path)


def _vague(path: str, environ: object) -> Policy:
    raise PolicyError("something is wrong")


def _noisy(path: str, environ: object) -> Policy:
    raise PolicyError(f"{path}:1:1: expected this, found \x1b[2J")


def _crashing(path: str, environ: object) -> Policy:
    raise KeyError(path)


PLANTED: dict[str, tuple[Any, str, Any, bytes]] = {
    "a parser that keeps the last of two members": (
        message, "load", lambda raw: (json.loads(raw), json.dumps(json.loads(raw)).encode()), b'{"a":1,"a":2}'),
    "a parser that takes NaN": (message, "load", lambda raw: (json.loads(raw), raw), b'{"a":NaN}'),
    "a parser that makes integers of floats": (
        message, "load", lambda raw: (json.loads(raw, parse_float=lambda each: int(float(each))), raw), b'{"a":1.0}'),
    "a parser that overlooks texts": (message, "parse", _textless, b'{"a":"b"}'),
    "a decoder that decodes nothing": (text, "derive", lambda *_: Derived(), b"%3Cscript%3E"),
    "a decoder that reads no references": (text, "derive", lambda *_: Derived(), b"&LT;script&#62;"),
    "a decoder that never ends": (
        text, "derive", lambda *_: Derived(forms=(Form(0, "x" * 100_000),)), b"a"),
    "a decoder that reports no marks": (
        text, "derive", lambda *given: dataclasses.replace(derive(*given), marks=()), ("e" + "\u0301" * 40).encode()),
    "a scan of the first text only": (rulebook, "book", lambda: _Blind(), b"\x00fine"),
    "a scan that stops at a line break": (rulebook, "book", lambda: _Deaf(), b"\x00fine"),
    "a reader that knows LF alone": (sse, "EventReader", _ByLines, b"\x00data: a\r\rdata: b\r\r"),
    "a reader that forgets what came before": (sse, "EventReader", _ByLines, b"\x01\x04data: a\n\n"),
    "a rewriting that leaves old data": (sse, "with_data", lambda event, data: event.raw, b"\x00data: a\n\n"),
    "a look that sees nothing": (stray, "is_mcp", lambda *_: False, b'\x00{"jsonrpc":"2.0","method":"tools/list"}'),
    "a look that sees MCP everywhere": (stray, "is_mcp", lambda *_: True, b'\x00{"a":1}'),
    "a loader that looks into the environment": (policy, "resolve", _curious, b"version: 1\n"),
    "a loader that opens another file": (policy, "resolve", _wandering, b"version: 1\n"),
    "a loader that does not say where": (policy, "resolve", _vague, b"version: 1\n"),
    "a loader that sends control characters to the terminal": (policy, "resolve", _noisy, b"version: 1\n"),
    "a loader that crashes": (policy, "resolve", _crashing, b"version: 1\n"),
}  # fmt: skip


@pytest.mark.parametrize("defect", PLANTED)
def test_a_planted_defect_is_found_by_its_harness(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    harness, name, planted, data = PLANTED[defect]
    harness.judge(data)  # without the defect there is nothing to find
    for clear in (rulebook._rules_of.cache_clear, policy._file):
        clear()
    monkeypatch.setattr(harness, name, planted)
    with pytest.raises((Broken, KeyError)):
        harness.judge(data)


CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"query":"a"}}}'
ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'


def _breaking(*_: object, **__: object) -> Any:
    raise ZeroDivisionError


@pytest.mark.parametrize("part", ["_request_run", "_response_run"])
def test_a_check_that_breaks_is_found_by_the_engine_harness(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\x00" + CALL + b"\xff" + ANSWER
    engine.judge(data)
    monkeypatch.setattr(engine._framework(0), part, _breaking)
    with pytest.raises(Broken, match="no check breaks"):
        engine.judge(data)


@pytest.mark.parametrize("first", [0, 1])
def test_an_answer_that_nobody_judged_is_found_by_the_reply_harness(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two members of one name: a message that two readers read in two ways."""
    body = b'{"jsonrpc":"2.0","id":1,"id":2}'
    data = bytes([first, 0]) + (b"data: " + body + b"\n\n" if first else body)
    reply.judge(data)

    async def waved_through(raw: bytes, decision: Any) -> Any:
        return replace(decision, message=raw)

    monkeypatch.setattr(reply._framework(reply.SIZES[0]), "inspect_response", waved_through)
    with pytest.raises(Broken, match="read in one way"):
        reply.judge(data)


def test_an_expectation_that_holds_says_nothing() -> None:
    expect([1], "never seen")
    with pytest.raises(Broken, match="seen"):
        expect([], "seen")


def test_a_mutation_keeps_json_whole_and_reaches_every_part() -> None:
    data = b"\x01" + CALL + b"\xff" + ANSWER
    mutated = {mutation.exchanged(data, Random(seed)) for seed in range(300)}
    parts = [each[1:].split(b"\xff") for each in mutated if each is not None]
    assert all(len(each) == 2 and json.loads(each[0]) and json.loads(each[1]) for each in parts)
    assert len({each[0] for each in parts}) > 50 and len({each[1] for each in parts}) > 50
    assert mutation.exchanged(b"\x01{", Random(1)) is None
