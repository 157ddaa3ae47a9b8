"""Schemas of tools: the policy's win, then pins, lessons are kept in bounds and survive a reload; drift is noted."""

from __future__ import annotations

import pytest

from smcp_security.checks.rung import AskDrift, Drift, Learn, Recall
from smcp_security.schemas import ToolSchema, compile_schema
from smcp_security.stores import definitions
from smcp_security.stores.definitions import Definitions


def _schema(name: str) -> ToolSchema:
    return compile_schema({"type": "object", "required": [name]})


def test_a_tool_that_nobody_described_has_no_schema() -> None:
    assert Definitions({}).recall(Recall("a")) is None


def test_what_was_learned_is_recalled_and_the_one_before_it_is_told() -> None:
    known, first, second = Definitions({}), _schema("a"), _schema("b")
    assert known.learn(Learn("tool", first)) is None
    assert known.recall(Recall("tool")) is first
    assert known.learn(Learn("tool", second)) is first
    assert known.recall(Recall("tool")) is second
    assert known.recall(Recall("Tool")) is None


def test_a_lesson_never_replaces_what_the_policy_states() -> None:
    stated = _schema("a")
    known = Definitions({"tool": stated})
    known.learn(Learn("tool", _schema("b")))
    assert known.recall(Recall("tool")) is stated


def test_the_oldest_lesson_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "MAX_TOOLS", 3)
    known, schema = Definitions({}), _schema("a")
    for name in "abcd":
        known.learn(Learn(name, schema))
    assert [known.recall(Recall(name)) is schema for name in "abcd"] == [False, True, True, True]


def test_a_reloaded_policy_keeps_the_lessons_but_not_the_old_statements() -> None:
    before = Definitions({"stated": _schema("a")})
    before.learn(Learn("learned", _schema("b")))
    after = Definitions({"new": _schema("c")})
    after.adopt(before)
    assert after.recall(Recall("learned")) is before.recall(Recall("learned"))
    assert after.recall(Recall("stated")) is None and after.recall(Recall("new")) is not None
    # Two of them from now on: what one learns does not reach the other.
    after.learn(Learn("later", _schema("d")))
    assert before.recall(Recall("later")) is None


def test_a_lock_that_was_held_at_the_fork_is_replaced() -> None:
    known = Definitions({})
    known._lock.acquire()
    known.reset_lock()
    assert known.learn(Learn("a", _schema("a"))) is None


# -- pins ------------------------------------------------------------------------------------------------------------


def test_what_the_policy_states_comes_before_the_pin_and_the_pin_before_what_was_learned() -> None:
    stated, pinned, learned = _schema("a"), _schema("b"), _schema("c")
    known = Definitions({"tool": stated}, {}, {"tool": pinned, "other": pinned})
    known.learn(Learn("tool", learned))
    known.learn(Learn("other", learned))
    assert known.recall(Recall("tool")) is stated and known.recall(Recall("other")) is pinned


def test_the_schemas_of_results_are_kept_apart_from_those_of_arguments() -> None:
    stated, output, learned = _schema("a"), _schema("b"), _schema("c")
    known = Definitions({"tool": stated, "bare": stated}, {"tool": output})
    assert known.recall(Recall("tool")) is stated and known.recall(Recall("tool", output=True)) is output
    assert known.recall(Recall("bare", output=True)) is None
    known.learn(Learn("bare", learned, output=True))
    assert known.recall(Recall("bare", output=True)) is learned and known.recall(Recall("bare")) is stated


@pytest.mark.parametrize("output", [False, True])
def test_a_tool_that_drifted_and_may_still_be_called_is_held_to_what_was_listed_last(output: bool) -> None:
    pinned, learned = _schema("a"), _schema("b")
    known = Definitions({}, {"tool": pinned}, {"tool": pinned})
    known.note_drift(Drift("tool", "tool", True, "u"))
    assert known.recall(Recall("tool", "u", output)) is pinned
    known.learn(Learn("tool", learned, "u", output))
    assert known.recall(Recall("tool", "u", output)) is learned
    known.note_drift(Drift("tool", "tool", False, "u"))
    assert known.recall(Recall("tool", "u", output)) is pinned


def test_drift_is_known_of_one_name_of_one_kind_of_one_upstream() -> None:
    known = Definitions({})
    known.note_drift(Drift("tool", "a", True, "u"))
    assert known.has_drifted(AskDrift("tool", "a", "u"))
    others = (AskDrift("tool", "a", "v"), AskDrift("tool", "b", "u"), AskDrift("prompt", "a", "u"))
    assert not any(map(known.has_drifted, others))
    known.note_drift(Drift("tool", "a", False, "v"))
    assert known.has_drifted(AskDrift("tool", "a", "u"))
    known.note_drift(Drift("tool", "a", False, "u"))
    assert not known.has_drifted(AskDrift("tool", "a", "u"))


def test_a_reload_with_the_same_pins_keeps_what_drifted_and_other_pins_begin_anew() -> None:
    before = Definitions({})
    before.note_drift(Drift("tool", "a", True))
    same, other = Definitions({}), Definitions({})
    same.adopt(before)
    other.adopt(before, same_pins=False)
    assert same.has_drifted(AskDrift("tool", "a")) and not other.has_drifted(AskDrift("tool", "a"))
    same.note_drift(Drift("tool", "a", False))
    assert before.has_drifted(AskDrift("tool", "a"))
