"""`smcp pin` at real servers: both SDKs and both eras, over HTTP and stdio, and npm's server-everything."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smcp_security.pins.file import load_lock
from tests.cli.terminal import smcp
from tests.real.backends.processes import listening
from tests.toolbox.node import NodeTools
from tests.toolbox.shelf import ROOT

pytestmark = pytest.mark.real
PROGRAM = str(ROOT / "tests/real/edges/pin_server.py")
EVERYTHING = "@modelcontextprotocol/server-everything"
REVISIONS = {"auto": "2026-07-28", "modern": "2026-07-28", "legacy": "2025-11-25"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of the newer SDK."""
    with listening([sys.executable, PROGRAM, "http"], os.environ) as port:
        yield f"http://127.0.0.1:{port}/mcp"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("era", REVISIONS)
def test_a_server_is_pinned_whole_in_either_era(url: str, era: str) -> None:
    facts = smcp("pin", "--era", era, "--format", "json", url).json
    assert (facts["outcome"], facts["revision"]) == ("pinned", REVISIONS[era])
    assert facts["counts"] == {"tool": 1, "prompt": 1, "template": 1, "instructions": 1}
    lock = load_lock("smcp.lock")
    assert facts["digest"] == lock.digest
    assert lock.tools["add"].definition["inputSchema"]["required"] == ["a"]


def test_what_was_pinned_in_one_era_is_the_same_in_the_other_and_over_stdio(url: str) -> None:
    assert smcp("pin", "--era", "modern", url).code == 0
    stdio = ("--", sys.executable, PROGRAM, "stdio")
    for server in ((url,), ("--era", "legacy", url), stdio, ("--era", "legacy", *stdio)):
        run = smcp("pin", "--check", *server)
        assert (run.code, run.err) == (0, ""), run.out


def test_a_changed_server_is_found_over_stdio(url: str) -> None:
    assert smcp("pin", url).code == 0
    run = smcp("pin", "--check", "--format", "markdown", "--", sys.executable, PROGRAM, "stdio", "changed")
    assert run.code == 1
    assert "  - after: `Adds three numbers.`" in run.out.splitlines()


def test_servers_of_the_older_sdk_are_pinned_over_http_and_stdio(legacy: Path) -> None:
    with listening([legacy, PROGRAM, "http"], os.environ) as port:
        run = smcp("pin", f"http://127.0.0.1:{port}/mcp")
        refused = smcp("pin", "--check", "--era", "modern", f"http://127.0.0.1:{port}/mcp")
    assert (run.code, run.err) == (0, "")
    assert smcp("pin", "--check", "--", str(legacy), PROGRAM, "stdio").code == 0
    assert refused.code == 2
    assert "speaks no revision of the newer era, but 2025-11-25" in refused.complaint


def test_the_reference_server_is_pinned_and_stays_the_same(
    node: NodeTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in node.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    command = ("--", str(node.node), str(node.script(EVERYTHING, "mcp-server-everything")), "stdio")
    facts = smcp("pin", "--format", "json", *command).json
    assert facts["outcome"] == "pinned"
    assert [each for each in facts["findings"] if each["grave"]] == []
    assert facts["counts"]["tool"] >= 10 and facts["counts"]["prompt"] >= 3
    # It shows these to clients alone that announce what they need.
    assert {"trigger-sampling-request", "trigger-elicitation-request", "get-roots-list"} <= set(
        load_lock("smcp.lock").tools
    )
    assert smcp("pin", "--check", *command).code == 0
