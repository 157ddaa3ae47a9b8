"""What a view streams, piece by piece, whichever kind of iterator it gave and whichever kind of server asks.

Django itself would collect an iterator of the other kind to its end before it sends the first byte; a stream of events
may have none.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from asgiref.sync import sync_to_async

from smcp_security.adapters.current import Exchange, during

# Pieces after which the loop gets a turn: a view that never waits would keep it to itself, and nobody would hear that
# its client has gone.
_TURN: Final = 16


class Pieces:
    """The pieces of a streaming response. `waits`: the server has an event loop."""

    def __init__(self, response: Any, exchange: Exchange, *, waits: bool) -> None:
        # Django's own property would hide the iterator, which must be closed.
        self._iterator = response._iterator
        self._octets = response.make_bytes
        self._exchange = exchange
        self._waits = waits
        self._awaited = bool(response.is_async)
        self._runner: asyncio.Runner | None = None
        self._given = 0

    async def following(self) -> bytes | None:
        """The next piece; None at the end. Raises what the view raises."""
        with during(self._exchange):
            if not self._awaited:
                piece = await sync_to_async(_next)(self._iterator) if self._waits else _next(self._iterator)
            elif self._waits:
                self._given += 1
                if self._given % _TURN == 0:
                    await asyncio.sleep(0)
                piece = await anext(self._iterator, None)
            else:
                piece = self._run(_next_of(self._iterator))
        return None if piece is None else self._octets(piece)

    async def close(self) -> None:
        """The rest is not wanted. What is no async iterator Django closes with the response."""
        closing = getattr(self._iterator, "aclose", None)
        if not self._awaited or closing is None:
            return
        with during(self._exchange):
            if self._waits:
                await closing()
            elif self._runner is not None:
                self._run(_closed(self._iterator))
        if self._runner is not None:
            self._runner.close()

    def _run(self, work: Any) -> Any:
        # One loop for the whole stream: what the view awaits may belong to it.
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work)


def _next(iterator: Any) -> Any:
    return next(iterator, None)


async def _next_of(iterator: Any) -> Any:
    return await anext(iterator, None)


async def _closed(iterator: Any) -> None:
    await iterator.aclose()
