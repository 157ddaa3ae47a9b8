"""The HTTP side of a visit: the client with the headers given, what the last answer to a POST was, and a limit to all
that comes. The SDK tells of a refusal neither its status nor its type."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

MOST: Final = 64 * 1024 * 1024
"""Bytes that all answers of a visit may have together. A lock file holds a quarter of that."""


class TooMuch(Exception):
    """A server that does not stop sending, or compresses what nobody asked it to."""


@dataclass(slots=True)
class Exchange:
    """What was seen of the answers. `problem` is what ended the visit, where the SDK only says that it ended."""

    status: int = 0
    kind: str = ""
    problem: str = ""
    left: int = MOST

    async def note(self, response: httpx2.Response) -> None:
        """Look at the head of an answer, and count what follows."""
        if response.request.method == "POST":
            self.status = response.status_code
            self.kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise self._over("the server compresses its answers, though it was asked not to")
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Counted(response.stream, self)

    def count(self, size: int) -> None:
        """Take what has come from what may come. Raises `TooMuch`."""
        self.left -= size
        if self.left < 0:
            raise self._over(f"the server sent more than {MOST // 1024 // 1024} MiB")

    def _over(self, problem: str) -> TooMuch:
        self.problem = problem
        return TooMuch(problem)


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._exchange.count(len(part))
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def client(headers: Mapping[str, str], timeout: float, exchange: Exchange) -> httpx2.AsyncClient:
    """An HTTP client that sends `headers`, and tells `exchange` what comes."""
    hooks: dict[str, list[Any]] = {"response": [exchange.note]}
    return httpx2.AsyncClient(
        headers={"accept-encoding": "identity", **headers}, timeout=timeout, event_hooks=hooks, follow_redirects=False
    )
