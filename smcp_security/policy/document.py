"""YAML text -> plain values and the place of each. Owns ruamel.yaml; knows nothing of what a policy may say.

Values are built from the parser's events, not by its constructor: so tags build nothing, an alias cannot multiply,
both places of a duplicate key are known, and numbers follow the core schema of YAML 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError

from smcp_security.errors import PolicyError
from smcp_security.policy.places import Path, Places, shown_key

DEPTH_MAX: Final = 64
NODES_MAX: Final = 50_000
DIGITS_MAX: Final = 300

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_UNREADABLE: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_BASES: Final = {"0o": 8, "0x": 16}


@dataclass(slots=True)
class _Frame:
    """A collection that is being filled, and the key that waits for its value."""

    value: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None


def read_document(text: str, source: str) -> tuple[Any, Places]:
    """The one document in `text` as dicts, lists and scalars, with the place of every key and value.

    Raises:
        PolicyError: not YAML 1.2, or with what a policy does without: aliases, tags, duplicate keys, keys that are
            no text, a second document, more than 64 levels or 50,000 nodes.
    """
    _check_characters(text, source)
    builder = _Builder(source)
    for event in _events(text, source):
        builder.take(event)
    return builder.root, builder.places


def _check_characters(text: str, source: str) -> None:
    bad = _UNREADABLE.search(text)
    if bad is not None:
        line, column = line_and_column(text, bad.start())
        raise PolicyError(
            f"{source}:{line}:{column}: YAML does not allow the character U+{ord(bad.group()):04X} here; remove it"
        )


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of the character at `offset`."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _events(text: str, source: str) -> Iterator[Any]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        raise PolicyError(_syntax_error(error, source)) from None
    except (YAMLError, ValueError, AssertionError):
        # Without a mark: an escape beyond the last character is a ValueError, a %YAML of the future an AssertionError.
        raise PolicyError(f"{source}: this is not YAML; look for a damaged escape or directive") from None


def _syntax_error(error: MarkedYAMLError, source: str) -> str:
    mark: StringMark | None = error.problem_mark or error.context_mark
    place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark is not None else source
    problem = str(error.problem or error.context or "the text cannot be read").splitlines()[0]
    hint = "; indent with spaces" if "\\t" in problem else ""
    return f"{place}: not YAML: {problem}{hint}"


class _Builder:
    """Takes events in order and keeps what has been built so far."""

    def __init__(self, source: str) -> None:
        self.places = Places(source)
        self.root: Any = None
        self._frames: list[_Frame] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        """Adds one parser event."""
        if isinstance(event, events.DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, events.AliasEvent):
            raise self._error(event, "aliases (*name) are not allowed in a policy; write the value out")
        elif isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
            self._frames.pop()
        elif isinstance(event, events.NodeEvent):
            self._node(event)

    def _error(self, event: Any, problem: str) -> PolicyError:
        return PolicyError(f"{self.places.shown(_place(event))}: {problem}")

    def _start_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._error(event, "a second document begins; a policy is one document, remove the ---")
        if event.tags or event.version not in (None, (1, 2)):
            raise self._error(event, "directives are not allowed in a policy, except %YAML 1.2; remove them")

    def _node(self, event: Any) -> None:
        if event.anchor is not None:
            raise self._error(event, "anchors (&name) are not allowed in a policy; write the value out")
        if event.tag is not None:
            raise self._error(event, "tags (!name) are not allowed in a policy; remove it, quotes make text")
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            frame.key = self._key(event, frame)
        else:
            self._value(event, frame)

    def _key(self, event: Any, frame: _Frame) -> str:
        if not isinstance(event, events.ScalarEvent) or not isinstance(self._scalar(event), str):
            raise self._error(event, "a key must be text; put quotes around it")
        key = str(event.value)
        path = (*frame.path, key)
        if path in self.places.keys:
            first = self.places.shown(self.places.keys[path])
            raise self._error(event, f"duplicate key {shown_key(key)}, first at {first}; keep one of them")
        self.places.keys[path] = _place(event)
        return key

    def _value(self, event: Any, frame: _Frame | None) -> None:
        path = self._next_path(frame)
        # An empty value has no place of its own: the parser puts it where the next thing begins.
        written = not isinstance(event, events.ScalarEvent) or event.value or event.style
        self.places.values[path] = _place(event) if written else self.places.keys.get(path, _place(event))
        if len(self.places.values) > NODES_MAX or len(path) > DEPTH_MAX:
            raise self._error(event, f"expected a policy of at most {NODES_MAX:,} values and {DEPTH_MAX} levels")
        value = self._scalar(event) if isinstance(event, events.ScalarEvent) else _collection(event)
        self._attach(frame, value)
        if isinstance(value, dict | list):
            self._frames.append(_Frame(value, path))

    def _next_path(self, frame: _Frame | None) -> Path:
        if frame is None:
            return ()
        return (*frame.path, len(frame.value) if frame.key is None else frame.key)

    def _attach(self, frame: _Frame | None, value: Any) -> None:
        if frame is None:
            self.root = value
        elif isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key is not None:
            frame.value[frame.key], frame.key = value, None

    def _scalar(self, event: Any) -> str | int | float | bool | None:
        text: str = event.value
        if not event.implicit[0]:
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise self._error(event, "the text holds half of a surrogate pair; write the character itself")
            return text
        if text in _NULL:
            return None
        if text in _TRUTH:
            return _TRUTH[text]
        return self._number(event, text)

    def _number(self, event: Any, text: str) -> str | int | float:
        if _INT.fullmatch(text) and len(text) <= DIGITS_MAX:
            return int(text, _BASES.get(text[:2], 10))
        if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
            number = float(text) if _NOT_FINITE.fullmatch(text) is None else float("nan")
            if not isfinite(number) or len(text) > DIGITS_MAX:
                raise self._error(event, "expected a finite number of at most 300 digits")
            return number
        return text


def _collection(event: Any) -> dict[str, Any] | list[Any]:
    return {} if isinstance(event, events.MappingStartEvent) else []


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
