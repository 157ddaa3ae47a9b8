"""The process that serves: `python -m smcp_security.cli.selftest.serving APP FD LEASH`, started by `smcp selftest`.

It imports the operator's code. The port goes to FD as one line of JSON; it ends when nobody holds LEASH any more.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any, Final, NoReturn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from smcp_security.doctor.loading import Unloadable, load, own_error, parse_target, told
from smcp_security.doctor.starting import is_asgi

# How the generations of server objects make an application of themselves.
_MAKERS: Final = ("http_app", "streamable_http_app")
_GRACE: Final = 2.0


class _Desk(ThreadingMixIn, WSGIServer):
    """The standard library's WSGI server, a thread a request."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def parse_request(self) -> bool:
        """Refuse two lengths as servers that people run do; an application is told of one of them."""
        if not super().parse_request():
            return False
        if len(self.headers.get_all("content-length", [])) > 1:
            self.send_error(400)
            return False
        return True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody reads it."""


def main(target: str, descriptor: int, leash: int) -> None:
    """Serve what `target` names until the leash ends. Never returns."""
    stops: list[Callable[[], None]] = []
    try:
        threading.Thread(target=_hold, args=(leash, stops), daemon=True).start()
        sys.path.insert(0, os.getcwd())
        app, _ = load(parse_target(target))
        app = next((getattr(app, name)() for name in _MAKERS if hasattr(app, name)), app)
        if not callable(app):
            raise Unloadable(f"it is of type {type(app).__name__}; expected an ASGI or WSGI application")
        (_asgi if is_asgi(app) else _wsgi)(app, descriptor, stops)
    except BaseException as error:
        _say(descriptor, failure=_why(error))
        raise
    finally:
        _end()


def _why(error: BaseException) -> str:
    if isinstance(error, Unloadable):
        return str(error)
    own = own_error(error)
    if own is not None:
        return "; ".join(str(own).splitlines())
    missing = isinstance(error, ModuleNotFoundError)
    return f"it raises {told(error)}{'; run this where the module can be imported' if missing else ''}"


def _hold(leash: int, stops: Sequence[Callable[[], None]]) -> None:
    while os.read(leash, 1):
        pass
    for stop in stops:
        stop()
    time.sleep(_GRACE)
    _end()


def _end() -> NoReturn:
    """End this process, and what it has started: nobody else is in its group."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _say(descriptor: int, **facts: Any) -> None:
    os.write(descriptor, json.dumps(facts).encode() + b"\n")


def _asgi(app: Any, descriptor: int, stops: list[Callable[[], None]]) -> None:
    try:
        import uvicorn
    except ImportError:
        raise Unloadable("it needs uvicorn to be served; install it: pip install 'smcp-security[server]'") from None

    class Server(uvicorn.Server):
        """Says when the application has started."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if not self.should_exit:
                _say(descriptor, port=listener.getsockname()[1])

    # With the protocol named, asyncio turns Nagle's algorithm off.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
    server = Server(config)
    stops.append(lambda: setattr(server, "should_exit", True))
    with suppress(SystemExit):
        # So ends uvicorn where the application has not started.
        server.run(sockets=[listener])
    if not server.started:
        raise Unloadable("the application does not start; start it by itself to see all of the error")


def _wsgi(app: Any, descriptor: int, stops: list[Callable[[], None]]) -> None:
    with _Desk(("127.0.0.1", 0), _Quiet) as desk:
        desk.set_app(app)
        stops.append(desk.shutdown)
        _say(descriptor, port=desk.server_port)
        desk.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
