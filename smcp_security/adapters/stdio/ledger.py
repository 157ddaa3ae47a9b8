"""The requests of the client that the server has not answered: each ends once, with an answer or with a reason."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from smcp_security.adapters.account import Account
from smcp_security.adapters.stdio.labels import Id
from smcp_security.decision import Decision

MOST: Final = 10_000
MOST_BYTES: Final = 64 * 1024 * 1024
"""What open requests may hold together. Past either the oldest is given up: its client has long ceased to wait."""
CANCELLED: Final = 30.0
"""Seconds that a call may go on after the client has cancelled it before its place is given to another."""
MOST_GHOSTS: Final = 100_000
"""Requests without an answer after which a connection takes no more: none of their ids may be forgotten."""
# A subscription is never answered: nobody waits for it.
_STANDING: Final = frozenset({"subscriptions/listen"})


@dataclass(slots=True, weakref_slot=True)
class Open:
    """A request on its way. `until` is when a cancelled one is given up."""

    id: Id
    decision: Decision
    account: Account
    size: int
    until: float | None = None


class Ledger:
    """Open requests by typed id, the oldest first; and the ids of those given up, whose answers may come yet."""

    __slots__ = ("_bytes", "_cancelled", "_ghosts", "_open")

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[type, Id], Open] = OrderedDict()
        self._bytes = 0
        self._cancelled: OrderedDict[tuple[type, Id], Open] = OrderedDict()
        # Hashes: ids may be long. Of two ids that share one the second is refused, and never takes the first's answer.
        self._ghosts: set[int] = set()

    def __contains__(self, id: Id | None) -> bool:
        return (type(id), id) in self._open

    def __len__(self) -> int:
        return len(self._open)

    @property
    def worn_out(self) -> bool:
        """Whether so many requests were given up that no more can be told from them."""
        return len(self._ghosts) >= MOST_GHOSTS

    def is_new(self, id: Id) -> bool:
        """Whether an answer with this id can be that of a new request alone."""
        return id not in self and not self.worn_out and hash((type(id), id)) not in self._ghosts

    def add(self, request: Open) -> list[Open]:
        """A request goes to the server; those that must make room for it."""
        self._open[type(request.id), request.id] = request
        self._bytes += request.size
        gone = []
        while len(self._open) > 1 and (len(self._open) > MOST or self._bytes > MOST_BYTES):
            gone.append(self._give_up(next(iter(self._open.values()))))
        return gone

    def take(self, id: Id | None) -> Open | None:
        """The request that is answered now; None if there is none."""
        if id is None:
            return None
        request = self._open.pop((type(id), id), None)
        if request is None:
            self._ghosts.discard(hash((type(id), id)))
        else:
            self._bytes -= request.size
            self._cancelled.pop((type(id), id), None)
        return request

    def take_only(self) -> Open | None:
        """The one open request, if there is but one, where nothing says whose answer it is: its own may come yet."""
        return self._give_up(next(iter(self._open.values()))) if len(self._open) == 1 else None

    def cancel(self, id: Id | None, now: float) -> None:
        """The client waits no more. A server that obeys never answers."""
        request = None if id is None else self._open.get((type(id), id))
        if request is not None and request.until is None:
            request.until = now + CANCELLED
            self._cancelled[type(request.id), request.id] = request

    def lapsed(self, now: float) -> list[Open]:
        """Cancelled requests whose time is up."""
        gone = []
        while self._cancelled:
            oldest = next(iter(self._cancelled.values()))
            if oldest.until is None or oldest.until > now:
                break
            gone.append(self._give_up(oldest))
        return gone

    def next_lapse(self) -> float | None:
        """When the next cancelled request is given up."""
        oldest = next(iter(self._cancelled.values()), None)
        return None if oldest is None else oldest.until

    @property
    def awaited(self) -> bool:
        """Whether anybody waits for an answer."""
        return any(each.until is None and _method(each) not in _STANDING for each in self._open.values())

    def close(self) -> list[Open]:
        """All that is open, which nothing answers any more."""
        gone = list(self._open.values())
        self._open.clear()
        self._cancelled.clear()
        self._bytes = 0
        return gone

    def _give_up(self, request: Open) -> Open:
        self.take(request.id)
        self._ghosts.add(hash((type(request.id), request.id)))
        return request


def _method(request: Open) -> str:
    message = request.decision.request
    return "" if message is None else message.method
