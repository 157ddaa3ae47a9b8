"""The client's end of a relay: a thread that talks while the relay runs, since signals want the main thread."""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.stdio.child import Child
from smcp_security.adapters.stdio.conversation import Conversation
from smcp_security.adapters.stdio.relay import Relay
from smcp_security.adapters.stdio.signals import Signals
from smcp_security.contexts import RequestContext

SERVER = (sys.executable, "-S", str(Path(__file__).with_name("server.py")))
UNPRIVILEGED = (sys.executable, "-S", str(Path(__file__).with_name("unprivileged.py")))
READ, UNREADABLE = 3, 4
SPY = (sys.executable, "-S", str(Path(__file__).with_name("spy.py")), str(READ), str(UNREADABLE))
"""A server that only tells by its exit code whether it could read its parent's credential."""
PATIENCE = 20.0
"""Seconds without a word after which a test fails rather than hangs."""
T = TypeVar("T")


def call(id: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    """A call of a tool of the server."""
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def text(answer: dict[str, Any]) -> str:
    """The text of a result."""
    told: str = answer["result"]["content"][0]["text"]
    return told


class Client:
    """What a client has: two pipes."""

    def __init__(self, writes: int, reads: int) -> None:
        self.writes, self.reads = writes, reads
        self._held = b""

    def say(self, *messages: dict[str, Any] | bytes) -> None:
        """Write lines; bytes as they are."""
        data = b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in messages)
        while data:
            data = data[os.write(self.writes, data) :]

    def hear(self) -> dict[str, Any]:
        """The next message."""
        line = self.line()
        assert line, "the proxy closed its output"
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Say a message and hear the next one."""
        self.say(message)
        return self.hear()

    def line(self) -> bytes:
        """The next line, nothing at the end."""
        while b"\n" not in self._held:
            ready, _, _ = select.select([self.reads], [], [], PATIENCE)
            assert ready, "the proxy is silent"
            data = os.read(self.reads, 2**20)
            if not data:
                return b""
            self._held += data
        line, self._held = self._held.split(b"\n", 1)
        return line

    def hang_up(self) -> None:
        """Say nothing more."""
        os.close(self.writes)
        self.writes = -1

    def vanish(self) -> None:
        """Close everything."""
        for fd in (self.writes, self.reads):
            if fd >= 0:
                os.close(fd)
        self.writes = self.reads = -1


@dataclass
class Ran:
    """How a relay ended: the exit code and what the client's part returned."""

    code: int
    found: Any


def relayed(
    framework: SMCPSecurityFramework,
    act: Callable[[Client], T],
    *,
    command: tuple[str, ...] = SERVER,
    limits: tuple[int, int] = (2**20, 2**20),
) -> Ran:
    """Run a relay between `act` and a server; the client hangs up when it is done."""
    (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
    client = Client(in_write, out_read)

    def play() -> T:
        try:
            return act(client)
        finally:
            if client.writes >= 0:
                client.hang_up()

    with ThreadPoolExecutor(1) as pool, Signals() as signals:
        child = Child(command, {"PATH": os.environ["PATH"]})
        playing = pool.submit(play)
        try:
            conversation = Conversation(framework, RequestContext(ip_address="stdio"))
            code = Relay(conversation, (in_read, out_write), child, signals, limits).run()
        finally:
            child.end()
            os.close(in_read)
            os.close(out_write)
        found = playing.result()
    client.vanish()
    return Ran(code, found)
