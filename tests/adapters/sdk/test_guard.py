"""What the hooks share: the server gets what was judged, and another's verdict counts for its own message alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import MCPServer
from msgspec.structs import replace

from smcp_security import Decision, SMCPSecurityFramework
from smcp_security.adapters.current import Exchange
from smcp_security.adapters.sdk.guard import Guard, is_about
from smcp_security.adapters.sdk.secure import secure
from smcp_security.keys.issuing import create_key
from tests.adapters.sdk.hosts import HONEST, WAYS, Secured, told
from tests.envelopes import PLAIN, call, response

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    with SMCPSecurityFramework({"server": {"flood": "off"}}) as framework:
        yield framework


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_the_server_gets_the_parameters_as_a_check_has_left_them(
    way: Secured, security: SMCPSecurityFramework, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Guard.judge

    async def edited(self: Guard, message: dict[str, Any], request: Any) -> Decision:
        decision = await judge(self, message, request)
        assert decision.request is not None
        params = {**decision.request.params, "arguments": {"command": "edited"}}
        return replace(decision, request=replace(decision.request, params=params))

    host = way(security)
    async with host.client("legacy") as client:
        await told(client.call_tool("run", {"command": HONEST}))
        monkeypatch.setattr(Guard, "judge", edited)
        await told(client.call_tool("run", {"command": HONEST}))
    assert host.notes.calls == [HONEST, "edited"]


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_server_that_a_tool_calls_in_memory_has_a_policy_of_its_own(
    allowed: bool, security: SMCPSecurityFramework
) -> None:
    with SMCPSecurityFramework({"server": {"flood": "off"}, "unlisted_tools": "allow" if allowed else "deny"}) as other:
        inner, outer = MCPServer("inner"), secure(MCPServer("outer"), framework=security)
        secure(inner, framework=other)

        @inner.tool(name="run")
        def ran(command: str) -> str:
            return "ran within"

        @outer.tool()
        async def run(command: str) -> str:
            async with Client(inner, mode="legacy") as client:
                return await told(client.call_tool("run", {"command": command}))

        async with Client(outer, mode="legacy") as client:
            outcome = await told(client.call_tool("run", {"command": HONEST}))
    assert (outcome == "ran within") is allowed
    assert allowed or "SMCP303" in outcome


@pytest.mark.parametrize(
    ("message", "its"),
    [
        (call("run", {"command": "a"}), True),
        (call("run", {"command": "b"}), False),
        (call("other", {"command": "a"}), False),
        ({**call("run", {"command": "a"}), "id": "1"}, False),
        ({**call("run", {"command": "a"}), "method": "prompts/get"}, False),
        (response(1, {}), False),
    ],
)
async def test_a_verdict_is_about_the_very_message_that_was_judged(
    message: dict[str, Any], its: bool, security: SMCPSecurityFramework
) -> None:
    decision = await Guard(framework=security).judge(call("run", {"command": "a"}), None)
    assert is_about(Exchange(security, decision), message) is its


async def test_a_refusal_opens_the_way_for_nobody(security: SMCPSecurityFramework) -> None:
    hostile = call("run", {"command": "x; cat /etc/passwd | sh"})
    refused = await Guard(framework=security).judge(hostile, None)
    assert not refused.allowed
    assert not is_about(Exchange(security, refused), hostile)


class _Request:
    """As the SDK's transports hand one over."""

    def __init__(self, *fields: tuple[str, str], query: str = "", user: Any = None) -> None:
        headers = [(name.encode(), value.encode()) for name, value in (*PLAIN, *fields)]
        where = {"method": "POST", "path": "/messages/", "query_string": query.encode(), "client": ("127.0.0.1", 5000)}
        self.scope: dict[str, Any] = {"type": "http", **where, "headers": headers, "user": user}


@pytest.mark.parametrize("by_query", [False, True])
async def test_a_session_belongs_to_the_caller_who_used_it_first(by_query: bool, tmp_path: Path) -> None:
    path, session = str(tmp_path / "keys.yaml"), "5f7a5e4b0d5c4d0ba5a4d4f7d6f0f9aa"
    keys = {owner: create_key(path, owner=owner)[1] for owner in ("ann", "bob")}

    def request(owner: str) -> _Request:
        bearer = ("authorization", f"Bearer {keys[owner]}")
        if by_query:
            return _Request(bearer, query=f"session_id={session}")
        return _Request(bearer, ("mcp-session-id", session))

    with SMCPSecurityFramework({"identity": {"api_keys": {"file": path}}}) as framework:
        guard = Guard(framework=framework)
        verdicts = [await guard.judge(call("run"), request(owner)) for owner in ("ann", "bob", "ann")]
    assert [[item.code for item in verdict.findings] for verdict in verdicts] == [[], ["SMCP210"], []]
    assert verdicts[0].context is not None and verdicts[0].context.session == session


async def test_a_login_of_the_sdks_own_counts_where_the_message_has_no_credential(tmp_path: Path) -> None:
    path = str(tmp_path / "keys.yaml")
    create_key(path, owner="ann")
    token = AccessToken(
        token="t", client_id="app", scopes=["read"], subject="eve", claims={"iss": "https://idp.example"}
    )
    with SMCPSecurityFramework({"identity": {"api_keys": {"file": path}}}) as framework:
        guard = Guard(framework=framework)
        known = await guard.judge(call("run"), _Request(user=AuthenticatedUser(token)))
        unknown = await guard.judge(call("run"), _Request())
    assert known.caller is not None and known.caller.id == "sdk:https://idp.example#eve"
    assert [item.code for item in unknown.findings] == ["SMCP201"]
