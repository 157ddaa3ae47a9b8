"""Generators whose items somebody else asks for later, and blocks that several tasks have open at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from smcp_security.adapters.current import Exchange, during
from smcp_security.adapters.decorator import secure_tool, security_context
from smcp_security.contexts import in_process
from smcp_security.decision import Caller
from smcp_security.errors import SMCPDenied
from smcp_security.framework import SMCPSecurityFramework

pytestmark = pytest.mark.anyio

ADMIN = Caller("login:ann", verified=True, roles=("admin",))
FOLDER = {"path": {"kind": "path", "roots": ["/srv/books"]}}


@pytest.fixture(scope="module")
def framework() -> Iterator[SMCPSecurityFramework]:
    """A framework for one folder."""
    policy = {"version": 1, "tools": {name: {"arguments": FOLDER} for name in ("walk", "read")}}
    with SMCPSecurityFramework(policy) as framework:
        yield framework


@secure_tool(roles=["admin"])
def read(path: str) -> str:
    """A tool that others call."""
    return path


@secure_tool
def walk(path: str, below: str = "") -> Iterator[str]:
    """Calls itself."""
    yield path
    if below:
        yield from walk(below)


@secure_tool(name="walk")
async def walk_later(path: str, below: str = "") -> AsyncIterator[str]:
    """`walk`, on an event loop."""
    yield path
    if below:
        async for item in walk_later(below):
            yield item


@secure_tool
def both(path: str) -> Iterator[str]:
    """Calls another tool at each step."""
    yield "ready"
    yield read(path)


@secure_tool(name="both")
async def both_later(path: str) -> AsyncIterator[str]:
    """`both`, on an event loop."""
    yield "ready"
    yield read(path)


async def _items(made: Any) -> list[str]:
    return list(made) if isinstance(made, Iterator) else [item async for item in made]


@pytest.mark.parametrize("function", [walk, walk_later])
async def test_a_generator_that_calls_itself_is_judged_each_time(
    framework: SMCPSecurityFramework, function: Callable[..., Any]
) -> None:
    for below in ("/srv/books/b", "/opt/books"):
        params = {"name": "walk", "arguments": {"path": "/srv/books/a", "below": below}}
        raw = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
        decision = framework.inspect_sync(in_process(raw, {"ip_address": "127.0.0.1"}), edge="outside")
        assert decision.allowed
        with during(Exchange(framework, decision)):
            if below == "/srv/books/b":
                assert await _items(function("/srv/books/a", below)) == ["/srv/books/a", below]
            else:
                with pytest.raises(SMCPDenied, match="SMCP510"):
                    await _items(function("/srv/books/a", below))


@pytest.mark.parametrize("function", [both, both_later])
async def test_a_generator_calls_others_as_whoever_called_it(
    framework: SMCPSecurityFramework, function: Callable[..., Any]
) -> None:
    with security_context(framework=framework, caller=ADMIN):
        good, bad = function("/srv/books/a"), function("/opt/books")
    assert await _items(good) == ["ready", "/srv/books/a"]
    with pytest.raises(SMCPDenied, match="SMCP510"):
        await _items(bad)
    with security_context(framework=framework):
        nobodys = function("/srv/books/a")
    with security_context(framework=framework, caller=ADMIN), pytest.raises(SMCPDenied, match="SMCP301"):
        await _items(nobodys)


async def test_what_an_async_generator_says_of_its_calls_holds_over_its_steps(framework: SMCPSecurityFramework) -> None:
    @secure_tool
    async def within() -> AsyncIterator[str]:
        with security_context(framework=framework, caller=ADMIN):
            yield "ready"
            yield read("/srv/books/a")

    with security_context(framework=framework):
        assert await _items(within()) == ["ready", "/srv/books/a"]
        with pytest.raises(SMCPDenied, match="SMCP301"):
            read("/srv/books/a")


async def test_a_block_ends_as_itself_while_a_generator_has_another_open(framework: SMCPSecurityFramework) -> None:
    @secure_tool
    async def within() -> AsyncIterator[str]:
        with security_context(framework=framework, caller=ADMIN):
            yield "ready"

    with security_context(framework=framework):
        items = within()
        assert await anext(items) == "ready"
    with pytest.raises(SMCPDenied, match="SMCP301"):
        _read_here(framework, "/srv/books/a")
    assert [item async for item in items] == []
    with pytest.raises(SMCPDenied, match="SMCP301"):
        _read_here(framework, "/srv/books/a")


async def test_a_block_that_was_never_entered_cannot_be_left(framework: SMCPSecurityFramework) -> None:
    with pytest.raises(RuntimeError, match="another task or thread"):
        security_context(framework=framework).__exit__(None, None, None)


def test_a_generator_is_sent_to_and_thrown_into_and_closed(framework: SMCPSecurityFramework) -> None:
    ended = []

    @secure_tool
    def echo() -> Generator[int, int, str]:
        given = 0
        try:
            while given < 9:
                try:
                    given = yield given
                except KeyError:
                    given = 5
            return "done"
        finally:
            ended.append(given)

    with security_context(framework=framework):
        first, second = echo(), echo()
        assert [next(first), first.send(3), first.throw(KeyError("x"))] == [0, 3, 5]
        with pytest.raises(StopIteration, match="done"):
            first.send(9)
        next(second)
        second.close()
        with pytest.raises(ValueError, match="own"):
            second = echo()
            next(second)
            second.throw(ValueError("own"))
    assert ended == [9, 0, 0]


async def test_one_block_that_two_tasks_have_open_ends_in_each(framework: SMCPSecurityFramework) -> None:
    block, second_in, first_out = security_context(framework=framework, caller=ADMIN), asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with block:
            await second_in.wait()
            assert read("/srv/books/a") == "/srv/books/a"
        with pytest.raises(SMCPDenied, match="SMCP301"):
            _read_here(framework, "/srv/books/a")
        first_out.set()

    async def second() -> None:
        async with block:
            second_in.set()
            await first_out.wait()
            assert read("/srv/books/a") == "/srv/books/a"
        with pytest.raises(SMCPDenied, match="SMCP301"):
            _read_here(framework, "/srv/books/a")

    async with asyncio.timeout(20):
        await asyncio.gather(first(), second())


def _read_here(framework: SMCPSecurityFramework, path: str) -> str:
    """Read as whoever the code around is."""

    @secure_tool(roles=["admin"], framework=framework)
    def look(path: str) -> str:
        return path

    return str(look(path))


def test_one_block_that_two_threads_have_open_ends_in_each(framework: SMCPSecurityFramework) -> None:
    block, both_in = security_context(framework=framework, caller=ADMIN), threading.Barrier(2)
    first_out, seen = threading.Event(), {True: [""], False: [""]}

    def work(first: bool) -> None:
        with block:
            both_in.wait(20)
            if not first:
                first_out.wait(20)
            seen[first] = [_read_here(framework, "/srv/books/a")]
        first_out.set()
        try:
            seen[first].append(_read_here(framework, "/srv/books/a"))
        except SMCPDenied as error:
            seen[first].append(error.decision.findings[0].code)

    threads = [threading.Thread(target=work, args=(first,)) for first in (True, False)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert seen == {True: ["/srv/books/a", "SMCP301"], False: ["/srv/books/a", "SMCP301"]}
