"""A process that audits and ships. `python -m tests.audit.ship.child FILE URL RECORDS [END]`.

It writes `RECORDS` records, says so, and ends as `END` says: `wait` for its stdin to close, `kill` itself with -9
while it writes on, `return` without closing anything, `fork` a child that writes and ends the parent with -9.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from smcp_security.audit.ship import Pace, open_shipping
from smcp_security.audit.sink import FileSink
from smcp_security.policy.audit import ShipPolicy

PACE = Pace(poll=0.01, stand_by=0.05, attempt=5.0, first=0.01, last=0.05, hopeless_first=0.05, hopeless_last=0.1)


def record(number: int) -> dict[str, Any]:
    """A decision as the audit takes it."""
    at = "2026-11-22T03:28:43.123456+00:00"
    return {"v": 2, "kind": "decision", "id": f"{os.getpid()}-{number}", "at": at, "allowed": True, "codes": []}


def main(file: str, url: str, records: int, end: str) -> None:
    """Run until the end."""
    sink = FileSink(file, shipping=open_shipping([ShipPolicy(http=url)], file, os.environ, PACE))
    for number in range(records):
        sink.write(record(number))
    sink.flush(20)
    print("written", flush=True)
    if end == "fork":
        _go_on_in_a_child(sink, records)
    if end == "kill":
        for number in range(records, records + 50):
            sink.write(record(number))
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "wait":
        sys.stdin.read()


def _go_on_in_a_child(sink: FileSink, records: int) -> None:
    parent, pid = os.getpid(), os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    sink.write(record(records))
    sink.flush(20)
    assert not any(health.leading for health in sink.shipping.health()) if sink.shipping else False
    os.kill(parent, signal.SIGKILL)
    sink.write(record(records + 1))
    sys.stdin.read()
    sink.close()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
