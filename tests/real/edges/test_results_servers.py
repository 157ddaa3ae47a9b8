"""Leaky servers of every SDK behind every edge, and with decorated tools: what the official client gets of them."""

from __future__ import annotations

import base64
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import ElicitResult

from tests.real.backends.processes import listening
from tests.real.edges.pipes.visits import PROXY
from tests.real.edges.results_server import SAID
from tests.real.edges.results_wire import MASK, MASKED, PATIENCE, PROGRAM, TOKEN, codes_of, environment_of
from tests.toolbox.shelf import ROOT

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
_HTTP = ["http", "middleware"]
_PIPES = ["stdio", "hooks"]
_PROXY = ["stdio", "proxy"]


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    """The audit of the server under test."""
    return tmp_path / "audit.jsonl"


@pytest.fixture
def environment(audit: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of processes."""
    return environment_of(tmp_path, audit)


@contextlib.asynccontextmanager
async def _visited(
    python: str, kind: str, transport: str, how: str, environment: dict[str, str], **options: Any
) -> AsyncIterator[Client]:
    with anyio.fail_after(PATIENCE):
        if transport == "http":
            with listening([python, PROGRAM, kind, transport, how], {**os.environ, **environment}) as port:
                async with Client(f"http://127.0.0.1:{port}/mcp", mode="legacy", **options) as client:
                    yield client
            return
        command = [python, PROGRAM, kind, transport, "nothing" if how == "proxy" else how]
        command = [*PROXY, *command] if how == "proxy" else command
        server = StdioServerParameters(command=command[0], args=command[1:], env=environment, cwd=ROOT)
        async with Client(stdio_client(server), mode="legacy", **options) as client:
            yield client


@pytest.mark.parametrize(
    ("kind", "transport", "how"),
    [
        *(("mcp 1", *way) for way in (_PIPES, _PROXY, _HTTP)),
        *(("mcp 2", *way) for way in (_PIPES, _PROXY, _HTTP)),
        *(("fastmcp", *way) for way in (_PIPES, _HTTP)),
    ],
)
async def test_nothing_that_a_leaky_server_says_brings_the_token(
    kind: str, transport: str, how: str, environment: dict[str, str], audit: Path, request: pytest.FixtureRequest
) -> None:
    python = str(request.getfixturevalue("legacy")) if kind == "mcp 1" else sys.executable
    heard: list[Any] = []

    async def asked(_context: Any, question: Any) -> ElicitResult:
        heard.append(question.message)
        return ElicitResult(action="accept", content={"name": "Ann"})

    async def reported(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(message)

    way = _visited(
        python, kind.partition(" ")[0], transport, how, environment, elicitation_callback=asked
    )  # fmt: skip
    async with way as client:
        assert client.instructions == MASKED
        leak, row, honest, hidden, crash = [
            await client.call_tool(name, {}) for name in ("leak", "row", "honest", "hidden", "crash")
        ]
        told = await client.call_tool("tell", {}, progress_callback=reported)
        answered = await client.call_tool("ask", {})
        [text] = (await client.read_resource("note://text")).contents
        [blob] = (await client.read_resource("note://blob")).contents
        prompt = await client.get_prompt("greet")
        listed = str(await client.list_resources()) + str(await client.list_prompts())
    assert leak.content[0].text == MASKED
    assert row.structured_content == {"name": "row", "key": MASKED} and MASK in row.content[0].text
    assert honest.structured_content == {"name": "row", "key": "9fceb02d0ae598e95dc970b74767f19372d61af8"}
    assert "\x1b" not in hidden.content[0].text and hidden.content[0].text.endswith("pass.")
    assert crash.is_error
    assert (told.content[0].text, answered.content[0].text) == ("told", "asked Ann")
    assert heard == [MASKED, MASKED]
    assert text.text == MASKED and base64.b64decode(blob.blob).decode() == MASKED
    assert prompt.messages[0].content.text == MASKED
    assert TOKEN not in listed and TOKEN not in f"{leak}{row}{honest}{hidden}{crash}{told}{answered}{prompt}"
    assert TOKEN not in audit.read_text()
    assert codes_of(audit) >= {"SMCP705", "SMCP707"}


@pytest.mark.parametrize("kind", ["mcp 1", "mcp 2", "fastmcp"])
async def test_a_decorated_tool_masks_what_it_returns_and_raises_without_any_edge(
    kind: str, environment: dict[str, str], audit: Path, request: pytest.FixtureRequest
) -> None:
    python = str(request.getfixturevalue("legacy")) if kind == "mcp 1" else sys.executable
    async with _visited(python, kind.partition(" ")[0], "stdio", "decorator", environment) as client:
        leak, row, honest, crash = [await client.call_tool(name, {}) for name in ("leak", "row", "honest", "crash")]
    assert leak.content[0].text == MASKED
    assert row.structured_content == {"name": "row", "key": MASKED} and MASK in row.content[0].text
    assert honest.structured_content == {"name": "row", "key": "9fceb02d0ae598e95dc970b74767f19372d61af8"}
    assert crash.is_error and TOKEN not in str(crash)
    assert "SMCP705" in codes_of(audit)


def test_the_leaky_server_of_these_tests_leaks() -> None:
    assert SAID.replace(TOKEN, MASK) == MASKED
