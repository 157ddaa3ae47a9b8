"""Which tools destroy: by what they say of themselves, or by their names. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)
_DESTROYING: Final = frozenset(
    "delete remove drop destroy erase wipe purge truncate kill terminate revoke shutdown uninstall format exec execute"
    " shell eval sudo rm".split()
)


def is_destructive(name: str) -> bool:
    """Whether a word of the name says so."""
    return any(word.lower() in _DESTROYING for word in _WORDS.findall(name))


def destroys(name: str, definition: Any) -> bool:
    """Whether a tool says that it destroys; where it says nothing, whether its name does."""
    notes = definition.get("annotations") if isinstance(definition, dict) else None
    hints = notes if isinstance(notes, dict) else {}
    if hints.get("readOnlyHint") is True or hints.get("destructiveHint") is False:
        return False
    return hints.get("destructiveHint") is True or is_destructive(name)
