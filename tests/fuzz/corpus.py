"""The inputs that are kept: one text file for each target, one input a line, written with escapes.

Escapes keep hostile bytes out of editors, diffs and line-end conversions, and three hundred files out of the tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

KEPT: Final = Path(__file__).parent / "corpus"
MOST: Final = 300
LONGEST: Final = 600
"""Longer inputs are not kept: what they show, a shorter one nearly always shows too."""


def kept(target: str) -> list[bytes]:
    """The kept inputs of a target, in the order of the file."""
    path = KEPT / f"{target}.txt"
    lines = path.read_text(encoding="ascii").split("\n") if path.exists() else []
    return [unescaped(line) for line in lines if line]


def keep(target: str, inputs: Iterable[bytes]) -> int:
    """Write inputs down, every few of them where they are too many; how many they are."""
    found = sorted({data for data in inputs if len(data) <= LONGEST}, key=lambda data: (len(data), data))
    chosen = found[:: -(-len(found) // MOST) or 1]
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{target}.txt").write_text("".join(f"{escaped(data)}\n" for data in chosen), encoding="ascii")
    return len(chosen)


def escaped(data: bytes) -> str:
    """Bytes as one line of ASCII; an empty input is written as an escaped line continuation."""
    return data.decode("latin-1").encode("unicode_escape").decode("ascii") or "\\"


def unescaped(line: str) -> bytes:
    """The bytes of a line."""
    return b"" if line == "\\" else line.encode("ascii").decode("unicode_escape").encode("latin-1")


def unpack(inputs: Iterable[bytes], folder: Path) -> None:
    """Inputs as the files that the fuzzer reads, named by their content."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def packed(folder: Path) -> list[bytes]:
    """The inputs in a folder of the fuzzer."""
    return [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()]
