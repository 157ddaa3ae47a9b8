"""Records as rows of CSV (RFC 4180) in printable ASCII, in which no cell is a formula to a spreadsheet. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from smcp_security.audit.reading.plain import plain
from smcp_security.audit.record import encode

COLUMNS: Final = (
    "at", "kind", "id", "allowed", "action", "codes", "method", "target", "caller", "verified", "source", "credential",
    "tenant", "roles", "label", "address", "session", "arguments", "uri", "edge", "era", "revision", "mode", "policy",
    "rules", "lock", "traceparent", "us", "status", "result", "size", "seconds", "tokens", "error", "secret", "version",
    "receiver", "tool", "findings", "details", "stream", "seq", "person",
)  # fmt: skip

_FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection"), with the full-width twins."""

_CALLER: Final = {
    "caller": "id", "verified": "verified", "source": "source", "credential": "credential", "roles": "roles",
}  # fmt: skip


def heading() -> str:
    """The first line: the names of the columns."""
    return _line(COLUMNS)


def row(record: Mapping[str, Any]) -> str:
    """The line of one record as `opening.opened` gives it. What has no column of its own stands in `details`."""
    fields = _fields(record)
    rest = {name: value for name, value in fields.items() if name not in COLUMNS and name != "v"}
    fields["details"] = rest or None
    return _line([cell(fields.get(name)) for name in COLUMNS])


def cell(value: Any) -> str:
    """A value as text of printable ASCII. A text that a spreadsheet might run begins with an apostrophe."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return _harmless(value)
        case list() if all(isinstance(each, str) for each in value):
            return _harmless(" ".join(value))
    return _whole(encode({"": value})[4:-2].decode("ascii"))


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(record)
    caller = record.get("caller")
    if isinstance(caller, Mapping):
        fields |= {column: caller.get(name) for column, name in _CALLER.items()}
        fields["tenant"] = record.get("tenant") or caller.get("tenant")
    return fields


def _harmless(text: str) -> str:
    # Spreadsheets skip blanks before they look for a formula.
    beginning = text.lstrip(" \u00a0\u3000\ufeff")[:1]
    return _whole(f"'{plain(text)}" if beginning and beginning in _FORMULA else plain(text))


def _whole(text: str) -> str:
    # Where the comma is a decimal point, spreadsheets part a row at semicolons, whatever the quotes: behind one begins
    # a cell.
    return text.replace(";", "\\u003b")


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    writer: Callable[[Sequence[str]], Any] = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow
    writer(cells)
    return written.getvalue()
