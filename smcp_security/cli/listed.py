"""Tools from a file: the result of tools/list, a response that holds one, or a bare list. Connects nowhere."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from smcp_security.cli.output import Failure

_MOST: Final = 16 * 1024 * 1024
_EXPECTED: Final = "expected the result of tools/list as JSON, a response that holds one, or a list of tools"


def read_tools(command: str, file: str) -> list[dict[str, Any]]:
    """The definitions in the file (- for stdin), each with a name and an inputSchema; what pages follow is said on
    stderr. Raises `Failure` in the name of `command`."""
    shown = "stdin" if file == "-" else repr(file)
    document = _parsed(command, _read(command, file, shown), shown)
    holder = document.get("result", document) if isinstance(document, dict) else document
    listed = holder.get("tools") if isinstance(holder, dict) else holder
    if not isinstance(listed, list):
        raise Failure(command, f"{shown}: no list of tools; {_EXPECTED}")
    if isinstance(holder, dict) and holder.get("nextCursor"):
        click.echo(f"smcp {command}: this is one page of the list; run it on the others too", err=True)
    return [_tool(command, entry, number, shown) for number, entry in enumerate(listed, start=1)]


def _read(command: str, file: str, shown: str) -> bytes:
    try:
        if file == "-":
            raw = b"" if sys.stdin is None else sys.stdin.buffer.read(_MOST + 1)
        else:
            with open(file, "rb") as source:
                raw = source.read(_MOST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "cannot be read"
        raise Failure(command, f"{shown}: {reason}; {_EXPECTED}") from None
    if len(raw) > _MOST:
        raise Failure(command, f"{shown}: more than {_MOST // 1024 // 1024} MiB; {_EXPECTED}")
    return raw


def _parsed(command: str, raw: bytes, shown: str) -> Any:
    from smcp_security.strict_json import Malformed, load

    try:
        return load(raw)[0]
    except Malformed as fault:
        raise Failure(command, f"{shown}: not strict JSON ({fault.code}); {_EXPECTED}") from None


def _tool(command: str, entry: Any, number: int, shown: str) -> dict[str, Any]:
    name = entry.get("name") if isinstance(entry, dict) else None
    schema = entry.get("inputSchema", {}) if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name or not isinstance(schema, dict):
        raise Failure(command, f"{shown}: tool {number} of the list lacks a name or an inputSchema; {_EXPECTED}")
    return {**entry, "inputSchema": schema}
