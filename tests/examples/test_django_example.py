"""The example for Django under gunicorn and uvicorn, by the official client: honest calls pass, attacks are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from mcp import Client

from tests.real.edges.django_house import django
from tests.real.house import PATIENCE, Address
from tests.real.messages import Request, call
from tests.real.wire import ask

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.real, pytest.mark.anyio]


@pytest.fixture(scope="module", params=["sync", "gthread", "uvicorn"])
def address(request: pytest.FixtureRequest) -> Iterator[Address]:
    """The example as its first line says."""
    with django("examples.django_app", request.param) as address:
        yield address


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_is_served_what_is_honest_and_refused_what_is_not(
    address: Address, mode: str
) -> None:
    with anyio.fail_after(PATIENCE):
        async with Client(address.url(), mode=mode) as client:
            listed = await client.list_tools()
            honest = await client.call_tool("find_book", {"title": "Select Tales or Two"})
            attack = await client.call_tool("find_book", {"title": "x' OR '1'='1"})
    assert [tool.name for tool in listed.tools] == ["find_book"]
    assert not honest.is_error and "shelf 7" in honest.model_dump_json()
    assert attack.is_error and "SMCP631" in attack.model_dump_json()


async def test_no_foreign_page_is_answered_and_the_rest_is_left_alone(address: Address) -> None:
    refused = await ask(address, call("legacy", "find_book", {}).adding(("origin", "https://attacker.example")))
    assert refused.status == 403 and refused.message["error"]["data"]["code"] == "SMCP102"
    assert (await ask(address, call("legacy", "find_book", {"title": "Emma"}))).status == 200
    health = await ask(address, Request(method="GET", path="/health", host="attacker.example", length=False))
    assert (health.status, health.body) == (200, b"ok")


def test_djangos_checks_of_a_deployment_find_nothing_of_ours() -> None:
    command = [sys.executable, str(ROOT / "examples" / "django_app.py"), "check", "--deploy", "--tag", "security"]
    found = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(command, capture_output=True, check=True, env=found, text=True).stderr
    assert "security.W001" in told and "smcp." not in told
