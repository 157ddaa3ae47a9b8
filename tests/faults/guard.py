"""A whole guard with an audit file, and what its audit says afterwards: every fault is played through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smcp_security import SMCPSecurityFramework
from tests.audit.records import read_records
from tests.envelopes import encoded
from tests.real.audit.writers import verified

Seen = Callable[[str, object], None]
"""pytest's `record_property`: what a play calls with "seen" and the words that the page shows."""


class Guard:
    """A framework, and the messages that it judges."""

    def __init__(self, framework: SMCPSecurityFramework) -> None:
        self.framework = framework
        self._asked = 0

    def passes(self, times: int = 1) -> int:
        """How many of so many calls are allowed."""
        return sum(self._judged() for _ in range(times))

    def _judged(self) -> bool:
        self._asked += 1
        message = {"jsonrpc": "2.0", "id": self._asked, "method": "ping"}
        return self.framework.process_request_sync(encoded(message), {"ip_address": "192.0.2.7"}).allowed

    def status(self) -> str:
        """What its health says, anew."""
        self.framework._checkup._asker.reset()
        return self.framework.health_sync(10.0).status


@contextmanager
def guard(file: Path, **policy: Any) -> Iterator[Guard]:
    """A guard whose audit is `file`; `audit` holds further keys of that section."""
    audit = {"file": str(file), "on_failure": "deny", **policy.pop("audit", {})}
    with SMCPSecurityFramework({"version": 1, "limits": [], "audit": audit, **policy}) as framework:
        yield Guard(framework)


def decided(*files: Path) -> int:
    """How many decisions stand in audits."""
    return sum(record["kind"] == "decision" for file in files for record in read_records(file))


def whole(file: Path, *older: Path) -> Any:
    """The report on an audit in which nothing is wrong."""
    report = verified(file, *older)
    assert report.faults == [], report.faults
    return report
