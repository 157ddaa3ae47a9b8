"""Conversations: what cannot be said in one request on one connection. Each has a name and a documented end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import anyio

from tests.real.attacks import ADD, ECHO, MARK
from tests.real.hostile.framing import END, chunk, chunked
from tests.real.hostile.knock import said
from tests.real.house import PATIENCE
from tests.real.messages import Request, call, legacy, modern, posted, stream
from tests.real.site import Site, reached
from tests.real.wire import Session, Wire, opened, streaming, wired

Script = Callable[[Site], Awaitable[Any]]


@dataclass(frozen=True)
class Talk:
    """A conversation: its script returns what came of it, which must be `ends`."""

    name: str
    says: str
    script: Script
    ends: Any


def _sum(a: int, id: Any = 1) -> Request:
    return call("modern", "add", {"a": a, "b": 0}, id=id)


def _brief(message: Any) -> Any:
    """The id of an answer, and its number or the finding that refused it."""
    error = message.get("error", {})
    content = message.get("result", {}).get("structuredContent", {})
    return message.get("id"), content.get("result", error.get("data", {}).get("code") if error else None)


async def _briefs(wire: Wire, count: int) -> list[Any]:
    return [_brief((await wire.reply()).message) for _ in range(count)]


# -- one connection ------------------------------------------------------------------------------------------------


async def _pipelined(site: Site) -> Any:
    async with wired(site.address) as wire:
        await wire.send(b"".join(_sum(number, number).raw() for number in range(20)))
        return await _briefs(wire, 20)


async def _pipelined_attack(site: Site) -> Any:
    hostile = _sum(2, 2).adding(("origin", "null")), _sum(3, 3).carrying(b"{")
    async with wired(site.address) as wire:
        await wire.send(b"".join(request.raw() for request in (_sum(1), *hostile, _sum(4, 4))))
        return await _briefs(wire, 4)


async def _hidden_request(site: Site) -> Any:
    """The length says that the body ends where another request begins: two requests, judged one by one."""
    hidden = ECHO.adding(("origin", "http://attacker.example")).raw()
    async with wired(site.address) as wire:
        await wire.send(ADD.raw() + hidden)
        return await _briefs(wire, 2), len(site.recorder.seen)


async def _two_framings(site: Site) -> Any:
    """A length that covers everything beside chunks that end early: a proxy might see one request, we see two."""
    body = chunk(ADD.body) + END + ECHO.at("/admin").raw()
    async with wired(site.address) as wire:
        await wire.send(chunked(body, ("content-length", str(len(body)))))
        return [said(await wire.reply()).code for _ in range(2)], len(site.recorder.seen)


async def _dripped(site: Site) -> Any:
    async with wired(site.address) as wire:
        raw = ADD.raw()
        for place in range(len(raw)):
            await wire.send(raw[place : place + 1])
            await asyncio.sleep(0)
        return await _briefs(wire, 1)


async def _half_closed(site: Site) -> Any:
    async with wired(site.address) as wire:
        await wire.send(ADD.raw())
        wire.writer.write_eof()
        with anyio.fail_after(PATIENCE):
            rest = await wire.reader.read()
        # Whether the answer is written before the end of the client's side is noticed is the server's luck.
        return rest[:12] in (b"", b"HTTP/1.1 200")


async def _abandoned(site: Site) -> Any:
    """Fifty bodies that stop in the middle, while an honest client is served."""
    async with anyio.create_task_group() as group:
        left = [anyio.Event() for _ in range(50)]
        done = anyio.Event()
        for event in left:
            group.start_soon(_stall, site, event, done)
        for event in left:
            await reached(event)
        async with wired(site.address) as wire:
            answer = _brief((await wire.ask(ADD)).message)
        done.set()
    return answer, len(site.recorder.seen)


async def _stall(site: Site, sent: anyio.Event, done: anyio.Event) -> None:
    async with wired(site.address) as wire:
        await wire.send(ECHO.raw()[:-10])
        sent.set()
        await done.wait()
        wire.hang_up()


# -- sessions ------------------------------------------------------------------------------------------------------


async def _typed_ids(site: Site) -> Any:
    """`1` and `"1"` on one session, one by one: at once, the SDK itself leaves one of them without an answer."""
    session = await opened(site.address)
    ids = (1, "1", 1, "1")
    return [_brief((await session.ask(call("legacy", "add", {"a": 3, "b": 0}, id=id))).message) for id in ids]


async def _same_id_in_two_sessions(site: Site) -> Any:
    sessions = [await opened(site.address) for _ in range(2)]
    replies = [await each.ask(call("legacy", "add", {"a": n, "b": 0}, id=7)) for n, each in enumerate(sessions)]
    return [_brief(reply.message) for reply in replies]


async def _concurrent_streams(site: Site) -> Any:
    """Ten streams of one session: what is for one never shows on another."""
    session = await opened(site.address)
    heard: dict[int, Any] = {}

    async def follow(number: int) -> None:
        params = {"name": "slow", "arguments": {"steps": 3}, "_meta": {"progressToken": number}}
        async with streaming(site.address, legacy("tools/call", params, id=number, session=session.id)) as wire:
            steps = [(await wire.event())["params"]["progressToken"] for _ in range(3)]
            heard[number] = steps, (await wire.event())["id"], await wire.ended()

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(follow, number)
    return all(heard[number] == ([number] * 3, number, b"") for number in range(10)), len(heard)


async def _asked(site: Site) -> tuple[Session, Any]:
    return await opened(site.address, elicitation={}), legacy(
        "tools/call", {"name": "interview", "arguments": {}}, id=5
    )


async def _unasked_answers(site: Site) -> Any:
    """Answers with wrong ids in the right session, and with the right one in another: the question stays open.

    The SDK takes the texts `"1"` and `" 1"` for the number 1, so these spellings are not among them.
    """
    session, question = await _asked(site)
    other = await opened(site.address, elicitation={})
    async with streaming(site.address, question.setting("mcp-session-id", session.id)) as wire:
        asked = (await wire.event())["id"]
        result = {"action": "decline"}
        for id in (f"{asked}x", 999, -1, "", "9" * 500):
            assert (await session.ask(posted({"jsonrpc": "2.0", "id": id, "result": result}))).status == 202
        foreign = await other.ask(posted({"jsonrpc": "2.0", "id": asked, "result": result}))
        right = {"jsonrpc": "2.0", "id": asked, "result": {"action": "cancel"}}
        await session.ask(posted(right))
        return foreign.status, (await wire.event())["result"]["content"][0]["text"]


async def _refused_answer(site: Site) -> Any:
    """A person's answer that is an attack: the waiting tool learns that it was refused, and ends."""
    session, question = await _asked(site)
    async with streaming(site.address, question.setting("mcp-session-id", session.id)) as wire:
        asked = (await wire.event())["id"]
        content = {"day": f"a; cat /etc/passwd | sh {MARK}"}
        answer = {"jsonrpc": "2.0", "id": asked, "result": {"action": "accept", "content": content}}
        status = (await session.ask(posted(answer))).status
        await reached(site.notes.failed)
        last = await wire.event()
        return status, last["id"], MARK in json.dumps([last, site.recorder.messages])


async def _strangers(site: Site) -> Any:
    """Session ids that are nobody's: never guessed, closed, spelt otherwise. Each is the server's to refuse."""
    session = await opened(site.address)
    add = call("legacy", "add", {"a": 1, "b": 2})
    ended = await session.ask(Request(headers=posted({}).headers, method="DELETE", length=False))
    nobody = (session.id, "0" * 32, session.id.upper() + "x", "a b", "\xe9", "a" * 30_000, "../" * 10)
    told = [(await Session(site.address, id).ask(add)).status for id in nobody]
    return ended.status, told


async def _foreign_stream(site: Site) -> Any:
    """The standing stream of a session that is nobody's."""
    session = await opened(site.address)
    async with wired(site.address) as wire:
        unknown = await wire.ask(stream("0" * 32))
    async with streaming(site.address, stream(session.id)) as wire:
        await session.ask(call("legacy", "announce", id=3))
        return unknown.status, (await wire.event())["method"]


async def _deserted_streams(site: Site) -> Any:
    """Twenty standing streams whose clients vanish: the server is told of each."""
    for _ in range(20):
        session = await opened(site.address)
        async with streaming(site.address, stream(session.id)) as wire:
            wire.hang_up()
            await reached(site.recorder.seen[-1].disconnected)
    return sum(seen.method == "GET" and seen.disconnected.is_set() for seen in site.recorder.seen)


async def _many_sessions(site: Site) -> Any:
    """A call of one session under the id of another's request, after sixty sessions were opened and left."""
    for _ in range(60):
        await opened(site.address)
    session = await opened(site.address)
    return _brief((await session.ask(call("legacy", "add", {"a": 3, "b": 4}, id=1))).message)


async def _mixed_eras(site: Site) -> Any:
    """Both eras on one connection, the newer under the older's session: each message is judged by its own."""
    session = await opened(site.address)
    in_session = ("mcp-session-id", session.id)
    async with wired(site.address) as wire:
        newer = _brief((await wire.ask(_sum(1).adding(in_session))).message)
        older = _brief((await wire.ask(call("legacy", "add", {"a": 2, "b": 0}).adding(in_session))).message)
        mixed = _brief(
            (
                await wire.ask(modern("tools/list").setting("mcp-protocol-version", "2025-11-25").adding(in_session))
            ).message
        )
        return newer, older, mixed


TALKS: Final = (
    Talk("twenty requests in one write", "each is answered, in order", _pipelined, [(n, n) for n in range(20)]),
    Talk("honest and hostile requests in one write", "each gets its own answer", _pipelined_attack,
         [(1, 1), (None, "SMCP102"), (None, "SMCP114"), (4, 4)]),
    Talk("a request hidden behind a body", "it is judged as a request of its own", _hidden_request,
         ([(1, 3), (None, "SMCP102")], 1)),
    Talk("a length and chunks that end early", "both halves are refused", _two_framings, (["SMCP107", "SMCP110"], 0)),
    Talk("a request that drips in byte by byte", "it is served", _dripped, [(1, 3)]),
    Talk("a client that ends its side after the request", "the HTTP server may hang up on it", _half_closed, True),
    Talk("fifty bodies that stop in the middle", "others are served", _abandoned, ((1, 3), 1)),
    Talk("ids `1` and `\"1\"` on one session", "each is answered under its own", _typed_ids,
         [(1, 3), ("1", 3), (1, 3), ("1", 3)]),
    Talk("the same id in two sessions", "two requests, two answers", _same_id_in_two_sessions, [(7, 0), (7, 1)]),
    Talk("ten streams on one session", "each hears its own progress and result", _concurrent_streams, (True, 10)),
    Talk("answers to questions never asked", "202; the open question stays open", _unasked_answers, (202, "cancel")),
    Talk("an answer that is an attack", "202; the server gets an error in its place", _refused_answer, (202, 5, False)),
    Talk("session ids of nobody", "404 by the server", _strangers, (200, [404] * 7)),
    Talk("the standing stream of nobody", "404 by the server", _foreign_stream,
         (404, "notifications/tools/list_changed")),
    Talk("standing streams whose clients vanish", "the server is told of each", _deserted_streams, 20),
    Talk("sixty sessions opened and left", "the next is served", _many_sessions, (1, 7)),
    Talk("both eras on one connection and session", "each message is judged by its own era", _mixed_eras,
         ((1, 1), (1, 2), (1, "SMCP124"))),
)  # fmt: skip
