"""Many exchanges with one ASGI app at once, each driven step by step from outside: for state machines.

The app behind the edge does only what it is ordered, one step at a time, so that any order of events can be had
without a server, a socket or a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.asgi import Message, Receive, Scope, Send
from tests.adapters.exchange import Exchange

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds that a step may take before it counts as a hang: one that is not hung takes milliseconds."""
LISTEN = "listen"
LEAVE = "leave"
CRASH = "crash"


class Crash(Exception):
    """What an app raises when it is told to."""


@dataclass
class Call:
    """One request that reached the app: what it got, and the orders that it waits for."""

    scope: Scope
    body: bytes
    orders: asyncio.Queue[tuple[Any, asyncio.Future[Any]]] = field(default_factory=asyncio.Queue)


class Puppet:
    """An ASGI app whose calls wait for orders."""

    def __init__(self) -> None:
        self.arrival: asyncio.Future[Call] | None = None
        self.count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body, say that the call arrived, and obey."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        call = Call(scope, body)
        self.count += 1
        if self.arrival is None or self.arrival.done():
            raise AssertionError("one request reached the server twice")
        self.arrival.set_result(call)
        await _obey(call, receive, send)


async def _obey(call: Call, receive: Receive, send: Send) -> None:
    while True:
        order, done = await call.orders.get()
        if order == LEAVE:
            return
        if order == CRASH:
            raise Crash
        if order == LISTEN:
            done.set_result((await receive())["type"])
            continue
        try:
            await send(order)
        except OSError:
            # What ASGI 2.4 tells an app whose stream is over.
            done.set_result(False)
        else:
            done.set_result(True)


@dataclass
class Visit:
    """One HTTP exchange: the client's side, the app's side if it was reached, and the task that runs it."""

    exchange: Exchange
    task: asyncio.Task[None]
    call: Call | None

    @property
    def reached(self) -> Call:
        """The app's side, which must have been reached."""
        assert self.call is not None, (self.exchange.scope, self.exchange.sent)
        return self.call

    @property
    def received(self) -> bytes:
        """The body as far as the client has it."""
        return self.exchange.body


class Lab:
    """One middleware around a puppet, on an event loop of its own."""

    def __init__(self, framework: SMCPSecurityFramework) -> None:
        self._loop = asyncio.new_event_loop()
        self._puppet = Puppet()
        self.framework = framework
        self.edge = SMCPMiddleware(self._puppet, framework=framework)

    @property
    def arrived(self) -> int:
        """How many requests have reached the app."""
        return self._puppet.count

    @property
    def running(self) -> int:
        """How many tasks there are."""
        return len(asyncio.all_tasks(self._loop))

    def send(self, exchange: Exchange) -> Visit:
        """Run an exchange until the app has it or it is over."""
        return self._run(self._send(exchange))

    def say(self, visit: Visit, message: Message) -> bool:
        """Let the app send one ASGI message; False if it was told that the stream is over."""
        return bool(self._run(self._order(visit, message)))

    def listen(self, visit: Visit) -> str:
        """What the app hears when it listens for more, which must be there."""
        return str(self._run(self._order(visit, LISTEN)))

    def leave(self, visit: Visit, order: str = LEAVE) -> None:
        """Let the app return; the exchange must be over then."""
        self._run(self._leave(visit, order))

    def hang_up(self, visit: Visit) -> None:
        """The client goes away."""
        visit.exchange.gone.set()

    def close(self) -> None:
        """End the event loop. Tasks that are left are cancelled: a machine counts them before."""

        async def cancel() -> None:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        self._run(cancel())
        self._loop.close()

    def _run(self, step: Awaitable[T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(PATIENCE):
                return await step

        return self._loop.run_until_complete(bounded())

    async def _send(self, exchange: Exchange) -> Visit:
        self._puppet.arrival = arrival = self._loop.create_future()
        task = self._loop.create_task(self.edge(exchange.scope, exchange.receive, exchange.send))
        await asyncio.wait((task, arrival), return_when=asyncio.FIRST_COMPLETED)
        call = arrival.result() if arrival.done() else None
        if task.done():
            task.result()
        arrival.cancel()
        return Visit(exchange, task, call)

    async def _order(self, visit: Visit, order: Any) -> Any:
        done: asyncio.Future[Any] = self._loop.create_future()
        visit.reached.orders.put_nowait((order, done))
        await asyncio.wait((visit.task, done), return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            visit.task.result()
            raise AssertionError("the exchange ended before the app had spoken")
        return done.result()

    async def _leave(self, visit: Visit, order: str) -> None:
        visit.reached.orders.put_nowait((order, self._loop.create_future()))
        if order == CRASH:
            await asyncio.wait((visit.task,))
            assert isinstance(visit.task.exception(), Crash)
        else:
            await visit.task


def dispatched(stream: bytes) -> list[bytes]:
    """The data of the messages that a client has taken from a stream so far, by the letter of WHATWG HTML, 9.2.6."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    messages: list[bytes] = []
    name, data = b"", []
    for line in text.split(b"\n")[:-1]:
        key, _, value = line.partition(b":")
        if key == b"data":
            data.append(value.removeprefix(b" "))
        elif key == b"event":
            name = value.removeprefix(b" ")
        elif not line:
            if data and name in (b"", b"message"):
                messages.append(b"\n".join(data))
            name, data = b"", []
    return messages
