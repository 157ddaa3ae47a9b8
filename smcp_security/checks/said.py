"""The texts of a server's message, for rungs that may come after one that edited it. Pure."""

from __future__ import annotations

from typing import Final

from smcp_security.checks.blobs import BINARY, FIELDS, LEAST_CERTAIN, unpacked
from smcp_security.decoding import in_utf8, pattern
from smcp_security.fields import Fields, fields_of
from smcp_security.message import Message

ESCAPES: Final = ("\\u00", "\\/", "\\" * 7 + '"')
"""What JSON may write for a character that rules look for. They know its line breaks, and quotes escaped twice over."""

_ANY: Final = pattern(r"\\(?:u00|/|\\{6}\x22)")


def fields(message: Message) -> Fields:
    """The texts of the message as it stands now: those that were gathered, or gathered anew after an edit.

    `packed` is filled in, and what is long enough to be Base64 for certain is "" in `texts`.
    """
    gathered = fields_of(message.value) if message.fields is None else message.fields
    if gathered.packed is None:
        gathered.packed = _unpack(gathered) if any(name in gathered.names for name in FIELDS) else ()
    return gathered


def _unpack(gathered: Fields) -> tuple[tuple[int, str], ...]:
    packed: list[tuple[int, str]] = []
    texts = gathered.texts
    for index in [index for index, name in enumerate(gathered.names) if name in FIELDS]:
        if (text := unpacked(texts[index])) is not None:
            if len(texts[index]) >= LEAST_CERTAIN:
                texts[index] = ""
            if text is not BINARY:
                packed.append((index, text))
    return tuple(packed)


def hides(gathered: Fields) -> bool:
    """Whether JSON among the texts may hold escapes: as it stands, no rule reads through them."""
    joined = "".join(gathered.texts)
    # Where there is no backslash the first look says so, at a hundredth of the price of the other.
    return "\\" in joined and _ANY.search(in_utf8(joined)) is not None
