"""The edges that run the table, each with what it sees of a message and how it says no."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from smcp_security import Decision, SMCPMiddleware, SMCPSecurityFramework
from smcp_security.contexts import RequestContext
from tests.acceptance.table import Row, Sees, Sent
from tests.adapters.exchange import Server, posting

_LINE: Final = re.compile(r"^- (?P<code>SMCP[0-9]{3}) [a-z0-9-]+(?: at (?P<where>\S+))?: ", re.MULTILINE)


@dataclass(frozen=True)
class Fate:
    """What became of a message: what the server got, what the client was told, and the findings."""

    reached: tuple[bytes, ...]
    told: bytes
    codes: tuple[str, ...] = ()
    places: tuple[str, ...] = field(default=())


Run = Callable[[SMCPSecurityFramework, Sent], Awaitable[Fate]]


@dataclass(frozen=True)
class Edge:
    """One way in."""

    name: str
    sees: Sees
    run: Run

    def sees_of(self, row: Row, sent: Sent) -> bool:
        """Whether the edge holds what tells the message from an honest one."""
        return (sent.sees or row.sees).value <= self.sees.value


async def _in_process(security: SMCPSecurityFramework, sent: Sent) -> Fate:
    return _fate(await security.process_request(sent.raw, _context(sent)))


async def _in_process_sync(security: SMCPSecurityFramework, sent: Sent) -> Fate:
    return _fate(security.process_request_sync(sent.raw, _context(sent)))


async def _asgi(security: SMCPSecurityFramework, sent: Sent) -> Fate:
    server = Server()
    done = await posting(sent.raw, sent.headers).through(SMCPMiddleware(server, framework=security))
    told = b"" if server.calls else done.body
    code, place = _told(told)
    return Fate(tuple(body for _, body in server.calls), told, code, place)


def _context(sent: Sent) -> RequestContext:
    return RequestContext(ip_address="127.0.0.1", headers=dict(sent.headers))


def _fate(decision: Decision) -> Fate:
    codes = tuple(finding.code for finding in decision.findings)
    places = tuple(finding.where for finding in decision.findings)
    if decision.allowed:
        assert isinstance(decision.message, bytes)
        return Fate((decision.message,), b"", codes, places)
    assert decision.answer is not None
    return Fate((), decision.answer.body, codes, places)


def _told(body: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The codes and places that a client reads from an answer, whichever of the two forms it has."""
    if not body:
        return (), ()
    found: list[Any] = []
    _collect(json.loads(body), found)
    return tuple(item["code"] for item in found), tuple(item.get("where") or "" for item in found)


def _collect(value: Any, found: list[Any]) -> None:
    if isinstance(value, dict):
        if str(value.get("code", "")).startswith("SMCP"):
            found.append(value)
        if value.get("isError"):
            # What a model reads, so that it can correct itself.
            found += [item.groupdict() for item in _LINE.finditer(value["content"][0]["text"])]
        for inner in value.values():
            _collect(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)


EDGES: Final = (
    Edge("in process", Sees.HEADERS, _in_process),
    Edge("in process, without a loop", Sees.HEADERS, _in_process_sync),
    Edge("ASGI", Sees.FIELDS, _asgi),
)
