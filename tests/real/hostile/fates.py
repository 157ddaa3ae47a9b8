"""Plays one answer of an odd server, and says whether it came to what its row says."""

from __future__ import annotations

from typing import Any

from smcp_security.adapters.asgi import Message
from tests.adapters.exchange import Exchange, guarded, posting
from tests.real.hostile.upstreams import CALL, Answer, Fate
from tests.real.wire import events


async def differs(row: Answer) -> str:
    """What came of the answer where it is not what the row says; empty if it is."""
    exchange = posting(CALL)
    try:
        await exchange.through(guarded(row))
    except RuntimeError as error:
        as_said = row.fate is Fate.FAILS and "the scope offers" in str(error) and not exchange.body
        return "" if as_said else repr(error)
    bare = await posting(CALL).through(row) if row.fate is Fate.SAME else None
    return "" if _as_said(row, exchange, bare) else f"{exchange.sent}"


def _as_said(row: Answer, exchange: Exchange, bare: Exchange | None) -> bool:
    if bare is not None:
        return _read(exchange.sent) == _read(bare.sent)
    if row.fate is Fate.SAID:
        return exchange.complete and exchange.body == row.gets
    return row.fate in (Fate.WITHHELD, Fate.CUT) and _withheld(row, exchange)


def _withheld(row: Answer, exchange: Exchange) -> bool:
    """The error of the row once, last of all, after what had come whole."""
    streamed = "event-stream" in exchange.headers["content-type"].lower()
    *before, last = events(exchange.body) if streamed else [exchange.value]
    told = (last["id"], last["error"]["code"], last["error"]["data"]["code"]) == (1, -31502, row.code)
    whole = exchange.complete and exchange.status == 200 and exchange.body.startswith(row.gets)
    stale = {"content-encoding", "transfer-encoding", "etag", "digest", "content-digest"} & exchange.headers.keys()
    return told and whole and not stale and not any("error" in each for each in before)


def _read(sent: list[Message]) -> list[Any]:
    """What a client reads: neighbouring pieces of a body are one to it."""
    read: list[Any] = []
    for message in sent:
        if message["type"] != "http.response.body":
            read.append({**message, "headers": [tuple(field) for field in message.get("headers", ())]})
        elif read and isinstance(read[-1], bytes):
            read[-1] += message.get("body", b"")
        else:
            read.append(message.get("body", b""))
    return [piece for piece in read if piece != b""]
