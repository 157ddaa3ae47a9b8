"""One record as one line for people: printable ASCII, in columns, with colour where the terminal has it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

import click

_COLOURS: Final = {"block": "red", "report": "yellow", "pass": "green", "withheld": "red", "damaged": "red"}
_WIDEST: Final = 60
_BLANKS: Final = re.compile(r"(?<= ) |^ | $")


def shown(record: Mapping[str, Any]) -> str:
    """When, what became of it, what it was, why, who and from where, and the id under which its other records stand."""
    from smcp_security.audit.reading.plain import plain

    kind = str(record.get("kind"))
    word = _word(record, kind)
    told = _TOLD.get(kind, _any)(record)
    columns = [
        plain(moment(str(record.get("at", "")))),
        _coloured(plain(word).ljust(8), word),
        # Two blanks part the columns: no name may write some of its own.
        *(_BLANKS.sub(r"\\u0020", plain(each)) for each in told),
    ]
    if record.get("id"):
        columns.append(_coloured(plain(str(record["id"])), "id"))
    return "  ".join(column for column in columns if column).rstrip()


def _word(record: Mapping[str, Any], kind: str) -> str:
    if kind == "decision":
        return str(record.get("action"))
    return str(record.get("result")) if kind == "outcome" else kind


def _decision(record: Mapping[str, Any]) -> list[str]:
    what = " ".join(str(record.get(name)) for name in ("method", "target") if record.get(name))
    return [what or "(not read)", _codes(record), _who(record), _short(record.get("address"))]


def _outcome(record: Mapping[str, Any]) -> list[str]:
    status = f"status {record['status']}" if record.get("status") else ""
    size = f"{record.get('size', 0)} B in {float(record.get('seconds', 0)) * 1000:.1f} ms"
    return [status, size, _short(record.get("error")), _codes(record)]


def _secret(record: Mapping[str, Any]) -> list[str]:
    version = f" version {record['version']}" if record.get("version") else ""
    return [f"{_short(record.get('secret'))}{version} for {_short(record.get('tool') or 'the server')}", _who(record)]


def _any(record: Mapping[str, Any]) -> list[str]:
    hidden = {"v", "kind", "at", "id", "stream", "seq", "person", "findings"}
    return [
        f"{name}={_short(value)}"
        for name, value in record.items()
        if name not in hidden and value not in (None, "", [])
    ]


_TOLD: Final = {"decision": _decision, "outcome": _outcome, "secret": _secret}


def _codes(record: Mapping[str, Any]) -> str:
    findings = [each for each in record.get("findings", ()) if isinstance(each, Mapping)]
    return ", ".join(dict.fromkeys(f"{each.get('code')} {each.get('slug')}" for each in findings))


def _who(record: Mapping[str, Any]) -> str:
    caller = record.get("caller")
    if isinstance(caller, Mapping):
        return _short(caller.get("id")) if caller.get("verified") else f"{_short(caller.get('id'))} (unproved)"
    if caller:
        return f"({_short(caller)})"
    return f"{_short(record['label'])} (unproved)" if record.get("label") else "-"


def _short(value: Any) -> str:
    from smcp_security.audit.record import encode

    text = "" if value is None else value if isinstance(value, str) else encode({"": value})[4:-2].decode("ascii")
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def moment(at: str) -> str:
    """A timestamp of a record as people read it, still in UTC."""
    return at.replace("T", " ").replace("+00:00", "Z")


def _coloured(text: str, word: str) -> str:
    if os.environ.get("NO_COLOR"):
        return text
    if word == "id":
        return click.style(text, dim=True)
    return click.style(text, fg=_COLOURS[word]) if word in _COLOURS else text
