"""Incidents that really happened, as data: what the policy says, what attackers sent, and the honest twin of it.

Any edge can run the table: a row says what an edge must see to enforce it. The rows are classes, so each attack comes
in several spellings. Numbers are those of the acceptance table; rows of callers, sessions and results are replayed in
`tests/real`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.acceptance.argument_rows import ARGUMENT_ROWS
from tests.acceptance.language_rows import LANGUAGE_ROWS
from tests.acceptance.table import Row
from tests.acceptance.wire_rows import WIRE_ROWS

ROWS: Final[tuple[Row, ...]] = (*WIRE_ROWS, *ARGUMENT_ROWS, *LANGUAGE_ROWS)


def whole_policy() -> dict[str, Any]:
    """The policies of all rows in one: their tools differ, and rules take long to compile."""
    merged: dict[str, Any] = {"version": 1, "limits": [], "server": {"flood": "off"}}
    for row in ROWS:
        for section, entries in row.policy.items():
            merged.setdefault(section, {}).update(_mapping(entries))
    return merged


def _mapping(value: Any) -> Mapping[str, Any]:
    assert isinstance(value, Mapping)
    return value
