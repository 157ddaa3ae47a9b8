"""One HTTP exchange with a WSGI app, driven by hand as a server drives one: every byte of both sides kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from smcp_security.adapters.environ import Environ
from smcp_security.adapters.wsgi import SMCPMiddleware
from smcp_security.adapters.wsgi_output import App, StartResponse
from tests.adapters.exchange import Fields, guarded
from tests.adapters.exchange import Server as Elsewhere
from tests.envelopes import PLAIN, encoded, headers_of

_CGI = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def behind(app: App, **policy: Any) -> SMCPMiddleware:
    """The middleware around an app; frameworks are shared by policy with all tests of edges."""
    return SMCPMiddleware(app, framework=guarded(Elsewhere(), **policy).framework)


def environ_of(fields: Fields, *, method: str = "POST", path: str = "/mcp", **more: Any) -> Environ:
    """The environ of a request as servers make it: repeated fields joined, dashes made underscores."""
    environ: Environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in fields:
        variable = _CGI.get(name, "HTTP_" + name.upper().replace("-", "_"))
        environ[variable] = f"{environ[variable]},{value}" if variable in environ else value
    return {**environ, **more}


def posting(body: bytes | Mapping[str, Any], fields: Fields | None = None, **more: Any) -> Environ:
    """A POST of a body (or message, with the headers an SDK sends) and its length."""
    raw = body if isinstance(body, bytes) else encoded(body)
    given = list(fields if fields is not None else PLAIN if isinstance(body, bytes) else headers_of(body))
    given += [] if any(name == "content-length" for name, _ in given) else [("content-length", str(len(raw)))]
    return environ_of(given, **{"wsgi.input": BytesIO(raw), **more})


def asking(method: str = "GET", **more: Any) -> Environ:
    """A request without a body."""
    return environ_of(more.pop("fields", [("host", "127.0.0.1:8000")]), method=method, **more)


class Errors:
    """A stream for errors that keeps them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        """Keep it."""
        self.lines.append(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Keep them."""
        self.lines.extend(lines)

    def flush(self) -> None:
        """All is kept."""


@dataclass
class Exchange:
    """What a server passes to a client."""

    status: int = 0
    line: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    started: int = 0
    iterable: Any = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """The server's `start_response`."""
        self.started += 1
        self.line, self.status = status, int(status[:3])
        self.headers = {name.lower(): value for name, value in headers}
        assert len(self.headers) == len(headers), "a field came twice"
        return self.pieces.append

    def begin(self, app: App, environ: Environ) -> Exchange:
        """Call the app, and read nothing yet."""
        self.iterable = app(environ, self.start)
        return self

    def hang_up(self) -> None:
        """Close it, as a server does at the end and when its client is gone."""
        close = getattr(self.iterable, "close", None)
        if close is not None:
            close()

    def finish(self) -> Exchange:
        """Read to the end."""
        try:
            for piece in self.iterable:
                assert self.started == 1, "a piece came before start_response"
                self.pieces.append(piece)
        finally:
            self.hang_up()
        return self

    @property
    def body(self) -> bytes:
        """All bytes that reached the client."""
        return b"".join(self.pieces)

    @property
    def value(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def through(app: App, environ: Environ) -> Exchange:
    """The whole exchange."""
    return Exchange().begin(app, environ).finish()


@dataclass
class Server:
    """An app that reads the whole body and answers in pieces; `calls` keeps the environ and body of each call."""

    answer: bytes = b'{"jsonrpc":"2.0","id":1,"result":{}}'
    media: str = "application/json"
    fields: tuple[tuple[str, str], ...] = ()
    status: str = "200 Fine"
    pieces: int = 1
    calls: list[tuple[Environ, bytes]] = field(default_factory=list)
    closed: int = 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.calls.append((environ, body))
        start_response(self.status, [("Content-Type", self.media), *self.fields])
        size = -(-len(self.answer) // self.pieces) or 1
        return Closing([self.answer[at : at + size] for at in range(0, len(self.answer), size)], self)

    @property
    def body(self) -> bytes:
        """The body of the only call."""
        [(_, body)] = self.calls
        return body

    @property
    def seen(self) -> Environ:
        """The environ of the only call."""
        [(environ, _)] = self.calls
        return environ


class Closing:
    """An app's iterable that counts how often it was closed."""

    def __init__(self, pieces: Iterable[bytes], server: Server) -> None:
        self._pieces = iter(pieces)
        self._server = server

    def __iter__(self) -> Closing:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """The server is done."""
        self._server.closed += 1
