"""Serves WSGI apps as their users do: gunicorn with workers of each kind, and the server of the standard library."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tests.real.backends.processes import listening
from tests.real.house import PATIENCE, Address
from tests.toolbox.shelf import ROOT

KINDS: Final = {
    "sync": ("sync", "--workers", "2"),
    "gthread": ("gthread", "--threads", "8"),
    "preloaded": ("gthread", "--workers", "2", "--preload"),
}
"""gunicorn's workers for WSGI: one request a process, many in threads, and those that were forked off a loaded app."""


@contextlib.contextmanager
def gunicorn(app: str, kind: str, **environment: str) -> Iterator[Address]:
    """gunicorn for the length of the block, with `app` (`module:name`)."""
    settings = f"python:{__package__}.gunicorn_settings"
    command = [sys.executable, "-m", "gunicorn", "--config", settings, "--worker-class", *KINDS[kind], app]
    with listening(command, {**os.environ, "PYTHONPATH": str(ROOT), **environment}) as port:
        yield Address(port)


class _Threads(ThreadingMixIn, WSGIServer):
    """The server of the standard library, one thread a connection."""

    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the test's own output."""


@contextlib.contextmanager
def standard(app: Callable[..., Iterable[bytes]]) -> Iterator[Address]:
    """wsgiref's server for the length of the block, in this process."""
    server = make_server("127.0.0.1", 0, app, _Threads, _Silent)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        yield Address(server.server_port)
    finally:
        server.shutdown()
        serving.join(PATIENCE)
        server.server_close()
