"""What is handed over in process becomes a context: headers and sessions count as they do over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from smcp_security import Decision, SMCPSecurityFramework
from tests.envelopes import PLAIN, call

ANN = secrets.token_urlsafe(32)


@pytest.fixture
def security(monkeypatch: pytest.MonkeyPatch) -> Iterator[SMCPSecurityFramework]:
    monkeypatch.setenv("SMCP_API_KEY", ANN)
    forwarded = {"user": "X-User"}
    policy = {"version": 1, "limits": [], "identity": {"api_keys": {}, "forwarded": forwarded}}
    with SMCPSecurityFramework({**policy, "server": {"flood": "off", "trusted_proxies": ["10.0.0.0/8"]}}) as made:
        yield made


def _judged(security: SMCPSecurityFramework, headers: dict[str, str], **facts: Any) -> Decision:
    return security.process_request_sync(call("x"), {"headers": {**dict(PLAIN), **headers}, **facts})


def _ann(security: SMCPSecurityFramework, *, header: str = "", **facts: Any) -> list[str]:
    session = {"Mcp-Session-Id": header} if header else {}
    decision = _judged(security, {"Authorization": f"Bearer {ANN}", **session}, **facts)
    return [finding.code for finding in decision.findings]


def _bob(security: SMCPSecurityFramework, *, header: str = "", **facts: Any) -> list[str]:
    session = {"Mcp-Session-Id": header} if header else {}
    decision = _judged(security, {"X-User": "bob", **session}, ip_address="10.0.0.1", **facts)
    return [finding.code for finding in decision.findings]


def test_a_session_in_process_is_its_first_callers_with_headers_too(security: SMCPSecurityFramework) -> None:
    for _ in range(2):
        assert _ann(security, session_id="s1") == []
    assert _bob(security, session_id="s1") == ["SMCP210"]
    assert _bob(security, session_id="s2") == []


def test_a_session_that_only_the_header_names_is_bound_as_well(security: SMCPSecurityFramework) -> None:
    assert _ann(security, header="s1") == [] and _ann(security, session_id="s1") == []
    assert _bob(security, header="s1") == ["SMCP210"]


def test_two_sessions_in_one_message_are_refused(security: SMCPSecurityFramework) -> None:
    assert _bob(security, session_id="s1", header="s1") == []
    assert _bob(security, session_id="s1", header="s2") == ["SMCP210"]
