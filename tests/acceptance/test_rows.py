"""The acceptance table through every edge: each attack refused by the check named for it, each twin untouched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from tests.acceptance.disk import furnish, placed
from tests.acceptance.edges import EDGES, Edge
from tests.acceptance.rows import ROWS, whole_policy
from tests.acceptance.table import Row, Sees, Sent

pytestmark = pytest.mark.anyio

_LONGEST_ANSWER = 4096


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the links of row 15."""
    folder = tmp_path_factory.mktemp("acceptance").resolve()
    furnish(folder)
    return folder


@pytest.fixture(scope="module")
def security(folder: Path) -> Iterator[SMCPSecurityFramework]:
    """One framework for all rows."""
    with SMCPSecurityFramework(placed(whole_policy(), folder)) as framework:
        yield framework


def _named(value: Any) -> str:
    if isinstance(value, Row):
        return str(value.number)
    return value.name if isinstance(value, Sent | Edge) else ""


def _here(sent: Sent, folder: Path) -> Sent:
    return sent if isinstance(sent.message, bytes) else replace(sent, message=placed(sent.message, folder))


@pytest.mark.parametrize("edge", EDGES, ids=_named)
@pytest.mark.parametrize("row", ROWS, ids=_named)
async def test_every_attack_is_refused_by_the_check_named_for_it(
    row: Row, edge: Edge, security: SMCPSecurityFramework, folder: Path
) -> None:
    seen = [sent for sent in row.attacks if edge.sees_of(row, sent)]
    assert seen
    faults = [(sent.name, fault) for sent in seen if (fault := await _fault(edge, _here(sent, folder), security))]
    assert faults == []


@pytest.mark.parametrize("edge", EDGES, ids=_named)
@pytest.mark.parametrize("row", ROWS, ids=_named)
async def test_every_honest_twin_passes_untouched_and_without_a_finding(
    row: Row, edge: Edge, security: SMCPSecurityFramework, folder: Path
) -> None:
    refused = []
    for sent in row.twins:
        given = _here(sent, folder)
        fate = await edge.run(security, given)
        if fate.reached != (given.raw,) or fate.codes:
            refused.append((sent.name, fate.codes))
    assert refused == []


async def _fault(edge: Edge, sent: Sent, security: SMCPSecurityFramework) -> str:
    """What is wrong with the refusal of an attack; empty if nothing is."""
    fate = await edge.run(security, sent)
    if fate.reached:
        return "it reached the server"
    if not set(fate.codes) & sent.codes:
        return f"refused by {fate.codes}"
    if sent.where is not None and sent.where not in fate.places:
        return f"refused at {fate.places}"
    if len(fate.told) > _LONGEST_ANSWER:
        return f"the answer has {len(fate.told)} bytes"
    told = fate.told.decode() + json.dumps(fate.places)
    return "the answer repeats the value" if any(text in told for text in _values(sent)) else ""


def test_every_row_has_attacks_and_honest_twins() -> None:
    assert [row.number for row in ROWS] == [3, 4, 5, 6, *range(10, 21), 27, 33]
    assert all(row.attacks and row.twins for row in ROWS)
    assert all(len({sent.name for sent in row.sent}) == len(row.sent) for row in ROWS)


def test_an_edge_that_sees_only_values_is_told_which_rows_it_cannot_enforce() -> None:
    hidden = {row.number for row in ROWS if row.hidden_from(Sees.VALUES) == row.attacks}
    assert hidden == {3, 4, 5, 6}
    assert all(row.hidden_from(Sees.FIELDS) == [] for row in ROWS)


def _values(sent: Sent) -> list[str]:
    """The texts of the arguments that are long enough to be told from words of the answer."""
    if isinstance(sent.message, bytes):
        return []
    return [text for text in _strings(sent.message["params"]) if len(text) > 12 and text not in _OWN_WORDS]


_OWN_WORDS = {"2026-07-28", "io.modelcontextprotocol/protocolVersion"}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value[:3]:
            yield from _strings(inner)
