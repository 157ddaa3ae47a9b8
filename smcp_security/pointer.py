"""JSON pointers (RFC 6901): a place in a JSON value as text. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def escaped(segment: str | int) -> str:
    """One segment as it stands in a pointer (RFC 6901, section 3)."""
    return str(segment).replace("~", "~0").replace("/", "~1")


def pointer(path: Iterable[str | int]) -> str:
    """The pointer to a place, from the member names and list places that lead there; empty for the whole value."""
    return "".join(f"/{escaped(segment)}" for segment in path)


def at_pointer(root: Any, reference: str) -> Any:
    """The node that a local reference (a pointer behind `#`) names; None if there is none."""
    node = root
    for part in reference.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isascii() and part.isdigit() and len(part) < 5 and int(part) < len(node):
            node = node[int(part)]
        else:
            return None
    return node
