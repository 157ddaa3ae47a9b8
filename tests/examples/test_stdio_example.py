"""The stdio example: started by the official client, it serves honest calls and refuses attacks."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from smcp_security.adapters.local import CREDENTIAL
from smcp_security.keys.issuing import create_key
from tests.real.house import PATIENCE
from tests.toolbox.shelf import ROOT

pytestmark = [pytest.mark.real, pytest.mark.anyio]


def _started(**environment: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["examples/stdio_server.py"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_example_serves_honest_calls_and_refuses_attacks(mode: str) -> None:
    with anyio.fail_after(PATIENCE):
        async with Client(_started(), mode=mode) as client:
            honest = await client.call_tool("find_book", {"title": "Select Tales or Two"})
            attack = await client.call_tool("find_book", {"title": "x' OR '1'='1"})
            hours = await client.read_resource("library://hours")
    assert "shelf 7" in honest.model_dump_json()
    assert attack.is_error
    assert "shelf" not in attack.model_dump_json()
    assert "nine to five" in hours.model_dump_json()


async def test_a_policy_of_the_environment_says_what_the_callers_key_opens(tmp_path: Path) -> None:
    path = str(tmp_path / "keys.yaml")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        f'version: 1\nidentity: {{ api_keys: {{ file: "{path}" }} }}\n'
        'roles: { reader: { allow: [{ tools: ["find_*"] }] }, nobody: { allow: [] } }\n'
    )
    found: dict[str, list[str]] = {}
    for role in ("reader", "nobody"):
        _, key = create_key(path, owner=role, roles=[role])
        with anyio.fail_after(PATIENCE):
            async with Client(_started(SMCP_POLICY=str(policy), **{CREDENTIAL: key})) as client:
                found[role] = [tool.name for tool in (await client.list_tools()).tools]
    assert found == {"reader": ["find_book"], "nobody": []}
