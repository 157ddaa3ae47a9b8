"""What the README shows is run as it stands there: each integration, the in-process use, and the policy."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from fastmcp import FastMCP
from mcp.server.mcpserver import MCPServer

from smcp_security import Policy
from smcp_security.policy import json_schema
from tests.adapters.exchange import posting
from tests.envelopes import legacy, response

pytestmark = pytest.mark.anyio
README = Path(__file__).parents[1] / "README.md"
PYTHON = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
YAML = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def _app(block: str, mcp: Any) -> Any:
    names: dict[str, Any] = {"mcp": mcp}
    exec(block, names)
    return names["app"]


@pytest.mark.parametrize(
    ("place", "mcp"),
    [(0, None), (1, MCPServer("shown")), (2, FastMCP("shown"))],
    ids=["FastAPI", "MCP SDK", "FastMCP"],
)
async def test_an_integration_of_the_readme_refuses_a_foreign_host(place: int, mcp: Any) -> None:
    app = _app(PYTHON[place], mcp)
    foreign = await posting(legacy("ping"), [("host", "attacker.example")]).through(app)
    assert foreign.status == 421 and b"SMCP101" in foreign.body
    twin = await posting(b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}').through(app)
    assert twin.status == 400 and b"SMCP112" in twin.body


async def test_the_in_process_use_of_the_readme_judges_both_ways() -> None:
    seen: list[Any] = []

    async def call(message: Any) -> Any:
        seen.append(message)
        return response(1, {})

    names: dict[str, Any] = {}
    exec(f"async def shown(request, call):\n{textwrap.indent(PYTHON[3], '    ')}\n    return decision", names)
    assert (await names["shown"](legacy("ping"), call)).allowed and seen == [legacy("ping")]
    assert not (await names["shown"]({**legacy("ping"), "Method": "x"}, call)).allowed and len(seen) == 1


def test_the_policy_of_the_readme_is_one_that_loads(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(YAML[-1], encoding="utf-8")
    policy = Policy.load(tmp_path / "policy.yaml")
    assert policy.server.hosts == ("mcp.example.com",) and policy.injection.exclude[0].rule == "SMCP631"
    assert set(json_schema()["properties"]) >= {"server", "limits", "injection", "audit"}


@pytest.mark.parametrize("text", YAML)
def test_every_piece_of_a_policy_in_the_readme_loads(text: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    assert Policy.load(tmp_path / "policy.yaml").version == 1
