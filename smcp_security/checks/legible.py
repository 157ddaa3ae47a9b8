"""Texts without what nobody sees in them: terminal escapes first, then characters that show nothing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

from smcp_security.checks import invisible, terminal
from smcp_security.decoding import in_utf8, pattern

Key = TypeVar("Key", bound=Hashable)

SUSPICIOUS: Final = pattern(f"{terminal.SUSPICIOUS}|{invisible.SUSPICIOUS}")
"""For joined texts: no match where nothing is hidden, NUL apart."""


def legible(texts: Mapping[Key, str], counts: Counter[str]) -> dict[Key, str]:
    """Those of some texts that had something hidden, without it."""
    if not texts:
        return {}
    joined = "".join(f"{invisible.BOUNDARY}{text.replace(invisible.RESERVED, '')}" for text in texts.values())
    left = terminal.shown(joined, counts)
    if not left.isascii():
        left = invisible.visible(left, counts)
    parts = left.split(invisible.BOUNDARY)[1:]
    return {leaf: part for (leaf, text), part in zip(texts.items(), parts, strict=True) if part != text}


def revealed(texts: Sequence[str]) -> list[str] | None:
    """All of some texts as a reader sees them; None if that is how they came."""
    # The first and the last sign are judged by what stands beside them.
    together = "\n".join(("", *texts, ""))
    if "\0" not in together and SUSPICIOUS.search(in_utf8(together)) is None:
        return None
    left = legible(dict(enumerate(texts)), Counter())
    return [left.get(place, text) for place, text in enumerate(texts)] if left else None
