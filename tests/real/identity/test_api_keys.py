"""API keys from the command line to the tool: made by `smcp keys`, sent by the official client, gone when revoked."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from smcp_security import SMCPMiddleware
from tests.real.house import PATIENCE, Address
from tests.real.identity.lab import bearing, listening, reserved
from tests.real.identity.rooms import modern_house
from tests.real.messages import Request, call
from tests.real.servers.recorder import Recorder
from tests.real.wire import ask

pytestmark = [pytest.mark.real, pytest.mark.anyio]

ROLES = {
    "viewer": {"allow": [{"tools": ["look", "whoami"]}]},
    "editor": {"extends": ["viewer"], "allow": [{"tools": ["write"]}], "tenants": ["acme"]},
}


async def smcp(*arguments: str) -> tuple[str, str]:
    """What the command prints, and what it says beside it."""
    done = await anyio.run_process([sys.executable, "-m", "smcp_security.cli", *arguments], env=dict(os.environ))
    return done.stdout.decode(), done.stderr.decode()


async def created(file: Path, owner: str, *options: str) -> str:
    """A new key: the last line of what the command prints."""
    printed, _ = await smcp("keys", "create", "--file", str(file), "--owner", owner, *options)
    return printed.splitlines()[-1]


@asynccontextmanager
async def keyed(file: Path) -> AsyncIterator[Address]:
    """A server behind the keys of a file."""
    identity = {"api_keys": {"file": str(file), "header": "x-api-key"}}
    # Some tests ask until the answer changes, as fast as they can.
    policy = {"version": 1, "server": {"flood": "off"}, "limits": [], "identity": identity, "roles": ROLES}
    edge = SMCPMiddleware(Recorder(modern_house()), policy=policy)
    with contextlib.closing(edge.framework):
        async with listening(edge, reserved()) as address:
            yield address


@asynccontextmanager
async def visiting(address: Address, mode: str, **headers: str) -> AsyncIterator[Client]:
    """The official client with headers of its own."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        httpx2.AsyncClient(headers=fields, trust_env=False) as http,
        Client(streamable_http_client(address.url(), http_client=http), mode=mode) as client,
    ):
        yield client


def whose(key: str) -> Request:
    """The question who calls, with a key."""
    return bearing(call("modern", "whoami"), key)


async def told(address: Address, request: Request) -> Any:
    """What a tool tells somebody who may call it."""
    reply = await ask(address, request)
    assert reply.status == 200, reply
    return reply.message["result"]["structuredContent"]


@pytest.mark.parametrize("header", ["authorization", "x_api_key"])
async def test_a_key_lets_the_official_client_do_what_its_roles_say(mode: str, header: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    viewer = await created(file, "ann", "--role", "viewer")
    editor = await created(file, "bob", "--role", "editor", "--tenant", "acme")
    async with keyed(file) as address:
        for key, tools in ((viewer, ["look", "whoami"]), (editor, ["look", "whoami", "write"])):
            sent = {header: f"Bearer {key}" if header == "authorization" else key}
            async with visiting(address, mode, **sent) as client:
                assert sorted(tool.name for tool in (await client.list_tools()).tools) == tools
                me = (await client.call_tool("whoami", {})).structured_content
                assert me["caller"] == ("key:ann" if key == viewer else "key:bob")
                assert me["credentials"] == []


async def test_several_keys_of_one_owner_are_one_caller(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    keys = [await created(file, "ann", "--role", "viewer") for _ in range(2)]
    async with keyed(file) as address:
        assert [(await told(address, whose(key)))["caller"] for key in keys] == ["key:ann"] * 2


async def test_a_key_counts_from_its_making_until_it_is_revoked(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    first = await created(file, "ann", "--role", "viewer")
    async with keyed(file) as address:
        assert (await told(address, whose(first)))["caller"] == "key:ann"
        # Another is made while the server runs, and the first one revoked.
        second = await created(file, "bob", "--role", "viewer")
        with anyio.fail_after(PATIENCE):
            while (await ask(address, whose(second))).status != 200:
                pass
        await smcp("keys", "revoke", "--file", str(file), first.split("_")[1])
        with anyio.fail_after(PATIENCE):
            while (await ask(address, whose(first))).status == 200:
                pass
        refusal = await ask(address, whose(first))
        assert (refusal.status, b"SMCP205" in refusal.body) == (401, True)
        assert (await told(address, whose(second)))["caller"] == "key:bob"


async def test_a_key_is_shown_once_and_stands_nowhere_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "keys.yaml"
    key = await created(file, "ann", "--role", "viewer")
    secret = key.split("_", 2)[2]
    async with keyed(file) as address:
        await told(address, whose(key))
        replies = [await ask(address, whose(wrong)) for wrong in (key[:-1] + "!", key[:-2], key.upper(), f"x{key}")]
        replies.append(await ask(address, call("modern", "whoami").at(f"/mcp?key={key}")))
    assert all(reply.status in (400, 401) and secret not in reply.text for reply in replies)
    listed, aside = await smcp("keys", "list", "--file", str(file))
    assert secret not in file.read_text() + listed + aside + caplog.text
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_known_id_with_a_wrong_secret_is_nobody(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    ann, bob = [await created(file, owner, "--role", "viewer") for owner in ("ann", "bob")]
    crossed = "_".join(["smcp", ann.split("_")[1], bob.split("_", 2)[2]])
    async with keyed(file) as address:
        assert (await ask(address, whose(crossed))).status == 401
        assert (await told(address, whose(bob)))["caller"] == "key:bob"


async def test_a_file_that_breaks_while_the_server_runs_lets_nobody_in_and_heals(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    key = await created(file, "ann", "--role", "viewer")
    honest = file.read_text()
    async with keyed(file) as address:
        await told(address, whose(key))
        file.write_text("version: 1\nkeys: [")
        with anyio.fail_after(PATIENCE):
            while (await ask(address, whose(key))).status == 200:
                pass
        refusal = await ask(address, whose(key))
        assert (refusal.status, b"SMCP206" in refusal.body) == (503, True)
        file.write_text(honest)
        with anyio.fail_after(PATIENCE):
            while (await ask(address, whose(key))).status != 200:
                pass
