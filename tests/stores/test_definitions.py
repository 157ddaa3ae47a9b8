"""Schemas of tools: the policy's win, lessons are kept in bounds and survive a reload."""

from __future__ import annotations

import pytest

from smcp_security.schemas import ToolSchema, compile_schema
from smcp_security.stores import definitions
from smcp_security.stores.definitions import Definitions


def _schema(name: str) -> ToolSchema:
    return compile_schema({"type": "object", "required": [name]})


def test_a_tool_that_nobody_described_has_no_schema() -> None:
    assert Definitions({}).recall("a") is None


def test_what_was_learned_is_recalled_and_the_one_before_it_is_told() -> None:
    known, first, second = Definitions({}), _schema("a"), _schema("b")
    assert known.learn("tool", first) is None
    assert known.recall("tool") is first
    assert known.learn("tool", second) is first
    assert known.recall("tool") is second
    assert known.recall("Tool") is None


def test_a_lesson_never_replaces_what_the_policy_states() -> None:
    stated = _schema("a")
    known = Definitions({"tool": stated})
    known.learn("tool", _schema("b"))
    assert known.recall("tool") is stated


def test_the_oldest_lesson_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "MAX_TOOLS", 3)
    known, schema = Definitions({}), _schema("a")
    for name in "abcd":
        known.learn(name, schema)
    assert [known.recall(name) is schema for name in "abcd"] == [False, True, True, True]


def test_a_reloaded_policy_keeps_the_lessons_but_not_the_old_statements() -> None:
    before = Definitions({"stated": _schema("a")})
    before.learn("learned", _schema("b"))
    after = Definitions({"new": _schema("c")})
    after.adopt(before)
    assert after.recall("learned") is before.recall("learned")
    assert after.recall("stated") is None and after.recall("new") is not None
    # Two of them from now on: what one learns does not reach the other.
    after.learn("later", _schema("d"))
    assert before.recall("later") is None


def test_a_lock_that_was_held_at_the_fork_is_replaced() -> None:
    known = Definitions({})
    known._lock.acquire()
    known.reset_lock()
    assert known.learn("a", _schema("a")) is None
