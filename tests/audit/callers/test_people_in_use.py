"""The file of callers behind a sink: what `on_failure` says of it, and who is erased while a server writes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit import FileSink
from smcp_security.audit.callers.people import open_people
from smcp_security.errors import AuditUnavailable
from tests.audit.conftest import WAIT, Alarms
from tests.cli.audits import decision
from tests.cli.terminal import smcp

Opening = Callable[..., FileSink]


def _full(monkeypatch: pytest.MonkeyPatch, keys: Path) -> None:
    """From now on nothing more fits into the file of callers."""
    write = os.write

    def refuse(fd: int, data: bytes) -> int:
        if os.path.samestat(os.fstat(fd), keys.stat()):
            raise OSError(28, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", refuse)


def _ids(file: Path) -> list[Any]:
    return [record["id"] for record in map(json.loads, file.read_text().splitlines()) if record["kind"] == "decision"]


def test_a_new_caller_on_a_full_disk_is_denied_where_the_policy_denies(
    tmp_path: Path, sink_at: Opening, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "audit.jsonl"
    sink = sink_at(file, people=None, on_failure="deny")
    sink.write(decision("a1"))
    assert sink.flush(WAIT)
    with monkeypatch.context() as full:
        _full(full, tmp_path / "audit.jsonl.keys")
        sink.write(decision("b1", "bob"))
        assert not sink.flush(WAIT)
        with pytest.raises(AuditUnavailable):
            sink.write(decision("b2", "bob"))
    assert alarms.told("No space left") == 1
    assert sink.flush(WAIT)
    sink.write(decision("b3", "bob"))
    assert sink.flush(WAIT) and _ids(file) == ["a1", "b1", "b3"]


def test_a_new_caller_on_a_full_disk_waits_where_the_policy_goes_on(
    tmp_path: Path, sink_at: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "audit.jsonl"
    sink = sink_at(file, people=None, on_failure="continue")
    sink.write(decision("a1"))
    assert sink.flush(WAIT)
    with monkeypatch.context() as full:
        _full(full, tmp_path / "audit.jsonl.keys")
        sink.write(decision("b1", "bob"))
        assert not sink.flush(WAIT)
        sink.write(decision("a2"))
    assert sink.flush(WAIT) and _ids(file) == ["a1", "b1", "a2"]


def test_who_is_erased_under_a_running_server_comes_back_as_somebody_else(tmp_path: Path, sink_at: Opening) -> None:
    file = tmp_path / "audit.jsonl"
    sink = sink_at(file, people=None)
    sink.write(decision("a1"))
    assert sink.flush(WAIT)
    assert smcp("audit", "erase", str(file), "--caller", "ann", "--yes").code == 0
    sink.write(decision("a2"))
    assert sink.flush(WAIT)
    sink.close()
    people = open_people(f"{file}.keys", None, "hmac", {}, create=False)[0]
    records = [json.loads(line) for line in file.read_text().splitlines()]
    first, second = (record["person"] for record in records if record["kind"] == "decision")
    erased = next(record for record in records if record["kind"] == "erased")
    assert erased["persons"] == [first] != [second] and [each.handle for each in people.everybody()] == [second]
    assert smcp("audit", "verify", str(file)).code == 0
