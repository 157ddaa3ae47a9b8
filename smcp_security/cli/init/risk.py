"""How much a tool can do, by its annotations and its name: what a role that only reads may have. Pure.

Both are the server's own word (MCP, "Tool annotations": hints, not to be relied on): whoever uses a proposal reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
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
    "cancel clear delete destroy disable drop erase evict expunge format kill overwrite purge reboot remove reset "
    "revoke rm shred shutdown stop terminate truncate uninstall unlink wipe".split()
)
_WRITING: Final = frozenset(
    "add append apply approve archive assign build change close commit configure copy create deploy disconnect "
    "draft edit enable enqueue forward grant import insert install invite launch link log make merge modify move "
    "notify open patch pay post publish purchase push put queue refund register reject rename replace reply restart "
    "restore resume rotate save schedule send set share start store submit subscribe sync tag toggle transfer trigger "
    "unlock update upload upsert withdraw write".split()
)
_RUNNING: Final = frozenset("bash command eval evaluate exec execute run script shell spawn sudo terminal".split())
_RUN: Final = frozenset("argv bash cmd command exec script shell".split())
"""What the name of an argument ends with whose text is run, whatever its tool is called."""
_MOST: Final = 1_000
_LONGEST: Final = 200


class Risk(msgspec.Struct, frozen=True):
    """What a tool can do, and what told so."""

    rank: str
    why: str


def risk_of(tool: Mapping[str, Any], kinds: frozenset[str]) -> Risk:
    """The risk of a tool definition whose arguments are of these inferred kinds; the worst that anything tells."""
    name = str(tool.get("name", ""))[:_LONGEST]
    said = frozenset(words(name, _LONGEST))
    if "command" in kinds or _takes_commands(tool):
        return Risk(RUNS, "it takes commands")
    if "code" in kinds or said & _RUNNING:
        return Risk(RUNS, "it takes code" if "code" in kinds else "its name")
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


def worst(one: Risk, other: Risk) -> Risk:
    """The graver of two; of equals the first."""
    return max(one, other, key=lambda risk: (READS, WRITES, DESTROYS, RUNS).index(risk.rank))


def _takes_commands(tool: Mapping[str, Any]) -> bool:
    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    names = islice(properties, _MOST) if isinstance(properties, Mapping) else ()
    return any(words(str(name))[-1:] and words(str(name))[-1] in _RUN for name in names)
