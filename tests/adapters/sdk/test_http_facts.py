"""A server that is secured in process and reached over HTTP: its requests are judged with their headers and address."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.current import SCOPE_KEY, Exchange
from smcp_security.adapters.sdk.secure import secure
from smcp_security.keys.issuing import create_key
from tests.envelopes import headers_of, modern

pytestmark = pytest.mark.anyio
OPEN = TransportSecuritySettings(enable_dns_rebinding_protection=False)
CALL = modern("tools/call", {"name": "who", "arguments": {}})


def _server(framework: SMCPSecurityFramework) -> MCPServer:
    server = secure(MCPServer("web", log_level="CRITICAL"), framework=framework)

    @server.tool()
    def who(ctx: Context) -> str:
        """Who calls, as code further in sees it."""
        scope: Any = ctx.request_context.request.scope  # type: ignore[union-attr]
        exchange = scope[SCOPE_KEY]
        assert isinstance(exchange, Exchange) and exchange.decision is scope["smcp"]
        return "nobody" if exchange.decision.caller is None else exchange.decision.caller.id

    return server


@contextlib.asynccontextmanager
async def _client(framework: SMCPSecurityFramework, *, front: bool = False) -> AsyncIterator[httpx2.AsyncClient]:
    server = _server(framework)
    app: Any = server.streamable_http_app(transport_security=OPEN)
    if front:
        app = SMCPMiddleware(app, framework=framework)
    async with server.session_manager.run():
        # The scope of a real server, whose header names are in small letters.
        transport = httpx2.ASGITransport(app, client=("127.0.0.1", 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield client


async def _asked(client: httpx2.AsyncClient, **headers: str) -> str:
    fields = {**dict(headers_of(CALL)), "accept": "application/json, text/event-stream"}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    body = (await client.post("/mcp", content=json.dumps(CALL).encode(), headers=fields)).json()
    if "error" in body:
        return str(body["error"]["data"]["code"])
    return str(body["result"]["content"][0]["text"])


@pytest.mark.parametrize(
    ("header", "hostile", "honest", "code"),
    [
        ("host", "attacker.example:8000", "localhost:8000", "SMCP101"),
        ("origin", "http://attacker.example", "http://localhost:8000", "SMCP102"),
        ("content_encoding", "gzip", "identity", "SMCP105"),
    ],
)
async def test_the_headers_of_a_request_are_judged_like_those_of_any_http_edge(
    header: str, hostile: str, honest: str, code: str
) -> None:
    with SMCPSecurityFramework({"server": {"flood": "off"}}) as framework:
        async with _client(framework) as client:
            assert await _asked(client, **{header: hostile}) == code
            assert await _asked(client, **{header: honest}) == "nobody"


async def test_the_caller_is_who_the_requests_own_credential_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "keys.yaml")
    keys = {owner: create_key(path, owner=owner)[1] for owner in ("ann", "bob")}
    # What is configured for stdio is nobody's over HTTP.
    monkeypatch.setenv("SMCP_CREDENTIAL", keys["ann"])
    with SMCPSecurityFramework({"identity": {"api_keys": {"file": path}}}) as framework:
        async with _client(framework) as client:
            assert await _asked(client) == "SMCP201"
            for owner, key in keys.items():
                assert await _asked(client, authorization=f"Bearer {key}") == f"key:{owner}"
            assert await _asked(client, authorization=f"Bearer {keys['bob'][:-3]}aaa") == "SMCP202"


async def test_behind_the_middleware_its_verdict_is_the_one_that_counts() -> None:
    limits = [{"per": "address", "rate": "3/hour"}]
    with SMCPSecurityFramework({"server": {"flood": "off"}, "limits": limits}) as framework:
        async with _client(framework, front=True) as client:
            told = [await _asked(client) for _ in range(4)]
    assert told == ["nobody"] * 3 + ["SMCP402"]
