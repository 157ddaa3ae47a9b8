"""Texts of a result that are its structured content once more, in JSON: SDKs write both. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from smcp_security.checks.blocks import results_of
from smcp_security.leaves import Path
from smcp_security.strict_json import Malformed, load, serialise

_OPENS: Final = frozenset("{[")
_LEAST: Final = 64
"""Shorter texts are read as fast as they are compared."""


def twins_of(value: dict[str, Any]) -> dict[Path, str]:
    """The texts, by path, that read strictly are the structured content or a member of it: they hold nothing else."""
    twins: dict[Path, str] = {}
    for path, result in results_of(value):
        structured, content = result.get("structuredContent"), result.get("content")
        if type(structured) is not dict or type(content) is not list:
            continue
        wholes = (structured, *(part for part in structured.values() if type(part) in (dict, list)))
        for place, block in enumerate(content):
            text = block.get("text") if type(block) is dict else None
            if type(text) is str and text[:1] in _OPENS and len(text) >= _LEAST and _says(text, wholes):
                twins[*path, "content", place, "text"] = text
    return twins


def _says(text: str, wholes: Sequence[Any]) -> bool:
    """Whether a text is one of some values in JSON. Most are the first, but for blanks: that takes no reading."""
    return _unspaced(text) == serialise(wholes[0]) or _read(text) in wholes


def _unspaced(text: str) -> bytes:
    try:
        return msgspec.json.format(text.encode("utf-8", "surrogatepass"), indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return b""


def _read(text: str) -> Any:
    """What a text holds as JSON, None if it is none that everybody reads alike."""
    try:
        return load(text.encode("utf-8", "surrogatepass"))[0]
    except Malformed:
        return None
