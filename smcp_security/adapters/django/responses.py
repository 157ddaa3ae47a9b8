"""The response side of one Django exchange: what the view gives, fed to the `Reply` of all edges, and put back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from django.http import HttpResponse

from smcp_security.adapters.body import Body
from smcp_security.adapters.current import Exchange
from smcp_security.adapters.django.pieces import Pieces
from smcp_security.adapters.django.turns import Turns
from smcp_security.adapters.head import Message
from smcp_security.adapters.judges import at_once
from smcp_security.adapters.legacy_sse import Streams
from smcp_security.adapters.reply import Reply
from smcp_security.decision import Answer


class Passage:
    """One response on its way to the client. `waits`: who runs it has an event loop; `turns` says so from then on."""

    def __init__(self, exchange: Exchange, *, body: Body, method: str, streams: Streams, waits: bool) -> None:
        self._exchange = exchange
        self._body = body
        self.turns = Turns(exchange.framework, waits)
        sent: deque[Message] = deque()

        # Knows the queue alone: a method of ours would keep both objects until the collector runs.
        async def keep(message: Message) -> None:
            sent.append(message)

        self._sent = sent
        self._reply = Reply(self.turns, exchange.decision, keep, body=body, method=method, streams=streams)
        # Emptied by whoever ends it first: the stream, or Django closing a response that nobody read to its end.
        self._open = [self._reply]
        self._over = False

    async def relay(self, response: Any, *, waits: bool) -> Any:
        """The response with what may pass. What can only be judged whole is waited for."""
        self.turns.waits = waits
        headers = await self._begin(response)
        if not response.streaming:
            body = response.content
            await self._say(body, more=False)
            self._put_head(response, headers)
            told = b"".join([message["body"] for message in self._sent])
            if told != body:
                response.content = told
            await self.finish()
            return response
        pieces = Pieces(response, self._exchange, waits=waits)
        while not self._sent:
            await self._advance(pieces)
        self._put_head(response, headers)
        rest = self._rest(pieces)
        response.streaming_content = rest if waits else _stepwise(rest)
        # Nobody may ever ask for the first piece.
        response._resource_closers.append(self.close)
        return response

    async def swallow(self, response: Any) -> None:
        """The client gets another answer than this one."""
        await self._begin(response)
        await self._say(b"", more=False)
        await self.finish()

    async def finish(self) -> None:
        """Nothing more comes: give back what the exchange holds, and note what became of it."""
        try:
            reply = self._open.pop()
        except IndexError:
            return
        try:
            await reply.settle()
        finally:
            reply.__exit__(None, None, None)

    def close(self) -> None:
        """Django is done with the response. Called where nothing can be awaited."""
        if self._open:
            self._body.gone = self._body.gone or not self._over
            self.turns.waits = False
            at_once(self.finish())

    async def _begin(self, response: Any) -> list[tuple[bytes, bytes]]:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
        if not self._reply.may_say(response.reason_phrase):
            response.reason_phrase = None
        await self._reply.send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        return headers

    async def _advance(self, pieces: Pieces) -> None:
        piece = await pieces.following()
        if piece != b"":
            await self._say(piece or b"", more=piece is not None)

    async def _say(self, body: bytes, *, more: bool) -> None:
        if not self._reply.ended:
            await self._reply.send({"type": "http.response.body", "body": body, "more_body": more})
        self._over = self._reply.ended or not more

    async def _rest(self, pieces: Pieces) -> AsyncGenerator[bytes, None]:
        try:
            while self._sent or not self._over:
                if not self._sent:
                    await self._advance(pieces)
                elif body := self._sent.popleft()["body"]:
                    yield body
        except (GeneratorExit, asyncio.CancelledError):
            self._body.gone = True
            raise
        finally:
            try:
                await pieces.close()
            finally:
                await self.finish()

    def _put_head(self, response: Any, headers: list[tuple[bytes, bytes]]) -> None:
        """The head as it may pass. `headers` is what the view said."""
        start = self._sent.popleft()
        if start["status"] != response.status_code:
            response.status_code, response.reason_phrase = start["status"], None
        if start["headers"] == headers:
            return
        told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        for name, _ in headers:
            del response[name.decode("latin-1")]
        for name, value in told:
            response[name] = value


def _stepwise(pieces: AsyncGenerator[bytes, None]) -> Iterator[bytes]:
    """A generator that never waits, for a server without an event loop."""

    async def following() -> bytes | None:
        return await anext(pieces, None)

    try:
        while (piece := at_once(following())) is not None:
            yield piece
    finally:
        at_once(_closed(pieces))


async def _closed(pieces: AsyncGenerator[bytes, None]) -> None:
    await pieces.aclose()


def answered(answer: Answer, method: str) -> HttpResponse:
    """An answer of ours as a whole response."""
    body = b"" if method == "HEAD" else answer.body
    response = HttpResponse(body, status=answer.status, headers=dict(answer.headers))
    if not answer.body:
        del response["Content-Type"]
    response["Content-Length"] = str(len(answer.body))
    return response
