"""Nothing is served while an application is examined: who binds a port or a socket's path is stopped."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

from smcp_security.doctor.loading import place_of


class Serving(BaseException):
    """The application opens a port. Not an `Exception`, so that no code of its own takes it for a busy port."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


def forbid_serving() -> None:
    """From now on no socket of this process can be bound to a port or path. There is no way back."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.bind" and _is_for_others(arguments[1]):
        raise Serving(place_of(_frames()))


def _is_for_others(address: Any) -> bool:
    """Port 0 is what clients and socket pairs have."""
    if isinstance(address, (str, bytes)):
        return bool(address)
    return isinstance(address, tuple) and len(address) > 1 and address[1] != 0


def _frames() -> list[tuple[str, int]]:
    frame: FrameType | None = sys._getframe(1)
    found = []
    while frame is not None:
        found.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return found[::-1]


def silence() -> None:
    """What the application prints goes nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
