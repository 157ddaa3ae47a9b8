"""The head of an ASGI response: what it says of the body, and what it may say of another one. Pure."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, Final, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]

_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?\s*([^\s;,\"']*)")
_UTF8: Final = {b"utf-8", b"utf8"}
# What the app says of a body that is not the one that goes out.
_REPLACED: Final = frozenset(
    b"content-length content-encoding content-type transfer-encoding etag last-modified accept-ranges content-md5 "
    b"digest content-digest repr-digest".split()
)
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})


def joined(start: Message, name: bytes) -> bytes:
    """All values of a field, in small letters; of several, readers may take any."""
    return b",".join(value for field, value in start["headers"] if field.lower() == name).strip().lower()


def unreadable(start: Message, media: bytes) -> str:
    """Why a body cannot be judged as its client will read it; empty if it can."""
    if joined(start, b"content-encoding") not in (b"", b"identity"):
        return "SMCP702"
    # Clients decode a stream as its charset says, and those that look for JSON first take a stream for JSON.
    both = b"text/event-stream" in media and b"application/json" in media
    return "SMCP703" if both or not set(_CHARSET.findall(media)) <= _UTF8 else ""


def fields(start: Message) -> list[tuple[bytes, bytes]]:
    """The header fields as ASGI has them. Apps send any iterable, and servers take text for bytes."""
    return [(_octets(name), _octets(value)) for name, value in start.get("headers") or ()]


def _octets(text: bytes | str) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def with_body(start: Message, body: bytes) -> Message:
    """The start for a body of ours."""
    kept = [item for item in start["headers"] if item[0].lower() not in _REPLACED]
    length = (b"content-length", str(len(body)).encode())
    # The app is not heard any more, so the trailers that it promised will not come.
    return {**start, "headers": [*kept, (b"content-type", b"application/json"), length], "trailers": False}


def with_text(start: Message, body: bytes) -> Message:
    """The start for the app's own body with something masked."""
    kept = [item for item in start["headers"] if item[0].lower() not in _REPLACED - {b"content-type"}]
    return {**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]}


def without_length(message: Message) -> Message:
    """The start of a stream whose length may change on the way."""
    return {**message, "headers": [item for item in message["headers"] if item[0].lower() not in _FRAMING]}
