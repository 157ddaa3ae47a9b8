"""The response side of one ASGI exchange: every JSON body and SSE event is judged as it passes, none is held longer
than its own end."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, TypeAlias

from smcp_security.adapters.body import Body
from smcp_security.adapters.legacy_sse import Streams
from smcp_security.decision import Decision, Finding
from smcp_security.engine import withheld
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.message import Kind
from smcp_security.sse import Event, EventReader, EventTooLarge, message_event, with_data

Message: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class StreamEnded(OSError):
    """Told to an app that goes on sending after its stream was ended. ASGI 2.4: `send` raises OSError then."""


class Reply:
    """A `send` for the app. `ended` is true once the rest of what the app says is of no interest."""

    __slots__ = (
        "__weakref__",
        "_awaited",
        "_body",
        "_decision",
        "_events",
        "_findings",
        "_framework",
        "_held",
        "_limit",
        "_method",
        "_pass",
        "_send",
        "_size",
        "_start",
        "_started",
        "_status",
        "_streams",
        "_whole",
        "_withheld",
        "ended",
    )

    def __init__(
        self,
        framework: SMCPSecurityFramework,
        decision: Decision,
        send: Send,
        *,
        body: Body,
        method: str,
        streams: Streams,
    ) -> None:
        self._framework = framework
        self._decision = decision
        self._send = send
        self._body = body
        self._started = time.monotonic()
        self._method = method
        self._limit = framework.policy.results.max_size if framework.policy.enforces("results") else 2**63
        self._start: Message | None = None
        self._pass: Callable[[bytes, bool], Awaitable[None]] = self._pass_on
        self._held = bytearray()
        self._events: EventReader | None = None
        self._status = 0
        self._size = 0
        self._whole = False
        self._findings: list[Finding] = []
        self._withheld = False
        asked = decision.request
        self._awaited = asked is not None and asked.kind is Kind.REQUEST
        self._streams = streams
        self.ended = False

    async def send(self, message: Message) -> None:
        """Pass one ASGI message of the app on, once it was judged."""
        if self.ended:
            raise StreamEnded("the stream was ended by policy")
        kind = message["type"]
        if kind == "http.response.start":
            await self._begin(message)
        elif kind == "http.response.body":
            await self._pass(message.get("body", b""), message.get("more_body", False))
        elif kind in _HARMLESS:
            await self._send(message)
        else:
            raise RuntimeError(f"{kind} is not among the extensions that the scope offers")

    def __enter__(self) -> Reply:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Note the outcome. An app that was told that its stream has ended may leave by an error of its own kind."""
        self._note_outcome()
        return self.ended and isinstance(error, Exception) and _caused_by(error, StreamEnded)

    def _note_outcome(self) -> None:
        ending = "complete" if self._whole else "cancelled" if self._body.gone else "broken"
        self._framework.finish(
            self._decision,
            result="withheld" if self._withheld else ending,
            status=self._status,
            size=self._size,
            seconds=time.monotonic() - self._started,
            findings=tuple(self._findings),
        )

    async def _begin(self, message: Message) -> None:
        self._status = message["status"]
        headers = message.get("headers", ())
        # Clients look for a prefix or a substring, and which of two fields they take is theirs to choose.
        media = b",".join(value for name, value in headers if name.lower() == b"content-type").lower()
        encoding = b",".join(value for name, value in headers if name.lower() == b"content-encoding").strip().lower()
        streamed = b"text/event-stream" in media
        if not self._decision.allowed:
            self._pass = self._swallow
        elif self._method == "HEAD" or not (streamed or b"application/json" in media):
            await self._send(message)
        elif encoding not in (b"", b"identity"):
            self._start = message
            await self._withhold(withheld("SMCP702", self._decision))
        elif not streamed:
            self._start, self._pass = message, self._gather
        else:
            self._pass, self._events = self._stream, EventReader(self._limit)
            await self._send(_without_length(message))

    async def _pass_on(self, body: bytes, more: bool) -> None:
        await self._forward(body, more)

    async def _swallow(self, body: bytes, more: bool) -> None:
        self._whole = not more

    async def _gather(self, body: bytes, more: bool) -> None:
        self._held += body
        if len(self._held) > self._limit:
            await self._withhold(withheld("SMCP701", self._decision))
        elif not more:
            await self._judge_body()

    async def _judge_body(self) -> None:
        raw = bytes(self._held)
        if not raw.strip():
            await self._send_whole(raw)
            return
        judged = await self._framework.inspect_response(raw, self._decision)
        self._findings += judged.findings
        if judged.allowed and isinstance(judged.message, bytes):
            await self._send_whole(judged.message)
        else:
            await self._withhold(judged)

    async def _stream(self, body: bytes, more: bool) -> None:
        try:
            events = self._read(body, more)
        except EventTooLarge as error:
            out = b"".join([await self._judge_event(event) for event in error.before])
            await self._end(out, withheld("SMCP701", self._decision))
            return
        out = b"".join([await self._judge_event(event) for event in events])
        # What is left at the end is no event: a client drops it too, and nobody has judged it.
        if out or not more:
            await self._forward(out, more)

    async def inject(self, data: bytes) -> bool:
        """Write an event of our own between whole events of the app; False if the stream is not open."""
        if self.ended or self._whole or self._pass != self._stream:
            return False
        await self._forward(message_event(data), True)
        return True

    def _read(self, body: bytes, more: bool) -> list[Event]:
        if self._events is None:
            return []
        events = self._events.feed(body)
        return events if more else [*events, *self._events.finish()]

    async def _judge_event(self, event: Event) -> bytes:
        if not event.data or event.name not in ("", "message"):
            session = self._streams.announce(event, self)
            if session and self._decision.context is not None:
                # From here on the stream answers what that session's POSTs ask.
                self._decision.context.session = self._decision.context.upstream = session
            return event.raw
        judged = await self._framework.inspect_response(event.data, self._decision)
        self._findings += judged.findings
        if judged.allowed:
            return event.raw if judged.message == event.data else with_data(event, _bytes(judged))
        self._withheld = True
        # Nobody waits on a standing stream, and an error without an id hangs or breaks clients: the event is dropped.
        return with_data(event, _bytes(judged)) if self._awaited else b""

    async def _withhold(self, judged: Decision) -> None:
        """The error in place of the whole body. An error without an id must not ride on a 200."""
        self._withheld = True
        self._findings += [finding for finding in judged.findings if finding not in self._findings]
        body = _bytes(judged)
        if self._start is not None and not self._awaited:
            self._start = {**self._start, "status": max(self._status, 502)}
        await self._send_whole(body)
        self.ended = True

    async def _end(self, before: bytes, judged: Decision) -> None:
        """What came whole, an event with the error for who waits for one, and the end of the stream."""
        self._withheld = self.ended = True
        self._findings += judged.findings
        await self._forward(before + (message_event(_bytes(judged)) if self._awaited else b""), False)

    async def _send_whole(self, body: bytes) -> None:
        start = self._start
        if start is not None:
            # The app's own headers hold, unless the body is another one.
            await self._send(start if body == self._held else _with_body(start, body))
        await self._forward(body, False)

    async def _forward(self, body: bytes, more: bool) -> None:
        self._size += len(body)
        self._whole = not more
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


# Messages without content. Others may carry bytes past the inspection, and the scope does not offer them.
_HARMLESS = ("http.response.trailers", "http.response.push", "http.response.early_hint", "http.response.debug")
_REPLACED = (b"content-length", b"content-encoding", b"content-type", b"etag")


def _with_body(start: Message, body: bytes) -> Message:
    kept = [item for item in start.get("headers", ()) if item[0].lower() not in _REPLACED]
    length = (b"content-length", str(len(body)).encode())
    return {**start, "headers": [*kept, (b"content-type", b"application/json"), length]}


def _without_length(message: Message) -> Message:
    headers = [item for item in message.get("headers", ()) if item[0].lower() != b"content-length"]
    return {**message, "headers": headers}


def _bytes(judged: Decision) -> bytes:
    return judged.message if isinstance(judged.message, bytes) else b""


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether `error` is, wraps or was raised because of an error of `kind`."""
    if error is None or isinstance(error, kind):
        return error is not None
    if isinstance(error, BaseExceptionGroup):
        return all(_caused_by(inner, kind) for inner in error.exceptions)
    return _caused_by(error.__cause__ or error.__context__, kind)
