"""A call inside of an HTTP request that no edge has judged: its headers are judged, and its caller is the request's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from smcp_security.adapters.current import SCOPE_KEY, Exchange
from smcp_security.adapters.sdk.requests import Host
from smcp_security.adapters.tools.surroundings import Surroundings, surroundings
from smcp_security.decision import Decision
from smcp_security.framework import SMCPSecurityFramework

FIELDS = {"host": "127.0.0.1:8000", "content-type": "application/json", "accept": "application/json"}
LOGIN = AuthenticatedUser(
    AccessToken(token="t", client_id="app", scopes=["notes"], subject="ann", claims={"iss": "https://issuer.example"})
)


@pytest.fixture(scope="module")
def framework() -> Iterator[SMCPSecurityFramework]:
    """A framework with the default policy."""
    with SMCPSecurityFramework() as framework:
        yield framework


def _decided(framework: SMCPSecurityFramework, fields: dict[str, str], **others: Any) -> Decision:
    headers = [(name.encode(), text.encode()) for name, text in {**FIELDS, **fields}.items()]
    scope = {"type": "http", "path": "/mcp", "query_string": b"", "client": ("127.0.0.1", 1), "headers": headers}
    around = Surroundings(Host.SDK2, "read", None, {**scope, **others}, None, False)
    context = around.context("read", {"path": "a"}, framework)
    return framework.inspect_sync(context, edge="test")


def _codes(decision: Decision) -> list[str]:
    return [each.code for each in decision.findings]


def test_an_honest_request_passes_with_its_own_address(framework: SMCPSecurityFramework) -> None:
    decision = _decided(framework, {})
    assert decision.allowed
    assert decision.context is not None
    assert decision.context.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"host": "evil.example"}, "SMCP101"), ({"origin": "http://evil.example"}, "SMCP102")],
)
def test_a_foreign_page_is_refused_inside_too(framework: SMCPSecurityFramework, fields: Any, code: str) -> None:
    assert _codes(_decided(framework, fields)) == [code]


@pytest.mark.parametrize("revision", ["2025-06-18", "2026-07-28"])
def test_what_routes_the_served_message_does_not_bind_the_call(framework: SMCPSecurityFramework, revision: str) -> None:
    routing = {"mcp-protocol-version": revision, "mcp-method": "tools/call", "mcp-name": "other", "content-length": "9"}
    assert _decided(framework, routing).allowed


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_a_policy_for_newer_clients_lets_calls_of_their_tools_pass(revision: str) -> None:
    with SMCPSecurityFramework({"version": 1, "server": {"min_protocol": revision}}) as framework:
        assert _codes(_decided(framework, {})) == []


def test_a_login_of_the_sdk_is_the_caller_where_the_policy_has_none(framework: SMCPSecurityFramework) -> None:
    caller = _decided(framework, {"authorization": "Bearer t"}, user=LOGIN).caller
    assert caller is not None
    assert (caller.id, caller.verified, caller.roles) == ("sdk:https://issuer.example#ann", True, ())
    assert caller.scopes == {"notes"}


@pytest.mark.parametrize("user", [None, "ann", {"access_token": "x"}])
def test_whatever_else_calls_itself_a_user_is_nobody(framework: SMCPSecurityFramework, user: Any) -> None:
    assert _decided(framework, {}, user=user).caller is None


def test_outside_of_everything_the_call_is_the_processs_own() -> None:
    around = surroundings(object())
    assert (around.host, around.exchange, around.scope, around.own) == (None, None, None, False)


def test_a_verdict_that_did_not_come_with_the_request_is_not_sure(framework: SMCPSecurityFramework) -> None:
    exchange = Exchange(framework, _decided(framework, {}))
    for scope, sure in (({}, False), ({SCOPE_KEY: exchange}, True), (None, True)):
        assert Surroundings(Host.SDK2, "read", exchange, scope, None, True).sure is sure
