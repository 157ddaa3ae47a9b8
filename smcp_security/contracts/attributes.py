"""What a tag of an `html` contract may carry: names without effect, and addresses of the web. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Final

# What the first character after a value may be tells a browser where it ends: so blanks only.
_BLANKS: Final = " \t\n\r"
_ONE: Final = re.compile(r"""[ \t\n\r]+([A-Za-z][A-Za-z0-9-]*)(?:="([^"]*)"|='([^']*)')?""", re.ASCII)
_WORDS: Final = re.compile(r"[A-Za-z0-9_ -]*", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,5}%?", re.ASCII)
_SCHEME: Final = re.compile(r"(?:https?|mailto|tel):", re.ASCII | re.IGNORECASE)

_TEXTS: Final = frozenset({"title", "alt", "lang", "dir", "abbr", "datetime", "label"})
# Class-based directives of frameworks need more than words.
_WORD_LISTS: Final = frozenset({"class", "rel", "target", "scope", "align", "valign", "loading", "type", "role"})
_NUMBERS: Final = frozenset({"width", "height", "colspan", "rowspan", "span", "start", "value", "border"})
_FLAGS: Final = frozenset({"open", "reversed"})
_ADDRESSES: Final[Mapping[str, frozenset[str]]] = {
    "href": frozenset({"a"}),
    "src": frozenset({"img", "audio", "video", "source", "track"}),
    "cite": frozenset({"blockquote", "q", "del", "ins"}),
}
_MAX_ATTRIBUTES: Final = 20
_MAX_ADDRESS: Final = 2048


class Attributes(dict[str, str | None]):
    """Names in small letters -> values as written; None for a name without one."""

    def harmless(self, element: str) -> bool:
        """Whether none of them runs, styles, names or loads anything but an address of the web."""
        return len(self) <= _MAX_ATTRIBUTES and all(_harmless(element, name, value) for name, value in self.items())


def read(text: str) -> Attributes | None:
    """The attributes of a tag; None where two readers could differ: no quotes, a stray sign, one name twice."""
    found = Attributes()
    place, end = 0, len(text.rstrip(_BLANKS))
    while place < end:
        match = _ONE.match(text, place)
        if match is None or (name := match[1].lower()) in found:
            return None
        found[name] = match[2] if match[2] is not None else match[3]
        place = match.end()
    return found


def _harmless(element: str, name: str, value: str | None) -> bool:
    if value is None:
        return name in _FLAGS
    if name in _TEXTS:
        # An old browser ends a value at a grave accent.
        return "`" not in value
    if name in _WORD_LISTS:
        return _WORDS.fullmatch(value) is not None
    if name in _NUMBERS:
        return _NUMBER.fullmatch(value) is not None
    return element in _ADDRESSES.get(name, ()) and _of_the_web(value)


def _of_the_web(value: str) -> bool:
    """Whether a browser takes the value for an address of the web: with one of few schemes, or none."""
    # Beyond that it is no address, and decoding takes its time.
    if len(value) > _MAX_ADDRESS:
        return False
    address = unescape(value)
    # Browsers drop blanks and controls, so none may stand anywhere.
    if not address.isprintable() or " " in address or "\\" in address or "`" in address:
        return False
    before = address[: min((place for sign in "/?#" if (place := address.find(sign)) >= 0), default=len(address))]
    return ":" not in before or _SCHEME.match(address) is not None
