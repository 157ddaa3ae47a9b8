"""What a verification found: where the first bad record stands, what is wrong with it, what was proved. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Wrong = Literal["changed", "dropped", "repeated", "moved", "cut", "missing", "unsigned", "untrue", "sequence", "empty"]

MEANING: Final[dict[Wrong, str]] = {
    "changed": "its bytes are not those that were written",
    "dropped": "records that stood before it were taken out",
    "repeated": "a record that stands elsewhere was put in once more",
    "moved": "records were put into another order",
    "cut": "a piece of the log was taken off",
    "missing": "a whole segment was taken away",
    "unsigned": "nobody with the key vouches for it",
    "untrue": "what it says of the log is not so",
    "sequence": "its writer had the key and did not follow the rules of the chain",
    "empty": "there is no record at all",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log: a line, counted from 1, and the byte it begins at."""

    file: str
    line: int
    offset: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line} (byte {self.offset:,})"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `stream` and `seq` are those the line claims, "" and None where it claims none."""

    place: Place
    wrong: Wrong
    detail: str
    stream: str = ""
    seq: int | None = None

    @property
    def meaning(self) -> str:
        """What that is in plain words."""
        return MEANING[self.wrong]

    def __str__(self) -> str:
        whose = f", stream {self.stream} record {self.seq}" if self.stream else ""
        return f"{self.place}{whose}: {self.wrong}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint kept elsewhere and the line it speaks of; `after` counts the records behind that line."""

    at: str
    place: Place
    after: int


@dataclass(slots=True)
class Report:
    """What was read and what follows. `first` and `last` are the times of the first and last record."""

    first_file: str = ""
    files: int = 0
    lines: int = 0
    records: int = 0
    streams: int = 0
    lost: int = 0
    torn: int = 0
    unsigned: int = 0
    """Records that no signature vouches for, and that are no fault."""
    first: str = ""
    last: str = ""
    fingerprint: str = ""
    keyless: bool = False
    complete: bool = True
    more: int = 0
    """Faults beyond those that are kept."""
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    witnessed: list[Witnessed] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with what was read."""
        return not self.faults
