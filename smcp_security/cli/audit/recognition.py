"""Whether a file can be an audit at all, before anything is read from it in earnest."""

from __future__ import annotations

import os
import stat
from typing import Final

from smcp_security.audit.segments import segments_of

_LOOKED_AT: Final = 1024 * 1024
_LINE: Final = b'{"stream":"'
_EARLIER: Final = b'{"v":1,'
EXPECTED: Final = "expected the file that audit.file of a policy names"


def refusal(path: str) -> str:
    """Why `path` is no audit file that can be read; empty for one that is, or whose segments are there."""
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            return "is a folder; name the audit file in it"
        if not stat.S_ISREG(kind):
            return "is no regular file; a pipe or a device cannot be read again: " + EXPECTED
        with open(path, "rb") as file:
            beginning = file.read(_LOOKED_AT)
    except FileNotFoundError:
        return "" if _has_segments(path) else f"there is no such file; {EXPECTED}"
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        return f"cannot be read: {reason}; let this user read it"
    except ValueError:
        return f"is no name of a file; {EXPECTED}"
    return _misfit(beginning)


def _misfit(beginning: bytes) -> str:
    # A writer that was killed may have left a fragment in front.
    if not beginning or beginning.startswith(_LINE) or b"\n" + _LINE in beginning:
        return ""
    if beginning.startswith(_EARLIER):
        return "was written before records were chained (format 1), so nothing proves it; read it with jq"
    if beginning.startswith(b"\x1f\x8b"):
        return "is compressed; unpack it first (gunzip), the chain is over the lines"
    return f"is no audit file; {EXPECTED}"


def _has_segments(path: str) -> bool:
    try:
        return bool(segments_of(path))
    except OSError:
        return False
