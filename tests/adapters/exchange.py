"""One HTTP exchange with an ASGI app, driven by hand: no server, no sockets, every message of both sides kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import anyio
import pytest

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.asgi import App, Message, Receive, Scope, Send
from tests.envelopes import PLAIN, encoded, headers_of

# Tests share a framework (compiling the rules takes most of a second), so none of them may use up the others' rates.
_BOUNDLESS: dict[str, Any] = {"limits": [], "server": {"flood": "off"}}

Fields = Iterable[tuple[str, str]]


@dataclass
class Exchange:
    """What a client sends, and in `sent` what it got. After its messages it stays connected until it is `gone`."""

    scope: Scope
    incoming: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    gone: anyio.Event = field(default_factory=anyio.Event)

    async def receive(self) -> Message:
        """The client's next message; the disconnect once it is gone."""
        if self.incoming:
            return self.incoming.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Keep what the app says."""
        self.sent.append(dict(message))

    async def through(self, app: App) -> Exchange:
        """Run the app over this exchange; a hang fails instead of waiting for ever."""
        with anyio.fail_after(10):
            await app(self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        """The status of the only response start."""
        [start] = [message for message in self.sent if message["type"] == "http.response.start"]
        status: int = start["status"]
        return status

    @property
    def body(self) -> bytes:
        """All body bytes that reached the client."""
        return b"".join(message.get("body", b"") for message in self.sent if message["type"] == "http.response.body")

    @property
    def value(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def headers(self) -> dict[str, str]:
        """The response's header fields."""
        [start] = [message for message in self.sent if message["type"] == "http.response.start"]
        return {name.decode().lower(): value.decode() for name, value in start["headers"]}

    @property
    def complete(self) -> bool:
        """Whether the response was ended."""
        last = self.sent[-1] if self.sent else {}
        return last.get("type") == "http.response.body" and not last.get("more_body", False)


@cache
def _framework(policy: str) -> SMCPSecurityFramework:
    # Shared with tests that come later: the key of the one that asks first is none of theirs.
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("SMCP_API_KEY", raising=False)
        return SMCPSecurityFramework(json.loads(policy))


def guarded(app: App, **policy: Any) -> SMCPMiddleware:
    """The middleware around an app, without rates unless the policy names some; frameworks are shared by policy."""
    server = {**_BOUNDLESS["server"], **policy.pop("server", {})}
    return SMCPMiddleware(app, framework=_framework(json.dumps({**_BOUNDLESS, **policy, "server": server})))


def scope_of(fields: Fields, *, method: str = "POST", path: str = "/mcp", **more: Any) -> Scope:
    """An HTTP scope as a server makes it."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": raw,
    }
    return {**scope, "client": ("127.0.0.1", 4711), "extensions": {}, **more}


def posting(
    body: bytes | Mapping[str, Any], fields: Fields | None = None, *, pieces: int = 1, **scope: Any
) -> Exchange:
    """A POST of a body (or message, with the headers an SDK sends) in some pieces."""
    raw = body if isinstance(body, bytes) else encoded(body)
    given = fields if fields is not None else PLAIN if isinstance(body, bytes) else headers_of(body)
    size = -(-len(raw) // pieces) or 1
    parts = [raw[start : start + size] for start in range(0, len(raw), size)] or [b""]
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = False
    return Exchange(scope_of(given, **scope), messages)


def asking(method: str = "GET", **scope: Any) -> Exchange:
    """A request without a body."""
    fields = scope.pop("fields", [("host", "127.0.0.1:8000")])
    return Exchange(
        scope_of(fields, method=method, **scope), [{"type": "http.request", "body": b"", "more_body": False}]
    )


@dataclass
class Server:
    """An app that reads the whole body and answers; `calls` keeps the scope and body of each call."""

    answer: bytes = b'{"jsonrpc":"2.0","id":1,"result":{}}'
    media: str = "application/json"
    fields: tuple[tuple[str, str], ...] = ()
    status: int = 200
    pieces: int = 1
    calls: list[tuple[Scope, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in pieces."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body", False):
                break
        self.calls.append((scope, body))
        headers = [(b"content-type", self.media.encode()), *((n.encode(), v.encode()) for n, v in self.fields)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        size = -(-len(self.answer) // self.pieces) or 1
        for start in range(0, len(self.answer), size):
            await send({"type": "http.response.body", "body": self.answer[start : start + size], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @property
    def body(self) -> bytes:
        """The body of the only call."""
        [(_, body)] = self.calls
        return body

    @property
    def seen(self) -> dict[str, str]:
        """The header fields of the only call."""
        [(scope, _)] = self.calls
        return {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
