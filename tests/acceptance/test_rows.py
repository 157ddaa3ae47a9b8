"""The acceptance table through every edge: each attack refused by the check named for it, each twin untouched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smcp_security import SMCPSecurityFramework
from tests.acceptance.disk import placed
from tests.acceptance.edges.roster import EDGES
from tests.acceptance.fate import Edge
from tests.acceptance.rows import ROWS, whole_policy
from tests.acceptance.table import Sees, Sent
from tests.acceptance.verdicts import attack_fault, twin_fault

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def security(folder: Path) -> Iterator[SMCPSecurityFramework]:
    """One framework for all rows and edges."""
    with SMCPSecurityFramework(placed(whole_policy(), folder)) as framework:
        yield framework


def _named(edge: Edge) -> str:
    return edge.name


def _here(sent: Sent, folder: Path) -> Sent:
    return sent if isinstance(sent.message, bytes) else replace(sent, message=placed(sent.message, folder))


@pytest.mark.parametrize("edge", EDGES, ids=_named)
async def test_every_attack_that_an_edge_can_tell_is_refused_by_the_check_named_for_it(
    edge: Edge, security: SMCPSecurityFramework, folder: Path
) -> None:
    faults = []
    async with edge.open(security) as run:
        for row in ROWS:
            for sent in filter(lambda sent: edge.tells(row, sent), row.attacks):
                given = _here(sent, folder)
                if fault := attack_fault(given, await run(given)):
                    faults.append((row.number, sent.name, fault))
    assert faults == []


@pytest.mark.parametrize("edge", EDGES, ids=_named)
async def test_every_honest_twin_passes_an_edge_untouched_and_without_a_finding(
    edge: Edge, security: SMCPSecurityFramework, folder: Path
) -> None:
    refused = []
    async with edge.open(security) as run:
        for row in ROWS:
            for sent in filter(edge.takes, row.twins):
                given = _here(sent, folder)
                if fault := twin_fault(edge, given, await run(given)):
                    refused.append((row.number, sent.name, fault))
    assert refused == []


def test_every_row_has_attacks_and_honest_twins() -> None:
    assert [row.number for row in ROWS] == [3, 4, 5, 6, *range(10, 21), 27, 33]
    assert all(row.attacks and row.twins for row in ROWS)
    assert all(len({sent.name for sent in row.sent}) == len(row.sent) for row in ROWS)


def test_an_edge_that_sees_only_values_is_told_which_rows_it_cannot_enforce() -> None:
    hidden = {row.number for row in ROWS if row.hidden_from(Sees.VALUES) == row.attacks}
    assert hidden == {3, 4, 5, 6}
    assert all(row.hidden_from(Sees.FIELDS) == [] for row in ROWS)
