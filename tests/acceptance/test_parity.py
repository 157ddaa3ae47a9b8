"""What else one policy means at every edge: rates, monitoring, results that are too large, and a closed framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from tests.acceptance.edges.roster import EDGES, HTTP_EDGES, JUDGES_ANSWERS
from tests.acceptance.fate import Edge, Fate
from tests.acceptance.table import Sent
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
_every_edge = pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)


async def _fates(edge: Edge, changed: Mapping[str, Any], *messages: Sent) -> list[Fate]:
    with SMCPSecurityFramework({**_POLICY, **changed}) as security:
        async with edge.open(security) as run:
            return [await run(sent) for sent in messages]


@_every_edge
async def test_a_rate_is_charged_once_a_call_at_every_edge(edge: Edge) -> None:
    limit = {"per": "address", "tools": ["figma.get"], "rate": "2/hour"}
    fates = await _fates(edge, {"limits": [limit]}, _HONEST, _HONEST, _HONEST)
    assert [fate.reached for fate in fates] == [(edge.got(_HONEST),)] * 2 + [()]
    assert fates[-1].codes == ("SMCP402",)


@_every_edge
async def test_what_is_only_monitored_passes_every_edge_untouched(edge: Edge) -> None:
    [fate] = await _fates(edge, {"mode": "monitor"}, _ATTACK)
    assert fate.reached == (edge.got(_ATTACK),)


@pytest.mark.parametrize("edge", [*HTTP_EDGES, *JUDGES_ANSWERS], ids=lambda edge: edge.name)
async def test_a_result_over_the_cap_is_withheld_at_every_edge_that_sees_it(edge: Edge) -> None:
    large, small = Sent("large", call("large")), Sent("small", call("small"))
    fates = await _fates(edge, {"results": {"max_size": "4KiB"}}, large, small)
    assert [len(fate.reached) for fate in fates] == [1, 1]
    assert fates[0].codes == ("SMCP701",) and b"at length" not in fates[0].told
    assert fates[1].codes == () and b"ran" in fates[1].told


@_every_edge
async def test_a_framework_that_is_closed_lets_nothing_through_any_edge(edge: Edge) -> None:
    with SMCPSecurityFramework(_POLICY) as security:
        async with edge.open(security) as run:
            assert (await run(_HONEST)).reached
            security.close()
            fate = await run(_HONEST)
    assert (fate.reached, fate.codes) == ((), ("SMCP001",))
