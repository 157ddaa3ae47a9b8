"""What the Python client scripts share: visits come in as JSON lines, what the client saw goes out as JSON lines.

Runs in other environments too (mcp 1.30), so it imports nothing but anyio.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio

Connect = Callable[[dict[str, Any], "Ear"], AbstractAsyncContextManager[Any]]
REPEATS = 40
"""How often a call is repeated until it is refused."""


class Ear:
    """What the client's callbacks heard, and somebody who waits for it."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self._news = anyio.Event()

    def hear(self, message: Any) -> None:
        """Note a notification or a question of the server."""
        self.heard.append(message)
        self._news.set()
        self._news = anyio.Event()

    async def wait(self, method: str) -> Any:
        """The first message of that method, heard already or yet to come."""
        while True:
            for message in self.heard:
                if message.get("method") == method:
                    return message
            await self._news.wait()


def travel(connect: Connect) -> None:
    """Make every visit that stdin asks for. `connect` yields an object with a method for every kind of step."""
    anyio.run(_travel, connect)


async def _travel(connect: Connect) -> None:
    while line := await anyio.to_thread.run_sync(sys.stdin.readline):
        visit = json.loads(line)
        await _visit(connect, visit)
        _say(end=True)


async def _visit(connect: Connect, visit: dict[str, Any]) -> None:
    ear = Ear()
    reached = ["connect"]
    try:
        with anyio.fail_after(visit["limit"] * 4):
            async with connect(visit, ear) as client:
                for step in visit["steps"]:
                    reached.append(step["do"])
                    _say(do=step["do"], outcome=await _outcome(visit["limit"], client, step))
                reached.append("close")
    except Exception as error:
        _say(do=reached[-1], outcome=_hung(error) or {"torn": [described(each) for each in leaves(error)]})
    else:
        _say(do="close", outcome={"value": None})
    _say(do="heard", outcome={"value": sorted(ear.heard, key=lambda each: json.dumps(each, sort_keys=True))})


def _hung(error: Exception) -> dict[str, Any] | None:
    return {"hangs": True} if isinstance(error, TimeoutError) else None


async def _outcome(limit: float, client: Any, step: dict[str, Any]) -> dict[str, Any]:
    for _ in range(REPEATS if step.get("until_refused") else 1):
        outcome = await _once(limit, getattr(client, step["do"])(step))
        value = outcome.get("value")
        if "value" not in outcome or (isinstance(value, dict) and value.get("isError")):
            break
    return outcome


async def _once(limit: float, act: Awaitable[Any]) -> dict[str, Any]:
    with anyio.move_on_after(limit) as scope:
        try:
            return {"value": await act}
        except Exception as error:
            return {"error": described(error)}
    return {"hangs": scope.cancelled_caught}


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside a group."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def described(error: BaseException) -> dict[str, Any]:
    """An exception as a user of the client sees it."""
    inner = getattr(error, "error", None)
    if hasattr(inner, "code"):
        return {"type": type(error).__name__, "code": inner.code, "message": inner.message, "data": inner.data}
    status = getattr(getattr(error, "response", None), "status_code", None)
    return {"type": type(error).__name__, "code": status, "message": str(error)}


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line, sort_keys=True) + "\n")
    sys.stdout.flush()
