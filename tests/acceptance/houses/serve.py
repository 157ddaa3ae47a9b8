"""A program: an ASGI app under uvicorn at a socket that is open already. `--fd` would take it for a unix socket."""

from __future__ import annotations

import socket
import sys
from importlib import import_module

import uvicorn


def main(app: str, descriptor: str) -> None:
    """Serve `module:name` at the socket with this descriptor, until ended."""
    module, _, name = app.partition(":")
    serve(getattr(import_module(module), name), descriptor)


def serve(app: object, descriptor: str) -> None:
    """Serve an app."""
    # The edge is what must stop large headers here, so h11's own limit is out of the way.
    config = uvicorn.Config(app, log_level="warning", http="h11", h11_max_incomplete_event_size=2**20)  # type: ignore[arg-type]
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main(*sys.argv[1:])
