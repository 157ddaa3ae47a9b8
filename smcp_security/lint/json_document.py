"""JSON text -> plain values and the place of each; comments and trailing commas are let through, as editors do. Pure.

Policies in JSON and clients' configurations are read by it: other readers keep no places.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from smcp_security.errors import PolicyError
from smcp_security.policy.places import Path, Places, shown_key

DEPTH_MAX: Final = 100
NODES_MAX: Final = 200_000
DIGITS_MAX: Final = 300

_BREAK: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_WORD: Final = {"true": True, "false": False, "null": None}
_WORDS: Final = re.compile(r"true\b|false\b|null\b")


def looks_like_json(text: str) -> bool:
    """Whether a text begins as JSON does, or with a comment that YAML does not have."""
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "[", "//", "/*"))


def line_starts(text: str) -> list[int]:
    """The offset at which each line begins, by the line breaks that YAML readers count."""
    return [0, *(match.end() for match in _BREAK.finditer(text))]


def read_json(text: str, source: str, starts: list[int]) -> tuple[Any, Places]:
    """The one value in `text`, with the place of every key and value. `starts` are the lines of it.

    Raises:
        PolicyError: no JSON even with comments, a duplicate key, more than 100 levels or 200,000 values.
    """
    reader = _Reader(text, source, starts)
    reader.skip()
    value = reader.value(())
    reader.skip()
    if reader.at < len(text):
        reader.fail("expected the end of the file; JSON is one value")
    return value, reader.places


class _Reader:
    """Walks once over the text; `at` is where it is."""

    def __init__(self, text: str, source: str, starts: list[int]) -> None:
        self.text = text
        self.at = 0
        self.places = Places(source)
        self._starts = starts
        self._line = 0

    def skip(self) -> None:
        """Goes on to what is no blank and no comment."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match is not None else self.at

    def fail(self, problem: str) -> NoReturn:
        """Says what is wrong here."""
        line, column = self._place()
        raise PolicyError(f"{self.places.source}:{line}:{column}: not JSON: {problem}")

    def value(self, path: Path) -> Any:
        """The value that begins here."""
        if len(path) > DEPTH_MAX or len(self.places.values) >= NODES_MAX:
            self.fail(f"expected at most {NODES_MAX:,} values and {DEPTH_MAX} levels")
        self.places.values[path] = self._place()
        character = self.text[self.at : self.at + 1]
        if character == "{":
            return self._object(path)
        if character == "[":
            return self._array(path)
        return self._string() if character == '"' else self._scalar()

    def _place(self) -> tuple[int, int]:
        # Places are asked for in order, so that the line is never searched from the beginning.
        while self._line + 1 < len(self._starts) and self._starts[self._line + 1] <= self.at:
            self._line += 1
        return self._line + 1, self.at - self._starts[self._line] + 1

    def _object(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        more = self._opened("}")
        while more:
            if not self.text.startswith('"', self.at):
                self.fail('expected a key in "quotes"')
            place = self._place()
            key = self._string()
            if key in found:
                first = self.places.shown(self.places.keys[(*path, key)])
                self.fail(f"duplicate key {shown_key(key)}, first at {first}; keep one of them")
            self.places.keys[(*path, key)] = place
            self.skip()
            self._take(":")
            self.skip()
            found[key] = self.value((*path, key))
            more = self._goes_on("}")
        return found

    def _array(self, path: Path) -> list[Any]:
        found: list[Any] = []
        more = self._opened("]")
        while more:
            found.append(self.value((*path, len(found))))
            more = self._goes_on("]")
        return found

    def _opened(self, end: str) -> bool:
        """Goes on to the first member of what opens here; False if there is none."""
        self.at += 1
        self.skip()
        return not self._ended(end)

    def _goes_on(self, end: str) -> bool:
        """Goes on to the next member; False behind the last one."""
        self.skip()
        if self._ended(end):
            return False
        self._take(",")
        self.skip()
        return not self._ended(end)

    def _ended(self, end: str) -> bool:
        if not self.text.startswith(end, self.at):
            return False
        self.at += 1
        return True

    def _take(self, character: str) -> None:
        if not self.text.startswith(character, self.at):
            self.fail(f"expected {character}")
        self.at += 1

    def _string(self) -> str:
        match = _STRING.match(self.text, self.at)
        if match is None:
            self.fail("a text that does not end on its line, or holds a control character")
        try:
            value = str(json.loads(match.group()))
        except ValueError:
            self.fail("a text with a damaged escape")
        self.at = match.end()
        return value

    def _scalar(self) -> Any:
        word = _WORDS.match(self.text, self.at)
        if word is not None:
            self.at = word.end()
            return _WORD[word.group()]
        number = _NUMBER.match(self.text, self.at)
        if number is None or len(number.group()) > DIGITS_MAX:
            self.fail("expected a value")
        self.at = number.end()
        return float(number.group()) if number.group(1) or number.group(2) else int(number.group())
