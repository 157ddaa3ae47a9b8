"""What a house lets out, kept to be searched: all bytes on its wire, and every line of the log. Judges nothing.

The search is the demo's own and shares no code with what masks.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

_URL_ALPHABET: Final = str.maketrans("+/", "-_")
_TURNS: Final = 3
"""Where in a Base64 quantum a value may begin."""


@dataclass(slots=True)
class Traces:
    """Requests and answers as they stood on the wire, and the log of everybody, down to DEBUG: SDKs write there what a
    tool returned, before any edge outside of them has seen it."""

    wire: bytearray = field(default_factory=bytearray)
    log: bytearray = field(default_factory=bytearray)

    def keep(self, message: Mapping[str, Any]) -> None:
        """The headers and the body of one ASGI message, or of a request's scope."""
        for name, value in message.get("headers", ()):
            self.wire += name + b": " + value + b"\n"
        self.wire += message.get("body", b"")

    @contextmanager
    def overhearing(self) -> Iterator[None]:
        """Keep the log to itself for as long as it is entered."""
        root, disabled = logging.getLogger(), logging.root.manager.disable
        handlers, level = root.handlers, root.level
        root.handlers = [_Noting(self.log)]
        root.setLevel(logging.DEBUG)
        logging.disable(logging.NOTSET)
        try:
            yield
        finally:
            root.handlers = handlers
            root.setLevel(level)
            logging.disable(disabled)


class _Noting(logging.Handler):
    def __init__(self, lines: bytearray) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines += self.format(record).encode("utf-8", "surrogateescape") + b"\n"


@dataclass(frozen=True, slots=True)
class Search:
    """How large a place is, and how often one of the spellings of a value stands in it."""

    place: str
    size: int
    found: int


def search(place: str, octets: bytes, value: str) -> Search:
    """Look for a value, as it is and in each of its spellings."""
    return Search(place, len(octets), sum(octets.count(spelling) for spelling in spellings(value)))


def spellings(value: str) -> tuple[bytes, ...]:
    r"""As it is, backwards, in hex, percent and `\u` escapes, and in Base64 wherever a quantum begins."""
    octets = value.encode()
    percent = "".join(f"%{octet:02x}" for octet in octets)
    escapes = "".join(f"\\u{ord(letter):04x}" for letter in value)
    texts = {
        value, value[::-1], octets.hex(), octets.hex().upper(), percent, percent.upper(), quote(value, safe=""),
        escapes,
    }  # fmt: skip
    for turn in range(_TURNS):
        coded = _in_base64(octets, turn)
        texts |= {coded, coded.translate(_URL_ALPHABET)}
    return tuple(sorted(text.encode() for text in texts))


def _in_base64(octets: bytes, turn: int) -> str:
    """What stands in Base64 of any text that holds the value, `turn` bytes into a quantum."""
    coded = base64.b64encode(bytes(turn) + octets).decode().rstrip("=")
    # The first and the last characters also depend on what stands around the value.
    first = (0, 2, 3)[turn]
    last = len(coded) - (1 if (turn + len(octets)) % _TURNS else 0)
    return coded[first:last]
