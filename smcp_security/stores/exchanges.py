"""Which request a later message belongs to, where it does not come on the same HTTP exchange.

Keys are (session, typed id): `1` and `"1"` are two ids, and the same id in two sessions is two requests
(CVE-2026-25536). Task ids are bound to the caller and tool of the call that created them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Final, Generic, TypeVar

from smcp_security.checks.rung import Trace
from smcp_security.decision import Origin
from smcp_security.message import Kind, Message

# Past this the oldest is forgotten, and its answer counts as of unknown origin: judged under the strictest rules.
MAX_OPEN: Final = 10_000

# Ids and names of real clients are counters, UUIDs and tool names of at most 128 characters.
_KEPT: Final = 128

K = TypeVar("K")
V = TypeVar("V")


class _Recent(Generic[K, V]):
    """A bounded map that forgets the oldest entry first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._entries[key] = value
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def get(self, key: K) -> V | None:
        return self._entries.get(key)

    def pop(self, key: K) -> V | None:
        with self._lock:
            return self._entries.pop(key, None)

    def drop(self, chosen: Callable[[K], bool]) -> None:
        with self._lock:
            for key in [key for key in self._entries if chosen(key)]:
                del self._entries[key]

    def reset_lock(self) -> None:
        self._lock = Lock()


Key = tuple[str, type, str | int]


class Exchanges:
    """Open requests of clients, and tasks."""

    def __init__(self, size: int = MAX_OPEN) -> None:
        self._asked: _Recent[Key, Origin] = _Recent(size)
        self._tasks: _Recent[str, Origin] = _Recent(size)

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        for recent in (self._asked, self._tasks):
            recent.reset_lock()

    def open(self, session: str, message: Message, caller: str) -> None:
        """A client's request goes to the server. Only a session can answer it on another HTTP exchange."""
        if session and message.kind is Kind.REQUEST and message.id is not None:
            self._asked.put(_key(session, message.id), Origin(message.method, _short(message.target), caller))

    def settle(self, session: str, id: str | int | None) -> bool:
        """Whether somebody waits on that session for an answer to the id; from now on nobody does."""
        return bool(session) and id is not None and self._asked.pop(_key(session, id)) is not None

    def forget(self, session: str) -> None:
        """The session has ended, and what it still waited for never comes. Looks at all keys: a millisecond at most."""
        ended = _short(session)
        self._asked.drop(lambda key: key[0] == ended)

    def trace(self, question: Trace) -> Origin | None:
        """Answer `Trace`, and remember the task that the message may start."""
        message = question.message
        if message.id is None or message.kind is Kind.REQUEST:
            return None
        origin = self._origin(question, message.id)
        if origin is not None and origin.method == "tools/call":
            self._bind(message, origin)
        return origin

    def _origin(self, question: Trace, id: str | int) -> Origin | None:
        request = question.request
        waiting = self._asked.pop(_key(question.session, id)) if question.session else None
        if request is not None and type(request.id) is type(id) and request.id == id:
            waiting = Origin(request.method, request.target, question.caller)
        if waiting is not None and waiting.method == "tasks/result":
            return self._tasks.get(_short(waiting.target)) or waiting
        return waiting

    def _bind(self, message: Message, origin: Origin) -> None:
        """2025-11-25 puts the task under `result.task`, the extension of 2026-07-28 into the result itself."""
        result = message.value.get("result")
        if type(result) is not dict:
            return
        task = result if result.get("resultType") == "task" else result.get("task")
        named = task.get("taskId") if type(task) is dict else None
        # The first binding stays: nobody takes a task over by naming it.
        if type(named) is str and self._tasks.get(_short(named)) is None:
            self._tasks.put(_short(named), Origin(origin.method, _short(origin.target), origin.caller))


def _key(session: str, id: str | int) -> Key:
    return _short(session), type(id), _short(id) if isinstance(id, str) else id


def _short(text: str) -> str:
    """The caller chose the text, and thousands of them are kept: a long one is kept as its hash."""
    return text if len(text) <= _KEPT else sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
