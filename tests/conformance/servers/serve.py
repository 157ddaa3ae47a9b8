"""Serves the fixture under several names until its input ends: `python -m ...serve FOLDER NAME...`

A name that begins with `protected` has the middleware in front, with an audit in the folder; one with `stateless` in it
is a server without sessions. Prints the ports as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from smcp_security import SMCPMiddleware
from tests.conformance.servers.fixture import fixture
from tests.conformance.tape import Tape

GRACE = 2
"""Seconds that an exchange may go on after the end before it is cancelled."""


class _Server(uvicorn.Server):
    """uvicorn, several in one process: the signals stay with the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def site(folder: Path, name: str) -> ASGIApp:
    """A fresh fixture behind its edge, with a tape of all that passes in front of it."""
    app = fixture(stateless="stateless" in name)
    if name.startswith("protected"):
        # Defaults but for the audit's file, which is how the refusals are told.
        app = SMCPMiddleware(app, policy={"audit": {"file": str(folder / f"{name}.audit.jsonl")}})
    return Tape(app, folder / f"{name}.tape.jsonl")


@contextlib.asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    """Serve `app` on a loopback port for the length of the block; yields the port, which already listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # httptools would keep the trailing blanks of header values, which one check of the suite sends.
        config = uvicorn.Config(app, http="h11", ws="none", log_config=None, timeout_graceful_shutdown=GRACE)
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def _main(folder: Path, names: list[str]) -> None:
    async with contextlib.AsyncExitStack() as stack:
        ports = {name: await stack.enter_async_context(served(site(folder, name))) for name in names}
        print(json.dumps(ports), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2:]))
