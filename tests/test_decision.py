"""The values of a verdict and the table of finding codes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.codes import CODES, Code, Severity, _table
from smcp_security.decision import Action, Answer, Caller, Decision, Finding, Origin, Outcome, denied, finding


@pytest.mark.parametrize("code", CODES)
def test_a_code_says_what_it_means_and_what_to_do(code: str) -> None:
    row = CODES[code]
    assert re.fullmatch(r"SMCP[0-9]{3}", code) and row.code == code
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.slug)
    assert row.meaning.endswith(".") and row.remediation.endswith(".")
    assert re.fullmatch(r"(CWE-[0-9]+)?", row.cwe) and re.fullmatch(r"(MCP(0[1-9]|10))?", row.owasp)


def test_no_two_codes_share_a_slug() -> None:
    assert len({row.slug for row in CODES.values()}) == len(CODES)


def test_a_code_that_is_defined_twice_stops_the_start() -> None:
    row = Code("SMCP999", "a", Severity.LOW, "a.", "b.")
    assert list(_table(row)) == ["SMCP999"]
    with pytest.raises(ValueError, match="twice"):
        _table(row, row)


def test_a_finding_takes_its_words_from_the_table() -> None:
    found = finding("SMCP112", "/params", hint="once", data={"a": 1}, retry_after=2.0)
    assert (found.slug, found.severity, found.where) == ("duplicate-key", Severity.HIGH, "/params")
    assert (found.action, found.hint, found.data, found.retry_after) == (Action.BLOCK, "once", {"a": 1}, 2.0)


def test_a_code_that_is_not_in_the_table_is_a_bug() -> None:
    with pytest.raises(KeyError):
        finding("SMCP000")


def test_a_denial_has_one_blocking_finding() -> None:
    outcome = denied("SMCP104", "Body", hint="less")
    assert [(item.code, item.action) for item in outcome.findings] == [("SMCP104", Action.BLOCK)]
    assert outcome.edit is None and outcome.caller is None


def test_the_blocking_finding_is_the_first_that_blocks() -> None:
    report, block, later = finding("SMCP505", action=Action.REPORT), finding("SMCP501"), finding("SMCP503")
    assert Decision(False, "d", (report, block, later)).blocking is block
    assert Decision(True, "d", (report,)).blocking is None


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (finding("SMCP112"), "code"),
        (Caller("a"), "verified"),
        (Origin("a"), "method"),
        (Outcome(), "findings"),
        (Answer(200), "status"),
        (Decision(True, "d"), "allowed"),
    ],
)
def test_the_values_of_a_verdict_cannot_be_changed(value: Any, field: str) -> None:
    with pytest.raises(AttributeError):
        setattr(value, field, None)


def test_a_caller_is_unverified_unless_said_otherwise() -> None:
    assert not Caller("ann").verified


def test_two_findings_of_the_same_facts_are_equal() -> None:
    assert finding("SMCP112", "/a") == finding("SMCP112", "/a") != finding("SMCP112", "/b")
    assert isinstance(finding("SMCP112"), Finding)


def test_what_came_is_in_no_representation_of_the_verdict() -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {"a": "hush-9"}}}
    with SMCPSecurityFramework({"version": 1}) as security:
        decision = security.process_request_sync(asked, {"token": "hush-9", "session_id": "hush-9"})
    assert decision.request is not None and decision.context is not None
    for value in (decision, decision.request, decision.context):
        assert "hush-9" not in repr(value)
    assert decision.id in repr(decision)
