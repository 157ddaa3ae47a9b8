"""Sessions of the deprecated HTTP+SSE transport are their callers' too, however a request spells the session's id."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from tests.real.identity.careless import CarelessPair
from tests.real.identity.lab import Lab, bearing, lab
from tests.real.messages import Request, posted
from tests.real.wire import Wire, ask, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]

PING = posted({"jsonrpc": "2.0", "id": 1, "method": "ping"}).without("accept").without("mcp-protocol-version")


@dataclass(frozen=True)
class Pair:
    """A server of two endpoints, and the open streams of two callers."""

    place: Lab
    server: CarelessPair
    ann: str
    bob: str
    anns: Wire
    bobs: Wire

    async def post(self, who: str, query: str, request: Request = PING) -> int:
        """The status of a message of somebody's, posted with this query."""
        sent = bearing(replace(request, path=f"/messages?{query}"), self.place.token(who))
        return (await ask(self.place.address, sent)).status

    def reached(self) -> list[str]:
        """Who has posted into ann's session."""
        return [who.partition("#")[2] for who, session in self.server.got if session == self.ann]


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    """Ann and Bob, each with a stream."""
    server = CarelessPair()
    async with (
        lab(lambda: server, policy={"server": {"paths": ["/sse", "/messages"]}}) as place,
        wired(place.address) as anns,
        wired(place.address) as bobs,
    ):
        ann, bob = await _begun(place, anns, "ann"), await _begun(place, bobs, "bob")
        yield Pair(place, server, ann, bob, anns, bobs)


async def _begun(place: Lab, wire: Wire, who: str) -> str:
    """The session that the server begins for somebody."""
    opening = Request(headers=(("accept", "text/event-stream"),), method="GET", path="/sse", length=False)
    await wire.send(bearing(opening, place.token(who)))
    assert (await wire.head()).status == 200
    found = re.search(rb"session_id=([0-9a-f]{32})", await wire._piece())
    assert found is not None
    return found[1].decode()


Spelling = Callable[[str, str], str]
SPELLINGS: dict[str, Spelling] = {
    "plain": lambda ann, bob: f"session_id={ann}",
    "as TypeScript": lambda ann, bob: f"sessionId={ann}",
    "own first": lambda ann, bob: f"session_id={bob}&session_id={ann}",
    "own last": lambda ann, bob: f"session_id={ann}&session_id={bob}",
    "own by the other name": lambda ann, bob: f"session_id={bob}&sessionId={ann}",
    "other name last": lambda ann, bob: f"sessionId={ann}&session_id={bob}",
    "twice the same": lambda ann, bob: f"session_id={ann}&session_id={ann}",
    "in capitals": lambda ann, bob: f"session_id={ann.upper()}",
    "with dashes": lambda ann, bob: f"session_id={UUID(ann)}",
    "in braces": lambda ann, bob: f"session_id=%7B{ann}%7D",
    "as a urn": lambda ann, bob: f"session_id={UUID(ann).urn}",
    "an escaped name": lambda ann, bob: f"session%5Fid={ann}",
    "an escaped id": lambda ann, bob: "session_id=" + "".join(f"%{ord(letter):02x}" for letter in ann),
    "behind many others": lambda ann, bob: "&".join(f"a{n}=1" for n in range(30)) + f"&session_id={ann}",
    "behind an empty one": lambda ann, bob: f"session_id=&session_id={ann}",
}


VARIATIONS: dict[str, Callable[[str], Request]] = {
    "alone": lambda own: PING,
    "beside an own session in the header": lambda own: PING.adding(("mcp-session-id", own)),
    "by a client that accepts a stream": lambda own: PING.adding(("accept", "application/json, text/event-stream")),
}


@pytest.mark.parametrize("variation", VARIATIONS)
async def test_no_spelling_of_the_id_opens_another_callers_session(variation: str) -> None:
    async with pair() as both:
        request = VARIATIONS[variation](both.bob)
        through = []
        for name, spelling in SPELLINGS.items():
            status = await both.post("bob", spelling(both.ann, both.bob), request)
            if both.reached() or status < 400:
                through.append(name)
            both.server.got.clear()
        assert through == []
        # The twins: each in its own.
        assert await both.post("ann", f"session_id={both.ann}") == 202
        assert await both.post("bob", f"session_id={both.bob}") == 202
        assert both.reached() == ["ann"]


async def test_answers_travel_on_the_stream_of_the_caller_who_asked() -> None:
    async with pair() as both:
        assert await both.post("ann", f"session_id={both.ann}") == 202
        assert await both.anns.event() == {"jsonrpc": "2.0", "id": 1, "result": {}}
        assert await both.post("bob", f"session_id={both.bob}") == 202
        assert await both.bobs.event() == {"jsonrpc": "2.0", "id": 1, "result": {}}


async def test_a_stranger_can_neither_open_a_stream_nor_end_one() -> None:
    async with pair() as both:
        opening = Request(headers=(("accept", "text/event-stream"),), method="GET", path="/sse", length=False)
        assert (await ask(both.place.address, opening)).status == 401
        sent = replace(PING, path=f"/messages?session_id={both.ann}")
        assert (await ask(both.place.address, sent)).status == 401
        assert (await ask(both.place.address, sent.carrying(b"not json"))).status == 401
        assert await both.post("bob", f"session_id={both.ann}", PING.carrying(b"not json")) == 404
        # Ann's stream is still open.
        assert await both.post("ann", f"session_id={both.ann}") == 202
        assert (await both.anns.event())["id"] == 1
