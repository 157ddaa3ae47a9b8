"""What a read gives and what is announced of resources names nothing that the caller may not read."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks import listing
from smcp_security.checks.rung import Context
from smcp_security.decision import CLEAN, Action, Caller, Origin, Outcome
from tests.checks.callers import ANN, caller, message_of, policy_of, role
from tests.envelopes import climb, codes, legacy, response

POLICY = policy_of(role({"resources": ["docs://*"]}, {"resources": ["more://*"], "scopes": ["more"]}))


def _read(asked: str, *uris: Any, request: bool = True, method: str = "resources/read") -> tuple[Outcome, list[Any]]:
    contents = [{"uri": uri, "text": "x"} for uri in uris]
    answer = message_of(response(1, {"contents": contents}))
    context = Context(message=answer, caller=ANN, origin=Origin(method, asked))
    context.request = message_of(legacy(method, {"uri": asked})) if request else None
    outcome = climb(listing.build(POLICY)(context))
    shown = answer if outcome.edit is None else outcome.edit
    return outcome, [each["uri"] for each in shown.value["result"]["contents"]]


def test_contents_of_other_resources_are_left_out_unless_they_could_be_read() -> None:
    outcome, shown = _read(
        "docs://folder", "docs://folder", "docs://a", "hr://salaries", "docs://a/b", "more://a", None, 7
    )
    assert shown == ["docs://folder", "docs://a"]
    [found] = outcome.findings
    assert (found.code, found.action, found.where) == ("SMCP301", Action.REPORT, "/result/contents")


@pytest.mark.parametrize("request_known", [True, False])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("docs://a", "docs://a"),
        ("DOCS://A", "docs://a/"),
        ("docs://caf%C3%A9", "docs://caf\u00e9"),
        ("docs://a%20b", "docs://a b"),
    ],
)
def test_the_resource_that_was_asked_for_may_be_spelt_otherwise(asked: str, told: str, request_known: bool) -> None:
    assert _read(asked, told, request=request_known) == (CLEAN, [told])


def test_contents_of_an_answer_to_something_else_are_left_alone() -> None:
    assert _read("x", "hr://salaries", method="x-vendor/thing") == (CLEAN, ["hr://salaries"])
    # Where it is not certain what is answered, they may be those of a read.
    assert _read("x", "hr://salaries", method="x-vendor/thing", request=False)[1] == []
    assert _read("t1", "hr://salaries", method="tasks/result")[1] == []


def _announced(uri: Any, who: Caller | None = ANN, method: str = "notifications/resources/updated") -> list[str]:
    message = message_of(legacy(method, {"uri": uri}, id=None))
    return codes(climb(listing.build(POLICY)(Context(message=message, caller=who))))


def test_changes_of_resources_are_no_news_for_who_may_not_see_them() -> None:
    assert _announced("docs://a") == _announced("more://a") == []
    for uri in ("hr://salaries", "docs://a/b", "docs://../x"):
        assert _announced(uri) == ["SMCP301"]
    assert _announced("docs://a", caller()) == _announced("docs://a", None) == ["SMCP301"]
    assert _announced("hr://salaries", method="notifications/resources/list_changed") == []
