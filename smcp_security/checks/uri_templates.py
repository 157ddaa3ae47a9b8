"""Reads the variables of a resource URI that a template (RFC 6570) of the policy stands for. Pure; linear by RE2.

`{x}` is one segment, `{+x}` and `{x*}` any run of characters, `{/x}` a slash and a segment, `{.x}` a dot and a part;
`{?x,y}` and `{&x,y}` are members of the query, in any order. Where a text can be split in several ways, as between
`{a}-{b}`, the server may split it otherwise: give such variables one contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote

import re2

_EXPRESSION: Final = re.compile(r"\{([+#./;?&]?)([A-Za-z0-9_][A-Za-z0-9_.,:*%-]*)\}", re.ASCII)
_ONE: Final = "([^/?#]*)"
_RUN: Final = "(.*)"
_QUERIES: Final = ("?", "&")
_QUERY: Final = r"(?:[?&]([^#]*))?"


def is_template(text: str) -> bool:
    """Whether a key of the policy is a template, not a glob."""
    return _EXPRESSION.search(text) is not None


def variables_of(template: str) -> tuple[str, ...]:
    """The names of a template's variables, in order."""
    return tuple(name for _, names in _EXPRESSION.findall(template) for name in _names(names))


class UriTemplate:
    """A template, compiled once when the policy loads."""

    def __init__(self, template: str) -> None:
        self._groups: list[tuple[str, ...]] = []
        # The first expression of a query takes all of it, whichever of them a member is of.
        self._queried = [
            name for operator, names in _EXPRESSION.findall(template) if operator in _QUERIES for name in _names(names)
        ]
        options = re2.Options()
        options.log_errors = False
        options.dot_nl = True
        self._pattern: Any = re2.compile("".join(self._parts(template)), options)

    def read(self, uri: str) -> list[tuple[str, str]] | None:
        """(variable, value), decoded as servers decode it; None if the template does not stand for the URI."""
        match = self._pattern.fullmatch(uri)
        if match is None:
            return None
        found: list[tuple[str, str]] = []
        for names, value in zip(self._groups, match.groups(), strict=True):
            if len(names) == 1 and not names[0].startswith("?"):
                found.append((names[0], unquote(value or "", errors="replace")))
            else:
                found += _members(value or "", self._queried)
        return found

    def _parts(self, template: str) -> Iterator[str]:
        end = 0
        for match in _EXPRESSION.finditer(template):
            yield re2.escape(template[end : match.start()])
            yield self._part(match[1], match[2])
            end = match.end()
        yield re2.escape(template[end:])

    def _part(self, operator: str, names: str) -> str:
        if operator in _QUERIES:
            self._groups.append(tuple(f"?{name}" for name in _names(names)))
            return _QUERY
        parts = []
        for name in names.split(","):
            self._groups.append(tuple(_names(name)))
            run = operator in ("+", "#") or name.endswith("*")
            parts.append({"/": "/", ".": r"\.", "#": "#", ";": ";"}.get(operator, "") + (_RUN if run else _ONE))
        return ("" if operator in ("/", ".") else ",").join(parts)


def _names(names: str) -> Iterator[str]:
    for name in names.split(","):
        yield name.rstrip("*").partition(":")[0]


def _members(query: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for member in query.split("&"):
        name, _, value = member.partition("=")
        if unquote(name) in names:
            # Of several with one name, readers take the first or the last: all of them count.
            yield unquote(name), unquote(value.replace("+", " "), errors="replace")
