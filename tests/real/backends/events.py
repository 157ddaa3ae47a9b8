"""An event store for servers of the SDKs: keeps every message of every stream, with ids that count up.

Runs in environments without the tests' packages: it imports no SDK.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Events:
    """What SDK servers call to keep the messages of a stream, and to send those again that a client has missed.

    `message_type` is the SDK's own class of an event; the ids tell nothing but the order in which they were given.
    """

    def __init__(self, message_type: Callable[..., Any]) -> None:
        self._message_type = message_type
        self._kept: list[tuple[str, Any]] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        """Keep a message (None: the event that only gives a client something to resume from)."""
        self._kept.append((stream_id, message))
        return str(len(self._kept))

    async def replay_events_after(self, last_event_id: str, send_callback: Callable[[Any], Any]) -> str | None:
        """Send what the stream of that event has said since; the name of the stream."""
        if not last_event_id.isdecimal() or not 0 < int(last_event_id) <= len(self._kept):
            return None
        place = int(last_event_id)
        stream = self._kept[place - 1][0]
        for number, (each, message) in enumerate(self._kept[place:], place + 1):
            if each == stream and message is not None:
                await send_callback(self._message_type(message, str(number)))
        return stream
