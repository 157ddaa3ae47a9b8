"""What the tests of shipping share: a log to ship, and shippings that are closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit.ship import Pace, Shipping, open_shipping
from smcp_security.policy.audit import ShipPolicy
from tests.audit.ship.log import Log

QUICK = Pace(poll=0.01, stand_by=0.02, attempt=5.0, first=0.01, last=0.05, hopeless_first=0.02, hopeless_last=0.05)
"""As the default, a hundred times as fast."""


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "audit.jsonl")


@pytest.fixture
def ship(log: Log) -> Iterator[Callable[..., Shipping]]:
    """Starts to ship the log to what it is given as in the policy."""
    opened: list[Shipping] = []

    def start(*, pace: Pace = QUICK, environ: Mapping[str, str] | None = None, **entry: Any) -> Shipping:
        opened.append(open_shipping([ShipPolicy(**entry)], str(log.path), environ or {}, pace))
        opened[-1].start()
        return opened[-1]

    yield start
    for shipping in opened:
        shipping.close(0.0)
