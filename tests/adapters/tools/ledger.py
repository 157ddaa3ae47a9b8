"""A framework together with its audit file, and what was written there while something was watched."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smcp_security.framework import SMCPSecurityFramework
from tests.audit.records import read_records

Seen = Callable[..., list[dict[str, Any]]]


def ledger_policy(file: Path) -> dict[str, Any]:
    """A policy that writes everything down, and lets one call of `slot_*` run at a time."""
    slots = [{"per": "tool", "max": 1, "tools": ["slot_*"]}]
    return {"version": 1, "audit": {"file": str(file)}, "limits": [], "concurrency": slots}


@dataclass
class Ledger:
    """A framework whose audit can be read."""

    framework: SMCPSecurityFramework
    file: Path

    @contextlib.contextmanager
    def watching(self) -> Iterator[Seen]:
        """What is written from now on: call what this yields, with a kind of records if only those are wanted."""
        before = len(self._records())

        def seen(kind: str = "") -> list[dict[str, Any]]:
            return [record for record in self._records()[before:] if kind in ("", record["kind"])]

        yield seen

    def _records(self) -> list[dict[str, Any]]:
        assert self.framework.flush()
        return read_records(self.file)
