"""Which request a later message belongs to, where it does not come on the same HTTP exchange.

Keys are (session, typed id): `1` and `"1"` are two ids, and the same id in two sessions is two requests
(CVE-2026-25536). Clients choose the ids. One that is used for two requests at once belongs to neither from then on:
servers mix up their streams. One that is used again later tells nothing on a stream that may repeat what was said.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Final, Generic, TypeVar

from smcp_security.checks.rung import Context, Trace
from smcp_security.checks.session_ids import folded
from smcp_security.decision import Origin
from smcp_security.message import Kind, Message

# Past this the oldest is forgotten, and its answer counts as of unknown origin: judged under the strictest rules.
MAX_OPEN: Final = 10_000

# Ids and names of real clients are counters, UUIDs and tool names of at most 128 characters.
_KEPT: Final = 128

_EITHER: Final = Origin("")
"""Two requests at once have the id."""
_AGAIN: Final = Origin("", "again")
"""Requests one after the other had the id."""

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

    def __len__(self) -> int:
        return len(self._entries)

    def drop(self, chosen: Callable[[K], bool]) -> None:
        with self._lock:
            for key in [key for key in self._entries if chosen(key)]:
                del self._entries[key]

    def reset_lock(self) -> None:
        self._lock = Lock()


Key = tuple[str, str, str | int]


class Exchanges:
    """Requests of clients: those that are open, and those that were answered lately."""

    def __init__(self, size: int = MAX_OPEN) -> None:
        self._asked: _Recent[Key, Origin] = _Recent(size)
        self._answered: _Recent[Key, Origin] = _Recent(size)
        self._owing: _Recent[Key, Context] = _Recent(size)

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        for recent in (self._asked, self._answered, self._owing):
            recent.reset_lock()

    def open(self, session: str, message: Message, caller: str) -> None:
        """A client's request goes to the server. Only a session can answer it on another HTTP exchange."""
        if session and message.kind is Kind.REQUEST and message.id is not None:
            key, asked = _key(session, message.id), Origin(message.method, _short(message.target), caller)
            before = self._asked.get(key)
            # Two open requests of one id: whose answer comes first nobody can tell, and the sender must not choose.
            self._asked.put(key, asked if before is None or before == asked else _EITHER)

    def settle(self, session: str, id: str | int | None) -> bool:
        """Whether somebody waits on that session for an answer to the id; from now on nobody does."""
        return bool(session) and id is not None and self._close(_key(session, id)) is not None

    def defer(self, asked: Context) -> bool:
        """Keep what a request owes until its answer comes on another exchange; False if nobody waits for one there."""
        message, session = asked.message, asked.session
        if not session or message is None or message.id is None or self._asked.get(_key(session, message.id)) is None:
            return False
        # Of the request itself nothing is kept: it may be large, and there may be thousands.
        self._owing.put(_key(session, message.id), Context(slots=asked.slots, draws=asked.draws))
        return True

    @property
    def owes(self) -> bool:
        """Whether anything is owed at all."""
        return len(self._owing) > 0

    def owing(self, session: str, id: str | int | None) -> Context | None:
        """What the request owes that is answered only now, on another exchange than its own; told once."""
        return self._owing.pop(_key(session, id)) if session and id is not None else None

    def forget(self, session: str) -> None:
        """The session has ended, and what it still waited for never comes. Looks at all keys: milliseconds at most."""
        ended = _short(folded(session))
        for recent in (self._asked, self._answered):
            recent.drop(lambda key: key[0] == ended)
        self._owing.drop(lambda key: key[0] == ended)

    def trace(self, question: Trace) -> Origin | None:
        """Answer `Trace`; from now on nobody waits for that answer."""
        message, request = question.message, question.request
        if message.id is None or message.kind is Kind.REQUEST:
            return None
        before = waiting = None
        if question.session:
            key = _key(question.session, message.id)
            before, waiting = self._answered.get(key), self._close(key)
        if before is _EITHER or waiting is _EITHER:
            return None
        if request is not None and type(request.id) is type(message.id) and request.id == message.id:
            return Origin(request.method, request.target, question.caller)
        return waiting if before is None or before == waiting else None

    def _close(self, key: Key) -> Origin | None:
        waiting = self._asked.pop(key)
        if waiting is not None:
            before = self._answered.get(key)
            mixed = before is not None and before != waiting
            self._answered.put(key, _EITHER if _EITHER in (before, waiting) else _AGAIN if mixed else waiting)
        return waiting


def _key(session: str, id: str | int) -> Key:
    # One spelling: servers that read it as a UUID take several for the same session.
    return _short(folded(session)), type(id).__name__, _short(id) if isinstance(id, str) else id


def _short(text: str) -> str:
    """The caller chose the text, and thousands of them are kept: a long one is kept as its hash."""
    return text if len(text) <= _KEPT else sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
