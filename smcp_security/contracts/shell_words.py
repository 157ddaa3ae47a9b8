"""Words of one plain command line as every POSIX shell reads them, or none where a shell would do more. Pure.

What a shell acts on outside quotes is not read at all: operators, expansions, globs, comments, assignments. So is what
shells and `shlex` read differently, such as `\\$` between double quotes. What is left has one reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_BLANK: Final = re.compile(r"[ \t]+")
_PLAIN: Final = re.compile(r"[\w@%+=:,./-]+")
"""Letters and digits of every script are letters to every shell; their blanks and signs are left out."""

_ALL_PLAIN: Final = re.compile(r"[\w@%+=:,./\t -]*+")
_SINGLE: Final = re.compile(r"'[^']*'")
_DOUBLE: Final = re.compile(r'"(?:[^"\\$`!]|\\[^$`!])*"')
_DOUBLE_OPEN: Final = re.compile(r'"(?:[^"\\$`!]|\\[^$`!])*\\?\Z')
_SINGLE_OPEN: Final = re.compile(r"'[^']*\Z")
_ESCAPED: Final = re.compile(r"\\[!-~ ]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNESCAPED: Final = re.compile(r'\\(["\\])')


class Reading(NamedTuple):
    """The words, and whether the last one may go on: no blank follows it, or a quote in it is open."""

    words: tuple[str, ...]
    unfinished: bool


def words(text: str) -> tuple[str, ...] | None:
    """The words of a whole command line; None if it is not plain. Linear in the text, quotes inside words included."""
    if _ALL_PLAIN.fullmatch(text) is not None:
        return tuple(text.split())
    reading = _read(text, _quoted)
    return reading.words if reading is not None else None


def words_so_far(text: str) -> Reading | None:
    """The same for a line that somebody is still typing: the last quote may be open."""
    return _read(text, _quoted_or_open)


def _read(text: str, quoted: Callable[[str, int], tuple[str, int] | None]) -> Reading | None:
    if _CONTROL.search(text) is not None:
        return None
    found: list[str] = []
    word: list[str] | None = None
    at = 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank is not None:
            at = blank.end()
            if word is not None:
                found.append("".join(word))
            word = None
            continue
        piece = _plain(text, at) or quoted(text, at)
        if piece is None:
            return None
        # A list, joined at the end: a word of many pieces stays linear.
        word = [] if word is None else word
        word.append(piece[0])
        at = piece[1]
    if word is not None:
        found.append("".join(word))
    return Reading(tuple(found), word is not None)


def _plain(text: str, at: int) -> tuple[str, int] | None:
    plain = _PLAIN.match(text, at)
    return (plain.group(), plain.end()) if plain is not None else None


def _quoted(text: str, at: int) -> tuple[str, int] | None:
    single = _SINGLE.match(text, at)
    if single is not None:
        return single.group()[1:-1], single.end()
    double = _DOUBLE.match(text, at)
    if double is not None:
        return _UNESCAPED.sub(r"\1", double.group()[1:-1]), double.end()
    escaped = _ESCAPED.match(text, at)
    return (escaped.group()[1:], escaped.end()) if escaped is not None else None


def _quoted_or_open(text: str, at: int) -> tuple[str, int] | None:
    closed = _quoted(text, at)
    if closed is not None:
        return closed
    opened = _SINGLE_OPEN.match(text, at) or _DOUBLE_OPEN.match(text, at)
    return (opened.group()[1:], opened.end()) if opened is not None else None
