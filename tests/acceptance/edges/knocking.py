"""Whole HTTP requests to an edge, by the calls that a server makes and without sockets."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from smcp_security import SMCPSecurityFramework
from tests.acceptance.fate import Edge, Fate, Run, answered
from tests.acceptance.table import Sees, Sent
from tests.adapters.exchange import Exchange, scope_of
from tests.real.messages import Request


@dataclass(frozen=True)
class Came:
    """What became of an HTTP request: the answer, and the requests that the app behind got."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reached: tuple[Seen, ...]


@dataclass(frozen=True)
class Seen:
    """One request, as the app behind saw it."""

    method: str
    headers: Mapping[str, str]
    body: bytes


Knock = Callable[[Request], Awaitable[Came]]
Door = Callable[[SMCPSecurityFramework], AbstractAsyncContextManager[Knock]]


@dataclass(frozen=True)
class HttpEdge(Edge):
    """An edge that whole HTTP requests come through. `door` makes it ready for them."""

    door: Door = None  # type: ignore[assignment]


def http_edge(name: str, door: Door) -> HttpEdge:
    """An edge with this door, for messages as well."""

    @asynccontextmanager
    async def opened(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
        async with door(security) as knock:

            async def run(sent: Sent) -> Fate:
                came = await knock(request_of(sent))
                return answered(tuple(seen.body for seen in came.reached), came.body)

            yield run

    return HttpEdge(name, Sees.FIELDS, opened, door=door)


def request_of(sent: Sent) -> Request:
    """The HTTP request that carries a message."""
    fields = tuple(field for field in sent.headers if field[0] != "host")
    return Request(sent.raw, fields, host=dict(sent.headers)["host"])


def by_asgi(app: Any, seen: list[Seen]) -> Knock:
    """The requests of an ASGI server to an app whose inner part notes in `seen` what it gets."""

    async def knock(request: Request) -> Came:
        seen.clear()
        path, _, query = request.path.partition("?")
        scope = scope_of(_fields(request), method=request.method, path=path, query_string=query.encode())
        exchange = Exchange(scope, [{"type": "http.request", "body": request.body, "more_body": False}])
        done = await exchange.through(app)
        return Came(done.status, done.headers, done.body, tuple(seen))

    return knock


def by_wsgi(app: Any, seen: list[Seen]) -> Knock:
    """The requests of a WSGI server, likewise. What comes twice is joined, as servers do."""

    async def knock(request: Request) -> Came:
        seen.clear()
        heads: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., None]:
            heads.append((status, headers))
            return lambda piece: None

        answer: Iterable[bytes] = app(environ_of(request), start_response)
        try:
            body = b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()
        status, headers = heads[-1]
        return Came(int(status[:3]), {name.lower(): value for name, value in headers}, body, tuple(seen))

    return knock


def environ_of(request: Request) -> dict[str, Any]:
    """The environ that a WSGI server makes of a request."""
    path, _, query = request.path.partition("?")
    environ: dict[str, Any] = {
        **{"REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query},
        **{"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1"},
        **{"REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr},
        **{"wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False},
        "wsgi.input": BytesIO(request.body),
    }
    for name, value in _fields(request):
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _fields(request: Request) -> list[tuple[str, str]]:
    fields = [] if request.host is None else [("host", request.host)]
    fields += request.headers
    return [*fields, ("content-length", str(len(request.body)))] if request.length else fields
