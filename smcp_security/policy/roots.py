"""The roots of `path` contracts: absolute directories in one spelling, of POSIX or of Windows. Pure text, no disk."""

from __future__ import annotations

import re
from typing import Final

ROOT_PATTERN: Final = r"^(/|[A-Za-z]:[/\\])[^\x00-\x1f\x7f]{0,1000}$"
_ROOT: Final = re.compile(ROOT_PATTERN)
_EXPECTED: Final = "expected an absolute directory such as /srv/data or C:\\data"
_NOT_IN_WINDOWS: Final = re.compile(r'[<>:"|?*]|[. ]$')


def parse_root(value: object) -> str:
    """A root without `.`, doubled or last slashes; of Windows with a capital drive and backslashes.

    Raises:
        ValueError: not absolute, with `..`, of the net (`//host/share`), or no name that Windows takes.
    """
    if not isinstance(value, str) or _ROOT.fullmatch(value) is None:
        raise ValueError(_EXPECTED)
    if value.startswith("/"):
        return "/" + "/".join(_posix(value))
    drive, rest = value[0].upper(), value[2:].replace("/", "\\")
    return f"{drive}:\\" + "\\".join(_windows(rest))


def is_windows(root: str) -> bool:
    """Whether a root in that spelling is one of Windows."""
    return not root.startswith("/")


def is_everything(root: str) -> bool:
    """Whether a root in that spelling holds every file of its disk."""
    return root == "/" or len(root) == 3


def _posix(root: str) -> list[str]:
    if root.startswith("//"):
        raise ValueError(f"{_EXPECTED}; two slashes begin the name of another machine")
    if "\\" in root:
        raise ValueError(f"{_EXPECTED}; a backslash parts directories for some readers and not for others")
    return _parts(root.split("/"))


def _windows(rest: str) -> list[str]:
    parts = _parts(rest.split("\\"))
    if any(_NOT_IN_WINDOWS.search(part) for part in parts):
        raise ValueError(f'{_EXPECTED}; Windows has no names with < > : " | ? * or a dot or blank at the end')
    return parts


def _parts(parts: list[str]) -> list[str]:
    if ".." in parts:
        raise ValueError(f"{_EXPECTED}, without ..; write where it leads")
    return [part for part in parts if part not in ("", ".")]
