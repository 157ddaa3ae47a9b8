"""A program: uvicorn with one app (`module:name`), alone in its process. It prints `listening PORT` and serves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from importlib import import_module
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """uvicorn that says where it listens."""

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        print(f"listening {self.servers[0].sockets[0].getsockname()[1]}", flush=True)


async def main() -> None:
    """Serve until the process is ended."""
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING)
    module, _, name = sys.argv[1].partition(":")
    app = getattr(import_module(module), name)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none", http="h11", lifespan="off")
    with contextlib.suppress(KeyboardInterrupt):
        await Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
