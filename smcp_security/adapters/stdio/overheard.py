"""What a server that was given secrets writes to stderr: passed on by the line, with the secrets masked.

A thread of its own: who reads our stderr slowly holds up the server's words there, as without us, and not its answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Final

from smcp_security.adapters.stdio.lines import Line, LineReader, Part
from smcp_security.errors import SMCPError
from smcp_security.redaction.sought import Sought

LONGEST: Final = 64 * 1024
"""Bytes of a line. What is longer is left out: a secret could lie across any place where it is cut."""
LEFT_OUT: Final = b"smcp proxy: a line of the server of over 64 KiB was left out\n"
UNSEARCHED: Final = b"smcp proxy: lines of the server could not be searched for secrets and were left out\n"
_CHUNK: Final = 64 * 1024
_LAST: Final = 1.0
"""Seconds for the last words of a server that has ended, as long as anybody reads them."""


class Overheard:
    """The ear for one server: `writes` is for it to write to, what it says goes on to `fd`."""

    def __init__(self, fd: int, sought: Callable[[], Sought | None]) -> None:
        self._fd = fd
        self._sought = sought
        self._reads, self.writes = os.pipe()
        self._thread = Thread(target=self._listen, name="smcp-stderr", daemon=True)

    def begin(self) -> None:
        """The server has its end: from now on nobody else holds it."""
        os.close(self.writes)
        self.writes = -1
        self._thread.start()

    def end(self) -> None:
        """The server has ended."""
        if self.writes >= 0:
            os.close(self.writes)
            os.close(self._reads)
        else:
            self._thread.join(_LAST)

    def _listen(self) -> None:
        lines = LineReader(LONGEST)
        try:
            while data := os.read(self._reads, _CHUNK):
                self._say(lines.feed(data))
            self._say(lines.end())
        except OSError:  # nobody reads our stderr any more
            pass
        finally:
            os.close(self._reads)

    def _say(self, lines: Iterable[Line]) -> None:
        for data in _pieces(lines):
            told = data if data is LEFT_OUT else self._masked(data)
            while told:
                told = told[os.write(self._fd, told) :]

    def _masked(self, data: bytes) -> bytes:
        sought = self._sought()
        if sought is None:
            return data
        text = data.decode("utf-8", "backslashreplace")
        try:
            spans = sought.find([text], [""])
        except SMCPError:
            return UNSEARCHED
        if not spans:
            return data
        for span in reversed(spans):
            text = f"{text[: span.start]}[redacted:{span.mask}]{text[span.end :]}"
        return text.encode()


def _pieces(lines: Iterable[Line]) -> Iterator[bytes]:
    """Lines that came at once as one text: a secret may be broken over some of them."""
    whole = bytearray()
    for line in lines:
        if line.part is Part.WHOLE:
            whole += line.raw + b"\n"
        elif line.part is Part.CUT:
            whole += line.raw
        elif line.part is Part.HEAD:
            if whole:
                yield bytes(whole)
                whole.clear()
            yield LEFT_OUT
    if whole:
        yield bytes(whole)


@contextmanager
def overhearing(fd: int, sought: Callable[[], Sought | None], *, needed: bool) -> Iterator[Overheard | None]:
    """An ear for a server that is about to start; None where it is given nothing that must be masked."""
    ear = Overheard(fd, sought) if needed else None
    try:
        yield ear
    finally:
        if ear is not None:
            with suppress(OSError):
                ear.end()
