"""Records put together by their id: one call is its decision, the secrets it got and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

WAITING: Final = 100_000
"""Calls that wait for their outcome; of more, the oldest is told without it."""


def calls_of(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Decisions with their `outcome` (None where none followed) and their `secrets`, in the order in which they ended.

    What belongs to no decision among `records` is passed on as it is.
    """
    waiting: dict[str, dict[str, Any]] = {}
    # A secret is written down before the verdict that gives it.
    early: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        kind, id = record["kind"], str(record.get("id"))
        if kind == "secret" and id not in waiting:
            early.setdefault(id, []).append(record)
            if len(early) > WAITING:
                yield from early.pop(next(iter(early)))
        elif kind == "secret":
            waiting[id]["secrets"].append(record)
        elif kind == "outcome" and id in waiting:
            waiting[id]["outcome"] = record
            yield waiting.pop(id)
        elif kind == "decision":
            waiting[id] = {**record, "outcome": None, "secrets": early.pop(id, [])}
            if record.get("allowed") is not True:
                yield waiting.pop(id)
            elif len(waiting) > WAITING:
                yield waiting.pop(next(iter(waiting)))
        else:
            yield record
    yield from waiting.values()
    for alone in early.values():
        yield from alone
