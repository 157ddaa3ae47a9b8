"""The TypeScript client understands our challenges: which scope is missing, and where to get a token at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.real.identity.lab import Lab, lab
from tests.toolbox.node import NodeTools

pytestmark = [pytest.mark.real, pytest.mark.anyio]

SCRIPT = Path(__file__).parent / "scripts" / "call_with_token.mjs"
VISIT_LIMIT = 60.0
"""Seconds; Node may start on a busy machine."""
ROLES = {"member": {"allow": [{"tools": ["look"]}, {"tools": ["write"], "scopes": ["notes.read", "notes.write"]}]}}


@asynccontextmanager
async def club() -> AsyncIterator[Lab]:
    """A server for members whose tokens have the scope `mcp`."""
    async with lab(policy={"roles": ROLES}, scopes=["mcp"]) as place:
        yield place


async def visit(node: NodeTools, home: Path, place: Lab, mode: str, tool: str, token: str = "") -> Any:
    """What the client told of one visit."""
    command = [str(node.node), str(SCRIPT), str(node.modules), place.url, mode, tool, token]
    with anyio.fail_after(VISIT_LIMIT):
        done = await anyio.run_process(command, env=node.environment(home))
    return json.loads(done.stdout)


async def test_a_missing_scope_is_an_insufficient_scope_error(mode: str, node: NodeTools, tmp_path: Path) -> None:
    async with club() as place:
        token = place.token(roles=["member"], scope="mcp")
        told = await visit(node, tmp_path, place, mode, "write", token)
        assert told["tools"] == ["look", "write"]
        assert told["error"]["type"] == "InsufficientScopeError"
        assert set(told["error"]["scope"].split()) == {"mcp", "notes.read", "notes.write"}
        base = place.url.removesuffix("/mcp")
        assert told["error"]["metadata"] == f"{base}/.well-known/oauth-protected-resource/mcp"
        assert told["error"]["description"]
        ((status, challenge),) = told["challenges"]
        assert status == 403
        assert 'error="insufficient_scope"' in challenge
        assert "tools/call" not in place.recorder.methods


async def test_with_the_scopes_the_same_call_succeeds(mode: str, node: NodeTools, tmp_path: Path) -> None:
    async with club() as place:
        token = place.token(roles=["member"], scope="mcp notes.write notes.read")
        told = await visit(node, tmp_path, place, mode, "write", token)
        assert "error" not in told
        assert told["result"]["structuredContent"] == {"result": "wrote "}
        assert told["challenges"] == []


async def test_without_a_token_the_client_is_shown_the_way(mode: str, node: NodeTools, tmp_path: Path) -> None:
    async with club() as place:
        told = await visit(node, tmp_path, place, mode, "look")
        assert "result" not in told
        status, challenge = told["challenges"][0]
        assert status == 401
        assert "resource_metadata=" in challenge
        assert 'scope="mcp"' in challenge
        assert "error=" not in challenge
        assert place.recorder.messages == []


async def test_a_wrong_token_is_an_unauthorized_error(mode: str, node: NodeTools, tmp_path: Path) -> None:
    async with club() as place:
        told = await visit(node, tmp_path, place, mode, "look", place.token(aud="https://other.example/mcp"))
        assert told["error"]["type"] == "UnauthorizedError"
        assert 'error="invalid_token"' in told["challenges"][0][1]
        assert place.recorder.messages == []


async def test_what_a_role_denies_is_a_plain_protocol_error(mode: str, node: NodeTools, tmp_path: Path) -> None:
    async with club() as place:
        told = await visit(node, tmp_path, place, mode, "erase", place.token(roles=["member"], scope="mcp"))
        assert (told["error"]["type"], told["error"]["code"]) == ("ProtocolError", -31403)
        assert told["challenges"] == []
