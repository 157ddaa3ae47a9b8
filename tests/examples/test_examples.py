"""Each example does what its first line says: an honest call passes, an attack is refused."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest
from mcp import Client

from smcp_security import Policy
from tests.real.house import PATIENCE, Address, served
from tests.real.messages import Request, call
from tests.real.wire import ask

FOLDER = Path(__file__).resolve().parents[2] / "examples"
APPS = ("fastapi_app", "starlette_app", "mcp_sdk_app", "fastmcp_app")
LONGEST = 40
pytestmark = pytest.mark.anyio


def _loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example as a module of its own: its server can run only once."""
    spec = importlib.util.spec_from_file_location(f"fresh_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@contextlib.asynccontextmanager
async def _running(name: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Address]:
    async with served(_loaded(name, monkeypatch).app) as address:
        yield address


def test_every_example_is_tested_here() -> None:
    others = [
        "api_keys_app",
        "audited_calls",
        "contracts_app",
        "decorated_server",
        "django_app",
        "flask_app",
        "in_process",
        "issuer",
        "notes_server",
        "oidc_app",
        "redis_app",
        "stdio_server",
        "ticket_server",
        "vault_app",
    ]
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == sorted([*APPS, *others])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short_and_starts_by_saying_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert len(text.splitlines()) < LONGEST


@pytest.mark.real
@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("name", APPS)
async def test_an_example_serves_honest_calls_and_refuses_attacks(
    name: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _running(name, monkeypatch) as address, Client(address.url(), mode=mode) as client:
        with anyio.fail_after(PATIENCE):
            honest = await client.call_tool("find_book", {"title": "Select Tales or Two"})
            attack = await client.call_tool("find_book", {"title": "x' OR '1'='1"})
    assert not honest.is_error
    assert "shelf 7" in honest.model_dump_json()
    assert attack.is_error
    assert "SMCP631" in attack.model_dump_json()


@pytest.mark.real
@pytest.mark.parametrize("name", APPS)
async def test_an_example_answers_no_foreign_page(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = call("modern", "find_book", {"title": "Emma"})
    async with _running(name, monkeypatch) as address:
        passed = await ask(address, honest)
        refused = await ask(address, honest.adding(("origin", "https://attacker.example")))
    assert (passed.status, refused.status) == (200, 403)
    assert refused.message["error"]["data"]["code"] == "SMCP102"


@pytest.mark.real
@pytest.mark.parametrize("name", ["fastapi_app", "starlette_app"])
async def test_what_is_not_mcp_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with _running(name, monkeypatch) as address:
        health = await ask(address, Request(method="GET", path="/health", host="attacker.example"))
    assert (health.status, health.body.strip(b'"')) == (200, b"ok")


def _in_process(*messages: Any) -> list[Any]:
    lines = b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in messages)
    command = [sys.executable, str(FOLDER / "in_process.py")]
    found = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    done = subprocess.run(command, input=lines, capture_output=True, check=True, env=found)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_framework_works_without_http() -> None:
    honest = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    attack = {"jsonrpc": "2.0", "id": 2, "method": "resources/read", "params": {"uri": "file:///a/../../etc/passwd"}}
    passed, refused, broken = _in_process(honest, attack, b'{"jsonrpc":"2.0","id":3,"id":4,"method":"ping"}')
    assert passed == {"jsonrpc": "2.0", "id": 1, "result": {"method": "tools/list"}}
    assert (refused["id"], refused["error"]["code"]) == (2, -31422)
    assert broken["error"]["data"]["code"] == "SMCP112"


def test_the_commented_policy_can_be_loaded() -> None:
    policy = Policy.load(FOLDER / "policy.yaml")
    assert policy.server.max_body == 256 * 1024
    assert policy.injection.exclude[0].rule == "SMCP631"
    assert not policy.enforces("arguments")


@pytest.mark.real
@pytest.mark.parametrize(
    ("tool", "honest", "attack", "code"),
    [
        (
            "run_query",
            {"sql": "SELECT title FROM books LIMIT 5"},
            {"sql": "SELECT title FROM members LIMIT 5"},
            "SMCP513",
        ),
        ("read_page", {"path": "/srv/library/a.md"}, {"path": "/srv/library_old/a.md"}, "SMCP510"),
        ("read_page", {"path": "notes/walrus.md"}, {"path": "notes/Project Walrus.md"}, "SMCP604"),
    ],
)
async def test_contracts_and_a_detector_of_ones_own_decide(
    tool: str, honest: dict[str, str], attack: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _running("contracts_app", monkeypatch) as address, Client(address.url()) as client:
        with anyio.fail_after(PATIENCE):
            passed = await client.call_tool(tool, honest)
            refused = await client.call_tool(tool, attack)
    assert not passed.is_error
    assert refused.is_error and code in refused.model_dump_json()
