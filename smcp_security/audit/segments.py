"""The files of one audit by name: the live one, and the segments that were put aside, `audit.jsonl.000001` and on."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{6,18}", re.ASCII)
_LAST: Final = 10**18 - 1


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A file that was put aside. Segments sort in the order they were written."""

    number: int
    path: str

    @property
    def name(self) -> str:
        """Its name without the directory."""
        return os.path.basename(self.path)


def segments_of(path: str) -> tuple[Segment, ...]:
    """The segments put aside from the live file `path`, oldest first; what else lies beside it is none.

    A pipe of such a name is none either: it would stall whoever opens it. Raises `OSError` if the directory cannot be
    listed.
    """
    return tuple(sorted(Segment(_number(other), other.path) for other in _named(path) if _is_file(other)))


def is_segment(other: str, name: str) -> bool:
    """Whether the file name `other` is that of a segment of the live file called `name`."""
    number = other.removeprefix(f"{name}.")
    return number != other and _NUMBER.fullmatch(number) is not None


def next_segment(path: str, beyond: int = 0) -> Segment:
    """What the live file `path` is called when it is put aside now: a number above those in use and `beyond`.

    Raises `OSError` if the directory cannot be listed, or somebody used the last number.
    """
    number = max((_number(other) for other in _named(path)), default=0)
    number = max(number, beyond) + 1
    if number > _LAST:
        raise OSError(errno.ERANGE, os.strerror(errno.ERANGE), path)
    return Segment(number, f"{os.path.abspath(path)}.{number:06d}")


def files_of(path: str) -> tuple[str, ...]:
    """All files of the audit in the order they were written: the segments, then the live file if there is one."""
    live = os.path.abspath(path)
    return (*(segment.path for segment in segments_of(path)), *((live,) if os.path.exists(live) else ()))


def _named(path: str) -> list[os.DirEntry[str]]:
    """What is called like a segment of the live file `path`, whatever it is."""
    directory, name = os.path.split(os.path.abspath(path))
    with os.scandir(directory) as beside:
        return [other for other in beside if is_segment(other.name, name)]


def _number(other: os.DirEntry[str]) -> int:
    return int(other.name.rpartition(".")[2])


def _is_file(other: os.DirEntry[str]) -> bool:
    try:
        return other.is_file()
    except OSError:
        # A link that leads in a circle.
        return False
