"""The deprecated HTTP+SSE transport (2024-11-05): answers travel on the session's GET stream, not on the POST.

A refusal that rode on the POST would leave the client waiting for ever, so it is written as an event between whole
events of that stream; if the stream lives in another process, the server gets a stand-in which it answers with an
error for the same id. Where the refused message was never read (too large, not JSON, a flood), its id is unknown: the
stream ends, so that all who wait on it learn that no answer will come.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qs
from weakref import WeakValueDictionary

from smcp_security.checks.transport import SESSION_PARAMETERS
from smcp_security.decision import Decision
from smcp_security.message import Era, Kind
from smcp_security.sse import Event
from smcp_security.strict_json import deserialise, serialise

# A URL with a UUID. The name is kept for as long as the stream lives.
_LONGEST_ENDPOINT: Final = 2_000
# Streams that were ended lately; a server notices within milliseconds.
_ENDED_KEPT: Final = 64
# Counters and UUIDs, as all SDKs make them.
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
STAND_IN: Final = "smcp/refused"


class Stream(Protocol):
    """An open GET stream. `upstream` is the place that it was opened at."""

    @property
    def upstream(self) -> str:
        """The server that its answers come from."""

    async def inject(self, data: bytes) -> bool:
        """Write one event of our own between two of the app's; False if the stream has ended."""

    async def close(self) -> bool:
        """End the stream; False if it has ended."""


class Streams:
    """The open GET streams of this process by session."""

    def __init__(self) -> None:
        self._open: WeakValueDictionary[str, Stream] = WeakValueDictionary()
        self._ended: deque[str] = deque(maxlen=_ENDED_KEPT)

    def announce(self, event: Event, stream: Stream) -> str:
        """Note and answer the session that an `endpoint` event names, the first of the transport; empty for others."""
        if event.name != "endpoint" or event.data is None or len(event.data) > _LONGEST_ENDPOINT:
            return ""
        session = _session(event.data.decode("utf-8", "replace").partition("?")[2])
        if session:
            self._open[session] = stream
            if session in self._ended:
                self._ended.remove(session)
        return session

    def session_of(self, scope: Mapping[str, Any]) -> str:
        """The session of a POST of this transport; empty for any other request.

        One that is not open here is only a guess: a client of the newer transport must accept an event stream
        (2025-03-26, "Sending Messages"); one of this seldom does.
        """
        query = scope.get("query_string", b"")
        if not query or scope["method"] != "POST":
            return ""
        session = _session(query.decode("latin-1"))
        if not session or session in self._open:
            return session
        accepts = b",".join(value for name, value in scope["headers"] if name.lower() == b"accept")
        return "" if b"text/event-stream" in accepts.lower() else session

    def upstream(self, session: str) -> str:
        """Where the session's stream was opened; empty if it is not here."""
        stream = self._open.get(session) if session else None
        return "" if stream is None else stream.upstream

    async def deliver(self, session: str, decision: Decision) -> bool:
        """Write a refusal on the session's stream; False if it is not here."""
        stream, request = self._open.get(session), decision.request
        if stream is None or request is None or decision.answer is None:
            return False
        # Whatever its row says: an error without an id hangs whoever waits here.
        return await stream.inject(serialise({**deserialise(decision.answer.body), "id": request.id}))

    async def close(self, session: str) -> None:
        """End the session's stream if it is here."""
        stream = self._open.get(session)
        if stream is not None and await stream.close():
            self._ended.append(session)

    def ended(self, session: str) -> bool:
        """Whether the session's stream was ended here. Until its server notices, it would answer into nothing."""
        return session in self._ended


def _session(query: str) -> str:
    if not any(name in query for name in SESSION_PARAMETERS):
        return ""
    try:
        given = parse_qs(query, max_num_fields=20)
    except ValueError:  # more fields than any client of this transport sends
        return ""
    return next((given[name][0] for name in SESSION_PARAMETERS if len(given.get(name, ())) == 1), "")


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


def unheard(decision: Decision) -> bool:
    """Whether somebody may wait for an answer that nobody can address: the refused message was never read.

    A stranger, told by its Host, Origin or credential, waits for nothing, and must have no effect on a session.
    """
    unread = decision.request is None or not decision.request.revision
    code = "" if decision.blocking is None else decision.blocking.code
    return unread and bool(code) and code not in ("SMCP101", "SMCP102") and not code.startswith("SMCP2")


def stand_in(decision: Decision) -> bytes:
    """A harmless request with the id of the refused one: the server answers it with "method not found".

    Empty where the id itself is no plain one: it may be what was refused.
    """
    id = None if decision.request is None else decision.request.id
    if type(id) is str and not _PLAIN_ID.fullmatch(id):
        return b""
    return serialise({"jsonrpc": "2.0", "id": id, "method": STAND_IN})
