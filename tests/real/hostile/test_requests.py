"""Hostile requests over raw sockets: every row of the table gets its answer, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.real.attacks import ADD, MARK
from tests.real.hostile.knock import honest, hostile_site, knock
from tests.real.hostile.row import Row
from tests.real.hostile.table import REQUESTS
from tests.real.site import Site

pytestmark = [pytest.mark.real, pytest.mark.anyio]

ROWS = [pytest.param(row, id=f"{group.title}: {row.name}"[:90]) for group in REQUESTS for row in group.rows]


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    """One site for all rows: it has to survive them all."""
    async with hostile_site() as one:
        yield one


@pytest.mark.parametrize("row", ROWS)
async def test_a_hostile_request_gets_the_documented_answer_and_its_twin_is_served(
    site: Site, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = await knock(site, row)
    assert (outcome.said, outcome.reached, outcome.after) == (row.said, row.reaches, row.after), outcome
    assert outcome.left == ()
    if row.said.code:
        assert MARK not in outcome.text + caplog.text
    assert await honest(site, row.twin or ADD.raw())


def test_the_rows_of_a_group_have_names_of_their_own() -> None:
    for group in REQUESTS:
        names = [row.name for row in group.rows]
        assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]


@pytest.mark.parametrize("group", REQUESTS, ids=[group.title for group in REQUESTS])
def test_a_group_that_refuses_has_an_honest_twin_too(group: Any) -> None:
    refusing = [row for row in group.rows if row.said.status == 0 or row.said.status >= 400 or row.said.code]
    served = [row for row in group.rows if row.reaches] + [row for row in refusing if row.twin]
    assert not refusing or served
