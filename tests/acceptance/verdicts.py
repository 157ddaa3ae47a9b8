"""What is wrong with the fate of a message; nothing, if it is what the table says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.acceptance.fate import Edge, Fate
from tests.acceptance.table import Sent

_LONGEST_ANSWER: Final = 4096
_OWN_WORDS: Final = {"2026-07-28", "io.modelcontextprotocol/protocolVersion"}


def attack_fault(sent: Sent, fate: Fate) -> str:
    """What is wrong with the refusal of an attack; empty if nothing is."""
    if fate.reached:
        return "it reached the server"
    if not set(fate.codes) & sent.codes:
        return f"refused by {fate.codes}"
    if sent.where is not None and sent.where not in fate.places:
        return f"refused at {fate.places}"
    if len(fate.told) > _LONGEST_ANSWER:
        return f"the answer has {len(fate.told)} bytes"
    told = fate.told.decode() + json.dumps(fate.places)
    return "the answer repeats the value" if any(text in told for text in _values(sent)) else ""


def twin_fault(edge: Edge, sent: Sent, fate: Fate) -> str:
    """What is wrong with an honest message's way; empty if nothing is."""
    if fate.codes:
        return f"refused or reported by {fate.codes}"
    return "" if fate.reached == (edge.got(sent),) else "the server got something else"


def _values(sent: Sent) -> list[str]:
    """The texts of the arguments that are long enough to be told from words of the answer."""
    if isinstance(sent.message, bytes):
        return []
    return [text for text in _strings(sent.message["params"]) if len(text) > 12 and text not in _OWN_WORDS]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value[:3]:
            yield from _strings(inner)
