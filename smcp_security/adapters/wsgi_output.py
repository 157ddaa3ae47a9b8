"""The response side of one WSGI exchange: what the app gives goes through the `Reply` of all edges, and the server gets
an iterable of what comes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from http.client import responses
from types import TracebackType
from typing import Any, TypeAlias

from smcp_security.adapters.body import Body
from smcp_security.adapters.current import Exchange, during
from smcp_security.adapters.environ import Environ
from smcp_security.adapters.head import Message
from smcp_security.adapters.judges import Judge, at_once
from smcp_security.adapters.legacy_sse import Streams
from smcp_security.adapters.reply import Reply
from smcp_security.decision import Answer

ExcInfo: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType]"
Write: TypeAlias = Callable[[bytes], object]
StartResponse: TypeAlias = Callable[..., Write]
App: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]


class Client:
    """What the server is told: `send` for a `Reply`, and the bytes that wait for the server to take them.

    An object of its own, because one that refers to its `Reply` and back would live until the collector runs.
    """

    __slots__ = ("_method", "_opening", "_start", "line", "out", "write")

    def __init__(self, start: StartResponse, method: str) -> None:
        self._start = start
        self._method = method
        self._opening: Message | None = None
        self.line = ""
        self.out: deque[bytes] = deque()
        self.write: Write | None = None

    async def send(self, message: Message) -> None:
        """Take one ASGI message; the head is held until the first byte, as WSGI has it."""
        if message["type"] == "http.response.start":
            self._opening = message
            return
        body = message.get("body", b"")
        if self._opening is not None:
            self._open(self._opening, None if message.get("more_body", False) else len(body))
            self._opening = None
        if body:
            self.out.append(body)

    def close(self) -> None:
        """Nothing more is told. The server may hold what holds this."""
        self._start, self.write = ignored, None

    def _open(self, opening: Message, whole: int | None) -> None:
        """Tell the server how the answer begins. `whole` is the size of one that has no more to come."""
        code: int = opening["status"]
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in opening["headers"]]
        # A server would have counted the one piece of a list; of an iterator it cannot know.
        if whole is not None and self._method != "HEAD" and code >= 200 and code not in (204, 304):
            named = any(name.lower() == "content-length" for name, _ in headers)
            headers += [] if named else [("content-length", str(whole))]
        # The app's own words, unless the status is another one.
        self.write = self._start(self.line if self.line[:3] == str(code) else status_line(code), headers)


class Output:
    """Judges each piece of the app before it passes on, and holds none longer than the end of its event or body.

    What can only be judged whole is waited for: a server that does other things between the pieces of an app (PEP 3333,
    "Middleware Handling of Block Boundaries") does them later.
    """

    __slots__ = (
        "_begun",
        "_body",
        "_client",
        "_closed",
        "_during",
        "_head",
        "_iterable",
        "_over",
        "_pieces",
        "_reply",
        "_single",
    )

    def __init__(
        self, judge: Judge, exchange: Exchange, start: StartResponse, *, body: Body, method: str, streams: Streams
    ) -> None:
        self._during = during(exchange)
        self._body = body
        self._client = client = Client(start, method)
        self._reply = Reply(judge, exchange.decision, client.send, body=body, method=method, streams=streams)
        # What the app says of its answer, until its first byte.
        self._head: list[tuple[str, str]] | None = None
        self._begun = self._over = self._closed = self._single = False
        self._iterable: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())

    def run(self, app: App, environ: Environ) -> Output:
        """Call the app. Raises what it raises."""
        with self:
            pieces = self._iterable = app(environ, self.start)
            self._pieces = iter(pieces)
            self._single = isinstance(pieces, (list, tuple)) and len(pieces) == 1
        return self

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None) -> Write:
        """`start_response` for the app."""
        if exc_info is not None:
            try:
                if self._begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._head is not None:
            raise AssertionError("start_response was called twice, the second time without exc_info")
        self._client.line, self._head = status, list(headers)
        return self._write

    def drain(self) -> None:
        """Let the app come to its end, whoever listens."""
        try:
            for _ in self:
                pass
        finally:
            self.close()

    def __iter__(self) -> Output:
        return self

    def __next__(self) -> bytes:
        out = self._client.out
        while not out:
            if self._over:
                raise StopIteration
            self._advance()
        return out.popleft()

    def __enter__(self) -> Output:
        """While it lasts, the app's own code runs."""
        self._during.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Note that the app failed. One that was told that its stream has ended may leave by an error of its own."""
        self._during.__exit__(kind, error, trace)
        return error is not None and self._leave(error)

    def close(self) -> None:
        """The server is done with it: at its end, or because the client hung up."""
        if self._closed:
            return
        self._closed = True
        self._body.gone = self._body.gone or not self._over
        closing = getattr(self._iterable, "close", None)
        # Each may lead back here.
        self._client.close()
        self._iterable, self._pieces = (), iter(())
        try:
            if closing is not None:
                with self._during:
                    closing()
        finally:
            self._leave()

    # -- from the app ------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        with self:
            piece = next(self._pieces, None)
            last = piece is None or self._single
            at_once(self._take(piece, last))
            if last or self._reply.ended:
                self._leave()

    async def _take(self, piece: bytes | None, last: bool = False) -> None:
        """One piece of the app's; None at its end. An empty one says nothing."""
        if piece or last:
            if not self._begun:
                await self._begin()
            await self._reply.send({"type": "http.response.body", "body": piece or b"", "more_body": not last})

    async def _begin(self) -> None:
        if self._head is None:
            raise AssertionError("the app gave a body before it called start_response")
        self._begun = True
        status = int(self._client.line[:3])
        if not self._reply.may_say(self._client.line):
            self._client.line = ""
        await self._reply.send({"type": "http.response.start", "status": status, "headers": self._head})

    def _write(self, piece: bytes) -> None:
        """What `start_response` returns, for apps that push."""
        at_once(self._take(piece))
        client = self._client
        while client.out and client.write is not None:
            client.write(client.out.popleft())

    def _leave(self, error: BaseException | None = None) -> bool:
        """Nothing more comes of the app. Whether `error` is only that it was told so."""
        if self._over:
            return False
        self._over = True
        # Also where the app raised: what it holds must not hang on a traceback.
        at_once(self._reply.settle())
        return self._reply.__exit__(None if error is None else type(error), error, None)


def answered(answer: Answer, start: StartResponse, method: str) -> list[bytes]:
    """An answer of ours as a whole response."""
    start(status_line(answer.status), [*answer.headers, ("content-length", str(len(answer.body)))])
    return [answer.body] if answer.body and method != "HEAD" else []


def status_line(code: int) -> str:
    """A status as WSGI wants it."""
    return f"{code} {responses.get(code, 'Refused')}"


def ignored(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Write:
    """A `start_response` for an answer that nobody gets."""
    return lambda piece: None
