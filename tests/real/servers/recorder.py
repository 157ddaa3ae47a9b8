"""An ASGI wrapper that keeps what the server behind it really saw. It changes nothing on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Seen:
    """One HTTP request as the server got it; `disconnected` once the server was told that the client left."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    complete: bool = False
    disconnected: anyio.Event = field(default_factory=anyio.Event)

    def header(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value.decode("latin-1") for key, value in self.headers if key.decode("latin-1").lower() == name]

    @property
    def message(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Recorder:
    """Stands directly in front of the server, behind whatever protects it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.seen: list[Seen] = []
        self.lifespans: list[str] = []
        self.scopes: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope["type"])
        if scope["type"] == "http":
            await self._record(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._follow(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = Seen(scope["method"], scope["path"], list(scope["headers"]))
        self.seen.append(seen)

        async def listen() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                seen.body += message.get("body", b"")
                seen.complete = not message.get("more_body", False)
            else:
                seen.disconnected.set()
            return message

        await self.app(scope, listen, send)

    async def _follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def listen() -> Message:
            message = await receive()
            self.lifespans.append(message["type"])
            return message

        await self.app(scope, listen, send)

    @property
    def messages(self) -> list[Any]:
        """The JSON-RPC messages the server saw, in order."""
        return [seen.message for seen in self.seen if seen.method == "POST" and seen.body]

    @property
    def methods(self) -> list[str]:
        """The JSON-RPC methods the server saw, in order; a posted response has none."""
        return [message["method"] for message in self.messages if "method" in message]

    def clear(self) -> None:
        """Forget what was seen so far."""
        self.seen.clear()
