"""Where in a file, a mapping or the environment each part of a policy was written, for errors. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

Path = tuple[str | int, ...]
Place = tuple[int, int] | str
"""Line and column, both counted from 1, or the name of an environment variable."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_$-]{1,64}", re.ASCII)
_SHOWN_MAX: Final = 64


@dataclass(frozen=True)
class Places:
    """`source` names the whole; `keys` and `values` say where the key and the value of a path begin."""

    source: str
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)

    def of_key(self, path: Path) -> Place | None:
        """Where the key that ends `path` stands; the nearest place around it if it stands nowhere."""
        return self.keys[path] if path in self.keys else self.of_value(path)

    def of_value(self, path: Path) -> Place | None:
        """Where the value at `path` begins; the nearest place around it if it was never written."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.values:
                return self.values[path[:length]]
        return None

    def shown(self, place: Place | None) -> str:
        """`policy.yaml:12:5`, the environment variable's name, or the source alone."""
        if place is None:
            return self.source
        return place if isinstance(place, str) else f"{self.source}:{place[0]}:{place[1]}"


def shown_path(path: Path) -> str:
    """`limits[0].rate`, `tools."sql.query".schema`: keys that are no plain words in quotes, long ones cut."""
    shown = ""
    for segment in path:
        if isinstance(segment, int):
            shown += f"[{segment}]"
        else:
            shown += f".{shown_key(segment)}" if shown else shown_key(segment)
    return shown


def shown_key(key: str) -> str:
    """The key itself if it is a plain word, otherwise quoted, escaped and cut to 64 characters."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    cut = key if len(key) <= _SHOWN_MAX else key[:_SHOWN_MAX] + "..."
    return '"' + cut.encode("ascii", "backslashreplace").decode().replace('"', '\\"').translate(_CONTROLS) + '"'


_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
