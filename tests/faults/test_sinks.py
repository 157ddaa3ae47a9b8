"""A place that audit records are shipped to, and that takes them and never answers."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.faults.guard import Seen, decided, guard, whole

pytestmark = pytest.mark.real


def test_a_collector_that_hangs_holds_up_no_call_and_no_end(tmp_path: Path, record_property: Seen) -> None:
    file = tmp_path / "audit.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/ingest"
        with guard(file, audit={"ship": [{"http": url}]}) as judging:
            assert judging.passes(200) == 200 and judging.framework.flush()
            assert judging.status() in ("ready", "degraded")
            [lag] = judging.framework._armed.sink.lags().values()
    assert lag > 0 and decided(file) == 200
    whole(file)
    record_property("seen", "200 of 200 calls served and recorded; what was not sent waits in the file")
