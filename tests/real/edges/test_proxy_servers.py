"""`smcp proxy` in front of real stdio servers: both SDKs of Python, and the reference server of files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.real.edges.pipes.visits import CALLS, HERE, VISITORS, visited
from tests.toolbox.node import NodeTools

pytestmark = [pytest.mark.real, pytest.mark.anyio]


def _filesystem(node: NodeTools, folder: Path) -> tuple[str, ...]:
    script = node.script("@modelcontextprotocol/server-filesystem", "mcp-server-filesystem")
    return str(node.node), str(script), str(folder)


@pytest.mark.parametrize("server", ["tools_mcp2.py", "tools_mcp1.py"])
async def test_a_python_server_withholds_what_is_too_large(request: pytest.FixtureRequest, server: str) -> None:
    python = sys.executable if server == "tools_mcp2.py" else str(request.getfixturevalue("legacy"))
    calls = [*CALLS, ("big", {"size": 2_000_000}), ("big", {"size": 10})]
    seen = await visited(request, VISITORS["mcp 2.3, auto"], (python, str(HERE / server)), calls)
    before, refused, after, withheld, last = seen["calls"]
    assert (before, after, last) == ([False, "before"], [False, "after"], [False, "x" * 10])
    assert "SMCP610" in refused[1]
    assert withheld[0] == -31502


async def test_the_reference_server_of_files_reads_what_is_below_its_root(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("a note")
    server = _filesystem(request.getfixturevalue("node"), tmp_path)
    calls = [
        ("read_text_file", {"path": str(tmp_path / "note.txt")}),
        ("read_text_file", {"path": f"{tmp_path}/../../../etc/passwd"}),
        ("list_directory", {"path": str(tmp_path)}),
    ]
    seen = await visited(request, VISITORS["mcp 2.3, auto"], server, calls)
    read, refused, listed = seen["calls"]
    assert (read, refused[0]) == ([False, "a note"], True)
    assert "Refused by policy" in refused[1]
    assert "note.txt" in listed[1]
