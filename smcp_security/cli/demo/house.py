"""The demo's two houses: the shop under uvicorn on a loopback port, bare or behind the middleware. Judges nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from smcp_security.adapters.asgi import App, Message, Receive, Scope, Send, SMCPMiddleware
from smcp_security.checks.rung import Context
from smcp_security.cli.demo.shop import FORGOTTEN_PATH, PATH, Shop, shop
from smcp_security.decision import Decision
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.pins.file import write_lock
from smcp_security.pins.lock import Lock


@dataclass(slots=True)
class Seen:
    """What passed by since the last `clear`: requests that reached the server, statuses sent, verdicts and
    their time, and what was found in answers.

    Only POSTs count: the older era's client also holds a GET open, at a time of its own choosing.
    """

    reached: int = 0
    statuses: list[int] = field(default_factory=list)
    verdicts: list[tuple[Decision, float]] = field(default_factory=list)
    answers: list[Decision] = field(default_factory=list)

    def clear(self) -> None:
        """Forget what passed by."""
        self.reached = 0
        self.statuses.clear()
        self.verdicts.clear()
        self.answers.clear()


class Watched(SMCPSecurityFramework):
    """The framework on its defaults, whatever the environment says, with each verdict noted beside its microseconds."""

    def __init__(self, seen: Seen) -> None:
        super().__init__({})
        self._seen = seen

    async def inspect(self, *args: Any, **named: Any) -> Decision:
        """As the framework, timed from the headers to the verdict, the body read in between included."""
        start = time.perf_counter_ns()
        return self._note(await super().inspect(*args, **named), start)

    async def inspect_response(self, *args: Any, **named: Any) -> Decision:
        """As the framework; what it finds is noted."""
        decision = await super().inspect_response(*args, **named)
        if decision.findings:
            self._seen.answers.append(decision)
        return decision

    def refuse(self, code: str, context: Context, *, edge: str) -> Decision:
        """As the framework, timed."""
        start = time.perf_counter_ns()
        return self._note(super().refuse(code, context, edge=edge), start)

    def _note(self, decision: Decision, start: int) -> Decision:
        http = None if decision.context is None else decision.context.http
        if http is not None and http.method == "POST":
            self._seen.verdicts.append((decision, (time.perf_counter_ns() - start) / 1000))
        return decision


@dataclass(frozen=True, slots=True)
class House:
    """Where a shop listens, and what was seen of it. `framework` is None where nothing protects it."""

    url: str
    seen: Seen
    shop: Shop
    folder: Path
    framework: Watched | None = None

    def hold_to(self, lock: Lock) -> None:
        """Put a policy in force that knows these definitions."""
        file = str(self.folder / "smcp.lock")
        write_lock(file, lock)
        if self.framework is not None:
            self.framework.reload({"pins": {"file": file}})


@contextlib.asynccontextmanager
async def opened(folder: Path, *, protected: bool) -> AsyncIterator[House]:
    """A shop with its files in `folder`, served for the length of the block."""
    seen = Seen()
    folder.mkdir()
    opening = shop(folder)
    app: App = _counting(_with_forgotten_path(opening.server.streamable_http_app(streamable_http_path=PATH)), seen)
    framework = Watched(seen) if protected else None
    if framework is not None:
        app = SMCPMiddleware(app, framework=framework)
    async with _served(_answered(app, seen)) as url:
        yield House(url, seen, opening, folder, framework)


class _Server(uvicorn.Server):
    """uvicorn without its own idea of Ctrl-C: the command ends as a whole."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _served(app: App) -> AsyncIterator[str]:
    # The socket listens before the server runs, so a client that is early only waits.
    with _listening() as listener:
        config = uvicorn.Config(
            app, http="h11", ws="none", lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def _listening() -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, each answer takes 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _with_forgotten_path(app: App) -> App:
    """The app with a second way in, as a rewrite in front of it leaves one: nothing lists it as a route."""

    async def rewritten(scope: Scope, receive: Receive, send: Send) -> None:
        old = scope["type"] == "http" and scope["path"] == FORGOTTEN_PATH
        await app({**scope, "path": PATH, "raw_path": PATH.encode()} if old else scope, receive, send)

    return rewritten


def _counting(app: App, seen: Seen) -> App:
    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        seen.reached += scope["type"] == "http" and scope["method"] == "POST"
        await app(scope, receive, send)

    return counted


def _answered(app: App, seen: Seen) -> App:
    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] == "POST":
                seen.statuses.append(message["status"])
            await send(message)

        await app(scope, receive, note)

    return answered
