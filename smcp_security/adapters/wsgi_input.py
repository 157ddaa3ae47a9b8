"""The body of a WSGI request as ASGI messages, so that one piece of code reads the bodies of all edges; and back."""

from __future__ import annotations

from collections.abc import Mapping
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any, Final

from smcp_security.adapters.body import Body, Message, Receive
from smcp_security.adapters.environ import Environ
from smcp_security.adapters.judges import at_once

_PIECE: Final = 64 * 1024


def receiving(environ: Mapping[str, Any]) -> Receive:
    """A `receive` that never waits but for the client: at most one piece of `wsgi.input` a message.

    A server that ends the input itself says so; else only as much may be read as was announced, and without an
    announcement nothing: a socket that stays open would never end (PEP 3333, "Input and Error Streams").
    """
    source, ends = environ["wsgi.input"], bool(environ.get("wsgi.input_terminated"))
    announced = _announced(environ)
    # Of a chunked body the number says nothing; some servers give both.
    left = None if ends and (announced is None or "HTTP_TRANSFER_ENCODING" in environ) else announced or 0

    async def receive() -> Message:
        nonlocal left
        try:
            piece = source.read(_PIECE if left is None else min(left, _PIECE)) if left != 0 else b""
        except OSError:  # broken chunks, a connection that was reset or timed out
            return {"type": "http.disconnect"}
        if left is None:
            return {"type": "http.request", "body": piece, "more_body": bool(piece)}
        left -= len(piece)
        if left and not piece:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": left > 0}

    return receive


def unread(environ: Environ, body: Body) -> Environ:
    """The environ of a request of which `body` has read, as though nobody had."""
    if "HTTP_TRANSFER_ENCODING" in environ and not environ.get("wsgi.input_terminated"):
        # Some apps decode chunks by themselves where the server does not: nobody has looked at what is in them.
        environ = {name: value for name, value in environ.items() if name != "HTTP_TRANSFER_ENCODING"}
        environ["wsgi.input"] = BytesIO()
    receive = body.unread()
    first = at_once(_next(receive))
    if not first["more_body"]:
        read: bytes = first["body"]
        # An app that trusts the server to end the input would read on, whatever was announced.
        seen = read or environ.get("wsgi.input_terminated")
        return {**environ, "wsgi.input": BytesIO(read)} if seen else environ
    return {**environ, "wsgi.input": BufferedReader(_Pieces(first["body"], receive), _PIECE)}


class _Pieces(RawIOBase):
    """What was read, then the rest as it comes."""

    def __init__(self, first: bytes, receive: Receive) -> None:
        self._held = memoryview(first)
        self._receive = receive
        self._over = False

    def readable(self) -> bool:
        """It can."""
        return True

    def readinto(self, into: Any) -> int:
        """Fill `into` as far as the piece at hand goes; 0 at the end."""
        while not (self._held or self._over):
            message = at_once(_next(self._receive))
            self._held = memoryview(message.get("body", b""))
            self._over = not message.get("more_body", False)
        size = min(len(into), len(self._held))
        into[:size], self._held = self._held[:size], self._held[size:]
        return size


async def _next(receive: Receive) -> Message:
    return await receive()


def _announced(environ: Mapping[str, Any]) -> int | None:
    """The length that the client announced; None without one, or where it is no number."""
    try:
        return max(0, int(environ.get("CONTENT_LENGTH") or ""))
    except ValueError:
        return None
