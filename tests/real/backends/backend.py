"""The servers of this folder behind one face: each is opened bare or protected, fresh for every visit."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
from mcp.client.sse import sse_client
from starlette.types import ASGIApp

from smcp_security import SMCPMiddleware
from tests.real.backends.furniture import Signals
from tests.real.backends.modern import BUILDERS
from tests.real.backends.proxy import ReverseProxy
from tests.real.house import PATIENCE, Address, served
from tests.real.messages import Request
from tests.real.servers.recorder import Recorder
from tests.real.tasks import left_over, running
from tests.real.wire import ask

Policy = Mapping[str, Any]
Saw = Callable[[], Awaitable[list[Any]]]


@dataclass(frozen=True)
class Opened:
    """A server that listens. `saw` gives the messages that it got, `release` lets its waiting tools go on.

    `watch` notes the tasks that run in its process, `left` which of those begun later do not end by themselves.
    """

    address: Address
    saw: Saw
    release: Callable[[], Awaitable[None]]
    watch: Callable[[], Awaitable[None]]
    left: Callable[[], Awaitable[list[str]]]
    recorder: Recorder | None = None
    """What it saw, request by request; None where it runs in another process."""
    signals: Signals | None = None
    """What its waiting tools tell; None where they run in another process."""


@dataclass(frozen=True)
class Backend:
    """One kind of server: the path of its endpoint, and the eras ("auto", "legacy") in which the SDK's client comes."""

    name: str
    path: str
    eras: tuple[str, ...]
    start: Callable[[Policy | None, bool], AbstractAsyncContextManager[Opened]]
    needs: Policy = field(default_factory=dict)
    """What its policy must say, for a server whose paths are not the usual ones."""

    @property
    def two_endpoints(self) -> bool:
        """Whether it speaks the deprecated HTTP+SSE transport."""
        return self.path == "/sse"

    def open(self, *, protected: bool, policy: Policy | None = None) -> AbstractAsyncContextManager[Opened]:
        """A fresh server, behind the middleware or not."""
        whole = {"version": 1, **self.needs, **(policy or {})}
        return self.start(whole if len(whole) > 1 else None, protected)

    def target(self, opened: Opened) -> Any:
        """What the SDK's client connects to."""
        url = opened.address.url(self.path)
        return sse_client(url) if self.two_endpoints else url


def in_process(name: str) -> Backend:
    """A server of this process, named by builder and kind: "sdk-json"."""
    builder, _, kind = name.partition("-")

    @contextlib.asynccontextmanager
    async def start(policy: Policy | None, protected: bool) -> AsyncIterator[Opened]:
        app, signals = BUILDERS[builder](kind)
        async with _opened(app, policy, protected, signals) as opened:
            yield opened

    sessions = {"sse": ("/sse", ("legacy",))}
    path, eras = sessions.get(kind, ("/api/mcp" if builder == "fastapi" else "/mcp", ("auto", "legacy")))
    return Backend(name, path, eras, start)


def proxied(name: str, port: int) -> Backend:
    """A server at a local port behind the tests' reverse proxy: "node-http" or "node-sse"."""

    @contextlib.asynccontextmanager
    async def start(policy: Policy | None, protected: bool) -> AsyncIterator[Opened]:
        async with _opened(ReverseProxy(f"http://127.0.0.1:{port}"), policy, protected) as opened:
            yield opened

    if name.endswith("-sse"):
        return Backend(name, "/sse", ("legacy",), start, {"server": {"paths": ["/sse", "/message"]}})
    return Backend(name, "/mcp", ("auto", "legacy"), start)


@contextlib.asynccontextmanager
async def _opened(
    app: ASGIApp, policy: Policy | None, protected: bool, signals: Signals | None = None
) -> AsyncIterator[Opened]:
    recorder = Recorder(app)
    edge = SMCPMiddleware(recorder, policy=None if policy is None else dict(policy)) if protected else recorder

    async def saw() -> list[Any]:
        return recorder.messages

    async def let_go() -> None:
        if signals is not None:
            signals.release.set()

    before: set[Any] = set()

    async def watch() -> None:
        before.update(running())

    async def left() -> list[str]:
        return await left_over(before)

    async with served(edge) as address:
        yield Opened(address, saw, let_go, watch, left, recorder, signals)
        await let_go()


def of_the_older_sdk(kind: str, door: int) -> Backend:
    """A server of `mcp` 1.x: `door` is where the house of its process takes orders."""

    async def order(path: str, body: Any) -> Any:
        fields = (("content-type", "application/json"),)
        reply = await ask(Address(door), Request(json.dumps(body).encode(), fields, path=path))
        assert reply.status == 200, reply
        return json.loads(reply.body)

    @contextlib.asynccontextmanager
    async def start(policy: Policy | None, protected: bool) -> AsyncIterator[Opened]:
        port = (await order("/open", {"kind": kind, "protected": protected, "policy": policy}))["port"]

        async def act(action: str) -> Any:
            return (await order(f"/ports/{port}", action))["told"]

        actions = [partial(act, action) for action in ("seen", "release", "watch", "left")]
        try:
            yield Opened(Address(port), *actions)
        finally:
            with anyio.CancelScope(shield=True), anyio.fail_after(PATIENCE):
                await act("close")

    path, eras = ("/sse", ("legacy",)) if kind == "sse" else ("/mcp", ("auto", "legacy"))
    return Backend(f"legacy-{kind}", path, eras, start)
