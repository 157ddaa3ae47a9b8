"""What of a line tells a collector what it is, so that it can be filtered without being parsed. Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

import msgspec

_KIND: Final = re.compile(r"[a-z][a-z-]{0,31}", re.ASCII)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_LOUD: Final = frozenset({"lost", "torn"})
_NOTABLE: Final = frozenset({"erased", "purged"})


class Weight(Enum):
    """How much a line matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    INFORMATION = "information"


class Label(msgspec.Struct, frozen=True):
    """The fields of a record that a label is made of; empty where the line has none, or is a torn piece."""

    kind: str = ""
    id: str = ""
    at: str = ""
    codes: tuple[str, ...] = ()
    allowed: bool | None = None
    result: str = ""
    state: str = ""
    traceparent: str | None = None

    @property
    def weight(self) -> Weight:
        """Denied or withheld is a warning, lost or torn an error; what is no record at all is torn."""
        if self.kind in _LOUD or not self.kind:
            return Weight.ERROR
        if self.allowed is False or self.result == "withheld" or self.state == "away":
            return Weight.WARNING
        return Weight.NOTICE if self.kind in _NOTABLE else Weight.INFORMATION

    @property
    def trace(self) -> tuple[str, str, int] | None:
        """Trace id, span id and flags of W3C's `traceparent`."""
        found = _TRACEPARENT.fullmatch(self.traceparent or "")
        if found is None or not int(found[1], 16) or not int(found[2], 16):
            return None
        return found[1], found[2], int(found[3], 16)


_DECODER: Final = msgspec.json.Decoder(Label)
_UNKNOWN: Final = Label()


def label_of(line: bytes) -> Label:
    """The label of one line of the audit."""
    try:
        label = _DECODER.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # what a power failure left, or somebody has written
        return _UNKNOWN
    return label if _KIND.fullmatch(label.kind) else _UNKNOWN
