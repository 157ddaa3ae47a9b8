"""`smcp proxy`, its mistakes in one line each, and the entries for clients that its page offers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.cli.terminal import smcp

PAGE = (ROOT / "docs" / "proxy.md").read_text(encoding="utf-8")
ENTRIES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_no_server_at_all_is_a_usage_error() -> None:
    for arguments in ((), ("--",), ("--policy", "policy.yaml")):
        run = smcp("proxy", *arguments)
        assert run.code == 2
        assert run.complaint.startswith("smcp proxy: no server to start; expected: smcp proxy -- COMMAND")


def test_a_policy_that_is_not_there_is_one_line_and_starts_nothing(tmp_path: Path) -> None:
    run = smcp("proxy", "--policy", str(tmp_path / "none.yaml"), "--", "touch", str(tmp_path / "started"))
    assert run.code == 2
    assert "none.yaml: no such file" in run.complaint
    assert not (tmp_path / "started").exists()


def test_a_server_that_cannot_be_started_is_one_line_without_its_arguments() -> None:
    # What stands behind the command is the server's, also where it looks like ours.
    run = smcp("proxy", "no-such-server-here", "--policy", "secret")
    assert run.code == 2
    assert run.complaint == (
        "smcp proxy: 'no-such-server-here' cannot be started: no such program; give its path, or a name on PATH"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--env", "TOKEN=hunter2-hunter2"], "--env: TOKEN: expected vault://SECRET: a value on a command line can be"),
        (["--env", "TOKEN"], "--env: expected NAME=vault://SECRET"),
        (["--env", "A=vault://a", "--env", "A=vault://b"], "--env: A is given twice; leave one out"),
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_shown(options: list[str], told: str, tmp_path: Path) -> None:
    run = smcp("proxy", *options, "--", "touch", str(tmp_path / "started"))
    assert run.code == 2
    assert run.complaint.startswith(f"smcp proxy: {told}") and "hunter2" not in run.complaint
    assert not (tmp_path / "started").exists()


def test_a_secret_of_no_vault_is_one_line_and_starts_nothing(tmp_path: Path) -> None:
    command = ("--env", "A=vault://a", "--", "touch", str(tmp_path / "started"))
    run = smcp("proxy", *command)
    assert (run.code, run.complaint) == (2, "smcp: --env: the policy has no vault; add the section vault to it")
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"vault: {{file: {tmp_path}/v.smcp, key: 'file:{tmp_path}/key'}}\n")
    run = smcp("proxy", "--policy", str(policy), *command)
    assert run.code == 2 and "v.smcp: no such vault" in run.complaint
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_entry_for_a_client_starts_the_proxy(entry: dict[str, dict[str, dict[str, object]]]) -> None:
    [server] = (entry.get("mcpServers") or entry["servers"]).values()
    arguments = server["args"]
    assert isinstance(arguments, list)
    assert (server["command"], arguments[0]) == ("smcp", "proxy")
    assert arguments.index("--policy") < arguments.index("--") < arguments.index("npx")


def test_there_is_an_entry_for_every_client_of_the_page() -> None:
    assert len(ENTRIES) == 4
    for name in (".cursor/mcp.json", ".vscode/mcp.json", ".mcp.json", "claude_desktop_config.json"):
        assert name in PAGE
