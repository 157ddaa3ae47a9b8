"""Texts of a server as a reviewer may see them: what shows nothing, turns the line around or drives a terminal is
written out. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

from smcp_security.appearance import HIDDEN
from smcp_security.decoding import in_utf8

# Control, format, private, half a surrogate pair; separators, of which the plain space alone is spared.
_CATEGORIES: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"})
_BLANK: Final = "\u2800"
_ON_ONE_LINE: Final[Mapping[int, str]] = {ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r"}


def shown(text: str, most: int = 200) -> str:
    """A text on one line, escaped, and cut behind `most` characters."""
    return escaped(text[:most].translate(_ON_ONE_LINE)) + (" ..." if len(text) > most else "")


def named(name: str, most: int = 80) -> str:
    """A name, escaped and cut; in one with letters of ASCII, what only looks like one of them is written out too."""
    if name.isascii() or not any(character.isascii() and character.isalpha() for character in name):
        return shown(name, most)
    from smcp_security.confusables import LOOKALIKES

    imitated = frozenset().union(*LOOKALIKES.values())
    seen = shown(name, most)
    return "".join(_escape(character) if character in imitated else character for character in seen)


def escaped(text: str) -> str:
    """A text in which every character that a reader would not see is `\\uXXXX`."""
    if text.isascii() and text.isprintable():
        return text
    hidden = {ord(character): _escape(character) for character in set(text) if is_hidden(character)}
    return text.translate(hidden) if hidden else text


def is_hidden(character: str) -> bool:
    """Whether a reader would not see the character, or take it for a plain space."""
    if character.isascii() and character.isprintable():
        return False
    category = unicodedata.category(character)
    return category in _CATEGORIES or character == _BLANK or HIDDEN.search(in_utf8(character)) is not None


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
