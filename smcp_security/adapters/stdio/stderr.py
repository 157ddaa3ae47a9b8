"""The proxy's own words on stderr, where the server's are too: a client that does not read them holds nobody up."""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_NAME: Final = "smcp_security"


class Words(logging.Handler):
    """One line a record, in pieces that a pipe takes at once; while it takes none, they are counted.

    Until `begin`, good news wait: where nothing can be started, that alone is told.
    """

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self._lost = 0
        self._held: list[logging.LogRecord] | None = []
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    def begin(self) -> None:
        """Tell what waits, and from now on everything."""
        held, self._held = self._held or (), None
        for record in held:
            self.emit(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        if self._held is not None and record.levelno < logging.WARNING:
            self._held.append(record)
            return
        text = f"smcp proxy: {self.format(record)}\n".encode(errors="backslashreplace")
        if self._lost:
            text = f"smcp proxy: {self._lost} lines could not be written here\n".encode() + text
        with suppress(OSError):
            if not self._say(text):
                self._lost += 1
                return
        self._lost = 0

    def _say(self, text: bytes) -> bool:
        """Whether any of it could be written; a line that was begun is ended."""
        for start in range(0, len(text), select.PIPE_BUF):
            if not self._poll.poll(0):
                return start > 0
            os.write(self._fd, text[start : start + select.PIPE_BUF])
        return True


@contextmanager
def words_to(fd: int) -> Iterator[Words]:
    """While it lasts, what the package logs is written to `fd`: warnings, refusals, and a line that says what is on."""
    logger, records = logging.getLogger(_NAME), logging.getLogger(f"{_NAME}.audit")
    words = Words(fd)
    before = logger.level, records.level, logger.propagate
    logger.addHandler(words)
    logger.setLevel(logging.INFO)
    # Of the audit refusals alone: it has a line for every message.
    records.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield words
    finally:
        logger.removeHandler(words)
        logger.setLevel(before[0])
        records.setLevel(before[1])
        logger.propagate = before[2]
