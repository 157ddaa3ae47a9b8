"""Where a JSON value holds rows, and whose they are. Pure.

Rows are the items of the list at the first `*` of a pointer; a pointer without one makes the whole value the one row.
"""

from __future__ import annotations

from typing import Any

from smcp_security.checks.edits import exchanged


class Foreign(Exception):
    """A row is not the caller's, or nobody can tell whose it is."""


class Rows:
    """The rows that a pointer leads to, and the tenant of each."""

    __slots__ = ("_listed", "_tenant", "_way")

    def __init__(self, pointer: str) -> None:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        # A key `*` cannot be named: every `*` is a list.
        self._listed = "*" in parts
        cut = parts.index("*") if self._listed else 0
        self._way = parts[:cut]
        self._tenant = parts[cut + 1 :] if self._listed else parts

    def lead_into(self, value: Any) -> bool:
        """Whether the pointer leads anywhere in `value`."""
        if self._listed:
            return self._path(value) is not None
        return bool(_leaves(value, self._tenant))

    def parts(self, value: Any) -> list[Any]:
        """The rows and their list, as they stand in a value that was sifted."""
        path = self._path(value) if self._listed else None
        if path is None:
            return []
        for segment in path:
            value = value[segment]
        return [value, *value]

    def sift(self, value: Any, own: frozenset[str], drop: bool) -> tuple[Any, int]:
        """(the value without foreign rows, how many there were).

        Raises `Foreign` if one may not be dropped, or if the pointer leads nowhere.
        """
        if not self._listed:
            if not _owned(value, self._tenant, own):
                raise Foreign
            return value, 0
        path = self._path(value)
        if path is None:
            raise Foreign
        rows = value
        for segment in path:
            rows = rows[segment]
        kept = [row for row in rows if _owned(row, self._tenant, own)]
        dropped = len(rows) - len(kept)
        if dropped and not drop:
            raise Foreign
        return (exchanged(value, path, kept), dropped) if dropped else (value, 0)

    def _path(self, value: Any) -> list[str | int] | None:
        """The way to the list of rows as keys and places; None if there is no list."""
        path: list[str | int] = []
        for part in self._way:
            step = _step(value, part)
            if step is None:
                return None
            path.append(step)
            value = value[step]
        return path if type(value) is list else None


def _step(node: Any, part: str) -> str | int | None:
    if type(node) is dict and part in node:
        return part
    if type(node) is list and part.isascii() and part.isdigit() and len(part) < 6 and int(part) < len(node):
        return int(part)
    return None


def _owned(row: Any, tenant: list[str], own: frozenset[str]) -> bool:
    leaves = _leaves(row, tenant)
    return bool(leaves) and all(type(leaf) in (str, int) and str(leaf) in own for leaf in leaves)


def _leaves(node: Any, parts: list[str]) -> list[Any]:
    """What stands at the end of all ways; nothing if one of them leads nowhere."""
    nodes = [node]
    for part in parts:
        below: list[Any] = []
        for each in nodes:
            if part == "*" and type(each) is list and each:
                below += each
            elif part != "*" and (step := _step(each, part)) is not None:
                below.append(each[step])
            else:
                return []
        nodes = below
    return nodes
