"""Lines that are no records: what a killed writer left, and the `torn` record that tells of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from smcp_security.audit.proving.report import Place
from smcp_security.audit.reading.shape import hash_of

MOST: Final = 4096
"""Lines of one run: each is a writer killed while it mended what the one before had left."""


@dataclass(slots=True)
class Held:
    """A run of lines that are no records. `before` is the line before it and its place, `prev` the hash of that."""

    place: Place
    before: tuple[Place, bytes]
    prev: bytes
    lines: list[bytes] = field(default_factory=list)

    @property
    def endless(self) -> bool:
        """More than killed writers leave: whatever this is, it is not kept until its end."""
        return len(self.lines) > MOST or sum(map(len, self.lines[-2:])) > MOST * MOST

    @property
    def digest(self) -> bytes:
        """What the record after it must cite."""
        return hash_of(b"\n".join(self.lines))

    @property
    def culprit(self) -> Place:
        """Which of the lines is to be named where nobody tells of them: a changed `torn` record behind its fragment."""
        last = b"".join(self.lines[1:])
        if b'"kind":"torn"' not in last and b',"after":"' not in last:
            return self.place
        return Place(self.place.file, self.place.line + 1, self.place.offset + len(self.lines[0]) + 1)

    def told_by(self, fields: Mapping[str, Any]) -> bool:
        """Whether a torn record speaks of these very bytes."""
        size = sum(map(len, self.lines)) + len(self.lines) - 1
        return fields.get("bytes") == size and fields.get("sha256") == self.digest.decode()
