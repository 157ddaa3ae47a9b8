"""Where a host name or a path leads: what `ResolveHost` and `ResolvePath` ask of this machine, with an end to waiting.

A look-up that hangs cannot be stopped. So each has a thread, there are at most `PENDING` of a sort at a time, and one
more is `Unavailable` at once: names whose servers never answer can use up the places, not the memory, and no event loop
waits.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final, Generic, TypeAlias, TypeVar

from smcp_security.checks.rung import Question, ResolveHost, ResolvePath
from smcp_security.contracts.contract import ResolvedPath
from smcp_security.errors import Unavailable

T = TypeVar("T")

Addresses: TypeAlias = tuple[str, ...]

HOST_DEADLINE: Final = 0.2
"""Seconds. The rest of a message takes a thousandth of that; who is slower resolves while the caller tries again."""
PATH_DEADLINE: Final = 1.0
"""Seconds, for file systems on a network."""
PENDING: Final = 64
REMEMBERED: Final = 1024
REMEMBERED_FOR: Final = 5.0
"""Seconds in which a name is not asked for again: a call may hold a hundred URLs of one host, and an answer that came
too late for its caller is there for the next try. Whoever answers for a name can change it right after any look-up, so
this opens no door that a shorter time would shut.
"""
_IDLE: Final = 10.0
_NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


def addresses_of(host: str) -> Addresses:
    """The addresses that this machine's resolver gives a name, none if there is no such name.

    Raises:
        Unavailable: the resolver failed.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_NAME:
            return ()
        raise Unavailable("the resolver fails") from None
    except UnicodeError:
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def real_path(path: str) -> ResolvedPath:
    """Where an absolute path leads, links followed as far as it exists.

    Raises:
        Unavailable: it cannot be known: a loop of links, a folder that this process may not search, a relative path.
    """
    if not os.path.isabs(path):
        raise Unavailable("a relative path leads nowhere by itself")
    try:
        return ResolvedPath(os.path.realpath(path, strict=True), True)
    except (FileNotFoundError, NotADirectoryError):
        # What is missing may be made later; a link to it leads there all the same.
        return ResolvedPath(os.path.realpath(path), False)


class _Crew(Generic[T]):
    """Threads that each do one piece of work at a time and wait a while for the next; none of them holds up an exit."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._lock = Lock()
        self._jobs: SimpleQueue[tuple[Future[T | Unavailable], Callable[[], T]]] = SimpleQueue()
        self._busy = 0
        self._idle = 0

    def begin(self, work: Callable[[], T]) -> Future[T | Unavailable]:
        """Start on `work`; its failure is a result. Raises `Unavailable` if too much is going on."""
        job: Future[T | Unavailable] = Future()
        # Nobody who waits for it can cancel it: others may wait for it too.
        job.set_running_or_notify_cancel()
        with self._lock:
            if self._busy >= self._size:
                raise Unavailable("too many look-ups are waiting for an answer")
            self._busy += 1
            waiting = self._idle > 0
            self._idle -= waiting
        if waiting:
            self._jobs.put((job, work))
        else:
            self._hire(job, work)
        return job

    def _hire(self, job: Future[T | Unavailable], work: Callable[[], T]) -> None:
        try:
            Thread(target=self._live, args=(job, work), name=self._name, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._busy -= 1
            raise Unavailable("no thread can be started") from None

    def _live(self, job: Future[T | Unavailable], work: Callable[[], T]) -> None:
        while True:
            self._do(job, work)
            with self._lock:
                self._idle += 1
            try:
                job, work = self._jobs.get(timeout=_IDLE)
            except Empty:
                with self._lock:
                    if self._idle > 0:
                        self._idle -= 1
                        return
                # Somebody has just counted on this thread.
                job, work = self._jobs.get()

    def _do(self, job: Future[T | Unavailable], work: Callable[[], T]) -> None:
        result: T | Unavailable = Unavailable("the look-up fails")
        try:
            result = work()
        except Unavailable as error:
            result = error
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._busy -= 1
            job.set_result(result)


class Resolution:
    """Answers `ResolveHost` and `ResolvePath`. Thread-safe; threads start with the first question."""

    def __init__(
        self,
        resolve_host: Callable[[str], Addresses] = addresses_of,
        resolve_path: Callable[[str], ResolvedPath] = real_path,
        *,
        clock: Callable[[], float] = time.monotonic,
        host_deadline: float = HOST_DEADLINE,
        path_deadline: float = PATH_DEADLINE,
        pending: int = PENDING,
    ) -> None:
        self._resolve_host = resolve_host
        self._resolve_path = resolve_path
        self._clock = clock
        self._host_deadline = host_deadline
        self._path_deadline = path_deadline
        self._pending = pending
        self._closed = False
        self.reset()

    def reset(self) -> None:
        """Call in the child after a fork: the threads are gone, and the locks may be held by them."""
        self._lock = Lock()
        self._hosts: _Crew[Addresses] = _Crew(self._pending, "smcp-hosts")
        self._paths: _Crew[ResolvedPath] = _Crew(self._pending, "smcp-paths")
        self._asked: dict[str, Future[Addresses | Unavailable]] = {}
        self._known: dict[str, tuple[float, Addresses]] = {}

    def close(self) -> None:
        """Answer nothing from now on. What is being looked up ends by itself."""
        self._closed = True

    def answer(self, question: Question) -> object:
        """The answer, waiting for it. Raises `Unavailable` where there is none in time."""
        if isinstance(question, ResolveHost):
            known = self._remembered(question.host)
            return known if known is not None else _wait(self._ask_host(question.host), self._host_deadline)
        if isinstance(question, ResolvePath):
            return _wait(self._ask_path(question.path), self._path_deadline)
        raise TypeError(f"no look-up answers {type(question).__name__}")

    def answer_async(self, question: Question) -> object | Awaitable[object]:
        """The answer; awaitable where it is not known yet, so that the event loop goes on."""
        if isinstance(question, ResolveHost):
            known = self._remembered(question.host)
            return known if known is not None else _wait_async(self._ask_host(question.host), self._host_deadline)
        if isinstance(question, ResolvePath):
            return _wait_async(self._ask_path(question.path), self._path_deadline)
        raise TypeError(f"no look-up answers {type(question).__name__}")

    def _ask_path(self, path: str) -> Future[ResolvedPath | Unavailable]:
        self._check_open()
        return self._paths.begin(lambda: self._resolve_path(path))

    def _ask_host(self, host: str) -> Future[Addresses | Unavailable]:
        """The look-up of the name: the one that is going on, or a new one."""
        with self._lock:
            going_on = self._asked.get(host)
            if going_on is None:
                going_on = self._asked[host] = self._hosts.begin(lambda: self._look_up(host))
            return going_on

    def _look_up(self, host: str) -> Addresses:
        try:
            found = self._resolve_host(host)
            with self._lock:
                self._remember(host, found)
            return found
        finally:
            with self._lock:
                self._asked.pop(host, None)

    def _remembered(self, host: str) -> Addresses | None:
        self._check_open()
        entry = self._known.get(host)
        return entry[1] if entry is not None and self._clock() < entry[0] else None

    def _remember(self, host: str, found: Addresses) -> None:
        # Taken out first, so that the order is by age and the oldest is what goes.
        self._known.pop(host, None)
        self._known[host] = (self._clock() + REMEMBERED_FOR, found)
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the look-ups are closed")


def _wait(job: Future[T | Unavailable], timeout: float) -> T:
    try:
        return _outcome(job.result(timeout))
    except NotInTime:
        raise Unavailable("no answer in time") from None


async def _wait_async(job: Future[T | Unavailable], timeout: float) -> T:
    import asyncio

    if not job.done():
        await asyncio.wait([asyncio.wrap_future(job)], timeout=timeout)
    if not job.done():
        raise Unavailable("no answer in time")
    return _outcome(job.result())


def _outcome(result: T | Unavailable) -> T:
    if isinstance(result, Unavailable):
        # A new one each time: an exception that is raised twice grows its traceback.
        raise Unavailable(str(result))
    return result
