"""What single names in a path must not be: devices, streams, what Windows changes on its own. Pure."""

from __future__ import annotations

import re
from typing import Final

_DEVICE: Final = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])", re.I)
_STREAM: Final = re.compile(r"\.[A-Za-z0-9]{0,4}[A-Za-z][A-Za-z0-9]{0,4}:|:\$", re.ASCII)
"""An extension and a colon, or the type of a stream. A colon alone is honest elsewhere than on Windows: `12:30.md`."""
_NOT_ON_WINDOWS: Final = frozenset('<>:"|?*')


def is_odd(name: str, windows: bool, ends: bool = True) -> bool:
    """Whether a file system may take `name` for more, or for other, than a plain name.

    `ends` is False for a name that is still being typed.
    """
    if name.startswith("..") and not name.strip("."):
        # No longer a step up, and no plain name either: filters and old systems make ".." of it.
        return True
    if _STREAM.search(name) is not None:
        return True
    if windows and (not _NOT_ON_WINDOWS.isdisjoint(name) or (ends and name[-1:] in (".", " ") and name != ".")):
        return True
    return ends and _is_device(name, windows)


def _is_device(name: str, windows: bool) -> bool:
    stem, dot, _ = name.partition(".")
    if _DEVICE.fullmatch(stem.rstrip(" ")) is None:
        return False
    # Elsewhere `aux` and `con.c` are honest names; in capitals, or bare, they are meant for a Windows behind.
    return windows or stem.isupper() or (not dot and stem.lower() != "aux")
