"""The files of one audit by name: the live one, and the segments that were put aside, `audit.jsonl.000001` and on."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{6,18}", re.ASCII)


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

    Raises `OSError` if the directory cannot be listed.
    """
    directory, name = os.path.split(os.path.abspath(path))
    found = []
    for other in os.listdir(directory):
        if is_segment(other, name):
            number = int(other.removeprefix(f"{name}."))
            found.append(Segment(number, os.path.join(directory, other)))
    return tuple(sorted(found))


def is_segment(other: str, name: str) -> bool:
    """Whether the file name `other` is that of a segment of the live file called `name`."""
    number = other.removeprefix(f"{name}.")
    return number != other and _NUMBER.fullmatch(number) is not None


def next_segment(path: str, beyond: int = 0) -> Segment:
    """What the live file `path` is called when it is put aside now: a number above those in use and `beyond`."""
    number = max((segment.number for segment in segments_of(path)), default=0)
    number = max(number, beyond) + 1
    return Segment(number, f"{os.path.abspath(path)}.{number:06d}")


def files_of(path: str) -> tuple[str, ...]:
    """All files of the audit in the order they were written: the segments, then the live file if there is one."""
    live = os.path.abspath(path)
    return (*(segment.path for segment in segments_of(path)), *((live,) if os.path.exists(live) else ()))
