"""What every edge writes down: one verdict for a message, and one outcome for what was let through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from tests.acceptance.edges.roster import EDGES
from tests.acceptance.fate import Edge
from tests.acceptance.table import Sent
from tests.audit.records import read_records
from tests.envelopes import call

pytestmark = pytest.mark.anyio

_POLICY: dict[str, Any] = {
    "version": 1,
    "limits": [],
    "server": {"flood": "off"},
    "tools": {"figma.get": {"arguments": {"key": {"kind": "identifier"}}}},
}
_HONEST = Sent("honest", call("figma.get", {"key": "abc"}))
_ATTACK = Sent("attack", call("figma.get", {"key": "abc$(id)"}))


async def _records(edge: Edge, folder: Path, *messages: Sent) -> list[dict[str, Any]]:
    file = folder / "audit.jsonl"
    with SMCPSecurityFramework({**_POLICY, "audit": {"file": str(file)}}) as security:
        async with edge.open(security) as run:
            for sent in messages:
                await run(sent)
    records = read_records(file)
    # The hooks open a session of the older era first.
    opening = {record["id"] for record in records if record.get("method") == "initialize"}
    return [record for record in records if record.get("id") not in opening]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
async def test_every_edge_writes_down_one_verdict_for_each_message(edge: Edge, tmp_path: Path) -> None:
    records = await _records(edge, tmp_path, _HONEST, _ATTACK)
    verdicts = [record for record in records if record["kind"] == "decision"]
    assert [(record["allowed"], record["codes"], record["target"]) for record in verdicts] == [
        (True, [], "figma.get"),
        (False, ["SMCP516"], "figma.get"),
    ]
    outcomes = [record for record in records if record["kind"] == "outcome"]
    # Code that asks the framework itself says by itself what became of it.
    assert len(outcomes) == (0 if edge.name.startswith("in process") else 1)
    assert {record["id"] for record in outcomes} <= {verdicts[0]["id"]}
