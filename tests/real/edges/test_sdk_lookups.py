"""Modern HTTP servers that are secured in process: the SDK asks them for their tools before each call, and a client's
call stays one line of the audit, whose `Mcp-Param-*` headers are compared."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from tests.adapters.sdk.hosts import ATTACK, told
from tests.adapters.sdk.lists import LISTED, Lived, Made, app_of, asked, mcpserver, placing
from tests.audit.records import read_records
from tests.real.house import PATIENCE, Address, served

pytestmark = [pytest.mark.real, pytest.mark.anyio]

ONE_AT_A_TIME = {"concurrency": [{"per": "address", "max": 1}]}
CALLS = 5
MISMATCH = -32020


@pytest.fixture(params=[*LISTED, mcpserver], ids=lambda made: made.__name__)
def made(request: pytest.FixtureRequest) -> Made:
    found: Made = request.param
    return found


@contextlib.asynccontextmanager
async def _listening(
    made: Made, lived: Lived, audit: Path, *, front: bool = False, **more: Any
) -> AsyncIterator[Address]:
    policy = {"server": {"flood": "off"}, "limits": [], "audit": {"file": str(audit)}, **more}
    with SMCPSecurityFramework(policy) as framework:
        app = app_of(made(framework, lived))
        if front:
            app = SMCPMiddleware(app, framework=framework)
        async with served(app) as address:
            with anyio.fail_after(PATIENCE):
                yield address


def _decided(audit: Path) -> Counter[tuple[str, bool]]:
    """How often each method was allowed and denied."""
    records = read_records(audit)
    decisions = [each for each in records if each["kind"] == "decision"]
    allowed = {each["id"] for each in decisions if each["allowed"]}
    assert sorted(each["id"] for each in records if each["kind"] == "outcome") == sorted(allowed)
    return Counter((each["method"], each["allowed"]) for each in decisions)


@pytest.mark.parametrize("front", [False, True], ids=["hook", "both"])
async def test_the_official_client_finds_one_allowed_decision_for_each_of_its_calls(
    made: Made, front: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lived, audit = Lived(), tmp_path / "audit.jsonl"
    # What the SDK asked by itself may take none of what a client has.
    caplog.set_level(logging.WARNING)
    async with (
        _listening(made, lived, audit, front=front, **ONE_AT_A_TIME) as address,
        Client(address.url(), mode="auto") as client,
    ):
        cursor = (await client.list_tools()).next_cursor
        if cursor is not None:
            await client.list_tools(cursor=cursor)
        for number in range(CALLS):
            assert await told(client.call_tool("place", {"zone": str(number)})) == "placed"
        assert (await told(client.call_tool("place", {"zone": ATTACK}))).startswith("refused")
    assert lived.calls == [str(number) for number in range(CALLS)]
    decided = _decided(audit)
    assert (decided["tools/call", True], decided["tools/call", False]) == (CALLS, 1)
    assert (decided["tools/list", True], decided["tools/list", False]) == (1 if cursor is None else 2, 0)
    assert "Mcp-Param" not in caplog.text


async def test_a_wrong_header_is_refused_and_the_right_one_passes(made: Made, tmp_path: Path) -> None:
    lived, audit = Lived(), tmp_path / "audit.jsonl"
    async with (
        _listening(made, lived, audit, **ONE_AT_A_TIME) as address,
        httpx2.AsyncClient(base_url=address.url("")) as client,
    ):
        for headers in ({"mcp_param_zone": "south"}, {}):
            status, answer = await asked(client, placing(), **headers)
            assert (status, answer["error"]["code"]) == (400, MISMATCH)
        status, answer = await asked(client, placing(), mcp_param_zone="north")
        assert (status, answer["result"]["content"][0]["text"]) == (200, "placed")
    assert lived.calls == ["north"]
    # `MCPServer` compares before any hook is asked.
    assert _decided(audit) == {("tools/call", True): 1 if made is mcpserver else 3}


async def test_many_calls_at_once_are_each_compared_with_their_own_headers(made: Made, tmp_path: Path) -> None:
    lived, audit = Lived(), tmp_path / "audit.jsonl"
    statuses: dict[int, int] = {}

    async def ask(client: httpx2.AsyncClient, number: int) -> None:
        header = str(number) if number % 2 else "elsewhere"
        statuses[number], _ = await asked(client, placing(str(number)), mcp_param_zone=header)

    async with (
        _listening(made, lived, audit) as address,
        httpx2.AsyncClient(base_url=address.url("")) as client,
        anyio.create_task_group() as group,
    ):
        for number in range(20):
            group.start_soon(ask, client, number)
    assert statuses == {number: 200 if number % 2 else 400 for number in range(20)}
    assert sorted(lived.calls, key=int) == [str(number) for number in range(1, 20, 2)]
