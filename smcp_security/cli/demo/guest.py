"""Who visits a house: the official client in both eras, and a raw HTTP client for what it cannot send. No judging."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from smcp_security.cli.demo.house import House
from smcp_security.cli.demo.shop import PATH
from smcp_security.cli.pin.tap import Tap
from smcp_security.cli.pin.visit import brought
from smcp_security.pins.lock import lock_of

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
_SESSION: Final = "mcp-session-id"
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_PLAIN: Final = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


@dataclass(frozen=True, slots=True)
class Got:
    """What a client got, in a word and in full. `done`: the server did what was asked. `data`: the structured part."""

    word: str
    text: str = ""
    done: bool = False
    data: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One raw POST, to be spoiled in any part. `session`: sent within the older era's session."""

    body: bytes
    headers: Mapping[str, str]
    path: str = PATH
    session: bool = False

    def having(self, **headers: str) -> Post:
        """With these headers set; `_` in a name stands for a hyphen."""
        return replace(self, headers={**self.headers, **{key.replace("_", "-"): headers[key] for key in headers}})

    def without(self, name: str) -> Post:
        """Without that header."""
        return replace(self, headers={key: value for key, value in self.headers.items() if key != name})

    def respelled(self, old: str, new: str) -> Post:
        """With one spelling in the body replaced by another."""
        if old.encode() not in self.body:
            raise ValueError(f"the message does not say {old!r}")
        return replace(self, body=self.body.replace(old.encode(), new.encode()))


def modern(tool: str, **arguments: Any) -> Post:
    """A call as the newer era's client posts it."""
    params = {"name": tool, "arguments": arguments, "_meta": _META}
    routing = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": tool}
    return Post(_encoded("tools/call", params), {**_PLAIN, **routing})


def legacy(tool: str, **arguments: Any) -> Post:
    """A call as the older era's client posts it, within the session."""
    body = _encoded("tools/call", {"name": tool, "arguments": arguments})
    return Post(body, {**_PLAIN, "mcp-protocol-version": LEGACY}, session=True)


def _encoded(method: str, params: Mapping[str, Any]) -> bytes:
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return json.dumps(message, separators=(",", ":")).encode()


@dataclass(slots=True)
class Guest:
    """All ways into one house."""

    house: House
    http: httpx2.AsyncClient
    clients: dict[str, Client] = field(default_factory=dict)
    session: str = ""

    async def call(self, era: str, tool: str, arguments: Mapping[str, Any], *, streamed: bool = False) -> Got:
        """A tool call by the official client; `streamed` if it wants to hear of progress."""
        progress = _ignored if streamed else None
        try:
            result = await self.clients[era].call_tool(tool, dict(arguments), progress_callback=progress)
        except MCPError as error:
            return Got(f"error {error.error.code}", error.error.message)
        return _of_result(result.model_dump(mode="json", by_alias=True))

    async def tools(self, era: str) -> Got:
        """The list of tools by the official client."""
        tools = (await self.clients[era].list_tools()).tools
        told = [f"{tool.name}: {tool.description}" for tool in tools]
        return Got(f"{len(tools)} tools", "; ".join(told), done=True)

    async def pin(self) -> Got:
        """What `smcp pin` does, and the middleware held to the lock file from then on."""
        tap = Tap(streamable_http_client(self.house.url + PATH, http_client=self.http))
        async with Client(tap, cache=None) as client:
            seen = await brought(client, tap)
        lock = lock_of(seen.tools, seen.prompts, seen.templates, seen.instructions, seen.server)
        self.house.hold_to(lock)
        return Got(f"{len(lock.tools)} tools pinned", done=True)

    async def post(self, post: Post) -> Got:
        """A raw POST."""
        headers = {**post.headers, _SESSION: self.session} if post.session else dict(post.headers)
        response = await self.http.post(self.house.url + post.path, headers=headers, content=post.body)
        if not response.content:
            return Got("nothing", done=response.is_success)
        return _of_message(_message(response.text), response.is_success)


async def _ignored(progress: float, total: float | None, message: str | None) -> None:
    """Progress of a call."""


def direct() -> httpx2.AsyncClient:
    """An HTTP client that no proxy of the environment can lead away from this machine."""
    return httpx2.AsyncClient(timeout=30, trust_env=False)


@contextlib.asynccontextmanager
async def visiting(house: House) -> AsyncIterator[Guest]:
    """A guest connected in both eras, with a raw session of the older era besides."""
    url = house.url + PATH
    async with (
        direct() as http,
        Client(streamable_http_client(url, http_client=http), mode="auto") as newer,
        Client(streamable_http_client(url, http_client=http), mode="legacy") as older,
    ):
        yield Guest(house, http, {"modern": newer, "legacy": older}, await _session(http, url))


async def _session(http: httpx2.AsyncClient, url: str) -> str:
    info = {"name": "raw", "version": "1"}
    body = _encoded("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": info})
    session = (await http.post(url, headers=_PLAIN, content=body)).headers[_SESSION]
    ready = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    await http.post(url, headers={**_PLAIN, _SESSION: session, "mcp-protocol-version": LEGACY}, content=ready)
    return str(session)


def _message(text: str) -> Any:
    """The message of a JSON body, or the last one of an event stream; None if there is none."""
    lines = [line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
    try:
        return json.loads(lines[-1] if lines else text)
    except ValueError:
        return None


def _of_message(message: Any, success: bool) -> Got:
    if not isinstance(message, dict):
        return Got("text")
    if "error" in message:
        return Got(f"error {message['error']['code']}", str(message["error"].get("message", "")))
    return _of_result(message.get("result", {})) if success else Got("result with an error status")


def _of_result(result: Mapping[str, Any]) -> Got:
    text = " ".join(str(item.get("text", "")) for item in result.get("content", []))
    if result.get("isError"):
        return Got("tool error", text)
    return Got(text or "result", text, done=True, data=json.dumps(result.get("structuredContent")))
