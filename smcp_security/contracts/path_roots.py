"""The directories that paths must lie in, compared name by name: `/srv/data_secret` is not below `/srv/data`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from smcp_security.errors import PolicyError

SEPARATORS: Final = re.compile(r"[/\\]")
DRIVE: Final = re.compile(r"[A-Za-z]:", re.ASCII)
_ASCII_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An absolute directory or file: its drive (empty on POSIX) and the names that lead there."""

    drive: str
    names: Names

    @property
    def text(self) -> str:
        """The place as a file system is asked for it."""
        return f"{self.drive}/{'/'.join(self.names)}"

    def contains(self, other: Place) -> bool:
        """Whether the other place is this one or below it."""
        return self.drive == other.drive and other.names[: len(self.names)] == self.names

    def may_follow(self, typed: Place) -> bool:
        """Whether who has typed that far may be on the way here."""
        if self.drive != typed.drive or len(typed.names) > len(self.names):
            return False
        *whole, begun = typed.names or ("",)
        return self.names[: len(whole)] == tuple(whole) and "".join(self.names[len(whole) :][:1]).startswith(begun)


def place_of(path: str, windows: bool) -> Place | None:
    """Where an absolute path leads; None for a relative one. On Windows ASCII letters have no case.

    Only those: what other letters a volume takes for the same is its own affair, and too few refuses too much.
    """
    if not windows:
        return Place("", names_of(path)) if path.startswith("/") else None
    if DRIVE.match(path) is None or path[2:3] not in ("/", "\\"):
        return None
    lower = lower_ascii(path)
    return Place(lower[:2], names_of(lower[2:]))


def read_root(text: str) -> Place:
    """A root of the policy. Raises `PolicyError` for what is not absolute, or not in its plain spelling."""
    root = place_of(text, windows=DRIVE.match(text) is not None)
    shared = SEPARATORS.split(text.removeprefix(text[:2]) if text[1:2] == ":" else text, 2)[:2] == ["", ""]
    if root is None or (shared and root.names) or ".." in root.names or not text.isprintable():
        raise PolicyError(r"a root of a path contract: expected an absolute directory such as /srv/data or C:\data")
    return root


def lower_ascii(text: str) -> str:
    """The text with A to Z in lower case."""
    return text.translate(_ASCII_LOWER)


def names_of(path: str) -> Names:
    """The names of a path, both slashes counted as separators; empty ones and single dots say nothing."""
    return tuple(name for name in SEPARATORS.split(path) if name not in ("", "."))
