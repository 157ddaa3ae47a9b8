"""The demo's two houses: the shop under uvicorn on a loopback port, bare or behind the middleware. Judges nothing."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvicorn
from mcp.server.mcpserver import MCPServer

from smcp_security.adapters.asgi import App, Message, Receive, Scope, Send, SMCPMiddleware
from smcp_security.checks.rung import Context
from smcp_security.cli.demo import courier as courier_tools
from smcp_security.cli.demo.courier import Courier
from smcp_security.cli.demo.shop import FORGOTTEN_PATH, PATH, Shop, shop
from smcp_security.cli.demo.traces import Traces
from smcp_security.decision import Decision
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.pins.file import write_lock
from smcp_security.pins.lock import Lock
from smcp_security.vault.providers import KeyProvider, from_callable
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Vault

_VAULT: Final = "vault.smcp"
_AUDIT: Final = "audit.jsonl"


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

    def __init__(self, seen: Seen, policy: Mapping[str, Any], key: KeyProvider) -> None:
        super().__init__(policy, vault_key=key)
        self._seen = seen

    async def inspect(self, *args: Any, **named: Any) -> Decision:
        """As the framework, timed from the headers to the verdict, the body read in between included."""
        start = time.perf_counter_ns()
        decision = await super().inspect(*args, **named)
        # What a tool demands is judged after the message, and is no verdict of its own unless it refuses.
        again = named.get("earlier") is not None and decision.allowed
        return decision if again else self._note(decision, start)

    async def inspect_response(self, *args: Any, **named: Any) -> Decision:
        """As the framework; what it finds is noted."""
        return self._heard(await super().inspect_response(*args, **named))

    def inspect_response_sync(self, *args: Any, **named: Any) -> Decision:
        """The same for functions that are no coroutines."""
        return self._heard(super().inspect_response_sync(*args, **named))

    def refuse(self, code: str, context: Context, *, edge: str) -> Decision:
        """As the framework, timed."""
        start = time.perf_counter_ns()
        return self._note(super().refuse(code, context, edge=edge), start)

    def _heard(self, decision: Decision) -> Decision:
        if decision.findings:
            self._seen.answers.append(decision)
        return decision

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
    traces: Traces
    shop: Shop
    courier: Courier
    folder: Path
    records: Path
    framework: Watched | None = None

    @property
    def audit(self) -> Path:
        """The audit file, whole; there is none where nothing protects the shop."""
        if self.framework is not None:
            self.framework.flush()
        return self.records

    def hold_to(self, lock: Lock) -> None:
        """Put a policy in force that knows these definitions."""
        file = str(self.folder / "smcp.lock")
        write_lock(file, lock)
        if self.framework is not None:
            self.framework.reload({**_policy(self.folder, self.records), "pins": {"file": file}})


@contextlib.asynccontextmanager
async def opened(folder: Path, *, protected: bool, audit: Path | None = None) -> AsyncIterator[House]:
    """A shop with its files in `folder`, its audit elsewhere if that is named, served for the length of the block."""
    seen, traces, courier = Seen(), Traces(), Courier()
    folder.mkdir()
    records = audit or folder / _AUDIT
    with traces.overhearing(), _framework(folder, records, seen, protected) as framework:
        opening = shop(folder, _tools(courier, protected))
        app: App = _counting(_with_forgotten_path(opening.server.streamable_http_app(streamable_http_path=PATH)), seen)
        if framework is not None:
            app = SMCPMiddleware(app, framework=framework)
        async with _served(courier) as courier.url, _served(_answered(app, seen, traces)) as url:
            yield House(url, seen, traces, opening, courier, folder, records, framework)


@contextlib.contextmanager
def _framework(folder: Path, records: Path, seen: Seen, protected: bool) -> Iterator[Watched | None]:
    """What protects the house, with a new vault that holds the courier's key; None for the bare one."""
    if not protected:
        yield None
        return
    master = secrets.token_bytes(32)
    vault = Vault(FileStore(str(folder / _VAULT)), from_callable(lambda: master), clock=time.time)
    vault.create()
    vault.put(courier_tools.NAME, courier_tools.KEY.encode())
    framework = Watched(seen, _policy(folder, records), lambda: master)
    with framework:
        yield framework


def _policy(folder: Path, records: Path) -> dict[str, Any]:
    """The defaults, a vault and an audit file."""
    grants = [{"secrets": [courier_tools.NAME], "tools": list(courier_tools.TOOLS)}]
    vault = {"file": str(folder / _VAULT), "key": "env:SMCP_VAULT_KEY", "grants": grants}
    return {"vault": vault, "audit": {"file": str(records)}}


def _tools(courier: Courier, protected: bool) -> Callable[[MCPServer[Any]], None]:
    add = courier_tools.add_guarded_tools if protected else courier_tools.add_bare_tools
    return lambda server: add(server, courier)


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


def _answered(app: App, seen: Seen, traces: Traces) -> App:
    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        async def read() -> Message:
            message = await receive()
            traces.keep(message)
            return message

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] == "POST":
                seen.statuses.append(message["status"])
            traces.keep(message)
            await send(message)

        traces.keep(scope)
        await app(scope, read, note)

    return answered
