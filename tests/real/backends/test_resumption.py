"""A client that lost its stream resumes it (2025-11-25, "Resumability"): it gets what it would get bare, each event
once and in order, through the middleware as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest

from tests.real.backends.backend import Backend, Opened
from tests.real.backends.repertoire import observed
from tests.real.backends.streams import Heard, Line, line, listener
from tests.real.house import PATIENCE
from tests.real.messages import Request, call, legacy, stream
from tests.real.scenarios import Visit

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
STORES = ["sdk-store", "fastmcp-store", "legacy-store"]
Story = Callable[[Opened, Line], Any]


def resuming(spoken: Line, last: str | None) -> Request:
    """The GET of a client that comes back."""
    assert last is not None
    return spoken.dressed(stream(spoken.session)).adding(("last-event-id", last))


async def up_to_result(spoken: Line, last: str | None) -> list[bytes]:
    """What a client gets that comes back, up to the result it waits for."""
    found: list[Heard] = []
    async with listener(spoken.address, resuming(spoken, last)) as again:
        while not (found and found[-1].message and "result" in found[-1].message):
            event = await again.heard()
            assert event is not None, found
            found.append(event)
    return [each.raw for each in found]


async def in_both(backend: Backend, story: Story) -> Any:
    """What the story comes to, which must be the same bare and protected."""
    told = []
    for protected in (False, True):
        async with backend.open(protected=protected) as server, line(backend, server) as spoken:
            told.append(await story(server, spoken))
    assert told[1] == told[0]
    return told[0]


async def a_lost_call(server: Opened, spoken: Line) -> list[list[bytes]]:
    """A client hangs up after the first progress, then comes back twice: from there, and from the very beginning."""
    params = {"name": "pace", "arguments": {}, "_meta": {"progressToken": "t"}}
    async with listener(spoken.address, spoken.dressed(legacy("tools/call", params, id=7))) as first:
        priming, progress = await first.heard(), await first.heard()
        assert priming is not None and progress is not None
        first.hang_up()
    await server.release()
    # When a later call has been answered, the result of the lost one has been kept.
    assert (await spoken.tell(call("legacy", "echo", {"text": "later"}, id=8))).status == 200
    lost = [priming.raw, progress.raw]
    return [lost, *[await up_to_result(spoken, each.field("id")) for each in (progress, priming)]]


@pytest.mark.parametrize("name", STORES)
async def test_a_client_that_lost_a_call_gets_the_rest_of_it_once_and_in_order(
    name: str, server: Callable[[str], Backend]
) -> None:
    lost, rest, whole = await in_both(server(name), a_lost_call)
    priming, progress = (Heard(raw) for raw in lost)
    # The first event has nothing but an id to come back with, and says after how long (2025-11-25, SEP-1699).
    assert (priming.field("data"), priming.field("retry")) == ("", "50")
    assert progress.message["method"] == "notifications/progress"
    assert [Heard(raw).message["result"]["content"][0]["text"] for raw in rest] == ["paced"]
    assert whole == [progress.raw, *rest]
    ids = [Heard(raw).field("id") for raw in (*lost, *rest)]
    assert len(set(ids)) == 3


async def a_lost_listener(server: Opened, spoken: Line) -> list[bytes]:
    """The standing stream of a session is lost after one notification, and two more come before it is resumed."""
    announce = call("legacy", "announce", id=3)
    async with listener(spoken.address, spoken.dressed(stream(spoken.session))) as first:
        assert (await spoken.tell(announce)).status == 200
        heard = await first.heard()
        assert heard is not None
        first.hang_up()
    for _ in range(2):
        assert (await spoken.tell(announce)).status == 200
    async with listener(spoken.address, resuming(spoken, heard.field("id"))) as again:
        missed = [await again.heard(), await again.heard()]
    return [each.raw for each in (heard, *missed) if each is not None]


@pytest.mark.parametrize("name", STORES)
async def test_a_listener_that_comes_back_hears_what_it_missed(name: str, server: Callable[[str], Backend]) -> None:
    events = [Heard(raw) for raw in await in_both(server(name), a_lost_listener)]
    assert [each.message["method"] for each in events] == ["notifications/tools/list_changed"] * 3
    assert len({each.field("id") for each in events}) == 3


async def a_made_up_id(server: Opened, spoken: Line) -> list[list[bytes]]:
    """Ids that the server never gave."""
    told = []
    for last in ("999", "-1", "é", "1; cat /etc/passwd"):
        async with listener(spoken.address, resuming(spoken, last)) as again:
            told.append([each.raw for each in await again.all()])
    return told


@pytest.mark.parametrize("name", STORES)
async def test_an_event_that_never_was_is_the_servers_to_judge(name: str, server: Callable[[str], Backend]) -> None:
    assert await in_both(server(name), a_made_up_id) == [[]] * 4


async def relay(visit: Visit) -> Any:
    """A call in the middle of which the server hangs up: the client comes back for the rest by itself."""
    steps: list[Any] = []

    async def step(done: float, total: float | None, message: str | None) -> None:
        steps.append((done, message))

    return [await visit.call("relay", progress_callback=step), steps]


@pytest.mark.parametrize("name", STORES)
async def test_a_server_that_hangs_up_on_purpose_is_resumed_by_the_sdk_client(
    name: str, server: Callable[[str], Backend]
) -> None:
    without, within = [await observed(server(name), "legacy", protected=each, acts=[relay]) for each in (False, True)]
    result, steps = without.outcomes["relay"]
    assert result["content"] == [{"type": "text", "text": "relayed"}]
    assert steps == [(1, "before"), (2, "between"), (3, "after")]
    assert within == without


async def a_lost_operation(server: Opened, spoken: Line) -> list[Any]:
    """npm's server keeps events, too; its ids are random, so they are told by their place."""
    tool = "trigger-long-running-operation"
    brief = {"name": tool, "arguments": {"duration": 0.1, "steps": 4}, "_meta": {"progressToken": "t"}}
    async with listener(spoken.address, spoken.dressed(legacy("tools/call", brief, id=7))) as first:
        begun = [await first.heard(), await first.heard()]
        first.hang_up()
    # When a longer one is over, so is the lost one.
    longer = call("legacy", tool, {"duration": 0.4, "steps": 1}, id=8)
    assert (await spoken.tell(longer)).status == 200
    async with listener(spoken.address, resuming(spoken, begun[-1].field("id") if begun[-1] else None)) as again:
        missed = [await again.heard() for _ in range(5)]
    # The first event of the longer call's stream is among them, at a place that depends on when that call came.
    return _by_place([each for each in (*begun, *missed) if each is not None and each.field("data") != "{}"])


def _by_place(events: Sequence[Heard]) -> list[Any]:
    assert len({each.field("id") for each in events}) == len(events)
    return [(each.field("event"), each.field("data"), each.field("retry")) for each in events]


async def test_a_client_that_lost_a_call_of_npms_server_gets_what_it_would_get_bare(
    server: Callable[[str], Backend],
) -> None:
    with anyio.fail_after(PATIENCE * 2):
        told = await in_both(server("node-http"), a_lost_operation)
    assert sum('"progress":' in (data or "") for _, data, _ in told) == 4
    assert sum("Long running operation completed" in (data or "") for _, data, _ in told) == 1


@pytest.mark.parametrize("name", [*STORES, "node-http"])
async def test_a_result_over_the_cap_ends_a_resumed_call_with_an_error(
    name: str, server: Callable[[str], Backend]
) -> None:
    backend = server(name)
    policy = {"results": {"max_size": "8KiB"}}
    async with backend.open(protected=True, policy=policy) as running, line(backend, running) as spoken:
        for number, size in ((7, 30_000), (8, 1_000)):
            async with listener(spoken.address, spoken.dressed(_much(name, size, number))) as lost:
                priming = await lost.heard()
                lost.hang_up()
            assert (await spoken.tell(_much(name, 1, 9))).status == 200
            assert priming is not None
            async with listener(spoken.address, resuming(spoken, priming.field("id"))) as again:
                message = await again.next_message()
            assert message["id"] == number
            if size > 8 * 1024:
                assert (message["error"]["code"], message["error"]["data"]["code"]) == (-31502, "SMCP701")
            else:
                assert "x" * size in message["result"]["content"][0]["text"]


def _much(name: str, size: int, id: int) -> Request:
    """A call whose answer has so many characters."""
    if name.startswith("node"):
        return call("legacy", "echo", {"message": "x" * size}, id=id)
    return call("legacy", "big", {"size": size}, id=id)
