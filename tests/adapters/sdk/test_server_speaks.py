"""What a server says besides its answers, and what a client answers to its questions, on MCP SDK 2.x and FastMCP 4."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mcp.types import ElicitResult

from smcp_security import SMCPSecurityFramework
from tests.adapters.sdk.hosts import ATTACK, LARGE, Host, Secured, by_secure, fastmcp_by_secure, told

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    with SMCPSecurityFramework({"limits": [], "server": {"flood": "off"}, "results": {"max_size": LARGE}}) as framework:
        yield framework


@pytest.fixture(params=[by_secure, fastmcp_by_secure], ids=lambda way: way.__name__)
def host(request: pytest.FixtureRequest, security: SMCPSecurityFramework) -> Host:
    made: Host = request.param(security)
    return made


async def _answering(host: Host, name: str) -> str:
    """What a call comes to whose tool asks the person."""

    async def answer(_context: Any, _question: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": name})

    async with host.client("legacy", elicitation_callback=answer) as client:
        return await told(client.call_tool("ask", {}))


async def test_an_honest_answer_to_a_question_reaches_the_tool(host: Host) -> None:
    assert await _answering(host, "Ann") == "asked"
    assert host.notes.calls == ["Ann"]


async def test_an_attack_in_an_answer_never_reaches_the_tool_that_asked(host: Host) -> None:
    assert "looks like an attack" in await _answering(host, ATTACK)
    assert host.notes.calls == []


# In memory, FastMCP reports progress to clients of the legacy era alone.
@pytest.mark.parametrize(("way", "mode"), [(by_secure, "auto"), (by_secure, "legacy"), (fastmcp_by_secure, "legacy")])
async def test_a_report_over_the_cap_is_dropped_and_the_answer_still_comes(
    way: Secured, mode: str, security: SMCPSecurityFramework
) -> None:
    host, heard = way(security), list[str | None]()

    async def report(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(message)

    async with host.client(mode) as client:
        for count in (LARGE, 5):
            assert await told(client.call_tool("tell", {"count": count}, progress_callback=report)) == "told"
    assert heard == ["x" * 5]


async def test_what_is_said_beside_requests_is_judged_too(host: Host) -> None:
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(str(message.params.uri))

    async with host.client("legacy", message_handler=hear) as client:
        for count in (LARGE, 5):
            assert await told(client.call_tool("announce", {"count": count})) == "announced"
    assert heard == ["note://xxxxx"]
