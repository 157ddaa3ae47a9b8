"""A tape of every exchange in front of a server: what was asked and what the client got, one JSON line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Tape:
    """Stands outermost and changes nothing. A line is written when the exchange is over, whoever ended it."""

    def __init__(self, app: ASGIApp, file: Path) -> None:
        self.app = app
        self.file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked, got = bytearray(), bytearray()
        start: dict[str, Any] = {"status": 0, "headers": [], "left": False, "whole": False}

        async def listen() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            start["left"] |= message["type"] == "http.disconnect" and not start["whole"]
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            got.extend(message.get("body", b""))
            start["whole"] = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, listen, tell)
        finally:
            self._write(scope, bytes(asked), start, bytes(got))

    def _write(self, scope: Scope, asked: bytes, start: dict[str, Any], got: bytes) -> None:
        line = {
            "http": scope["method"],
            "asked_headers": _text(scope["headers"]),
            "asked": asked.decode(),
            "status": start["status"],
            "headers": _text(start["headers"]),
            "got": got.decode(),
            "left": start["left"],
        }
        with self.file.open("a", encoding="utf-8") as tape:
            tape.write(json.dumps(line) + "\n")


def _text(headers: Any) -> list[list[str]]:
    return [[name.decode("latin-1").lower(), value.decode("latin-1")] for name, value in headers]
