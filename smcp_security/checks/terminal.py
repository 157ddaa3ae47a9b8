"""Terminal escapes and control characters in text, and what a terminal would have shown of it. Pure.

Line feeds, tabs, form feeds and the separators of records stay; so do carriage returns before a line feed. What the
eight-bit controls of ISO 6429 are in text that was decoded wrongly (UTF-8 read as Latin-1) stays too.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_SETTING: Final = r"\x84\x88\x8d-\x90\x98\x9a\x9d-\x9f"
"""Eight-bit controls that move the cursor, open a string or make a terminal answer. One more, CSI, is always one."""

_MISREAD: Final = r"\x80-\xac\xae-\xff"

SET: Final = r"\x{9B}|[^\x{80}-\x{AC}\x{AE}-\x{FF}][\x{84}\x{88}\x{8D}-\x{90}\x{98}\x{9A}\x{9D}-\x{9F}]"
"""RE2 pattern for the eight-bit ones."""

SUSPICIOUS: Final = rf"[\x01-\x08\x0e-\x1b\x7f]|\r[^\r\n]|{SET}"
"""RE2 pattern for joined texts: no match where there is none of it, NUL apart."""

ESCAPES: Final = "terminal escapes"
CONTROLS: Final = "control characters"
OVERWRITTEN: Final = "overwritten characters"
RETURNS: Final = "carriage returns"

_LONGEST: Final = 4096
"""Characters of a string to the terminal (a title, a link, a clipboard) that are taken out with it."""

_PARAMETERS: Final = "[0-?]*+[ -/]*+[@-~]?"
_ESCAPE: Final = re.compile(
    rf"\x1b(?:\[{_PARAMETERS}|[\]PX^_][^\x07\x1b\x9c\ufdd0]{{0,{_LONGEST}}}+(?:\x07|\x1b\\|\x9c)|[ -/]*+[0-~]?)"
    rf"|\x9b(?=[0-9;?]){_PARAMETERS}"
)
_CONTROL: Final = re.compile(r"[\x00-\x07\x0e-\x1a\x7f\x9b][\x00-\x07\x0e-\x1a\x7f\x9b]*")
_SET: Final = re.compile(rf"[{_SETTING}](?<![{_MISREAD}][{_SETTING}])[\x80-\x9f]*")
_RETURN: Final = re.compile(r"\r(?=[^\r\n])")


_STEPS: Final = ((ESCAPES, _ESCAPE, ""), (CONTROLS, _CONTROL, ""), (CONTROLS, _SET, ""), (RETURNS, _RETURN, "\n"))


def shown(text: str, counts: Counter[str]) -> str:
    """The text as a terminal would show it, without what it would obey; `counts` grows by the kinds of that.

    The same text comes back if there is none. Doing it twice changes nothing more.
    """
    for kind, expression, instead in _STEPS:
        text, times = expression.subn(instead, text)
        if times:
            counts[kind] += times
    if "\b" not in text:
        return text
    printed = "\n".join(_printed(line) if "\b" in line else line for line in text.split("\n"))
    counts[OVERWRITTEN] += len(text) - len(printed)
    return printed


def _printed(line: str) -> str:
    """A line with backspaces as it looks in the end: each goes back by one, and what follows stands in its place."""
    cells: list[str] = []
    at = 0
    for place, piece in enumerate(line.split("\b")):
        at = max(0, at - 1) if place else 0
        cells[at : at + len(piece)] = piece
        at += len(piece)
    return "".join(cells)
