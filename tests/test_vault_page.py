"""What `docs/vault.md` shows is run as it stands there: the first two minutes, and an exchange of the key."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError

from smcp_security import Policy
from smcp_security.cli.vault import command
from smcp_security.cli.vault.exchange import rotate
from smcp_security.codes import CODES
from tests.real.house import served
from tests.toolbox.shelf import ROOT

pytestmark = pytest.mark.anyio
_real = pytest.mark.real
PAGE = (ROOT / "docs" / "vault.md").read_text(encoding="utf-8")
TOKEN = "-".join(("shown", "Zr9LmXc4NbHs6PaEf9To"))


def _blocks(part: str, language: str) -> list[str]:
    text = PAGE.split(f"<!-- vault:{part} -->")[1].split(f"<!-- /vault:{part} -->")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def _typed(folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    """Commands as a reader types them, in a folder where `smcp` is installed."""
    program = folder / "bin" / "smcp"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m smcp_security.cli "$@"\n')
    program.chmod(0o700)
    found = {
        "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "GITHUB_TOKEN": TOKEN,
    }  # fmt: skip
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands], cwd=folder, env=found, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the vault and the policy of the page."""
    [commands], [policy] = _blocks("start", "bash"), _blocks("start", "yaml")
    done = _typed(tmp_path, commands)
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr + (tmp_path / "vault.smcp").read_text()
    (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _app(post_issue: Callable[..., Awaitable[str]]) -> Any:
    names: dict[str, Any] = {"post_issue": post_issue}
    [code] = _blocks("start", "python")
    exec(code, names)
    return names["app"]


async def _posted(title: str, authorization: str) -> str:
    return f"{title}: {authorization == f'Bearer {TOKEN}'}, sent {authorization}"


@_real
async def test_the_first_two_minutes_lead_to_a_tool_that_has_its_secret(started: Path) -> None:
    async with served(_app(_posted)) as address, Client(address.url()) as client:
        [tool] = (await client.list_tools()).tools
        said = await client.call_tool("open_issue", {"title": "a bug"})
    assert list(tool.input_schema["properties"]) == ["title"]
    assert said.content[0].text == "a bug: True, sent Bearer [redacted:vault-secret]"


@_real
async def test_without_the_grant_of_the_page_the_tool_is_not_run(started: Path) -> None:
    policy = (started / "policy.yaml").read_text(encoding="utf-8")
    (started / "policy.yaml").write_text(policy.replace("tools: [open_issue]", "tools: [another]"), encoding="utf-8")
    ran: list[str] = []

    async def post(title: str, authorization: str) -> str:
        ran.append(title)
        return title

    async with served(_app(post)) as address, Client(address.url()) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("open_issue", {"title": "a bug"})
    assert refused.value.error.data["code"] == "SMCP920" and ran == []


@_real
def test_the_three_phases_of_the_page_exchange_the_key(started: Path) -> None:
    [commands] = _blocks("rotate", "bash")
    done = _typed(started, commands)
    assert done.returncode == 0, done.stderr
    get = "smcp vault get github --file vault.smcp --key file:{}"
    assert _typed(started, get.format("next.key")).stdout == TOKEN
    old = _typed(started, get.format("vault.key"))
    assert (old.returncode, old.stdout) == (2, "")


def test_every_code_of_the_page_is_one_that_there_is() -> None:
    named = set(re.findall(r"SMCP[0-9]{3}", PAGE))
    assert {"SMCP901", "SMCP920", "SMCP921", "SMCP922", "SMCP923"} <= named
    assert [code for code in named if code not in CODES and code != "SMCP901"] == []


def test_the_page_has_every_command_of_the_vault_and_no_other() -> None:
    table = PAGE.split("| command | what it does |")[1].split("\n\n")[0]
    named = {
        word
        for row in table.splitlines()[2:]
        for shown in re.findall(r"`([a-z][^`]*)`", row.split("|")[1])
        for word in shown.split(" NAME")[0].split(" --")[0].split()
    }
    assert named == {*command.commands, *rotate.commands}


def test_every_policy_of_the_page_loads(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for text in blocks:
        (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
        assert Policy.load(tmp_path / "policy.yaml").vault is not None
    assert len(blocks) >= 2


def test_the_threat_model_of_the_page_has_ten_lines() -> None:
    table = PAGE.split("## What it protects against")[1].split("\n\n")[1]
    assert len(table.splitlines()) == 2 + 10
