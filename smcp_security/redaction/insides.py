"""Readers of what errors tell of a server's insides: stack traces, paths of code, statements, echoed input. Pure.

A line break may be written as `\\n`, because errors are quoted in JSON. Everything runs once over a bounded window.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

_LINE: Final = re.compile(r"((?:[^\n\\]|\\(?!n))*+)(\r?\n|\\n|\Z)")
_QUOTED_LINE: Final = re.compile(r"((?:[^\n\\\"]|\\(?!n)[^\n])*+)(\\n|)")
"""A line of a text that is quoted in JSON: it ends where the quotes do."""

_FRAME_OF_PYTHON: Final = re.compile(
    r"\s*\Z|[ \t|+]+\S|Traceback \(|During handling of |The above exception was|File \"|  \|", re.ASCII
)
_FRAME_OF_AT: Final = re.compile(
    r"(?:\s|\\t)*(?:at .*[:(/\\]|\.\.\. \d+ (?:common frames|more)|--- End of|Suppressed:|Caused by: [\w.$]+|\[cause\])"
    r"|(?:\s|\\t)*at [\w.$<>\[\]`]+\.[\w.$<>\[\]`]+(?:\(|\Z)",
    re.ASCII,
)
_FRAME_OF_GO: Final = re.compile(
    r"\s*\Z|(?:\t|\\t)|[\w./*()\[\]{}-]+\(.*\)?\Z|created by |goroutine \d|exit status", re.ASCII
)
_FRAME_NUMBERED: Final = re.compile(
    r"\s*#\d+ |\s*from \S+:\d|Stack trace:|stack backtrace:|\s*\d+: |\s+at |\s+thrown in |note: ", re.ASCII
)


def _lines(here: str, start: int, frame: re.Pattern[str]) -> int:
    """Where the lines that belong to a stack end."""
    end = at = start
    line = _LINE.match(here, start)
    cut = _QUOTED_LINE if line is None or line.group(2) in ("", "\\n") else _LINE
    while at < len(here):
        line = cut.match(here, at)
        if line is None or frame.match(line.group(1)) is None:
            break
        at = line.end()
        if line.group(1).strip():
            end = line.end(1)
        if not line.group(2):
            break
    return end


def _python_trace(before: str, here: str, size: int) -> tuple[int, int] | None:
    """From its first line to the last frame; what was raised stays."""
    first = _LINE.match(here, size)
    if first is None or first.group(1).strip():
        return None
    end = _lines(here, first.end(), _FRAME_OF_PYTHON)
    return (0, end) if end > first.end() else (0, size)


def _at_trace(before: str, here: str, size: int) -> tuple[int, int] | None:
    """Rows of `at name(file:line)`."""
    opening = _BREAK.match(here)
    start = 0 if opening is None else opening.end()
    end = _lines(here, start, _FRAME_OF_AT)
    return (start, end) if end > start else None


_BREAK: Final = re.compile(r"(?:\n|\\n|\x00\n)?(?:[ \t]|\\t)*")


def _go_trace(before: str, here: str, size: int) -> tuple[int, int] | None:
    """A goroutine and its frames."""
    return 0, max(size, _lines(here, 0, _FRAME_OF_GO))


def _numbered_trace(before: str, here: str, size: int) -> tuple[int, int] | None:
    """Rows of `#0 file(line)` and the like."""
    opening = _BREAK.match(here)
    start = 0 if opening is None else opening.end()
    # Before the lines are read: a row of numbers that leads nowhere must cost nothing.
    head = here[start : start + 300]
    if ":" not in head or ("/" not in head and "." not in head):
        return None
    return start, _lines(here, start, _FRAME_NUMBERED)


_PATH_BEFORE: Final = re.compile(r"[A-Za-z0-9_./@~-]*\Z", re.ASCII)
_PATH: Final = re.compile(r"[^\s\"'<>:;,|)\]}`\\]+(?::\d+(?::\d+)?|\(\d+(?:,\d+)?\))?")
_HOME: Final = re.compile(r"/(?:home|Users|root)/", re.ASCII)
_CODE: Final = re.compile(
    r"/(?:site-packages|dist-packages|node_modules|go/pkg|rustc|venv|\.venv|vendor)/"
    r"|\.(?:py[cx]?|[cm]?[jt]sx?|java|kt|go|rs|rb|php|cs|cpp|cc|ex|exs|scala|jar|so|dll|exe|class|pl|lua|sh|sql|ya?ml"
    r"|toml|ini|conf|cfg|env|properties|json|lock|sqlite3?|db|pem|key|crt|sock)(?:\Z|[:(])|:\d+",
    re.ASCII,
)


def _path(before: str, here: str, size: int) -> tuple[int, int] | None:
    """The whole path, if it leads to code or into a home directory; not one in a URL."""
    left = _PATH_BEFORE.search(before)
    back = 0 if left is None else len(left.group())
    found = _PATH.match(here)
    if found is None or (before[: len(before) - back].endswith((":/", "://", ":")) and "//" in before[-back - 3 :]):
        return None
    whole = before[len(before) - back :] + found.group()
    if not whole.startswith(("/", "~", ".")) or whole.startswith("//"):
        return None
    if _HOME.search(whole) is None and _CODE.search(whole) is None:
        return None
    return -back, found.end() - (found.group()[-1:] == ".")


_WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:\\+(?:[^\s\"'<>:;,|)\]}\\]+(?:\\+| (?=[^\\\s]*\\))?)*(?::\d+|:line \d+)?")


def _windows_path(before: str, here: str, size: int) -> tuple[int, int] | None:
    found = _WINDOWS_PATH.match(here)
    if found is None:
        return None
    whole = found.group().replace("\\\\", "\\").replace("\\", "/")
    return found.span() if "/Users/" in whole or _CODE.search(whole) is not None else None


def _file_line(before: str, here: str, size: int) -> tuple[int, int] | None:
    """`service.py:12`: the file and the line, with as much of a path as there is."""
    left = _PATH_BEFORE.search(before)
    found = _PATH.match(here)
    if left is None or found is None or "//" in left.group():
        return None
    return -len(left.group()), found.end()


def _bracketed(before: str, here: str, size: int) -> tuple[int, int] | None:
    """What stands between `[SQL: ` and the bracket that ends the line, or the window."""
    ends = [end for end in (here.find("]\n"), here.find("]\\n"), here.find("] [parameters")) if end > size]
    end = min(ends) if ends else len(here.rstrip().removesuffix("]"))
    return (size, end) if not here[size:].startswith("[redacted:") else None


def _rest_of_line(before: str, here: str, size: int) -> tuple[int, int] | None:
    start = here.find(":") + 1
    line = _LINE.match(here, start + (len(here[start:]) - len(here[start:].lstrip(" "))))
    if line is None or line.group(1).startswith("[redacted:"):
        return None
    return line.span(1) if line.group(1).strip() else None


def _input_value(before: str, here: str, size: int) -> tuple[int, int] | None:
    """pydantic's echo, up to what type it had."""
    end = here.find(", input_type=", size)
    if end < 0:
        line = _LINE.match(here, size)
        end = size if line is None else line.end(1)
    return (size, end) if not here.startswith("[redacted:", size) else None


def _instance(before: str, here: str, size: int) -> tuple[int, int] | None:
    """jsonschema's echo, which ends the message."""
    start = here.find(":") + 1
    start += len(here[start:]) - len(here[start:].lstrip(" \t\r\n"))
    return (start, len(here.rstrip())) if not here.startswith("[redacted:", start) else None


_HOST: Final = re.compile(
    r"[^\n]{0,24}?[\s\"'(=@]*((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z0-9-]{1,63}(?::\d{1,5})?|\[[0-9A-Fa-f:]+\](?::\d+)?"
    r"|[A-Za-z][A-Za-z0-9-]{0,62}:\d{2,5}|(?<=[\"'=])[A-Za-z][A-Za-z0-9_-]{1,62}(?=[\"']))(?:[\"'\s]+\([0-9a-fA-F.:]+\))?"
    r"(?:[\"'),]*[\s,]+(?:on )?port[ =:]*\d{2,5}|\"?\)?', \d{2,5})?",
    re.ASCII,
)


def _endpoint(before: str, here: str, size: int) -> tuple[int, int] | None:
    """A host with its address and port."""
    found = _HOST.match(here, min(size, len(here)))
    if found is None or found.start(1) < size:
        return None
    return found.start(1), found.end()


INSIDES: Final[Mapping[str, Callable[[str, str, int], tuple[int, int] | None]]] = MappingProxyType({
    "python-trace": _python_trace,
    "at-trace": _at_trace,
    "go-trace": _go_trace,
    "numbered-trace": _numbered_trace,
    "path": _path,
    "windows-path": _windows_path,
    "file-line": _file_line,
    "bracketed": _bracketed,
    "rest-of-line": _rest_of_line,
    "input-value": _input_value,
    "instance": _instance,
    "endpoint": _endpoint,
})  # fmt: skip
"""What a rule's `read` stands for."""
