"""Look-ups of hosts and paths: bounded in time and number, without DNS here: the resolver is one of the tests' own."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
from collections.abc import Awaitable, Iterator
from pathlib import Path
from threading import Event

import pytest

from smcp_security.checks.rung import ReadBody, ResolveHost, ResolvePath
from smcp_security.contracts.contract import ResolvedPath
from smcp_security.errors import Unavailable
from smcp_security.resolution import REMEMBERED, Addresses, Resolution, addresses_of, real_path

LONG = 10.0
SHORT = 0.01


class Resolver:
    """Answers at once, or when `gate` opens; counts what it was asked."""

    def __init__(self, *, open: bool = True) -> None:
        self.asked: list[str] = []
        self.gate = Event()
        self.begun = threading.Semaphore(0)
        self.threads: set[int] = set()
        if open:
            self.gate.set()

    def host(self, name: str) -> Addresses:
        self._note(name)
        if name == "broken.example":
            raise Unavailable("the resolver fails")
        if name == "odd.example":
            raise OSError("odd")
        return () if name == "none.example" else ("192.0.2.1", name)

    def path(self, path: str) -> ResolvedPath:
        self._note(path)
        return ResolvedPath(path, True)

    def _note(self, text: str) -> None:
        self.asked.append(text)
        self.threads.add(threading.get_ident())
        self.begun.release()
        self.gate.wait()


@pytest.fixture
def slow() -> Iterator[Resolver]:
    resolver = Resolver(open=False)
    yield resolver
    resolver.gate.set()


def _resolution(resolver: Resolver, *, deadline: float = LONG, pending: int = 4) -> Resolution:
    return Resolution(resolver.host, resolver.path, host_deadline=deadline, path_deadline=deadline, pending=pending)


async def _answered(resolution: Resolution, question: ResolveHost | ResolvePath) -> object:
    answer = resolution.answer_async(question)
    return await answer if isinstance(answer, Awaitable) else answer


def test_a_host_and_a_path_are_looked_up_for_both_kinds_of_callers() -> None:
    resolution = _resolution(Resolver())
    assert resolution.answer(ResolveHost("a.example")) == ("192.0.2.1", "a.example")
    assert resolution.answer(ResolvePath("/x")) == ResolvedPath("/x", True)
    assert asyncio.run(_answered(resolution, ResolveHost("b.example"))) == ("192.0.2.1", "b.example")
    assert asyncio.run(_answered(resolution, ResolvePath("/y"))) == ResolvedPath("/y", True)


def test_a_name_without_addresses_has_none_and_that_is_an_answer() -> None:
    assert _resolution(Resolver()).answer(ResolveHost("none.example")) == ()


@pytest.mark.parametrize("host", ["broken.example", "odd.example"])
def test_a_resolver_that_fails_makes_a_host_unavailable_and_is_asked_again(host: str) -> None:
    resolver = Resolver()
    resolution = _resolution(resolver)
    for _ in range(2):
        with pytest.raises(Unavailable):
            resolution.answer(ResolveHost(host))
    with pytest.raises(Unavailable):
        asyncio.run(_answered(resolution, ResolveHost(host)))
    assert resolver.asked == [host] * 3


def test_a_failure_does_not_say_which_host_was_asked_for() -> None:
    with pytest.raises(Unavailable) as caught:
        _resolution(Resolver()).answer(ResolveHost("odd.example"))
    assert "odd" not in str(caught.value)


def test_a_host_is_remembered_for_a_while_and_a_path_never() -> None:
    resolver, now = Resolver(), [0.0]
    resolution = Resolution(resolver.host, resolver.path, clock=lambda: now[0])
    for seconds in (0.0, 4.9, 5.1):
        now[0] = seconds
        resolution.answer(ResolveHost("a.example"))
        resolution.answer(ResolvePath("/x"))
    assert resolver.asked.count("a.example") == 2
    assert resolver.asked.count("/x") == 3


def test_what_is_remembered_is_answered_without_a_turn_of_the_event_loop() -> None:
    resolution = _resolution(Resolver())
    resolution.answer(ResolveHost("a.example"))
    assert resolution.answer_async(ResolveHost("a.example")) == ("192.0.2.1", "a.example")


def test_no_number_of_names_fills_the_memory() -> None:
    resolver = Resolver()
    resolution = _resolution(resolver)
    for number in range(REMEMBERED + 1):
        resolution.answer(ResolveHost(f"{number}.example"))
    for name in ("1.example", "0.example"):
        resolution.answer(ResolveHost(name))
    # The oldest was forgotten, the next was not.
    assert (resolver.asked.count("0.example"), resolver.asked.count("1.example")) == (2, 1)


@pytest.mark.parametrize("question", [ResolveHost("a.example"), ResolvePath("/x")])
def test_a_look_up_that_hangs_is_given_up(slow: Resolver, question: ResolveHost | ResolvePath) -> None:
    resolution = _resolution(slow, deadline=SHORT)
    with pytest.raises(Unavailable, match="in time"):
        resolution.answer(question)
    with pytest.raises(Unavailable, match="in time"):
        asyncio.run(_answered(resolution, question))


def test_an_answer_that_came_too_late_is_there_for_the_next_try(slow: Resolver) -> None:
    hasty = _resolution(slow, deadline=SHORT)
    with pytest.raises(Unavailable):
        hasty.answer(ResolveHost("a.example"))
    hasty._host_deadline = LONG
    slow.gate.set()
    assert hasty.answer(ResolveHost("a.example")) == ("192.0.2.1", "a.example")
    assert slow.asked == ["a.example"]


def test_look_ups_that_hang_do_not_pile_up(slow: Resolver) -> None:
    resolution = _resolution(slow, deadline=SHORT, pending=3)
    before = threading.active_count()
    for number in range(3):
        with pytest.raises(Unavailable, match="in time"):
            resolution.answer(ResolveHost(f"{number}.example"))
    for number in range(3, 20):
        with pytest.raises(Unavailable, match="too many"):
            resolution.answer(ResolveHost(f"{number}.example"))
    assert threading.active_count() == before + 3
    # Paths have places of their own, and a name that is being asked for takes no second one.
    with pytest.raises(Unavailable, match="in time"):
        resolution.answer(ResolvePath("/x"))
    with pytest.raises(Unavailable, match="in time"):
        resolution.answer(ResolveHost("0.example"))


def test_places_that_were_used_up_are_free_again_once_the_resolver_answers(slow: Resolver) -> None:
    resolution = _resolution(slow, deadline=SHORT, pending=1)
    with pytest.raises(Unavailable, match="in time"):
        resolution.answer(ResolveHost("a.example"))
    slow.gate.set()
    resolution._host_deadline = LONG
    assert resolution.answer(ResolveHost("a.example"))
    assert resolution.answer(ResolvePath("/x"))


def test_a_thread_serves_one_look_up_after_the_other() -> None:
    resolver = Resolver()
    resolution = _resolution(resolver, pending=2)
    for number in range(50):
        resolution.answer(ResolvePath(f"/{number}"))
    assert len(resolver.threads) <= 2


def test_the_event_loop_goes_on_while_a_resolver_hangs(slow: Resolver) -> None:
    resolution = _resolution(slow)

    async def scene() -> list[object]:
        waiting = [asyncio.ensure_future(_answered(resolution, ResolveHost("a.example"))) for _ in range(5)]
        await asyncio.to_thread(slow.begun.acquire)
        # Only a loop that is free gets here.
        slow.gate.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(scene()) == [("192.0.2.1", "a.example")] * 5
    assert slow.asked == ["a.example"]


def test_one_caller_that_gives_up_takes_the_answer_from_nobody_else(slow: Resolver) -> None:
    resolution = _resolution(slow)

    async def scene() -> object:
        gone = asyncio.ensure_future(_answered(resolution, ResolveHost("a.example")))
        stays = asyncio.ensure_future(_answered(resolution, ResolveHost("a.example")))
        await asyncio.to_thread(slow.begun.acquire)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        slow.gate.set()
        return await stays

    assert asyncio.run(scene()) == ("192.0.2.1", "a.example")


def test_a_failure_that_nobody_waits_for_any_more_makes_no_noise(slow: Resolver) -> None:
    noise: list[object] = []

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: noise.append(about))
        with pytest.raises(Unavailable):
            await _answered(_resolution(slow, deadline=SHORT), ResolveHost("broken.example"))
        slow.gate.set()
        await asyncio.to_thread(slow.begun.acquire)
        gc.collect()

    asyncio.run(scene())
    assert noise == []


def test_a_child_after_a_fork_starts_with_new_threads_and_locks(slow: Resolver) -> None:
    resolution = _resolution(slow, deadline=SHORT, pending=1)
    with pytest.raises(Unavailable, match="in time"):
        resolution.answer(ResolveHost("a.example"))
    # As it is in a child: the thread that held the place, and perhaps the lock, is not there.
    resolution._lock.acquire()
    resolution.reset()
    with pytest.raises(Unavailable, match="in time"):
        resolution.answer(ResolveHost("b.example"))
    assert slow.asked == ["a.example", "b.example"]


def test_after_closing_nothing_is_answered() -> None:
    resolution = _resolution(Resolver())
    resolution.answer(ResolveHost("a.example"))
    resolution.close()
    for question in (ResolveHost("a.example"), ResolvePath("/x")):
        with pytest.raises(Unavailable, match="closed"):
            resolution.answer(question)
        with pytest.raises(Unavailable, match="closed"):
            asyncio.run(_answered(resolution, question))


def test_a_question_of_another_kind_is_a_mistake_of_the_caller() -> None:
    resolution = _resolution(Resolver())
    with pytest.raises(TypeError, match="ReadBody"):
        resolution.answer(ReadBody(1))
    with pytest.raises(TypeError, match="ReadBody"):
        resolution.answer_async(ReadBody(1))


def test_no_thread_to_be_had_is_unavailable_and_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    resolution = _resolution(Resolver(), pending=1)

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("smcp_security.resolution.Thread.start", refuse)
        for _ in range(3):
            with pytest.raises(Unavailable, match="thread"):
                resolution.answer(ResolveHost("a.example"))
    assert resolution.answer(ResolveHost("a.example"))


@pytest.mark.parametrize(("error", "found"), [
    (socket.gaierror(socket.EAI_NONAME, "x"), ()), (UnicodeError("x"), ()),
    (socket.gaierror(socket.EAI_AGAIN, "x"), None), (socket.gaierror(socket.EAI_FAIL, "x"), None),
])  # fmt: skip
def test_a_name_that_is_not_there_is_told_from_a_resolver_that_fails(
    monkeypatch: pytest.MonkeyPatch, error: Exception, found: Addresses | None
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    if found is None:
        with pytest.raises(Unavailable):
            addresses_of("a.example")
    else:
        assert addresses_of("a.example") == found


def test_every_address_that_the_resolver_gives_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(0, 0, 0, "", ("192.0.2.1", 0)), (0, 0, 0, "", ("fe80::1%2", 0, 0, 2)), (0, 0, 0, "", ("192.0.2.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    assert addresses_of("a.example") == ("192.0.2.1", "fe80::1%2")


def test_links_are_followed_and_what_is_missing_is_said_to_be(tmp_path: Path) -> None:
    home = tmp_path.resolve()
    (home / "inside").mkdir()
    (home / "out").symlink_to("/etc")
    (home / "dangling").symlink_to(home / "nowhere")
    assert real_path(f"{home}/inside") == ResolvedPath(f"{home}/inside", True)
    assert real_path(f"{home}/out/missing/x").real == os.path.realpath("/etc/missing/x")
    assert real_path(f"{home}/dangling") == ResolvedPath(f"{home}/nowhere", False)
    assert real_path(f"{home}/inside/new") == ResolvedPath(f"{home}/inside/new", False)


def test_a_loop_of_links_and_what_no_path_can_be_are_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    resolution = Resolution(path_deadline=LONG)
    for path in (f"{tmp_path}/a", f"{tmp_path}/a/x", "relative", f"{tmp_path}/\0", f"{tmp_path}/{'x' * 300}"):
        with pytest.raises(Unavailable):
            resolution.answer(ResolvePath(path))
    assert resolution.answer(ResolvePath(str(tmp_path.resolve()))) == ResolvedPath(str(tmp_path.resolve()), True)
