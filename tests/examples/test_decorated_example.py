"""The decorated example: started by the official client, its tools hold to what they demand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from smcp_security.adapters.local import CREDENTIAL
from smcp_security.keys.issuing import create_key
from tests.real.house import PATIENCE
from tests.toolbox.shelf import ROOT

pytestmark = [pytest.mark.real, pytest.mark.anyio]


def _started(**environment: str) -> StdioServerParameters:
    variables = {"PYTHONPATH": str(ROOT), **environment}
    return StdioServerParameters(command=sys.executable, args=["examples/decorated_server.py"], env=variables, cwd=ROOT)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_example_serves_honest_calls_and_refuses_attacks(mode: str) -> None:
    with anyio.fail_after(3 * PATIENCE):
        async with Client(_started(), mode=mode) as client:
            honest = await client.call_tool("read_page", {"path": "emma/1.txt"})
            attacks: list[Any] = [
                await client.call_tool("read_page", {"path": "/srv/books_secret/1.txt"}),
                await client.call_tool("read_page", {"path": "emma/1.txt", "form": "exe"}),
            ]
            with pytest.raises(MCPError) as refused:
                await client.call_tool("remove_book", {"title": "Emma"})
    assert "emma/1.txt as text" in honest.model_dump_json()
    for attack, code in zip(attacks, ("SMCP510", "SMCP517"), strict=True):
        assert attack.is_error
        assert code in attack.model_dump_json()
    assert refused.value.error.data["code"] == "SMCP301"


@pytest.mark.parametrize("role", ["librarian", "reader"])
async def test_a_role_is_that_of_the_configured_key(role: str, tmp_path: Path) -> None:
    path = str(tmp_path / "keys.yaml")
    policy = tmp_path / "policy.yaml"
    policy.write_text(f'version: 1\nidentity: {{ api_keys: {{ file: "{path}" }} }}\n')
    _, key = create_key(path, owner="ann", roles=[role])
    with anyio.fail_after(3 * PATIENCE):
        async with Client(_started(SMCP_POLICY=str(policy), **{CREDENTIAL: key})) as client:
            page = await client.call_tool("read_page", {"path": "emma/1.txt"})
            try:
                told = (await client.call_tool("remove_book", {"title": "Emma"})).model_dump_json()
            except MCPError as error:
                told = str(error.data["code"])
    assert not page.is_error
    assert ("Emma is gone" if role == "librarian" else "SMCP301") in told
