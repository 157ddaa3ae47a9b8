"""Rows of answers through every edge: what must not come does not, it is written down, and honest answers come as
they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from smcp_security import SMCPSecurityFramework
from tests.acceptance.answer_rows import ANSWER_ROWS, POLICY, SWAPPED
from tests.acceptance.answers import Overseen, answer_fault
from tests.acceptance.edges.answering import ANSWERING, can
from tests.acceptance.fate import Edge
from tests.acceptance.table import Sent
from tests.acceptance.vaulted import vaulted
from tests.envelopes import call

pytestmark = pytest.mark.anyio
_every_edge = pytest.mark.parametrize("edge", ANSWERING, ids=lambda edge: edge.name)


@pytest.fixture(scope="module")
def overseen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Overseen]:
    """One framework for all rows and edges, whose audit can be read."""
    folder = tmp_path_factory.mktemp("audit")
    file = folder / "audit.jsonl"
    with vaulted(folder, {**POLICY, "audit": {"file": str(file)}}) as framework:
        yield Overseen(framework, file)


@_every_edge
async def test_what_may_not_reach_the_client_does_not_and_honest_answers_do(edge: Edge, overseen: Overseen) -> None:
    wrong = []
    async with edge.open(overseen.framework) as run:
        for row in ANSWER_ROWS:
            for told in (each for each in row.told if can(edge, each)):
                fate = await run(told.sent)
                if fault := answer_fault(told, fate.told, overseen.codes()):
                    wrong.append((row.number, told.name, fault))
    assert wrong == []


@pytest.fixture
def pinned(tmp_path: Path) -> Iterator[SMCPSecurityFramework]:
    """A framework that holds definitions to what the first list said."""
    from smcp_security.pins.file import write_lock
    from smcp_security.pins.lock import lock_of

    lock = tmp_path / "smcp.lock"
    write_lock(lock, lock_of(list(SWAPPED[0].result["tools"]), [], []))
    with SMCPSecurityFramework({**POLICY, "pins": {"file": str(lock), "drift": "block"}}) as framework:
        yield framework


@pytest.mark.parametrize("edge", [edge for edge in ANSWERING if edge.carries is None], ids=lambda edge: edge.name)
async def test_a_definition_that_was_swapped_is_dropped_and_a_call_of_it_refused(
    edge: Edge, pinned: SMCPSecurityFramework
) -> None:
    approved, later = SWAPPED
    look, erase = Sent("look", call("look")), Sent("erase", call("erase"))
    async with edge.open(pinned) as run:
        assert answer_fault(approved, (await run(approved.sent)).told, []) == ""
        assert "result" in json.loads((await run(look)).told)
        shown = json.loads((await run(later.sent)).told)["result"]["tools"]
        assert [tool["name"] for tool in shown] == ["erase"]
        refused = await run(look)
        assert refused.codes == ("SMCP802",) and b"id_rsa" not in refused.told
        assert "isError" not in json.loads((await run(erase)).told)["result"] or not (await run(erase)).codes
        assert (await run(Sent("unknown", call("unknown")))).codes == ("SMCP803",)


def test_every_row_of_answers_has_attacks_and_honest_twins() -> None:
    assert [row.number for row in ANSWER_ROWS] == [21, 22, 29, 30]
    assert all(row.attacks and len(row.attacks) < len(row.told) for row in ANSWER_ROWS)
    assert all(len({told.name for told in row.told}) == len(row.told) for row in ANSWER_ROWS)
