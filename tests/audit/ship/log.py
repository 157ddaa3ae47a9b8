"""An audit file that the tests write themselves: whole lines, each of which cites the one before it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any


class Log:
    """The audit at `path`, and every line that was ever written to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[bytes] = []
        self._prev = "0" * 64

    def write(self, count: int = 1, **fields: Any) -> list[bytes]:
        """Append records under the file's lock, as the sink does; the new lines."""
        return [self.append(self.record(**fields)) for _ in range(count)]

    def record(self, **fields: Any) -> bytes:
        """The next line, not written."""
        number = len(self.lines)
        record = {"stream": "5e" * 8, "seq": number, "prev": self._prev, "v": 2, "kind": "decision"}
        record |= {"id": f"d{number}", "at": "2026-11-22T03:28:43.123456+00:00", "allowed": True, "codes": [], **fields}
        return json.dumps(record, separators=(",", ":")).encode()

    def append(self, line: bytes) -> bytes:
        """Append one line."""
        with self.path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(line + b"\n")
        self.lines.append(line)
        self._prev = hashlib.sha256(line).hexdigest()
        return line

    def rotate(self, name: str | None = None) -> Path:
        """Put the file aside: as the next segment, or as another tool calls it."""
        numbers = [int(path.suffix[1:]) for path in self.path.parent.glob(f"{self.path.name}.??????")]
        to = self.path.with_name(name or f"{self.path.name}.{max(numbers, default=0) + 1:06d}")
        os.rename(self.path, to)
        return to
