"""An audit with several persons in it and an operator at the command line, for tests of `smcp audit`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smcp_security.audit.callers.people import open_people, people_file
from smcp_security.audit.entry import entry_of
from smcp_security.audit.record import timestamp
from smcp_security.audit.writing.chain import GENESIS, Chain
from tests.cli.terminal import Run, smcp

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


def decision(
    id: str, caller: str | None = "ann", *, tool: str = "search", at: float = 0, **fields: Any
) -> dict[str, Any]:
    """The record of an allowed call, as `audit/record.py` makes them."""
    known = {
        "id": caller,
        "verified": True,
        "source": "api_key",
        "credential": "k1",
        "tenant": "acme",
        "roles": ["viewer"],
    }
    return {
        "v": 2, "kind": "decision", "id": id, "at": timestamp(NOON + at), "allowed": True,
        "action": "pass", "codes": [], "findings": [], "method": "tools/call", "target": tool,
        "era": "modern", "revision": "2026-01-01", "arguments": "3f" * 16, "size": 120,
        "caller": None if caller is None else known, "label": "",
        "address": "203.0.113.7", "session": "5e" * 16, "edge": "asgi", "traceparent": "", "mode": "enforce",
        "policy": "sha256:aa", "rules": "sha256:bb", "lock": "", "us": 80, **fields,
    }  # fmt: skip


def refused(id: str, caller: str | None = "ann", code: str = "SMCP501", **fields: Any) -> dict[str, Any]:
    """The record of a refused call."""
    found = {"code": code, "slug": "schema-mismatch", "where": "/q", "severity": "high", "action": "block"}
    return decision(id, caller, **{"allowed": False, "action": "block", "codes": [code], "findings": [found]} | fields)


def outcome(id: str, at: float = 0.1, **fields: Any) -> dict[str, Any]:
    """The record of the end of a call."""
    return {
        "v": 2, "kind": "outcome", "id": id, "at": timestamp(NOON + at), "status": 200, "result": "complete",
        "size": 900, "seconds": 0.25, "tokens": None, "error": "", "codes": [], "findings": [], **fields,
    }  # fmt: skip


class Desk:
    """An operator with an audit whose secret lies in the file of callers."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "audit.jsonl"
        self.people, self.keys = open_people(people_file(str(self.file), None), None, "hmac", os.environ, create=True)
        self.chain = Chain(self.people, self.keys)
        self.head = GENESIS

    def write(self, *records: dict[str, Any], path: Path | None = None) -> None:
        """Append records to the live file, or to another one."""
        lines = self.chain.extend([entry_of(record) for record in records], self.head)
        with open(path or self.file, "ab") as file:
            file.write(lines.data)
        self.chain.commit(lines)
        self.people.flush()
        self.head = lines.head

    def rotate(self) -> Path:
        """Put the live file aside as the next segment."""
        number = len(list(self.file.parent.glob(f"{self.file.name}.0*"))) + 1
        segment = self.file.with_name(f"{self.file.name}.{number:06d}")
        self.file.rename(segment)
        return segment

    def run(self, command: str, *options: str) -> Run:
        """`smcp audit COMMAND FILE` with these options."""
        return smcp("audit", command, str(self.file), *options)

    def found(self, *options: str) -> Sequence[Any]:
        """What `search` finds, as records."""
        return json_lines(self.run("search", "--format", "json", *options))


def json_lines(run: Run) -> list[Any]:
    """The output of a command that must not have failed, line by line."""
    assert run.code == 0, run.err
    return [json.loads(line) for line in run.out.splitlines()]
