"""An HTTP server of a few lines whose answers a test makes up: what no SDK would send."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

JSON = "application/json"
TOOL: dict[str, Any] = {"name": "add", "inputSchema": {"type": "object"}}
Message = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What goes back for one message."""

    body: bytes = b""
    status: int = 200
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


Reply = Callable[[Message, dict[str, str]], Answer]


def result(message: Message, value: Any) -> Answer:
    """A JSON-RPC result."""
    return Answer(json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": value}).encode())


def listing(tools: Callable[[Message], Any], **greeting: Any) -> Reply:
    """A server of the older era that has tools alone; `tools` makes the result of tools/list from its params."""

    def reply(message: Message, headers: dict[str, str]) -> Answer:
        match message.get("method"):
            case "initialize":
                shown = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, **greeting}
                return result(message, {"serverInfo": {"name": "made up", "version": "1"}, **shown})
            case "tools/list":
                return result(message, tools(message.get("params") or {}))
            case _ if "id" not in message:
                return Answer(status=202)
        error = {"code": -32601, "message": "Method not found"}
        return Answer(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode())

    return reply


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = cast("_Server", self.server).reply(json.loads(body), headers)
        with contextlib.suppress(ConnectionError):
            self.send_response(answer.status)
            sent = {"content-type": answer.kind, "content-length": str(len(answer.body)), **answer.headers}
            for name, value in sent.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    def do_GET(self) -> None:
        self.send_error(405)

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().handle_one_request()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    reply: Reply

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that does not trust us hangs up."""


@contextlib.contextmanager
def standing(reply: Reply, tls: Path | None = None) -> Iterator[str]:
    """The URL of a server that answers so; `tls` is a file with a key and a certificate for localhost."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.reply = reply
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        where = "http://127.0.0.1" if tls is None else "https://localhost"
        yield f"{where}:{server.server_address[1]}/mcp"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
