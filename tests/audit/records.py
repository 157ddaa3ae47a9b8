"""Audit files as tests read them: every record with its private fields among the others, as `record.py` made it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from smcp_security.audit.callers.people import People, open_people, people_file
from smcp_security.audit.reading.log import open_log
from smcp_security.audit.reading.opening import opened, record_of

OF_THE_CHAIN: Final = frozenset({"open", "close", "checkpoint", "torn", "erased", "purged"})
"""Kinds of records that say something of the file alone."""

_PLACE: Final = ("stream", "seq", "person")
_EMPTY: Final[dict[str, dict[str, Any]]] = {
    "decision": {"caller": None, "label": "", "address": "", "session": "", "arguments": None},
    "secret": {"caller": None, "label": "", "address": "", "tenant": ""},
}
"""What a field that is left out of the private part stands for."""


def read_records(path: str | os.PathLike[str], *, key: str | None = None, whole: bool = False) -> list[dict[str, Any]]:
    """All records of the audit at `path` and its segments, none if there is no file yet.

    `key`: env:NAME, where the policy names one. `whole`: with the lines that only the chain needs, and each line's
    place in it.
    """
    file = os.fspath(path)
    if not os.path.exists(file):
        return []
    found: list[dict[str, Any]] = []
    people: People | None = None
    for block in open_log([file]).blocks():
        for line in filter(None, block.lines):
            record = record_of(line)
            assert record is not None, f"no record: {line[:200]!r}"
            if record["kind"] in OF_THE_CHAIN and not whole:
                continue
            people = people or open_people(people_file(file, None), key, "hmac", os.environ, create=False)[0]
            told = {**_EMPTY.get(record["kind"], {}), **opened(record, people)}
            found.append(told if whole else {name: value for name, value in told.items() if name not in _PLACE})
    return found


def kinds(path: str | os.PathLike[str]) -> list[str]:
    """The kinds of the records, in order."""
    return [record["kind"] for record in read_records(path)]


def tells(path: str | os.PathLike[str], text: str) -> bool:
    """Whether a text stands anywhere in the audit: in the file as it is, or in what is sealed in it."""
    plain = Path(path).read_text(encoding="ascii")
    return text in plain or text in json.dumps(read_records(path), ensure_ascii=False)
