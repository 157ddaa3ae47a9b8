"""Whatever the loader takes, and whatever it does not, lint looks at without a crash and points into the file."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.lint.catalogue import rules
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Finding
from smcp_security.lint.inputs import document, known_tools
from smcp_security.lint.run import examined
from tests.lint.twins import SERVER
from tests.policy import policies

KNOWN = known_tools(str(SERVER))


def _held(text: str) -> list[Finding]:
    """What every rule finds in a text; each finding stands where the text is."""
    found = document("policy.yaml", text, known=KNOWN)
    if not isinstance(found, Document):
        return []
    findings, _ = examined(found, rules())
    for finding in findings:
        assert 1 <= finding.span.line <= len(found.starts)
        assert 1 <= finding.span.column <= len(found.line(finding.span.line)) + 1
    assert len({finding.fingerprint for finding in findings}) == len(findings)
    return findings


@given(policies.valid)
@settings(max_examples=40)
def test_a_policy_that_the_loader_takes_is_looked_at_by_every_rule(raw: dict[str, Any]) -> None:
    text = json.dumps({"version": 1, **raw}, ensure_ascii=False)
    # Of other characters YAML refuses some that the model takes.
    assert isinstance(document("policy.yaml", text), Document)
    assert "POL001" not in {finding.code for finding in _held(text)} or not text.isascii()


@given(policies.spoilt_anywhere())
@settings(max_examples=15)
def test_a_policy_that_the_loader_may_refuse_is_looked_at_too(raw: dict[str, Any]) -> None:
    _held(json.dumps({"version": 1, **raw}, ensure_ascii=False))


@given(st.text(max_size=200) | st.text("\n\t :-{}[],#'\"&*!|>%@`?\\abn01~.", max_size=60))
def test_any_text_is_looked_at_or_named_as_what_it_is(text: str) -> None:
    found = document("policy.yaml", text.encode("utf-8", "replace").decode(), known=KNOWN)
    if isinstance(found, Document):
        examined(found, rules())
