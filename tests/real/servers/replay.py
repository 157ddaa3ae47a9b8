"""A server that always gives the same HTTP answer, whatever it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

_FRAMING = ("content-length", "connection", "transfer-encoding")


class Replay:
    """Answers with `pieces`, one at a time, once the request was read to its end."""

    def __init__(self, pieces: Sequence[bytes], headers: Sequence[tuple[str, str]] = (), *, status: int = 200) -> None:
        self.pieces = list(pieces)
        self.headers = [(name.encode(), value.encode()) for name, value in headers if name.lower() not in _FRAMING]
        self.status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @property
    def body(self) -> bytes:
        """What is answered, in one piece."""
        return b"".join(self.pieces)
