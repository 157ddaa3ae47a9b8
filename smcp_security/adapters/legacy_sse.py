"""The deprecated HTTP+SSE transport (2024-11-05): answers travel on the session's GET stream, not on the POST.

A refusal that rode on the POST would leave the client waiting for ever, so it is written as an event between whole
events of that stream; if the stream lives in another process, the server gets a stand-in which it answers with an
error for the same id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qs
from weakref import WeakValueDictionary

from smcp_security.decision import Decision
from smcp_security.message import Era, Kind, serialise
from smcp_security.sse import Event

# Python and TypeScript SDKs spell the parameter differently.
_PARAMETERS: Final = ("session_id", "sessionId")
STAND_IN: Final = "smcp/refused"


class Stream(Protocol):
    """An open GET stream."""

    async def inject(self, data: bytes) -> bool:
        """Write one event of our own between two of the app's; False if the stream has ended."""


class Streams:
    """The open GET streams of this process by session."""

    def __init__(self) -> None:
        self._open: WeakValueDictionary[str, Stream] = WeakValueDictionary()

    def announce(self, event: Event, stream: Stream) -> str:
        """Note and answer the session that an `endpoint` event names, the first of the transport; empty for others."""
        if event.name != "endpoint" or event.data is None:
            return ""
        session = _session(event.data.decode("utf-8", "replace").partition("?")[2])
        if session:
            self._open[session] = stream
        return session

    async def deliver(self, session: str, decision: Decision) -> bool:
        """Write a refusal on the session's stream; False if it is not here."""
        stream = self._open.get(session)
        return stream is not None and decision.answer is not None and await stream.inject(decision.answer.body)


def session_of(scope: Mapping[str, Any]) -> str:
    """The session of a POST of this transport; empty for any other request.

    A client of the newer transport must accept an event stream (2025-03-26, "Sending Messages"); one of this does not.
    """
    query = scope.get("query_string", b"")
    if not query or scope["method"] != "POST":
        return ""
    accepts = b",".join(value for name, value in scope["headers"] if name.lower() == b"accept")
    return "" if b"text/event-stream" in accepts.lower() else _session(query.decode("latin-1"))


def _session(query: str) -> str:
    if not any(name in query for name in _PARAMETERS):
        return ""
    try:
        given = parse_qs(query, max_num_fields=20)
    except ValueError:  # more fields than any client of this transport sends
        return ""
    return next((given[name][0] for name in _PARAMETERS if len(given.get(name, ())) == 1), "")


def awaited(decision: Decision) -> bool:
    """Whether a client waits on its stream for the answer to the refused message."""
    request = decision.request
    return (
        request is not None
        and request.kind is Kind.REQUEST
        and request.era is Era.LEGACY
        and request.id is not None
        and bool(request.revision)
    )


def stand_in(decision: Decision) -> bytes:
    """A harmless request with the id of the refused one: the server answers it with "method not found"."""
    id = decision.request.id if decision.request is not None else None
    return serialise({"jsonrpc": "2.0", "id": id, "method": STAND_IN})
