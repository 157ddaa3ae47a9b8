"""Rows of labelled texts, and the message that carries one to the tool it is meant for.

Owns how a corpus is read and which argument a text arrives in. Must not import what it measures.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

CORPORA: Final = Path(__file__).resolve().parents[2] / "shared" / "corpora"

UNTYPED: Final = ("set_value", "value")
"""A tool and an argument whose names say nothing of what the text is."""

TOOLS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "sql": ("query_database", "sql"),
    "shell": ("run_shell", "command"),
    "code": ("write_file", "content"),
    "path": ("read_file", "path"),
    "url": ("fetch", "url"),
    "url_local": ("fetch", "url"),
})  # fmt: skip
"""Where a text of a context arrives. Any other context is untyped text, descriptions and results too."""


class CorpusError(Exception):
    """A corpus that cannot be read; says which file and line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text. `corpus` is its file, `origin` the list inside of it that it comes from."""

    corpus: str
    origin: str
    attack: bool
    category: str
    context: str
    text: str
    tool: str = ""
    arguments: Mapping[str, Any] | None = None

    def call(self) -> tuple[str, Mapping[str, Any]]:
        """The tool that the text is meant for, and its arguments."""
        if self.arguments is not None:
            return self.tool, self.arguments
        tool, argument = TOOLS.get(self.context, UNTYPED)
        return tool, {argument: self.text}

    @property
    def typed(self) -> bool:
        """Whether the text arrives in an argument of a known kind."""
        return self.arguments is not None or self.context in TOOLS


def read(folder: Path) -> list[Row]:
    """Every row of every file of a folder. Raises `CorpusError`."""
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if not files:
        raise CorpusError(f"no corpus (*.jsonl) in {folder}; name the folder by --corpora")
    return [row for file in files for row in _rows(file)]


def message(tool: str, arguments: Mapping[str, Any]) -> bytes:
    """The `tools/call` as a client sends it."""
    params = {"name": tool, "arguments": arguments}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    # Half a surrogate pair is escaped, so that the engine is what refuses it.
    return json.dumps(call, separators=(",", ":")).encode()


def _rows(file: Path) -> Iterator[Row]:
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            try:
                yield _row(file.stem, json.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                raise CorpusError(f"{file.name}, line {number}: no row ({type(error).__name__}: {error})") from error


def _row(corpus: str, given: dict[str, Any]) -> Row:
    if given["label"] not in ("attack", "benign"):
        raise ValueError("label is neither attack nor benign")
    return Row(
        corpus,
        given.get("source", corpus),
        given["label"] == "attack",
        given["category"],
        given.get("context", "text"),
        _text(given),
        given.get("tool", ""),
        given.get("arguments"),
    )


def _text(given: dict[str, Any]) -> str:
    if "text_b64" in given:
        try:
            return base64.b64decode(given["text_b64"], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("text_b64 is not Base64 of UTF-8") from error
    if "text" in given:
        return str(given["text"])
    return "\n".join(_strings(given["arguments"]))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
