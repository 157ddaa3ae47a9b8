"""Rows 2, 23 and 32 at the edges that have no requests to carry a credential: it is configured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.local import CREDENTIAL
from tests.acceptance.edges.roster import CONFIGURED, JUDGES_ANSWERS
from tests.acceptance.fate import Edge, Fate
from tests.acceptance.http_rows import policy
from tests.acceptance.issuer import Issuer
from tests.acceptance.obedient import TASKS
from tests.acceptance.table import Sent
from tests.envelopes import call

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def security(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SMCPSecurityFramework]:
    """The framework of the rows of callers."""
    jwks = tmp_path_factory.mktemp("keys") / "jwks.json"
    issuer.publish(jwks)
    with SMCPSecurityFramework(policy(jwks)) as framework:
        yield framework


async def _ask(edge: Edge, security: SMCPSecurityFramework, tool: str) -> Fate:
    async with edge.open(security) as run:
        return await run(Sent(tool, call(tool)))


@pytest.mark.parametrize("edge", CONFIGURED, ids=lambda edge: edge.name)
async def test_row_2_the_role_of_a_configured_caller_decides_at_every_edge(
    edge: Edge, security: SMCPSecurityFramework, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIAL, issuer.token())
    fate = await _ask(edge, security, "erase")
    assert (fate.reached, fate.codes) == ((), ("SMCP301",))
    assert len((await _ask(edge, security, "look")).reached) == 1
    monkeypatch.setenv(CREDENTIAL, issuer.token("eve", roles=["admin"]))
    assert len((await _ask(edge, security, "erase")).reached) == 1


@pytest.mark.parametrize("edge", CONFIGURED, ids=lambda edge: edge.name)
async def test_row_32_a_configured_token_that_is_forged_opens_no_edge(
    edge: Edge, security: SMCPSecurityFramework, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIAL, issuer.forged()["a token for another resource"])
    fate = await _ask(edge, security, "look")
    assert (fate.reached, fate.codes) == ((), ("SMCP204",))
    monkeypatch.delenv(CREDENTIAL)
    fate = await _ask(edge, security, "look")
    assert (fate.reached, fate.codes) == ((), ("SMCP201",))


@pytest.mark.parametrize("edge", JUDGES_ANSWERS, ids=lambda edge: edge.name)
async def test_row_23_rows_of_another_tenant_are_taken_out_of_answers(
    edge: Edge, security: SMCPSecurityFramework, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for own, others in ((b"acme", b"umbrella"), (b"umbrella", b"acme")):
        monkeypatch.setenv(CREDENTIAL, issuer.token(org=own.decode()))
        fate = await _ask(edge, security, TASKS)
        assert len(fate.reached) == 1
        assert own in fate.told and others not in fate.told
