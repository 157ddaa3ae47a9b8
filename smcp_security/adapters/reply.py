"""The response side of one ASGI exchange: every JSON body and SSE event is judged as it passes, none is held longer
than its own end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, TypeAlias

from smcp_security.adapters.account import Account
from smcp_security.adapters.body import Body
from smcp_security.adapters.head import Message, fields, joined, unreadable, with_body, with_text, without_length
from smcp_security.adapters.judges import Judge
from smcp_security.adapters.legacy_sse import Streams
from smcp_security.adapters.unjudged import Unjudged
from smcp_security.decision import Action, Decision, finding
from smcp_security.engine import withheld
from smcp_security.message import Kind
from smcp_security.settlement import weigh
from smcp_security.sse import Event, EventReader, Part, message_event, place_of, with_data
from smcp_security.strict_json import has_id

Send: TypeAlias = Callable[[Message], Awaitable[None]]

# Messages without content. Others may carry bytes past the inspection, and the scope does not offer them.
_HARMLESS: Final = ("http.response.trailers", "http.response.push", "http.response.early_hint", "http.response.debug")
# Of an event over the cap: enough to find whose answer it is.
_HELD_OF_LARGE: Final = 4 * 1024


class StreamEnded(OSError):
    """Told to an app that goes on sending after its stream was ended. ASGI 2.4: `send` raises OSError then."""


class Reply:
    """A `send` for the app. `ended` is true once the rest of what the app says is of no interest."""

    __slots__ = (
        "__weakref__",
        "_account",
        "_awaited",
        "_body",
        "_decision",
        "_events",
        "_framework",
        "_head",
        "_held",
        "_limit",
        "_method",
        "_over",
        "_pass",
        "_send",
        "_settled",
        "_start",
        "_streams",
        "_tail",
        "_unjudged",
        "_unread",
        "ended",
    )

    def __init__(
        self,
        framework: Judge,
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
        self._method = method
        self._streams = streams
        self._account = Account(framework, decision)
        self._unjudged = Unjudged(framework, self._account)
        self._limit = framework.policy.results.max_size
        asked = decision.request
        self._awaited = asked is not None and asked.kind is Kind.REQUEST
        # Of the class, not of the object: a bound method would keep the object alive until the collector runs.
        self._pass: Callable[[Reply, bytes, bool], Awaitable[None]] | None = None
        self._start: Message = {}
        self._held = bytearray()
        self._head = self._tail = b""
        self._over = self._settled = self._unread = False
        self._events = EventReader(self._limit)
        self.ended = False

    @property
    def upstream(self) -> str:
        """The server that answers here."""
        context = self._decision.context
        return "" if context is None else context.upstream

    async def send(self, message: Message) -> None:
        """Pass one ASGI message of the app on, once it was judged."""
        if self.ended:
            raise StreamEnded("the stream was ended by policy")
        kind = message["type"]
        if kind == "http.response.start" and self._pass is None:
            await self._begin({**message, "headers": self._unjudged.fields(fields(message))})
        elif kind == "http.response.body" and self._pass is not None:
            await self._pass(self, message.get("body", b""), message.get("more_body", False))
        elif kind in _HARMLESS:
            if self._decision.allowed and (passed := self._unjudged.aside(message)) is not None:
                await self._send(passed)
        elif not self._body.gone:
            raise RuntimeError(f"{kind} is out of its order, or not among the extensions that the scope offers")

    def may_say(self, reason: str) -> bool:
        """Whether the words beside a status hold nothing that must not come back."""
        return not reason or bool(self._unjudged.silent(reason.encode()))

    async def inject(self, data: bytes) -> bool:
        """Write an event of our own between whole events of the app; False if the stream is not open."""
        if not self._streaming or self._events.within:
            return False
        await self._forward(message_event(data), True)
        return True

    async def close(self) -> bool:
        """End the stream, so that whoever waits on it learns that no answer will come; False if it is not open."""
        if not self._streaming:
            return False
        self.ended = True
        await self._forward(b"", False)
        return True

    async def settle(self) -> None:
        """Nothing more is said: give back what the exchange holds. Before its last byte goes out, so that whoever
        waits for the answer finds the place free that it took."""
        if self._settled:
            return
        self._settled = True
        # A POST that is only accepted, or whose stream ends early, may be answered on another stream of the session.
        elsewhere = self._account.status == 202 or self._pass is Reply._stream
        told = self._account.withheld or self._unread
        await self._framework.settle(self._decision, pending=self._awaited and elsewhere and not told)

    def __enter__(self) -> Reply:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Note the outcome. An app that was told that its stream has ended may leave by an error of its own kind."""
        self._over = True
        by_us = self.ended and isinstance(error, Exception) and _caused_by(error, StreamEnded)
        self._account.failed(None if by_us else error)
        self._account.close(self._body.gone)
        self._forget()
        return by_us

    @property
    def _enforced(self) -> bool:
        """Whether nothing passes that is too large to be looked into: what is only monitored may hold no secret."""
        return self._framework.policy.enforces("results") or self._unjudged.searches

    @property
    def _streaming(self) -> bool:
        return self._pass is Reply._stream and not (self.ended or self._over or self._account.whole)

    def _forget(self) -> None:
        """A session that the server ended as it was asked to is nobody's any more."""
        context = self._decision.context
        if self._method == "DELETE" and 200 <= self._account.status < 300 and context is not None:
            self._framework.forget(context.session)

    async def _begin(self, message: Message) -> None:
        self._account.status = message["status"]
        if not await self._bound(message):
            kept = [field for field in message["headers"] if field[0].lower() != b"mcp-session-id"]
            self._start = {**message, "headers": kept}
            await self._withhold(withheld("SMCP206", self._decision))
            return
        # Clients look for a prefix or a substring, and which of two fields they take is theirs to choose.
        media = joined(message, b"content-type")
        streamed = b"text/event-stream" in media
        if not self._decision.allowed:
            self._pass = Reply._swallow
        elif self._method == "HEAD" or not (streamed or b"application/json" in media):
            await self._begin_other(message)
        elif code := unreadable(message, media):
            self._start = message
            await self._withhold(withheld(code, self._decision))
        elif streamed:
            self._pass = Reply._stream
            await self._send(without_length(message))
        else:
            self._start, self._pass = message, Reply._gather

    async def _begin_other(self, message: Message) -> None:
        """A body that is no message passes as it comes, unless it may hold what the vault has handed out."""
        if self._method == "HEAD" or not self._unjudged.searches:
            self._pass = Reply._pass_on
            await self._send(message)
        elif joined(message, b"content-encoding") not in (b"", b"identity"):
            self._start = message
            await self._withhold(withheld("SMCP702", self._decision))
        else:
            self._start, self._pass = message, Reply._gather_other

    async def _bound(self, message: Message) -> bool:
        """Whether a session that the server begins with this answer is this caller's."""
        begun = [value for name, value in message["headers"] if name.lower() == b"mcp-session-id"]
        context = self._decision.context
        if not begun or context is None or not self._decision.allowed:
            return True
        names = {value.decode("latin-1").strip() for value in begun}
        if names == {context.session}:
            return True
        return len(names) == 1 and await self._framework.bind(names.pop(), self._decision)

    async def _swallow(self, body: bytes, more: bool) -> None:
        self._account.whole = not more

    async def _gather(self, body: bytes, more: bool) -> None:
        self._held += body
        if len(self._held) > self._limit:
            await self._exceed(more)
        elif not more:
            await self._judge_body()

    async def _gather_other(self, body: bytes, more: bool) -> None:
        self._held += body
        if len(self._held) > self._limit:
            await self._exceed(more)
        elif not more:
            raw = bytes(self._held)
            weigh(len(raw), self._decision.context)
            masked = self._unjudged.body(raw)
            if masked is None:
                await self._withhold(withheld("SMCP923", self._decision))
                return
            await self._send(self._start if masked == raw else with_text(self._start, masked))
            await self._forward(masked, False)

    async def _exceed(self, more: bool) -> None:
        if self._enforced:
            weigh(len(self._held), self._decision.context)
            await self._withhold(withheld("SMCP701", self._decision))
            return
        self._account.note([finding("SMCP701", action=Action.REPORT)])
        self._pass = Reply._pass_on
        await self._send(self._start)
        await self._pass_on(bytes(self._held), more)
        self._held.clear()

    async def _pass_on(self, body: bytes, more: bool) -> None:
        """What nobody judges."""
        weigh(len(body), self._decision.context)
        await self._forward(body, more)

    async def _judge_body(self) -> None:
        raw = bytes(self._held)
        if not raw.strip():
            await self._send_whole(raw)
            return
        judged = await self._framework.inspect_response(raw, self._decision)
        if judged.allowed and isinstance(judged.message, bytes):
            self._account.hear(judged)
            await self._send_whole(judged.message)
        else:
            # In place of a notification stands nothing, and the answer that was asked for does not come any more.
            await self._withhold(withheld("SMCP703", self._decision) if judged.message is None else judged)

    async def _stream(self, body: bytes, more: bool) -> None:
        out: list[bytes] = []
        for event in self._events.feed(body):
            whole = event.part is Part.WHOLE
            out.append(self._unjudged.event(await self._judge_event(event)) if whole else self._piece(event))
            if self.ended:
                break
        passed = b"".join(out)
        # What is left at the end is no event: a client drops it too, and nobody has judged it.
        if passed or self.ended or not more:
            await self._forward(passed, more and not self.ended)

    async def _judge_event(self, event: Event) -> bytes:
        if not event.data or event.name not in ("", "message"):
            return self._unjudged.silent(event.raw, event.data) if await self._opened(event) else b""
        judged = await self._framework.inspect_response(event.data, self._decision)
        if judged.allowed:
            self._account.hear(judged)
            return event.raw if judged.message == event.data else with_data(event, _bytes(judged))
        if judged.message is None:
            # A notification, which nobody waits for: the answer is still to come, but not to who was revoked.
            self._account.hear(judged)
            self.ended = _revoked(judged)
            return b""
        error = self._refused(judged)
        return with_data(event, error) if error else b""

    async def _opened(self, event: Event) -> bool:
        """The first event of a stream may name its session: from there on it answers what that session's POSTs ask.

        False if the session is another caller's: the stream ends then.
        """
        context = self._decision.context
        if self._method == "GET" and event.data and context is not None and not context.session:
            session = self._streams.announce(event, self)
            if session and not await self._framework.bind(session, self._decision):
                self.ended = True
                return False
            context.session = session
        return True

    def _piece(self, event: Event) -> bytes:
        """Of an event over the cap nothing passes, unless results are only monitored."""
        weigh(len(event.raw), self._decision.context)
        head = event.part is Part.HEAD
        if not self._enforced:
            self._account.note([finding("SMCP701", action=Action.REPORT)] if head else [])
            # It may have been the answer.
            self._unread = True
            return event.raw
        if head:
            self._head, self._tail = event.raw[:_HELD_OF_LARGE], b""
        self._tail = (self._tail + event.raw)[-_HELD_OF_LARGE:]
        # Whoever asked by this very request is told at once; an id may stand at the end of what others wait for.
        return self._too_large() if event.part is Part.END or (head and self._awaited) else b""

    def _too_large(self) -> bytes:
        place = place_of(self._head)
        judged, told = self._framework.too_large(self._head, self._tail, self._decision)
        error = self._refused(judged)
        # Where somebody else may wait for it in vain, all who wait are told by the end; who resumes does so behind it.
        self.ended = self.ended or not told
        if error:
            return message_event(error, place)
        return place + b"data:\n\n" if place else b""

    def _refused(self, judged: Decision) -> bytes:
        """The error in place of an event; nothing if nobody waits for it by an id."""
        self._account.withheld = True
        self._account.hear(judged)
        # The request has its one answer now: whatever came after it would be a second.
        # Nor is there anything more to tell to a caller who was revoked.
        self.ended = self._awaited or _revoked(judged)
        error = _bytes(judged)
        # On a standing stream an error without an id hangs or breaks clients.
        return error if self._awaited or has_id(error) else b""

    async def _withhold(self, judged: Decision) -> None:
        """The error in place of the whole body. An error without an id must not ride on a 200."""
        self._account.withheld = True
        self._account.hear(judged)
        if not self._awaited:
            self._start = {**self._start, "status": max(self._account.status, 502)}
        await self._send_whole(_bytes(judged))
        self.ended = True

    async def _send_whole(self, body: bytes) -> None:
        # The app's own headers hold, unless the body is another one.
        await self._send(self._start if body == self._held else with_body(self._start, body))
        await self._forward(body, False)

    async def _forward(self, body: bytes, more: bool) -> None:
        self._account.size += len(body)
        self._account.whole = not more
        if not more:
            await self.settle()
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _revoked(judged: Decision) -> bool:
    return judged.blocking is not None and judged.blocking.code == "SMCP205"


def _bytes(judged: Decision) -> bytes:
    return judged.message if isinstance(judged.message, bytes) else b""


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether `error` is, wraps or was raised because of an error of `kind`."""
    if error is None or isinstance(error, kind):
        return error is not None
    if isinstance(error, BaseExceptionGroup):
        return all(_caused_by(inner, kind) for inner in error.exceptions)
    return _caused_by(error.__cause__ or error.__context__, kind)
