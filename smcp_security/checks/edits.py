"""A message with parts exchanged. What was given is never changed: others may still hold it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from smcp_security.leaves import Path
from smcp_security.message import Message
from smcp_security.strict_json import serialise


def exchanged(node: Any, path: Sequence[str | int], part: Any) -> Any:
    """A copy of `node` in which `part` stands at `path`; every step of it exists."""
    if not path:
        return part
    copied = node.copy()
    copied[path[0]] = exchanged(node[path[0]], path[1:], part)
    return copied


def all_exchanged(node: Any, parts: Mapping[Path, Any]) -> Any:
    """A copy of `node` in which each part stands at its path; no path leads into another part."""
    below: dict[str | int, dict[Path, Any]] = {}
    for path, part in parts.items():
        if not path:
            return part
        below.setdefault(path[0], {})[path[1:]] = part
    if not below:
        return node
    copied = node.copy()
    for step, further in below.items():
        copied[step] = all_exchanged(node[step], further)
    return copied


def rewritten(message: Message, path: Sequence[str | int], part: Any) -> Message:
    """The message with `part` at `path` of its value."""
    return with_value(message, exchanged(message.value, path, part))


def with_value(message: Message, value: dict[str, Any]) -> Message:
    """The message with another value. Its texts are gathered anew by who reads them."""
    return replace(message, value=value, raw=serialise(value), fields=None)
