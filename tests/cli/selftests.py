"""Servers for `smcp selftest`: one that believes everything, and one that says what it is told to say."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

LIMIT: Final = 30.0
_TOOL: Final = {
    "name": "find",
    "description": "Finds a note.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "annotations": {"readOnlyHint": True},
}
_ABOUT: Final = {"capabilities": {"tools": {}}, "serverInfo": {"name": "trusting", "version": "1"}}
_RESULTS: Final[dict[str, Any]] = {
    "server/discover": {"supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "private",
                        "resultType": "complete", **_ABOUT},
    "initialize": {"protocolVersion": "2025-11-25", **_ABOUT},
    "tools/list": {"tools": [_TOOL], "ttlMs": 0, "cacheScope": "private", "resultType": "complete"},
    "tools/call": {"content": [{"type": "text", "text": "found"}], "resultType": "complete"},
    "ping": {},
}  # fmt: skip
Message = MutableMapping[str, Any]


async def trusting(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """An MCP server that reads whatever it can as the nearest thing it knows."""
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    try:
        asked = json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        asked = {}
    while isinstance(asked, list):
        asked = asked[0]
    method = asked.get("method", "ping") if isinstance(asked, dict) else "ping"
    result = _RESULTS.get(method if isinstance(method, str) else "ping", {})
    answer = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), "result": result}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": answer})


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The URL of an ASGI application that listens in a thread for the length of the block."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", http="h11", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        thread.join(LIMIT)
        listener.close()


@contextmanager
def saying(*answers: bytes) -> Iterator[str]:
    """The URL of a server that sends these bytes, one to a connection, and waits for the client to hang up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_say, args=(listener, answers), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        thread.join(LIMIT)


def _say(listener: socket.socket, answers: tuple[bytes, ...]) -> None:
    for answer in answers:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(LIMIT)
            received, more = b"", b"more"
            while more and b"\r\n\r\n" not in received:
                more = connection.recv(65536)
                received += more
            connection.sendall(answer)
            if answer and answer.endswith(b"\r\n\r\n"):
                # Nothing ends it but the client.
                while connection.recv(65536):
                    pass
