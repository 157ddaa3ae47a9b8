"""One policy in front of a server object, by every hook of this environment's SDKs: requests, answers, outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from mcp.types import EmptyResult, Notification, Request

from smcp_security import Decision, SMCPSecurityFramework
from tests.adapters.sdk.hosts import ATTACK, HONEST, LARGE, WAYS, Host, Secured, by_middleware, told

pytestmark = pytest.mark.anyio

POLICY: dict[str, Any] = {
    "limits": [],
    "server": {"flood": "off"},
    "results": {"max_size": LARGE},
    "concurrency": [{"per": "address", "max": 1}],
}


class Counting(SMCPSecurityFramework):
    """Keeps what was asked of it."""

    def __init__(self, policy: dict[str, Any]) -> None:
        self.judged: list[Decision] = []
        self.outcomes: list[tuple[str, str]] = []
        self.settled: list[str] = []
        super().__init__(policy)

    async def inspect(self, *given: Any, **named: Any) -> Decision:
        self.judged.append(await super().inspect(*given, **named))
        return self.judged[-1]

    async def settle(self, decision: Decision, **named: Any) -> None:
        self.settled.append(decision.id)
        await super().settle(decision, **named)

    def finish(self, decision: Decision, *, result: str, **named: Any) -> None:
        self.outcomes.append((decision.id, result))
        super().finish(decision, result=result, **named)

    def forget_all(self) -> None:
        for kept in (self.judged, self.outcomes, self.settled):
            kept.clear()


@pytest.fixture(scope="module")
def security() -> Iterator[Counting]:
    with Counting(POLICY) as framework:
        yield framework


# What `secure` puts first in the list of middleware is the same class.
@pytest.fixture(params=[way for way in WAYS if way is not by_middleware], ids=lambda way: way.__name__)
def host(request: pytest.FixtureRequest, security: Counting) -> Host:
    way: Secured = request.param
    return way(security)


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_ordinary_traffic_reaches_the_server_and_its_answers_the_client(host: Host, mode: str) -> None:
    async with host.client(mode) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} >= {"run", "write", "tell"}
        assert await told(client.call_tool("run", {"command": HONEST})) == f"ran {HONEST}"
        assert (await client.read_resource("note://a")).contents[0].text == "a note"  # type: ignore[union-attr]
        prompt = await client.get_prompt("greeting", {"name": "Ann"})
        assert prompt.messages[0].content.text == "Hello Ann"  # type: ignore[union-attr]
        assert [str(each.uri) for each in (await client.list_resources()).resources] == ["note://a"]
        assert [each.name for each in (await client.list_prompts()).prompts] == ["greeting"]
        assert (await client.list_resource_templates()).resource_templates == []
    assert host.notes.calls == [HONEST]


async def test_an_attack_never_reaches_the_tool_and_the_next_call_passes(host: Host, mode: str) -> None:
    async with host.client(mode) as client:
        refused = await told(client.call_tool("run", {"command": ATTACK}))
        assert refused.startswith("refused Refused by policy before the tool ran.")
        assert ATTACK not in refused
        assert await told(client.call_tool("run", {"command": HONEST})) == f"ran {HONEST}"
    assert host.notes.calls == [HONEST]


async def test_an_attack_on_a_prompt_is_an_error_of_the_protocol(host: Host, mode: str) -> None:
    async with host.client(mode) as client:
        assert (await told(client.get_prompt("greeting", {"name": ATTACK}))).startswith("error -31422 SMCP6")


async def test_a_result_over_the_cap_is_withheld_and_one_below_it_passes(host: Host, mode: str) -> None:
    async with host.client(mode) as client:
        withheld = "error -31502 SMCP701 The call ran; its result was withheld."
        assert await told(client.call_tool("write", {"count": LARGE})) == withheld
        assert await told(client.call_tool("write", {"count": 1_000})) == "x" * 1_000


async def test_an_error_of_the_server_is_judged_like_a_result(host: Host, mode: str) -> None:
    async with host.client(mode) as client:
        large = await told(client.call_tool("fail", {"text": "y" * LARGE}))
        assert "SMCP701" in large
        assert "yyy" not in large
        assert "not now" in await told(client.call_tool("fail", {"text": "not now"}))


async def test_a_call_that_ends_in_any_way_holds_its_place_no_longer(host: Host, mode: str) -> None:
    async with host.client(mode) as client:
        for arguments in ({"count": 1}, {"count": LARGE}, {"count": "none"}):
            await told(client.call_tool("write", arguments))
        await told(client.call_tool("fail", {"text": "not now"}))
        await told(client.call_tool("nothing", {}))
        with anyio.move_on_after(10) as waiting:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "wait", {})
                await host.notes.began.wait()
                assert "SMCP404" in await told(client.call_tool("run", {"command": HONEST}))
                group.cancel_scope.cancel()
        assert not waiting.cancelled_caught
        await _free(client)


async def _free(client: Any) -> None:
    """The cancellation travels behind the client's back: call until the place is free."""
    with anyio.fail_after(10):
        while "SMCP404" in await told(client.call_tool("run", {"command": HONEST})):
            await anyio.lowlevel.checkpoint()


async def test_each_message_is_judged_settled_and_written_down_once(host: Host, mode: str, security: Counting) -> None:
    async with host.client(mode) as client:
        await _quiet(client)
        for tool, arguments, outcome in [
            ("write", {"count": 1}, "complete"),
            ("write", {"count": LARGE}, "withheld"),
            ("fail", {"text": "not now"}, "complete"),
            ("nothing", {}, "complete"),
        ]:
            security.forget_all()
            await told(client.call_tool(tool, arguments))
            [decision] = security.judged
            assert security.outcomes == [(decision.id, outcome)]
            assert security.settled == [decision.id]
        security.forget_all()
        await told(client.call_tool("run", {"command": ATTACK}))
        assert [each.allowed for each in security.judged] == [False]
        assert security.outcomes == []


async def _quiet(client: Any) -> None:
    """Behind the answer to this, nothing of the handshake is on its way."""
    for _ in range(3):
        await client.list_tools()


async def test_a_method_that_nobody_knows_is_refused_before_the_server_looks_for_it(host: Host) -> None:
    async with host.client("legacy") as client:
        odd: Any = Request[None, str](method="x-vendor/thing", params=None)
        assert (await told(client.session.send_request(odd, EmptyResult))).startswith("error -32601 SMCP127")
        await client.list_tools()


async def test_a_refused_notification_is_dropped_and_an_honest_one_arrives(host: Host) -> None:
    async with host.client("legacy") as client:
        for method in ("notifications/evil", "notifications/roots/list_changed"):
            told_of: Any = Notification[None, str](method=method, params=None)
            await client.session.send_notification(told_of)
        with anyio.fail_after(10):
            while not host.notes.notified:
                await client.list_tools()
    assert host.notes.notified == ["notifications/roots/list_changed"]
