"""The caller of the benchmarks: verified once and remembered after that, and only by its token."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import callers
from benchmarks.messages import ADDRESS, TOOL, WORKLOADS, headers, request, response
from smcp_security import Decision, RequestContext, SMCPSecurityFramework


@pytest.fixture
def judged(tmp_path: Path) -> tuple[SMCPSecurityFramework, str]:
    """A framework with the full policy, and a token that it takes."""
    token = callers.issue(tmp_path / "jwks.json")
    return SMCPSecurityFramework(callers.policy(tmp_path / "audit.jsonl", tmp_path / "jwks.json")), token


def _ask(security: SMCPSecurityFramework, body: bytes, fields: dict[str, str]) -> Decision:
    return security.process_request_sync(body, RequestContext(ip_address=ADDRESS, headers=fields))


def test_the_full_policy_finds_no_fault_with_its_caller(judged: tuple[SMCPSecurityFramework, str]) -> None:
    security, token = judged
    body = request(WORKLOADS[0])
    with security:
        decision = _ask(security, body, callers.headers(body, token))
        answer = security.process_response_sync(response(WORKLOADS[0]), decision)
    assert decision.allowed and answer.allowed and (decision.findings, answer.findings) == ((), ())
    assert decision.caller is not None and decision.caller.roles == ("writer",)
    assert decision.caller.tenant == callers.TENANT


def test_nobody_passes_the_full_policy_without_a_token(judged: tuple[SMCPSecurityFramework, str]) -> None:
    security, _ = judged
    body = request(WORKLOADS[0])
    with security:
        decision = _ask(security, body, headers(body))
    assert [finding.code for finding in decision.findings] == ["SMCP201"]


def test_the_roles_of_the_full_policy_refuse_another_tool(judged: tuple[SMCPSecurityFramework, str]) -> None:
    security, token = judged
    body = request(WORKLOADS[0]).replace(TOOL.encode(), b"notes.delete_all")
    fields = callers.headers(body, token) | {"mcp-name": "notes.delete_all"}
    with security:
        decision = _ask(security, body, fields)
    assert [finding.code for finding in decision.findings] == ["SMCP301"]
