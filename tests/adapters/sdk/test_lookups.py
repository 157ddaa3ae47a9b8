"""The SDK's own question for the tools before a call: no message of a client's, and nothing gets by for looking so."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import fastmcp
import httpx2
import pytest
from mcp import Client

from smcp_security import SMCPMiddleware
from smcp_security.adapters.sdk.secure import secure
from tests.adapters.sdk.hosts import ATTACK
from tests.adapters.sdk.lists import (
    LISTED,
    Lived,
    Made,
    app_of,
    asked,
    by_secure,
    fastmcp_by_middleware,
    fastmcp_by_secure,
    in_memory,
    mcpserver,
    placing,
)
from tests.adapters.sdk.test_hooks import Counting
from tests.envelopes import modern

pytestmark = pytest.mark.anyio

POLICY: dict[str, Any] = {"limits": [], "server": {"flood": "off"}}
MISMATCH = -32020


@pytest.fixture(scope="module")
def shared() -> Iterator[Counting]:
    with Counting(POLICY) as framework:
        yield framework


@pytest.fixture
def security(shared: Counting) -> Counting:
    shared.forget_all()
    return shared


@pytest.fixture
def lived() -> Lived:
    return Lived()


@pytest.fixture(params=LISTED, ids=lambda made: made.__name__)
def made(request: pytest.FixtureRequest) -> Made:
    found: Made = request.param
    return found


@pytest.fixture
async def client(made: Made, security: Counting, lived: Lived) -> AsyncIterator[httpx2.AsyncClient]:
    async with in_memory(app_of(made(security, lived))) as client:
        yield client


def _methods(security: Counting) -> list[tuple[str, bool]]:
    return [(each.request.method, each.allowed) for each in security.judged if each.request and each.request.method]


async def test_a_call_is_one_allowed_decision_with_one_outcome(
    client: httpx2.AsyncClient, security: Counting, lived: Lived, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mcp"):
        status, answer = await asked(client, placing(), mcp_param_zone="north")
    assert (status, answer["result"]["content"][0]["text"]) == (200, "placed")
    assert _methods(security) == [("tools/call", True)]
    assert [result for _, result in security.outcomes] == ["complete"]
    assert security.settled == [security.judged[0].id]
    assert lived.calls == ["north"]
    assert "skipped" not in caplog.text


@pytest.mark.parametrize("headers", [{"mcp_param_zone": "south"}, {}], ids=["another", "none"])
async def test_a_call_whose_header_says_something_else_never_reaches_the_tool(
    client: httpx2.AsyncClient, security: Counting, lived: Lived, headers: dict[str, str]
) -> None:
    status, answer = await asked(client, placing(), **headers)
    assert (status, answer["id"], answer["error"]["code"]) == (400, 7, MISMATCH)
    assert lived.calls == []
    assert _methods(security) == [("tools/call", True)]
    assert security.settled == [security.judged[0].id] == [id for id, _ in security.outcomes]


async def test_a_call_that_is_refused_asks_the_server_for_nothing(
    client: httpx2.AsyncClient, security: Counting, lived: Lived
) -> None:
    status, answer = await asked(client, placing(ATTACK), mcp_param_zone="south")
    assert status == 200 and answer["result"]["isError"]
    assert (lived.lists, lived.calls) == ([], [])
    assert _methods(security) == [("tools/call", False)]


async def test_a_list_that_the_client_asks_for_is_judged_even_with_the_headers_of_a_call(
    client: httpx2.AsyncClient, security: Counting, lived: Lived
) -> None:
    message = modern("tools/list", {}, id=7)
    assert "error" in (await asked(client, message, mcp_method="tools/call", mcp_name="place"))[1]
    assert lived.lists == []
    status, answer = await asked(client, message)
    assert status == 200 and answer["result"]["tools"]
    assert _methods(security)[-1] == ("tools/list", True)
    assert lived.lists == [None]


async def test_a_server_that_cannot_tell_its_tools_serves_no_call_unchecked(
    client: httpx2.AsyncClient, security: Counting, lived: Lived
) -> None:
    lived.broken = True
    assert "error" in (await asked(client, placing(), mcp_param_zone="south"))[1]
    assert lived.calls == []
    assert security.settled == [security.judged[0].id]
    lived.broken = False
    assert "result" in (await asked(client, placing(), mcp_param_zone="north"))[1]


async def test_behind_the_middleware_a_call_is_judged_once_and_its_headers_are_compared(
    made: Made, security: Counting, lived: Lived
) -> None:
    app = app_of(made(security, lived))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(SMCPMiddleware(app, framework=security), client=("127.0.0.1", 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            assert (await asked(client, placing(), mcp_param_zone="north"))[0] == 200
            assert (await asked(client, placing(), mcp_param_zone="south"))[1]["error"]["code"] == MISMATCH
    assert _methods(security) == [("tools/call", True)] * 2
    assert lived.calls == ["north"]


async def test_a_list_without_an_end_ends_the_call(security: Counting, lived: Lived) -> None:
    lived.endless = True
    async with in_memory(app_of(by_secure(security, lived))) as client:
        assert "error" in (await asked(client, placing(), mcp_param_zone="north"))[1]
    assert (len(lived.lists), lived.calls) == (100, [])


async def test_a_server_that_tells_the_sdk_of_its_tools_by_itself_is_asked_for_no_list(
    security: Counting, lived: Lived
) -> None:
    async with in_memory(app_of(mcpserver(security, lived))) as client:
        assert (await asked(client, placing(), mcp_param_zone="north"))[0] == 200
        assert (await asked(client, placing(), mcp_param_zone="south"))[1]["error"]["code"] == MISMATCH
    assert _methods(security) == [("tools/call", True)]
    assert lived.calls == ["north"]


@pytest.mark.parametrize(
    ("methods", "served"), [(("tools/call", "tools/list"), "tools/list"), (("tools/list", "tools/call"), "tools/call")]
)
async def test_a_message_of_two_methods_is_judged_as_the_one_that_is_served(
    client: httpx2.AsyncClient, security: Counting, methods: tuple[str, str], served: str
) -> None:
    first, second = (json.dumps({**placing(), "method": each}).removeprefix("{").removesuffix("}") for each in methods)
    named = {"mcp_name": "place"} if served == "tools/call" else {}
    message = {**modern(served, placing()["params"], id=7)}
    await asked(client, message, raw=f"{{{first},{second}}}", mcp_param_zone="north", **named)
    assert _methods(security) == [(served, True)]


async def test_the_hook_of_a_mounted_server_knows_the_question_too(security: Counting, lived: Lived) -> None:
    parent = fastmcp.FastMCP("parent")
    parent.mount(fastmcp_by_middleware(security, lived))
    async with in_memory(app_of(parent)) as client:
        assert (await asked(client, placing(), mcp_param_zone="north"))[0] == 200
        # The server that it is mounted in makes a result of whatever a tool of it raises.
        assert (await asked(client, placing(), mcp_param_zone="south"))[1]["result"]["isError"]
    assert _methods(security) == [("tools/call", True)] * 2
    assert lived.calls == ["north"]


async def test_of_several_hooks_the_outermost_compares_before_anything_else_runs(
    security: Counting, lived: Lived
) -> None:
    parent = secure(fastmcp.FastMCP("parent"), framework=security)
    parent.mount(fastmcp_by_middleware(security, lived))
    async with in_memory(app_of(parent)) as client:
        assert (await asked(client, placing(), mcp_param_zone="north"))[0] == 200
        status, answer = await asked(client, placing(), mcp_param_zone="south")
    assert (status, answer["error"]["code"]) == (400, MISMATCH)
    assert _methods(security) == [("tools/call", True)] * 2
    assert lived.calls == ["north"]


@pytest.mark.parametrize("inner_of", [by_secure, fastmcp_by_secure, fastmcp_by_middleware])
async def test_what_a_server_asks_another_one_while_it_lists_its_tools_is_judged_there(
    security: Counting, lived: Lived, inner_of: Made
) -> None:
    inner = inner_of(security, lived)
    asking = Lived()

    async def listed() -> None:
        async with Client(getattr(inner, "_mcp_server", inner)) as client:
            await client.list_tools()

    asking.meanwhile = listed
    with Counting(POLICY) as framework:
        async with in_memory(app_of(by_secure(framework, asking))) as client:
            assert (await asked(client, placing(), mcp_param_zone="north"))[0] == 200
        assert _methods(framework) == [("tools/call", True)]
    # Its own list comes in two pages.
    assert [each for each in _methods(security) if each[0] == "tools/list"] == [("tools/list", True)] * 2
