"""A program: one protected server of `rooms`, alone in its process. It prints `listening PORT` and serves until ended.

The first argument names the server, the second is the policy as JSON. The tests start it with the Python of the SDK
1.x, or several times over for the workers of one service.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from typing import Any

import uvicorn

from smcp_security import SMCPMiddleware
from tests.real.identity import rooms

SERVERS = {
    "older": rooms.older_house,
    "modern": rooms.modern_house,
    "stateless": rooms.stateless,
}


class Server(uvicorn.Server):
    """uvicorn that says where it listens."""

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        print(f"listening {self.servers[0].sockets[0].getsockname()[1]}", flush=True)


async def main() -> None:
    """Serve until the process is ended."""
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING)
    app = SMCPMiddleware(SERVERS[sys.argv[1]](), policy=json.loads(sys.argv[2]))
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none", http="h11", lifespan="on")
    with contextlib.suppress(KeyboardInterrupt):
        await Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
