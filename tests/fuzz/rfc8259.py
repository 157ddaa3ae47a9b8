"""JSON read by the letter of RFC 8259, one sign after the other, in plain Python: a reference of another make.

Knows no `json`, no `re` and nothing of the package. Being Python, it also shows the fuzzer the shape of JSON.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

DEPTH: Final = 150
"""Deeper values are not judged: the reader calls itself once for each level."""

DIGITS: Final = 1_000
_BLANK: Final = " \t\n\r"
_DIGIT: Final = "0123456789"
_HEX: Final = "0123456789abcdefABCDEF"
_SHORT: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: Final = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}


class NotJson(ValueError):
    """No JSON text, or one that RFC 8259 calls unpredictable and the design refuses by name."""


class TooDeep(Exception):
    """Nested deeper than this reader goes."""


def read(raw: bytes) -> Any:
    """The value. Raises `NotJson`, or `TooDeep` for what it cannot judge."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise NotJson("UTF-8") from None
    reader = _Reader(text)
    value = reader.value(0)
    reader.blanks()
    if reader.at != len(text):
        reader.fail("something after the value")
    return value


class _Reader:
    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        # NUL is no part of JSON, so it can mark the end.
        self.text = text + "\0"
        self.at = 0

    def fail(self, what: str) -> NoReturn:
        raise NotJson(f"{what} at {self.at}")

    def blanks(self) -> None:
        while self.text[self.at] in _BLANK:
            self.at += 1

    def take(self, sign: str) -> bool:
        """Step over blanks and one sign, if it is the next one."""
        self.blanks()
        if self.text[self.at] != sign or self.at == len(self.text) - 1:
            return False
        self.at += 1
        return True

    def value(self, depth: int) -> Any:
        if depth > DEPTH:
            raise TooDeep
        if self.take("{"):
            return self.members(depth)
        if self.take("["):
            return self.elements(depth)
        if self.take('"'):
            return self.string()
        sign = self.text[self.at]
        return self.word(sign) if sign in _WORDS else self.number()

    def members(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        if self.take("}"):
            return members
        while True:
            if not self.take('"'):
                self.fail("no name")
            name = self.string()
            if name in members:
                self.fail("a name twice")
            if not self.take(":"):
                self.fail("no colon")
            members[name] = self.value(depth + 1)
            if self.take("}"):
                return members
            if not self.take(","):
                self.fail("no comma")

    def elements(self, depth: int) -> list[Any]:
        elements: list[Any] = []
        if self.take("]"):
            return elements
        while True:
            elements.append(self.value(depth + 1))
            if self.take("]"):
                return elements
            if not self.take(","):
                self.fail("no comma")

    def word(self, sign: str) -> Any:
        word, value = _WORDS[sign]
        if self.text[self.at : self.at + len(word)] != word:
            self.fail("no word of JSON")
        self.at += len(word)
        return value

    def string(self) -> str:
        parts: list[str] = []
        while True:
            sign = self.text[self.at]
            self.at += 1
            if sign == '"':
                return "".join(parts)
            if sign < " ":
                self.fail("a control character")
            parts.append(self.escape() if sign == "\\" else sign)

    def escape(self) -> str:
        sign = self.text[self.at]
        self.at += 1
        if sign in _SHORT:
            return _SHORT[sign]
        if sign != "u":
            self.fail("no escape of JSON")
        unit = self.unit()
        if not 0xD800 <= unit < 0xE000:
            return chr(unit)
        if unit >= 0xDC00 or self.text[self.at : self.at + 2] != "\\u":
            self.fail("half of a surrogate pair")
        self.at += 2
        second = self.unit()
        if not 0xDC00 <= second < 0xE000:
            self.fail("half of a surrogate pair")
        return chr(0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00))

    def unit(self) -> int:
        digits = self.text[self.at : self.at + 4]
        if len(digits) < 4 or any(digit not in _HEX for digit in digits):
            self.fail("no four hex digits")
        self.at += 4
        return int(digits, 16)

    def number(self) -> int | float:
        start = self.at
        if self.text[self.at] == "-":
            self.at += 1
        if self.text[self.at] == "0":
            self.at += 1
        else:
            self.digits()
        whole = self.at
        if self.text[self.at] == ".":
            self.at += 1
            self.digits()
        if self.text[self.at] in "eE":
            self.at += 1
            if self.text[self.at] in "+-":
                self.at += 1
            self.digits()
        return self.number_of(self.text[start : self.at], self.at == whole)

    def digits(self) -> None:
        start = self.at
        while self.text[self.at] in _DIGIT:
            self.at += 1
        if self.at == start:
            self.fail("no digit")

    def number_of(self, literal: str, whole: bool) -> int | float:
        if whole:
            if len(literal.removeprefix("-")) > DIGITS:
                self.fail("an integer of too many digits")
            return int(literal)
        number = float(literal)
        if number in (float("inf"), float("-inf")):
            self.fail("a number beyond the doubles")
        return number
