"""Tools with secrets behind each edge and on servers in process: given once, used, and never what a caller sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import fastmcp
import pytest
from mcp import Client, MCPError
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, ListToolsResult, TextContent, Tool

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.decorator import secure_tool, security_context
from smcp_security.adapters.sdk.registered import check_placement, names_of
from smcp_security.adapters.sdk.secure import secure
from smcp_security.adapters.wsgi import SMCPMiddleware as WSGIMiddleware
from smcp_security.errors import Misplaced
from tests.adapters import wsgi_exchange
from tests.adapters.exchange import posting
from tests.adapters.tools.ledger import Ledger, ledger_policy
from tests.adapters.tools.vaulted import KEY, TOKEN, digest, make_vault, section
from tests.envelopes import call

pytestmark = pytest.mark.anyio

EVIL = "a token of the caller's own"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A framework with a vault that lets arguments pass which no schema declares."""
    folder = tmp_path_factory.mktemp("edges")
    make_vault(folder / "vault.smcp")
    policy = {**ledger_policy(folder / "audit.jsonl"), "arguments": {"extras": "allow"}, "server": {"flood": "off"}}
    policy["vault"] = section(folder / "vault.smcp")
    with SMCPSecurityFramework(policy, vault_key=lambda: KEY) as framework:
        yield Ledger(framework, folder / "audit.jsonl")


def _use(token: str, path: str) -> str:
    return f"{path} {digest(token)}"


def _answer(body: bytes, tool: Callable[..., str]) -> bytes:
    """What a server of somebody's own answers."""
    asked = json.loads(body)
    text = tool(**asked["params"]["arguments"])
    result = {"content": [{"type": "text", "text": text}]}
    return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()


# -- HTTP edges --------------------------------------------------------------------------------------------------------


async def test_behind_the_asgi_edge_the_tool_gets_its_secret_under_the_edges_verdict(ledger: Ledger) -> None:
    tool = secure_tool(secrets={"token": "token"})(_use)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        answer = _answer(message["body"], tool)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer})

    with ledger.watching() as seen:
        exchange = await posting(call("_use", {"path": "a"})).through(SMCPMiddleware(app, framework=ledger.framework))
    _check_edge(exchange.body, seen(), "asgi")


def test_behind_the_wsgi_edge_the_tool_gets_its_secret_under_the_edges_verdict(ledger: Ledger) -> None:
    tool = secure_tool(secrets={"token": "token"})(_use)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = _answer(environ["wsgi.input"].read(), tool)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [answer]

    with ledger.watching() as seen:
        guard = WSGIMiddleware(app, framework=ledger.framework)
        exchange = wsgi_exchange.through(guard, wsgi_exchange.posting(call("_use", {"path": "a"})))
    _check_edge(exchange.body, seen(), "wsgi")


def _check_edge(body: bytes, records: list[dict[str, Any]], edge: str) -> None:
    assert digest(TOKEN).encode() in body
    assert [each["kind"] for each in records] == ["decision", "secret", "outcome"]
    assert [records[0]["edge"], records[1]["secret"]] == [edge, "token"]
    assert len({each["id"] for each in records}) == 1


async def test_code_that_says_who_calls_gets_what_its_caller_may_have(ledger: Ledger) -> None:
    tool = secure_tool(secrets={"token": "token"}, framework=ledger.framework)(_use)
    with ledger.watching() as seen, security_context(ledger.framework, user_id="ann", ip_address="192.0.2.7"):
        assert tool("a") == f"a {digest(TOKEN)}"
    [decided] = seen("decision")
    assert decided["label"] == "ann" and [each["id"] for each in seen("secret")] == [decided["id"]]


# -- servers of the SDKs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MCPServer, fastmcp.FastMCP], ids=lambda kind: kind.__name__)
async def test_what_a_caller_sends_in_place_of_the_secret_is_never_used(kind: Any, ledger: Ledger) -> None:
    server = kind("secrets")
    secure(server, framework=ledger.framework)
    server.tool(name="use")(secure_tool(secrets={"token": "token"})(_use))
    async with Client(getattr(server, "_lowlevel_server", None) or server._mcp_server) as client:
        [shown] = (await client.list_tools()).tools
        assert set(shown.input_schema["properties"]) == {"path"} and "token" not in shown.model_dump_json()
        honest = await client.call_tool("use", {"path": "a"})
        assert digest(TOKEN) in honest.model_dump_json()
        forged = await client.call_tool("use", {"path": "a", "token": EVIL})
        assert digest(EVIL) not in forged.model_dump_json()
        # SDK 2 leaves out what no parameter takes; FastMCP refuses it.
        if kind is MCPServer:
            assert digest(TOKEN) in forged.model_dump_json()
        else:
            assert forged.is_error


async def test_a_low_level_server_that_hands_on_all_arguments_hands_on_no_secret(ledger: Ledger) -> None:
    tool = secure_tool(secrets={"token": "token"}, name="use")(_use)

    async def called(ctx: Any, params: Any) -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text=tool(**(params.arguments or {})))])

    async def listed(ctx: Any, params: Any) -> ListToolsResult:
        return ListToolsResult(tools=[Tool(name="use", input_schema={"type": "object"})])

    server = Server("low", on_call_tool=called, on_list_tools=listed)
    secure(server, framework=ledger.framework)
    async with Client(server) as client:
        honest = await client.call_tool("use", {"path": "a"})
        assert digest(TOKEN) in honest.model_dump_json()
        with pytest.raises(MCPError) as caught:
            await client.call_tool("use", {"path": "a", "token": EVIL})
    assert digest(EVIL) not in str(caught.value)


def test_a_tool_with_secrets_is_known_where_it_is_registered() -> None:
    server = MCPServer("known")
    guarded = secure_tool(secrets={"token": "token"})(_use)
    server.tool(name="use")(guarded)
    assert names_of(guarded) == {"use"}
    check_placement()

    with pytest.raises(Misplaced, match="guards nothing on"):

        @secure_tool(secrets={"token": "token"})
        @server.tool()
        def above(token: str) -> str:
            return token
