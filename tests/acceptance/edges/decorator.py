"""The decorator, on functions that code calls by itself: a coroutine function, and one that is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

from smcp_security import SMCPDenied, SMCPSecurityFramework, secure_tool
from tests.acceptance.fate import CALL, Edge, Fate, Open, Run, gist, gist_of, judged
from tests.acceptance.houses.tools import made
from tests.acceptance.table import Sees, Sent

_RAN: Final[ContextVar[list[bytes]]] = ContextVar("ran")


def _note(tool: str, arguments: dict[str, Any]) -> str:
    _RAN.get().append(gist_of(CALL, {"name": tool, "arguments": arguments}))
    return "ran"


@cache
def _secured(security: SMCPSecurityFramework, tool: str, names: tuple[str, ...], asynchronous: bool) -> Any:
    """Decorated once: who decorates has the whole process searched for servers that know the function already."""
    bare = made(tool, names, _note, asynchronous=asynchronous)
    return secure_tool(name=tool, framework=security)(bare)


def _opening(*, asynchronous: bool) -> Open:
    @asynccontextmanager
    async def opened(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
        async def run(sent: Sent) -> Fate:
            assert not isinstance(sent.message, bytes)
            tool, arguments = sent.message["params"]["name"], sent.message["params"]["arguments"]
            ran: list[bytes] = []
            before = _RAN.set(ran)
            try:
                called = _secured(security, tool, tuple(arguments), asynchronous)(**arguments)
                _ = await called if asynchronous else called
            except SMCPDenied as denied:
                return judged(denied.decision)
            finally:
                _RAN.reset(before)
            return Fate(tuple(ran), b"")

        yield run

    return opened


_CALLS: Final = frozenset({CALL})
DECORATOR: Final = Edge("decorator", Sees.VALUES, _opening(asynchronous=True), _CALLS, gist)
DECORATOR_SYNC: Final = Edge("decorator, sync function", Sees.VALUES, _opening(asynchronous=False), _CALLS, gist)
