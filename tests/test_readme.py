"""What the README shows is run as it stands there: each integration, the in-process use, and the policy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any

import pytest
from django.apps import AppConfig
from django.utils.module_loading import import_string
from fastmcp import FastMCP
from flask import Flask
from mcp import Client
from mcp.server.mcpserver import MCPServer

from smcp_security import Caller, Policy, SMCPDenied, secure, secure_tool, security_context
from smcp_security.policy import json_schema
from tests.adapters.exchange import posting
from tests.envelopes import legacy, response

pytestmark = pytest.mark.anyio
README = Path(__file__).parents[1] / "README.md"
PYTHON = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
BASH = re.findall(r"```bash\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
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


async def test_a_secured_server_of_the_readme_refuses_an_attack_and_runs_the_rest(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1", encoding="utf-8")
    names: dict[str, Any] = {"MCPServer": MCPServer}
    exec(PYTHON[3].replace("policy.yaml", str(tmp_path / "policy.yaml")), names)

    @names["mcp"].tool()
    def note(text: str) -> str:
        return text

    async with Client(names["mcp"]) as client:
        assert (await client.call_tool("note", {"text": "; cat /etc/passwd"})).is_error
        assert not (await client.call_tool("note", {"text": "buy shoes"})).is_error


async def test_the_guarded_tool_of_the_readme_refuses_whom_it_demands_more_of() -> None:
    names: dict[str, Any] = {"mcp": MCPServer("shown"), "Annotated": Annotated}
    exec(PYTHON[4].replace("...\n", "return path\n"), names)
    with security_context(caller=Caller("user:ann", verified=True, roles=("analyst",))):
        assert await names["read"](path="/srv/data/a.txt") == "/srv/data/a.txt"
        with pytest.raises(SMCPDenied, match="SMCP510"):
            await names["read"](path="/etc/hosts")
    with pytest.raises(SMCPDenied, match="SMCP301"):
        await names["read"](path="/srv/data/a.txt")


def test_the_wsgi_edge_of_the_readme_refuses_a_foreign_host() -> None:
    app = Flask("shown")
    exec(PYTHON[6], {"app": app})
    told = app.test_client().post("/mcp", json=legacy("ping"), headers={"Host": "attacker.example"})
    assert told.status_code == 421 and b"SMCP101" in told.data


def test_the_django_settings_of_the_readme_name_what_there_is() -> None:
    names: dict[str, Any] = {"BASE_DIR": Path()}
    exec(PYTHON[5], names)
    assert import_string(names["MIDDLEWARE"][0]).__name__ == "SMCPMiddleware"
    assert AppConfig.create(names["INSTALLED_APPS"][0]).label == "smcp_security"


async def test_the_in_process_use_of_the_readme_judges_both_ways() -> None:
    seen: list[Any] = []

    async def call(message: Any) -> Any:
        seen.append(message)
        return response(1, {})

    names: dict[str, Any] = {}
    exec(f"async def shown(request, call):\n{textwrap.indent(PYTHON[7], '    ')}\n    return decision", names)
    assert (await names["shown"](legacy("ping"), call)).allowed and seen == [legacy("ping")]
    assert not (await names["shown"]({**legacy("ping"), "Method": "x"}, call)).allowed and len(seen) == 1


@pytest.mark.real
async def test_the_vault_of_the_readme_gives_the_tool_its_secret_and_shows_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "-".join(("shown", "Zr9LmXc4NbHs6PaEf9To"))
    commands = next(block for block in BASH if "smcp vault init" in block)
    (tmp_path / "smcp").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m smcp_security.cli "$@"\n')
    (tmp_path / "smcp").chmod(0o700)
    typed = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(README.parent), "GITHUB_TOKEN": token,
    }  # fmt: skip
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=tmp_path, env=typed, check=True, timeout=60)
    (tmp_path / "policy.yaml").write_text(next(text for text in YAML if text.startswith("vault:")), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    mcp: Any = secure(MCPServer("shown"), policy="policy.yaml")
    exec(PYTHON[8].replace("...\n", "return f'{token == expected} {token}'\n"), {
        "mcp": mcp, "secure_tool": secure_tool, "expected": token,
    })  # fmt: skip
    async with Client(mcp) as client:
        [tool] = (await client.list_tools()).tools
        said = await client.call_tool("open_issue", {"title": "a bug"})
    assert list(tool.input_schema["properties"]) == ["title"]
    assert said.content[0].text == "True [redacted:vault-secret]"


def test_the_policy_of_the_readme_is_one_that_loads(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(YAML[-1], encoding="utf-8")
    policy = Policy.load(tmp_path / "policy.yaml")
    assert policy.server.hosts == ("mcp.example.com",) and policy.injection.exclude[0].rule == "SMCP631"
    assert set(json_schema()["properties"]) >= {"server", "limits", "injection", "audit"}


@pytest.mark.parametrize("text", YAML)
def test_every_piece_of_a_policy_in_the_readme_loads(text: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    assert Policy.load(tmp_path / "policy.yaml").version == 1
