"""The calls of the acceptance table by the official client, over a socket, to a server that runs whatever it is asked.

In both eras, because each writes its requests and reads its refusals in its own way.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import mcp_types as types
import pytest
from mcp import Client
from mcp.server.lowlevel import Server

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from tests.acceptance.disk import furnish, placed
from tests.acceptance.rows import ROWS, whole_policy
from tests.acceptance.table import Sent
from tests.real.house import served

pytestmark = [pytest.mark.real, pytest.mark.anyio]

_CALLS: Final = [
    sent
    for row in ROWS
    for sent in row.sent
    if not isinstance(sent.message, bytes) and sent.fields is None and sent.message["method"] == "tools/call"
]
_NAMES: Final = {
    (sent.message["params"]["name"], argument)
    for sent in _CALLS
    if not isinstance(sent.message, bytes)
    for argument in sent.message["params"]["arguments"]
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the links of row 15."""
    folder = tmp_path_factory.mktemp("acceptance").resolve()
    furnish(folder)
    return folder


@pytest.fixture(scope="module")
def security(folder: Path) -> Iterator[SMCPSecurityFramework]:
    """One framework for both eras."""
    with SMCPSecurityFramework(placed(whole_policy(), folder)) as framework:
        yield framework


def _obedient(ran: list[tuple[str, Any]]) -> Server[Any]:
    async def listed(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_tool(name) for name in sorted({tool for tool, _ in _NAMES})])

    async def called(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        ran.append((params.name, params.arguments))
        return types.CallToolResult(content=[types.TextContent(type="text", text="ran")])

    return Server("obedient", on_list_tools=listed, on_call_tool=called)


def _tool(name: str) -> types.Tool:
    # Any value: what a server leaves open is what the contracts are for.
    properties: dict[str, Any] = {argument: {} for tool, argument in sorted(_NAMES) if tool == name}
    return types.Tool(name=name, input_schema={"type": "object", "properties": properties})


def _asked(sent: Sent, folder: Path) -> tuple[str, dict[str, Any]]:
    assert not isinstance(sent.message, bytes)
    params = sent.message["params"]
    return params["name"], placed(params["arguments"], folder)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_the_official_client_is_refused_what_the_table_refuses_and_served_the_rest(
    mode: str, security: SMCPSecurityFramework, folder: Path
) -> None:
    ran: list[tuple[str, Any]] = []
    app = _obedient(ran).streamable_http_app(stateless_http=True)
    wrong = []
    async with (
        served(SMCPMiddleware(app, framework=security)) as address,
        Client(address.url(), mode=mode) as client,
    ):
        for sent in _CALLS:
            ran.clear()
            name, arguments = _asked(sent, folder)
            result = await client.call_tool(name, arguments)
            told = "".join(part.text for part in result.content if isinstance(part, types.TextContent))
            refused = bool(result.is_error) and ran == [] and any(code in told for code in sent.codes)
            served_well = not result.is_error and ran == [(name, arguments)] and told == "ran"
            if not (refused if sent.codes else served_well):
                wrong.append((sent.name, told[:80]))
    assert wrong == []
