"""Texts for terminals and files: printable ASCII and nothing else, whatever stood in them. Pure."""

from __future__ import annotations

import re
import struct
from typing import Final

_OTHER: Final = re.compile(r"[^\x20-\x7e]+")


def plain(text: str) -> str:
    r"""The text with everything but printable ASCII as `\u` escapes: no line break, no terminal sequence, no bidi."""
    return text if text.isascii() and text.isprintable() else _OTHER.sub(_escaped, text)


def _escaped(run: re.Match[str]) -> str:
    units = struct.iter_unpack(">H", run.group().encode("utf-16-be", "surrogatepass"))
    return "".join(f"\\u{unit:04x}" for (unit,) in units)
