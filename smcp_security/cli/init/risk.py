"""How much a tool can do, by its annotations and its name: what a role that only reads may have. Pure.

Both are the server's own word (MCP, "Tool annotations": hints, not to be relied on): whoever uses a proposal reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from smcp_security.contracts.words import words

READS: Final = "reads"
WRITES: Final = "writes"
DESTROYS: Final = "destroys"
RUNS: Final = "runs"

_READING: Final = frozenset(
    "browse check count describe download echo fetch find get head help inspect list lookup ping preview query read "
    "retrieve search show stat status tail validate view whoami".split()
)
_DESTROYING: Final = frozenset(
    "cancel clear delete destroy disable drop erase format kill overwrite purge remove reset revoke rm stop terminate "
    "truncate uninstall unlink wipe".split()
)
_WRITING: Final = frozenset(
    "add append apply archive assign build change close commit configure copy create deploy disconnect draft edit "
    "enable enqueue import insert install invite launch link log make merge modify move notify open patch pay post "
    "publish push put queue register rename replace reply restart restore resume save schedule send set share start "
    "submit subscribe sync tag toggle transfer trigger update upload upsert write".split()
)
_RUNNING: Final = frozenset("bash command eval exec execute run script shell spawn sudo terminal".split())
_LONGEST: Final = 200


class Risk(msgspec.Struct, frozen=True):
    """What a tool can do, and what told so."""

    rank: str
    why: str


def risk_of(tool: Mapping[str, Any], kinds: frozenset[str]) -> Risk:
    """The risk of a tool definition whose arguments are of these inferred kinds; the worst that anything tells."""
    name = str(tool.get("name", ""))[:_LONGEST]
    said = frozenset(words(name, _LONGEST))
    if "command" in kinds or said & _RUNNING:
        return Risk(RUNS, "it takes commands" if "command" in kinds else "its name")
    hints = tool.get("annotations")
    hints = hints if isinstance(hints, Mapping) else {}
    if said & _DESTROYING:
        return Risk(DESTROYS, "its name")
    if hints.get("readOnlyHint") is True:
        return Risk(READS, "readOnlyHint")
    if hints.get("destructiveHint") is True:
        return Risk(DESTROYS, "destructiveHint")
    if hints.get("destructiveHint") is False:
        return Risk(WRITES, "destructiveHint: false")
    if "readOnlyHint" not in hints and said & _READING and not said & _WRITING:
        return Risk(READS, "its name")
    return Risk(WRITES, "nothing says that it only reads")
