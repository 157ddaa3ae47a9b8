"""The body of one ASGI request: read once with a cap, and replayed; afterwards the real `receive`, so that a
disconnect still reaches the app."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]

# An upload is none of our business: past the first number a body counts as one unless it begins like JSON, past the
# second in any case.
PEEK: Final = 64 * 1024
PEEK_JSON: Final = 1024 * 1024
# What a JSON text may begin with in any encoding that Python's parser sniffs: blanks, byte order marks, NULs.
_OPENING: Final = b"{["
_FILLED: Final = re.compile(rb"[^ \t\r\n\xef\xbb\xbf\xff\xfe\x00]")


class Body:
    """Reads what the client sends. `gone` is true once it hung up before the end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read = bytearray()
        self._blank = 0
        self._complete = False
        self.gone = False

    async def read(self, limit: int) -> bytes | None:
        """The whole body, or the first bytes past `limit`; None if the client hung up first."""
        while not (self._complete or self.gone) and len(self._read) <= limit:
            await self._more()
        return None if self.gone else bytes(self._read)

    async def peek(self, *, compressed: bool = False) -> bytes:
        """The body if it is whole within what is looked at; nothing of an upload.

        Of one whose sender hung up it is what came: apps behind WSGI take that for the whole. What is `compressed` may
        be JSON, whatever it begins with.
        """
        while not (self._complete or self.gone) and len(self._read) <= (
            PEEK_JSON if compressed or self._like_json() else PEEK
        ):
            await self._more()
        return bytes(self._read) if self._complete or self.gone else b""

    def replay(self, forward: bytes) -> Receive:
        """A `receive` for the app: `forward` as the whole body; of the real one only the disconnect is left."""
        return self._after({"type": "http.request", "body": forward, "more_body": False}, only_disconnect=True)

    def unread(self) -> Receive:
        """A `receive` for the app that gives back what was read, then goes on with the real one."""
        return self._after({"type": "http.request", "body": bytes(self._read), "more_body": not self._complete})

    def _after(self, first: Message, *, only_disconnect: bool = False) -> Receive:
        waiting = [first]

        async def receive() -> Message:
            if waiting:
                return waiting.pop()
            while not self.gone:
                message = await self._receive()
                self.gone = message["type"] == "http.disconnect"
                if self.gone or not only_disconnect:
                    return message
            return {"type": "http.disconnect"}

        return receive

    async def _more(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.gone = True
            return
        self._read += message.get("body", b"")
        self._complete = not message.get("more_body", False)

    def _like_json(self) -> bool:
        """Blanks may come first, and as many as the sender likes: a body of nothing else may still become JSON."""
        first = _FILLED.search(self._read, self._blank)
        self._blank = len(self._read) if first is None else first.start()
        return first is None or first.group() in _OPENING
