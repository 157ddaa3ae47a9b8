"""What a verdict is counted under: nothing that a caller can choose."""

from __future__ import annotations

import pytest

from smcp_security.checks.rung import Context
from smcp_security.decision import Decision
from smcp_security.observers.labels import LONGEST_TOOL, MOST_TOOLS, ToolNames, asked, verdict, withheld_code
from tests.observers import samples


def _names(*declared: str) -> ToolNames:
    return ToolNames(lambda tool, upstream: tool in declared)


def test_a_declared_tool_is_named_and_another_one_is_not() -> None:
    names = _names("search")
    assert names.label(samples.message(name="search"), "") == "search"
    assert names.label(samples.message(name="search'; drop"), "") == "other"


def test_a_message_that_calls_no_tool_has_none() -> None:
    names = _names("search")
    assert names.label(samples.message("resources/read", uri="docs://x", name="search"), "") == ""
    assert names.label(None, "") == ""


@pytest.mark.parametrize("name", [7, None, ["search"], ""])
def test_a_name_that_is_none_is_another_tool(name: object) -> None:
    assert _names("search", "").label(samples.message(name=name), "") == "other"


@pytest.mark.parametrize("name", ["x" * (LONGEST_TOOL + 1), "a\nb", "a\u202eb", "\x1b[2J"])
def test_a_declared_name_that_no_monitoring_could_show_is_another_tool(name: str) -> None:
    assert _names(name).label(samples.message(name=name), "") == "other"


def test_a_long_and_foreign_name_that_can_be_shown_is_kept() -> None:
    name = "suche." + "ü" * (LONGEST_TOOL - 6)
    assert _names(name).label(samples.message(name=name), "") == name


def test_a_server_that_lists_thousands_of_tools_gets_a_bounded_number_of_names() -> None:
    names = ToolNames(lambda tool, upstream: True)
    found = {names.label(samples.message(name=f"tool{n}"), "") for n in range(MOST_TOOLS + 50)}
    assert len(found) == MOST_TOOLS + 1
    assert "other" in found
    assert names.label(samples.message(name="tool3"), "") == "tool3"


def test_two_frameworks_that_count_together_share_the_bound() -> None:
    known: dict[str, str] = {}
    first, second = (ToolNames(lambda tool, upstream: True, known) for _ in range(2))
    for n in range(MOST_TOOLS):
        first.label(samples.message(name=f"tool{n}"), "")
    assert second.label(samples.message(name="one more"), "") == "other"


def test_the_upstream_says_whose_lists_count() -> None:
    names = ToolNames(lambda tool, upstream: upstream == "mail")
    assert names.label(samples.message(name="send"), "wiki") == "other"
    assert names.label(samples.message(name="send"), "mail") == "send"


def test_a_verdict_is_counted_under_what_decided_it() -> None:
    asked_for = samples.message()
    assert verdict(samples.verdict(asked_for)) == ("pass", "")
    assert verdict(samples.verdict(asked_for, "SMCP604", "SMCP605")) == ("report", "SMCP604")
    assert verdict(samples.verdict(asked_for, "SMCP604", "SMCP501", allowed=False)) == ("block", "SMCP501")


def test_a_verdict_on_an_answer_is_about_the_question() -> None:
    question, answer = samples.message(), samples.notification()
    judged = Decision(True, "1", request=answer, context=Context(request=question))
    assert asked(judged) is question
    assert asked(samples.verdict(question)) is question


def test_an_answer_is_withheld_for_what_blocked_it() -> None:
    reported = samples.verdict(samples.message(), "SMCP604").findings
    assert withheld_code(reported + samples.blocked("SMCP701")) == "SMCP701"
    assert withheld_code(reported) == "SMCP604"
    assert withheld_code(()) == ""
