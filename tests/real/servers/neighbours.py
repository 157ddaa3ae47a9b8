"""An application whose MCP server has neighbours: an upload, a page, another JSON-RPC, and a forgotten MCP route."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.real.servers.everything import everything


def neighbours() -> Starlette:
    """The SDK's application with the other routes beside `/mcp`."""
    app = everything().streamable_http_app(stateless_http=True)
    app.router.routes += [
        Route("/upload", upload, methods=["POST", "PUT"]),
        Route("/rpc", rpc, methods=["POST"]),
        Route("/mcp_message", rpc, methods=["POST"]),
        Route("/page", page),
        Route("/numbers", numbers),
        WebSocketRoute("/chat", chat),
        WebSocketRoute("/mcp", chat),
    ]
    return app


async def upload(request: Request) -> Response:
    """How many bytes came, and their type."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return JSONResponse({"size": size, "type": request.headers.get("content-type")})


async def rpc(request: Request) -> Response:
    """The method that was called, whatever protocol it belongs to."""
    message = json.loads(await request.body())
    return JSONResponse({"jsonrpc": "2.0", "id": message.get("id"), "result": {"method": message.get("method")}})


async def page(request: Request) -> Response:
    """A page that depends on what the browser sent."""
    return PlainTextResponse(f"hello {request.query_params.get('name')}")


async def numbers(request: Request) -> Response:
    """A streamed answer."""
    return StreamingResponse((f"{number}\n" for number in range(1000)), media_type="text/plain")


async def chat(socket: WebSocket) -> None:
    """Say one thing and leave."""
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()
