"""How a server that is secured in process is started and reached on each SDK, and what a client goes through there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.types import ElicitResult

from smcp_security.adapters.local import CREDENTIAL
from tests.adapters.sdk.hosts import ATTACK, HONEST, LARGE, told
from tests.audit.records import read_records
from tests.real.backends.processes import listening
from tests.toolbox.shelf import ROOT

PROGRAM = str(ROOT / "tests/real/edges/sdk_server.py")
PATIENCE = 60.0
POLICY: dict[str, Any] = {"limits": [], "server": {"flood": "off"}, "results": {"max_size": LARGE}}


@dataclass
class Stand:
    """How a test starts servers of one kind, and reaches them."""

    python: str
    kind: str
    audit: Path

    def command(self, transport: str, policy: dict[str, Any], *front: str) -> list[str]:
        """What starts one."""
        whole = {**POLICY, **policy, "audit": {"file": str(self.audit)}}
        return [self.python, PROGRAM, self.kind, transport, json.dumps(whole), *front]

    @contextlib.asynccontextmanager
    async def over_stdio(
        self, mode: str, policy: dict[str, Any] | None = None, key: str = "", **options: Any
    ) -> AsyncIterator[Client]:
        """A client of a server that it has started."""
        program, *arguments = self.command("stdio", policy or {})
        environment = {"PYTHONPATH": str(ROOT), CREDENTIAL: key}
        server = StdioServerParameters(command=program, args=arguments, env=environment, cwd=ROOT)
        with anyio.fail_after(PATIENCE):
            async with Client(server, mode=mode, **options) as client:
                yield client

    def piped(self, policy: dict[str, Any] | None = None) -> Pipe:
        """A server at whose pipes a test writes and reads by itself."""
        return Pipe(self.command("stdio", policy or {}))

    @contextlib.asynccontextmanager
    async def over_http(self, transport: str, *front: str, **options: Any) -> AsyncIterator[Client]:
        """A client of a server at a port."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with listening(self.command(transport, {}, *front), environment) as port, anyio.fail_after(PATIENCE):
            where: Any = f"http://127.0.0.1:{port}/mcp"
            if transport == "sse":
                where = sse_client(f"http://127.0.0.1:{port}/sse")
            async with Client(where, mode="legacy", **options) as client:
                yield client

    def recorded(self) -> list[dict[str, Any]]:
        """The audit of a server that has ended."""
        return read_records(self.audit)


KINDS = ("mcp 1", "mcp 2", "fastmcp")


def stand_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Stand:
    """The stand for one of `KINDS`."""
    python = str(request.getfixturevalue("legacy")) if kind == "mcp 1" else sys.executable
    return Stand(python, "fastmcp" if kind == "fastmcp" else "mcp", folder / "audit.jsonl")


class Pipe:
    """A stdio server, line by line; as a context manager it is ended."""

    def __init__(self, command: list[str]) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
        self._heard: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._heard.put(json.loads(line))

    def say(self, message: dict[str, Any] | bytes) -> None:
        """Write one line."""
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def answer(self, id: int) -> dict[str, Any]:
        """The next answer to that id; what else the server says is passed over."""
        while (heard := self._heard.get(timeout=PATIENCE)).get("id") != id:
            pass
        return heard

    def ask(self, id: int, method: str, **params: Any) -> dict[str, Any]:
        """Send a request, and wait for its answer."""
        self.say({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        return self.answer(id)

    def call(self, id: int, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, and wait for the answer."""
        return self.ask(id, "tools/call", name=tool, arguments=arguments)

    def handshake(self) -> None:
        """Begin a session of the legacy era."""
        client = {"name": "pipe", "version": "0"}
        self.ask(0, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
        self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def close(self) -> int:
        """Go, and wait until the server has gone."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Pipe:
        return self

    def __exit__(self, *_raised: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


async def answer(_context: Any, _question: Any) -> ElicitResult:
    """What the person says: an attack, then a name."""
    return ElicitResult(action="accept", content={"name": ANSWERS.pop()})


ANSWERS: list[str] = []


async def attacked(client: Client) -> None:
    """Attacks are refused before a tool sees them, what is too large is withheld, and ordinary calls pass."""
    assert {tool.name for tool in (await client.list_tools()).tools} >= {"run", "write", "told"}
    assert (await told(client.call_tool("run", {"command": ATTACK}))).startswith("refused Refused by policy")
    assert await told(client.call_tool("run", {"command": HONEST})) == f"ran {HONEST}"
    assert "SMCP701" in await told(client.call_tool("write", {"count": LARGE}))
    assert await told(client.call_tool("write", {"count": 9})) == "x" * 9
    assert (await told(client.call_tool("fail", {"text": "no"}))).startswith("refused Error")
    assert await told(client.call_tool("verdict", {})) == "verdict"
    assert json.loads(await told(client.call_tool("told", {}))) == [HONEST]


async def asked(client: Client) -> None:
    """What the person answers is judged before the tool gets it."""
    ANSWERS[:] = ["Ann", ATTACK]
    assert not (await told(client.call_tool("ask", {}))).startswith("asked")
    assert await told(client.call_tool("ask", {})) == "asked"
    assert json.loads(await told(client.call_tool("told", {}))) == [HONEST, "Ann"]


async def reported(client: Client) -> None:
    """A report that is too large is dropped, and the answer comes."""
    heard: list[str | None] = []

    async def report(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(message)

    for count in (LARGE, 5):
        assert await told(client.call_tool("tell", {"count": count}, progress_callback=report)) == "told"
    assert heard == ["x" * 5]


def each_once(stand: Stand, edge: str, expected: int) -> None:
    """Every message was judged once, by one edge, and every allowed one has one outcome."""
    records = stand.recorded()
    decisions = [record for record in records if record["kind"] == "decision"]
    calls = [record for record in decisions if record["method"] == "tools/call"]
    assert len(calls) == len({record["id"] for record in calls}) == expected
    assert {record["edge"] for record in decisions} == {edge}
    outcomes = [record["id"] for record in records if record["kind"] == "outcome"]
    allowed = {record["id"] for record in calls if record["allowed"]}
    assert len(outcomes) == len(set(outcomes))
    assert allowed <= set(outcomes) <= {record["id"] for record in decisions}
