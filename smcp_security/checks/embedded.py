"""JSON inside a text: its texts with the names of their fields, and the text with some of them exchanged. Pure.

The rest of the text stays as it was written, blanks, escapes and numbers included.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, Final

from smcp_security.fields import Fields, fields_of, places
from smcp_security.strict_json import Malformed, load

_STRING: Final = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")')
# A string, or a whole number that is a text of its own: the longest that `fields_of` leaves out has seven digits.
_TOKEN: Final = re.compile(rf"{_STRING.pattern[:-1]}|(?<![0-9.eE+-])-?[0-9]{{8,}}(?![0-9.eE]))")
_OPENS: Final = ("{", "[", '"')
_BLANKS: Final = " \t\r\n"
_SIGNS: Final = frozenset(" \t\r\n{}[]:,")


class Embedded:
    """A text that is a JSON object, list or string."""

    __slots__ = ("_parts", "_root", "_starts", "_text", "fields")

    def __init__(self, text: str, value: Any) -> None:
        self._text = text
        self._root = {"": value}
        self.fields: Fields = fields_of(self._root)
        # What stands between the texts and the texts themselves in turn, and where each begins.
        self._parts: list[str] = []
        self._starts: list[int] = []

    def touched(self, start: int, end: int) -> list[int]:
        """The texts that a span of the whole text touches: values if there are any, else keys."""
        self._cut()
        first, last = bisect_right(self._starts, start) - 1, bisect_left(self._starts, end)
        texts = [part // 2 for part in range(first, last) if part % 2]
        return [index for index in texts if not self._is_key(index)] or texts

    def part(self, index: int, start: int, end: int) -> tuple[int, int]:
        """Which characters of a text a span of the whole text touches; all of them where escapes hide which."""
        token, text, begin = self._parts[2 * index + 1], self.fields.texts[index], self._starts[2 * index + 1]
        first, last = max(start - begin, 1), min(end - begin, len(token) - 1)
        try:
            before, inside = json.loads(f'"{token[1:first]}"'), json.loads(f'"{token[first:last]}"')
        except ValueError:
            return 0, len(text)
        found = (len(before), len(before) + len(inside))
        return found if inside and text[slice(*found)] == inside else (0, len(text))

    def with_texts(self, texts: Mapping[int, str], between: Iterable[tuple[int, int, str]] = ()) -> str:
        """The text with some of its strings and numbers exchanged, by index in `fields`.

        `between`: (start, end, what stands there then) of short numbers, which are no texts.
        """
        self._cut()
        parts, ascii_only = self._parts.copy(), self._text.isascii()
        for start, _, text in sorted(between, reverse=True):
            part = bisect_right(self._starts, start) - 1
            number = _number_at(parts[part], start - self._starts[part])
            parts[part] = f"{parts[part][: number[0]]}{json.dumps(text)}{parts[part][number[1] :]}"
        for index, text in self._unique(texts).items():
            parts[2 * index + 1] = json.dumps(text, ensure_ascii=ascii_only)
        return "".join(parts)

    def _unique(self, texts: Mapping[int, str]) -> dict[int, str]:
        """The texts, keys numbered where two of one object would be the same."""
        chosen = dict(texts)
        where = places(self._root, [index for index in texts if self._is_key(index)])
        objects: dict[Any, dict[str, int]] = {}
        for index, (path, _) in where.items():
            objects.setdefault(path[:-1], {})[str(path[-1])] = index
        for path, keys in objects.items():
            node: Any = self._root
            for step in path:
                node = node[step]
            names = renamed(node, {old: texts[index] for old, index in keys.items()})
            chosen |= {keys[old]: new for old, new in names.items()}
        return chosen

    def _is_key(self, index: int) -> bool:
        return self._parts[2 * index + 2].lstrip(_BLANKS).startswith(":")

    def _cut(self) -> None:
        if self._parts:
            return
        # Most JSON has no long numbers, and looking for strings alone takes a third of the time.
        for pattern in (_STRING, _TOKEN):
            self._parts = pattern.split(self._text)
            if len(self._parts) == 2 * len(self.fields.texts) + 1:
                self._starts = list(accumulate(map(len, self._parts), initial=0))
                return
        raise ValueError("the tokens of a JSON text are not its texts")


def _number_at(text: str, at: int) -> tuple[int, int]:
    """Where the number, or the word, begins and ends that stands there."""
    start = end = at
    while start > 0 and text[start - 1] not in _SIGNS:
        start -= 1
    while end < len(text) and text[end] not in _SIGNS:
        end += 1
    return start, end


def opened(text: str) -> Embedded | None:
    """What a text holds, None if it is not one JSON object, list or string, read strictly."""
    bare = text.strip(_BLANKS)
    if not bare.startswith(_OPENS):
        return None
    try:
        value, _ = load(bare.encode())
        return Embedded(text, value) if type(value) in (dict, list, str) else None
    except (Malformed, UnicodeEncodeError):
        return None


def renamed(node: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, str]:
    """New names for keys of an object, numbered so that none is there twice."""
    taken = node.keys() - keys.keys()
    numbers: dict[str, int] = {}
    names: dict[str, str] = {}
    for old, wanted in keys.items():
        name = wanted
        while name in taken:
            numbers[wanted] = numbers.get(wanted, 1) + 1
            name = f"{wanted} {numbers[wanted]}"
        taken.add(name)
        names[old] = name
    return names
