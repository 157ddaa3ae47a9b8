"""The edges for the rows of answers: each plays a question, and hands back what the client gets of the answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from smcp_security import RequestContext, SMCPDenied, SMCPSecurityFramework, secure_tool
from smcp_security.adapters.local import local_facts
from tests.acceptance.answer_rows import Needs, Told
from tests.acceptance.edges.hooks import HOOKS
from tests.acceptance.edges.roster import HTTP_EDGES
from tests.acceptance.edges.stdio import STDIO
from tests.acceptance.fate import CALL, Edge, Fate, Run, judged
from tests.acceptance.obedient import Obedient
from tests.acceptance.table import Sees, Sent
from tests.envelopes import encoded


@asynccontextmanager
async def _async(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
    async def run(sent: Sent) -> Fate:
        decision = await security.process_request(sent.raw, _context(sent))
        if not decision.allowed:
            return judged(decision)
        answer = await security.process_response(_answer(decision.message), decision)
        return Fate((), _bytes(answer.message))

    yield run


@asynccontextmanager
async def _sync(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
    async def run(sent: Sent) -> Fate:
        decision = security.process_request_sync(sent.raw, _context(sent))
        if not decision.allowed:
            return judged(decision)
        # As a value, which is how code has it: what comes back must be the edited one.
        answer = security.process_response_sync(json.loads(_answer(decision.message)), decision)
        return Fate((), _bytes(answer.message))

    yield run


@asynccontextmanager
async def _decorated(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
    house = Obedient()

    async def run(sent: Sent) -> Fate:
        assert not isinstance(sent.message, bytes)
        params = sent.message["params"]

        @secure_tool(name=params["name"], redact=["secrets"], framework=security)
        async def tool() -> object:
            return house.result(CALL, params)

        try:
            return Fate((), encoded({"jsonrpc": "2.0", "id": 1, "result": await tool()}))
        except SMCPDenied as denied:
            return judged(denied.decision)

    yield run


def _context(sent: Sent) -> RequestContext:
    return RequestContext(ip_address="127.0.0.1", headers=dict(sent.headers), token=local_facts().token)


def _answer(message: object) -> bytes:
    assert isinstance(message, bytes)
    return encoded(Obedient().answer(json.loads(message)))


def _bytes(message: object) -> bytes:
    return message if isinstance(message, bytes) else encoded(message)


_ASYNC: Final = Edge("in process", Sees.HEADERS, _async)
_SYNC: Final = Edge("in process, without a loop", Sees.HEADERS, _sync)
_DECORATOR: Final = Edge("decorator", Sees.VALUES, _decorated, frozenset({CALL}))
ANSWERING: Final[tuple[Edge, ...]] = (_ASYNC, _SYNC, *HTTP_EDGES, _DECORATOR, HOOKS, STDIO)


def can(edge: Edge, told: Told) -> bool:
    """Whether an edge does at all what an answer needs."""
    return edge is not _DECORATOR or (told.needs is Needs.MASKS and edge.takes(told.sent))
