"""Mistakes in a policy -> one line each: where, which key, what was expected, what to do. Pure.

What an operator wrote is shown only where it is short and plain and the key does not look like a secret's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from smcp_security.errors import PolicyError
from smcp_security.policy.agreement import Disagreement
from smcp_security.policy.keys import PLANNED_KEYS, PLANNED_VALUES, Keys, Pattern, pattern_of
from smcp_security.policy.places import Path, Place, Places, shown_key, shown_path
from smcp_security.policy.profiles import CATEGORIES
from smcp_security.policy.tool_schema_problem import SchemaProblem

SHOWN_MAX: Final = 100
"""Lines. A policy with more mistakes than this is the wrong file."""

_SECRET: Final = re.compile(r"key|token|passw|secret|credential|^url$|^proxy$", re.IGNORECASE)
_SHOWABLE: Final = re.compile(r"[A-Za-z0-9 _./:*+\[\]-]{0,40}", re.ASCII)
_UNKNOWN: Final = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_EXPECTED: Final = {
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "dataclass_type": "expected a mapping",
    "dict_type": "expected a mapping",
    "mapping_type": "expected a mapping",
    "tuple_type": "expected a list",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "string_type": "expected text",
    "string_unicode": "expected text without half of a surrogate pair",
    "missing": "missing, and it has no default",
    "bool_type": "expected true or false",
}
_BOUNDS: Final = {
    "greater_than_equal": ("ge", "expected at least {}"),
    "less_than_equal": ("le", "expected at most {}"),
    "too_short": ("min_length", "expected at least {} entry"),
    "too_long": ("max_length", "expected at most {} entries"),
    "string_too_short": ("min_length", "expected at least {} character"),
    "string_too_long": ("max_length", "expected at most {} characters"),
}


def policy_error(error: ValidationError, places: Places, keys: Keys) -> PolicyError:
    """One exception that holds every mistake, in the order of the file."""
    lines = sorted(_lines(error.errors(include_url=False), places, keys))
    shown = [f"{places.shown(place)}: {text}" for _, place, text in lines[:SHOWN_MAX]]
    if len(lines) > SHOWN_MAX:
        shown.append(f"{places.source}: and {len(lines) - SHOWN_MAX} more mistakes")
    return PolicyError("\n".join(shown))


def _lines(
    details: Iterable[ErrorDetails], places: Places, keys: Keys
) -> Iterable[tuple[tuple[Any, ...], Place | None, str]]:
    for detail in _causes(details):
        for path, about_key, text in _mistakes(detail, keys):
            place = places.of_key(path) if about_key else places.of_value(path)
            order = (1, 0, 0, str(place)) if isinstance(place, str | None) else (0, *place, "")
            yield order, place, f"{shown_path(path) or 'policy'}: {text}"


def _causes(details: Iterable[ErrorDetails]) -> list[ErrorDetails]:
    """Without lists that are too short only because their entries were refused."""
    every = list(details)
    wrong = {detail["loc"][:length] for detail in every for length in range(len(detail["loc"]))}
    return [detail for detail in every if detail["type"] != "too_short" or detail["loc"] not in wrong]


def _mistakes(detail: ErrorDetails, keys: Keys) -> Iterator[tuple[Path, bool, str]]:
    """Each mistake in `detail`: its path, whether the key is what is wrong, and what to say."""
    cause = _cause(detail)
    if isinstance(cause, Disagreement):
        yield from ((path, False, problem) for path, problem in cause.problems)
        return
    path, about_key = _path(detail)
    yield path, about_key, _message(detail, path, keys)


def _path(detail: ErrorDetails) -> tuple[Path, bool]:
    """The path of the mistake, and whether its key is what is wrong."""
    path: Path = detail["loc"]
    if path and path[-1] == "[key]":
        return path[:-1], True
    cause = _cause(detail)
    if isinstance(cause, SchemaProblem):
        path = (*path, *cause.at)
    return path, detail["type"] in _UNKNOWN or isinstance(cause, SchemaProblem)


def _cause(detail: ErrorDetails) -> object:
    return detail.get("ctx", {}).get("error")


def _message(detail: ErrorDetails, path: Path, keys: Keys) -> str:
    if detail["type"] in _UNKNOWN:
        return _unknown_key(path, keys)
    if detail["type"] == "missing" or detail["loc"][-1:] == ("[key]",) or isinstance(_cause(detail), SchemaProblem):
        return _expectation(detail) + _suggested(detail, path, keys)
    planned = PLANNED_VALUES.get(pattern_of(path), frozenset())
    if isinstance(detail["input"], str) and detail["input"] in planned:
        return f"this release does not enforce {detail['input']} yet; {_expectation(detail)}"
    return f"{_expectation(detail)}{_found(detail['input'], path)}{_suggested(detail, path, keys)}"


def _expectation(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "literal_error":
        return f"expected {str(context['expected']).replace(chr(39), '')}"
    if kind in _BOUNDS:
        name, text = _BOUNDS[kind]
        return text.format(context[name])
    cause = _cause(detail)
    return str(cause) if cause is not None else _EXPECTED.get(kind, "expected another kind of value")


def _found(value: object, path: Path) -> str:
    """`, found ...`, or nothing where showing it could show a secret."""
    if any(isinstance(segment, str) and _SECRET.search(segment) for segment in path):
        return ""
    if value is None:
        return ", found nothing"
    if isinstance(value, bool):
        return f", found {str(value).lower()}"
    if isinstance(value, int | float) and abs(value) < 10**15:
        return f", found the number {value}"
    if isinstance(value, str):
        return f', found "{value}"' if _SHOWABLE.fullmatch(value) else f", found a text of {len(value)} characters"
    return ", found a mapping" if isinstance(value, dict) else ", found a list" if isinstance(value, list) else ""


def _suggested(detail: ErrorDetails, path: Path, keys: Keys) -> str:
    value, choices = detail["input"], _choices(detail, path, keys)
    if not isinstance(value, str) or len(value) > 40:
        return ""
    close = get_close_matches(value.lower(), choices, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _choices(detail: ErrorDetails, path: Path, keys: Keys) -> list[str]:
    if detail["type"] == "literal_error":
        return re.findall(r"'([^']*)'", str(detail.get("ctx", {})["expected"]))
    if detail["loc"][-1:] == ("[key]",):
        return list(CATEGORIES if path[-2:-1] == ("detect",) else keys.get(pattern_of(path[:-1]), ()))
    return ["enforce", "monitor"] if path == ("mode",) else []


def _unknown_key(path: Path, keys: Keys) -> str:
    pattern = pattern_of(path)
    if pattern in PLANNED_KEYS:
        return "this release does not enforce it, so it is refused rather than ignored; remove it"
    meant = suggestion(path, keys)
    if meant:
        return f"unknown key; did you mean {meant}?"
    here = keys.get(pattern[:-1], ())
    return f"unknown key; expected one of {', '.join(here)}" if here else "unknown key; remove it"


def suggestion(path: Path, keys: Keys) -> str:
    """The known key that the last part of `path` was probably meant to be: a sibling, or the same name elsewhere."""
    pattern = pattern_of(path)
    section, key = pattern[:-1], pattern[-1]
    word = key.lower().replace("-", "_")[:40]
    close = get_close_matches(word, keys.get(section, ()), n=1)
    if close:
        return shown_key(close[0])
    elsewhere: list[Pattern] = [(*where, word) for where, names in keys.items() if word in names]
    if not elsewhere:
        return ""
    return ".".join(max(elsewhere, key=lambda other: _shared(other, section)))


def _shared(one: Iterable[str], other: Pattern) -> int:
    """How many segments two paths begin with alike."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(other))
