"""An ASGI wrapper between a client and the middleware: spoils the calls that ask for it, and keeps what goes back.

Honest clients cannot send most of what the ladder refuses, so a call whose text is `SPOIL` is altered on its way as
the visit's spoiling says. Everything else passes as it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.real.attacks import MARK

SPOIL: Final = f"spoil this {MARK}"
_CODE: Final = re.compile(rb"SMCP\d{3}")


@dataclass(frozen=True)
class Posted:
    """One POST on its way: its headers and its body."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def adding(self, *fields: tuple[bytes, bytes]) -> Posted:
        """With further header fields."""
        return replace(self, headers=(*self.headers, *fields))

    def setting(self, name: bytes, value: bytes) -> Posted:
        """With exactly one header of that name."""
        return replace(self, headers=(*(each for each in self.headers if each[0] != name), (name, value)))

    def saying(self, change: Callable[[dict[str, Any]], object]) -> Posted:
        """With another message."""
        message = json.loads(self.body)
        change(message)
        return replace(self, body=json.dumps(message).encode())

    @property
    def modern(self) -> bool:
        """Whether the message is one of the newer era."""
        return b"io.modelcontextprotocol/protocolVersion" in self.body


Spoiling = Callable[[Posted], Posted]


class Spoiler:
    """Applies `spoiling` to marked calls, or to every request if `always`.

    `codes` are the findings named in what went back to the client. `on_refusal` is called once, after the first answer
    that names one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.spoiling: Spoiling | None = None
        self.always = False
        self.codes: set[str] = set()
        self.on_refusal: Callable[[], object] | None = None

    def prepare(
        self, spoiling: Spoiling | None, on_refusal: Callable[[], object] | None, *, always: bool = False
    ) -> None:
        """Begin another visit; `always` spoils every request of it, the GET that opens a stream among them."""
        self.spoiling, self.on_refusal, self.always = spoiling, on_refusal, always
        self.codes.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def keep(message: Message) -> None:
            self._keep(message.get("body", b""))
            await send(message)

        if self.spoiling is None or (scope["method"] != "POST" and not self.always):
            await self.app(scope, receive, keep)
            return
        body = await _whole(receive)
        if body is None:
            return
        posted = Posted(tuple(scope["headers"]), body)
        # Node's `fetch` repeats what got a 421, at times without its body: the same call still.
        if self.always or SPOIL.encode() in posted.body or not posted.body:
            posted = self.spoiling(posted)
        if posted.body:
            posted = posted.setting(b"content-length", str(len(posted.body)).encode())
        await self.app({**scope, "headers": list(posted.headers)}, _again(posted.body, receive), keep)

    def _keep(self, body: bytes) -> None:
        if codes := {code.decode() for code in _CODE.findall(body)}:
            self.codes |= codes
            lift, self.on_refusal = self.on_refusal, None
            if lift is not None:
                lift()


async def _whole(receive: Receive) -> bytes | None:
    """The body; None if the client hung up before its end."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


# -- the spoilings ---------------------------------------------------------------------------------------------------


def foreign_host(posted: Posted) -> Posted:
    """As after DNS rebinding."""
    return posted.setting(b"host", b"attacker.example")


def foreign_origin(posted: Posted) -> Posted:
    """As from a web page of somebody else."""
    return posted.setting(b"origin", b"http://attacker.example")


def many_fields(posted: Posted) -> Posted:
    """More header fields than a request may have."""
    return posted.adding(*((f"x-{number}".encode(), MARK.encode()) for number in range(220)))


def compressed(posted: Posted) -> Posted:
    """A body that says that it is encoded."""
    return posted.setting(b"content-encoding", b"gzip")


def truncated(posted: Posted) -> Posted:
    """A body that ends early."""
    return replace(posted, body=posted.body[:-3])


def doubled(posted: Posted) -> Posted:
    """A body with one key twice."""
    return replace(posted, body=posted.body.replace(b'"method"', b'"method":"ping","method"', 1))


def unknown_method(posted: Posted) -> Posted:
    """A method of no revision."""
    renamed = posted.saying(lambda message: message.update(method="x-vendor/do"))
    return renamed.setting(b"mcp-method", b"x-vendor/do") if posted.modern else renamed


def other_name(posted: Posted) -> Posted:
    """A routing header that names another tool than the body."""
    return posted.setting(b"mcp-name", b"add")


def no_meta(posted: Posted) -> Posted:
    """A modern request without its `_meta`."""
    return posted.saying(lambda message: message["params"].pop("_meta"))


def unknown_revision(posted: Posted) -> Posted:
    """A revision that nobody knows."""
    later = replace(posted, body=posted.body.replace(b"2026-07-28", b"2099-01-01"))
    return later.setting(b"mcp-protocol-version", b"2099-01-01")


def wrong_shape(posted: Posted) -> Posted:
    """Params that do not fit the method."""
    return posted.saying(lambda message: message["params"].update(arguments=[MARK]))
