"""Rows of callers, hosts and sessions through every edge of HTTP: one table, one expectation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smcp_security import SMCPSecurityFramework
from tests.acceptance.edges.knocking import HttpEdge
from tests.acceptance.edges.roster import HTTP_EDGES
from tests.acceptance.http_rows import http_rows, policy
from tests.acceptance.issuer import Issuer
from tests.acceptance.play import fault_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def security(issuer: Issuer, tmp_path: Path) -> Iterator[SMCPSecurityFramework]:
    """A framework for each edge: wrong tokens are counted by address, and all edges have the same."""
    issuer.publish(tmp_path / "jwks.json")
    with SMCPSecurityFramework(policy(tmp_path / "jwks.json")) as framework:
        yield framework


@pytest.mark.parametrize("edge", HTTP_EDGES, ids=lambda edge: edge.name)
async def test_callers_hosts_and_sessions_meet_the_same_verdicts_at_every_http_edge(
    edge: HttpEdge, security: SMCPSecurityFramework, issuer: Issuer
) -> None:
    wrong = []
    async with edge.door(security) as knock:
        for row in http_rows(issuer):
            for asked in row.asked:
                if fault := fault_of(asked, await knock(asked.request)):
                    wrong.append((row.number, asked.name, fault))
    assert wrong == []


def test_every_row_of_callers_has_attacks_and_honest_twins(issuer: Issuer) -> None:
    rows = http_rows(issuer)
    assert [row.number for row in rows] == [1, 2, 7, 8, 23, 25, 26, 28, 32]
    # An answer of row 23 is not refused: rows of another tenant are taken out of it.
    assert all(len(row.attacks) < len(row.asked) and (row.attacks or row.number == 23) for row in rows)
    assert all(len({asked.name for asked in row.asked}) == len(row.asked) for row in rows)
