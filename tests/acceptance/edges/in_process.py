"""`process_request` and its twin: what code of any transport calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from smcp_security import RequestContext, SMCPSecurityFramework
from smcp_security.adapters.local import local_facts
from tests.acceptance.fate import Edge, Fate, Run, judged
from tests.acceptance.table import Sees, Sent


@asynccontextmanager
async def _async(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
    async def run(sent: Sent) -> Fate:
        return judged(await security.process_request(sent.raw, _context(sent)))

    yield run


@asynccontextmanager
async def _sync(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
    async def run(sent: Sent) -> Fate:
        return judged(security.process_request_sync(sent.raw, _context(sent)))

    yield run


def _context(sent: Sent) -> RequestContext:
    return RequestContext(ip_address="127.0.0.1", headers=dict(sent.headers), token=local_facts().token)


ASYNC: Final = Edge("in process", Sees.HEADERS, _async)
SYNC: Final = Edge("in process, without a loop", Sees.HEADERS, _sync)
