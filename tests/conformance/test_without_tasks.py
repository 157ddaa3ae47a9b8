"""A server that has no tasks says so itself: the middleware, which cannot know, leaves the answer to it."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from mcp.server.mcpserver import Extension, MCPServer
from starlette.types import ASGIApp

from smcp_security import SMCPMiddleware
from tests.conformance.servers.serve import served
from tests.conformance.servers.tasks import Tasks
from tests.envelopes import CAPABILITIES_KEY, headers_of, modern

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.parametrize("edge", [lambda app: app, SMCPMiddleware], ids=["bare", "protected"]),
]
Edge = Callable[[ASGIApp], ASGIApp]
UNKNOWN = {"taskId": "unknown"}
METHODS = {"tasks/get": UNKNOWN, "tasks/update": UNKNOWN | {"inputResponses": {}}, "tasks/cancel": UNKNOWN}


async def _answers(edge: Edge, extensions: list[Extension], *, declared: bool) -> set[tuple[int, int]]:
    """What the methods of the extension are answered: (status, JSON-RPC error code)."""
    server = MCPServer("conformance", log_level="CRITICAL", extensions=extensions)
    able = {"extensions": {Tasks.identifier: {}}} if declared else {}
    found = set()
    async with served(edge(server.streamable_http_app())) as port, httpx2.AsyncClient() as client:
        for method, params in METHODS.items():
            message = modern(method, params, **{CAPABILITIES_KEY: able})
            headers = dict(headers_of(message)) | {"host": f"127.0.0.1:{port}", "mcp-name": "unknown"}
            headers["accept"] = "application/json, text/event-stream"
            answer = await client.post(f"http://127.0.0.1:{port}/mcp", json=message, headers=headers)
            found.add((answer.status_code, answer.json()["error"]["code"]))
    return found


async def test_a_method_of_an_absent_extension_is_unknown_to_whoever_asks(edge: Edge) -> None:
    assert await _answers(edge, [], declared=False) == {(404, -32601)}
    assert await _answers(edge, [], declared=True) == {(404, -32601)}


async def test_a_client_that_declares_no_tasks_is_told_so_by_a_server_that_has_them(edge: Edge) -> None:
    assert await _answers(edge, [Tasks()], declared=False) == {(400, -32021)}
    assert await _answers(edge, [Tasks()], declared=True) == {(400, -32602)}
