"""What checks edit in answers comes out of hooks in server objects as the SDKs themselves would have sent it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import fastmcp
import pytest
from fastmcp.exceptions import ToolError as OtherToolError
from mcp import Client, MCPError
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ElicitResult
from pydantic import BaseModel, Field

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.sdk import fastmcp as of_fastmcp
from smcp_security.adapters.sdk.modern import SecurityMiddleware
from smcp_security.adapters.sdk.secure import secure

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]

# In parts, so that no scanner of this repository takes it for one.
TOKEN = "".join(("gh", "p_", "n3V5uQ8wXz2LkD7Rt1", "YbGcJ4mHs6PaEf9ToK"))
MASK = "[redacted:github-token]"
SAID = f"key {TOKEN} there"
MASKED = f"key {MASK} there"
HIDDEN = "\x1b[8mhidden\x1b[0m"


class Row(BaseModel):
    """A row, with a schema of its own."""

    name: str
    key: str = Field(max_length=60)


class Name(BaseModel):
    """What a tool asks the person for."""

    name: str


def furnished(server: Any, context: type) -> Any:
    """A server that leaks wherever it speaks."""
    _add_answering(server, OtherToolError if isinstance(server, fastmcp.FastMCP) else ToolError)
    _add_speaking(server, context)
    server.tool(name="described", description=SAID)(lambda: "")
    server.resource("note://text", name="text", description=SAID)(lambda: SAID)
    server.resource("note://blob", name="blob", mime_type="text/plain")(lambda: SAID.encode())
    server.resource("note://picture", name="picture", mime_type="image/png")(lambda: bytes(range(256)))
    server.prompt(name="greet", description=SAID)(lambda: SAID)
    return server


def _add_answering(server: Any, error: type[Exception]) -> None:
    def leak() -> str:
        return SAID

    def row() -> Row:
        return Row(name="row", key=SAID)

    def rows() -> list[Row]:
        return [Row(name="plain", key="none"), Row(name="row", key=SAID)]

    def honest() -> Row:
        return Row(name="row", key="none")

    def fail() -> str:
        raise MCPError(code=-32000, message=SAID, data={"why": SAID, "at": 7})

    def crash() -> str:
        raise error(SAID)

    for tool in (leak, row, rows, honest, fail, crash):
        server.tool(description=f"Does {tool.__name__}.")(tool)


def _add_speaking(server: Any, context: type) -> None:
    async def tell(ctx: Any) -> str:
        await ctx.report_progress(1, 2, SAID)
        await ctx.info(SAID)
        return "told"

    async def ask(ctx: Any) -> str:
        answer = await ctx.elicit(SAID, Name)
        return f"asked {answer.data.name}"

    for asking in (tell, ask):
        asking.__annotations__["ctx"] = context
        server.tool()(asking)


def _in_list(framework: SMCPSecurityFramework) -> Any:
    middleware = [SecurityMiddleware(framework=framework)]
    server = MCPServer("leaky", log_level="CRITICAL", instructions=SAID, middleware=middleware)
    return furnished(server, Context)._lowlevel_server


def _secured(framework: SMCPSecurityFramework) -> Any:
    server = secure(MCPServer("leaky", log_level="CRITICAL", instructions=SAID), framework=framework)
    return furnished(server, Context)._lowlevel_server


def _fastmcp_secured(framework: SMCPSecurityFramework) -> Any:
    server = secure(fastmcp.FastMCP("leaky", instructions=SAID), framework=framework)
    return furnished(server, fastmcp.Context)._mcp_server


def _fastmcp_in_list(framework: SMCPSecurityFramework) -> Any:
    middleware = [of_fastmcp.SecurityMiddleware(framework=framework)]
    server = fastmcp.FastMCP("leaky", instructions=SAID, middleware=middleware)
    return furnished(server, fastmcp.Context)._mcp_server


Visit = Callable[..., AbstractAsyncContextManager[Client]]
WAYS = [_secured, _in_list, _fastmcp_secured, _fastmcp_in_list]
WHOLE = [_secured, _in_list, _fastmcp_secured]
"""Those that see what is said beside answers."""


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    """The policy of these tests."""
    results = {"redact": ["secrets"], "injection": "off", "errors": "pass"}
    policy = {"version": 1, "limits": [], "server": {"flood": "off"}, "results": results}
    with SMCPSecurityFramework(policy) as framework:
        yield framework


def _every(ways: list[Any]) -> Any:
    return pytest.mark.parametrize("way", ways, ids=lambda way: way.__name__.strip("_"))


both_eras = pytest.mark.parametrize("mode", ["auto", "legacy"])


@_every(WAYS)
@both_eras
async def test_results_of_tools_are_masked_in_both_of_their_halves(way: Any, mode: str, security: Any) -> None:
    async with Client(way(security), mode=mode) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert listed["row"].output_schema is not None
        leak = await client.call_tool("leak", {})
        assert leak.content[0].text == MASKED and leak.structured_content == {"result": MASKED}
        row = await client.call_tool("row", {})
        assert row.structured_content == {"name": "row", "key": MASKED}
        assert TOKEN not in row.content[0].text and MASK in row.content[0].text
        rows = await client.call_tool("rows", {})
        assert [each["key"] for each in rows.structured_content["result"]] == ["none", MASKED]
        assert TOKEN not in str(rows.content)
        honest = await client.call_tool("honest", {})
        assert honest.structured_content == {"name": "row", "key": "none"}


@_every(WAYS)
async def test_definitions_are_masked_and_stay_in_their_lists(way: Any, security: Any) -> None:
    async with Client(way(security)) as client:
        listed = {tool.name: tool.description for tool in (await client.list_tools()).tools}
        assert (listed["described"], listed["leak"]) == (MASKED, "Does leak.")
        resources = {str(each.uri): each.description for each in (await client.list_resources()).resources}
        assert resources["note://text"] == MASKED and "note://blob" in resources
        [prompt] = (await client.list_prompts()).prompts
        assert prompt.description == MASKED


@_every(WAYS)
async def test_resources_and_prompts_are_masked_and_pictures_are_not(way: Any, security: Any) -> None:
    async with Client(way(security)) as client:
        [text] = (await client.read_resource("note://text")).contents
        assert text.text == MASKED
        [blob] = (await client.read_resource("note://blob")).contents
        assert b64decode(blob.blob).decode() == MASKED
        [picture] = (await client.read_resource("note://picture")).contents
        assert picture.blob == b64encode(bytes(range(256))).decode()
        [message] = (await client.get_prompt("greet")).messages
        assert message.content.text == MASKED


@_every([_secured, _in_list])
@both_eras
async def test_an_error_of_the_protocol_is_masked_in_message_and_data(way: Any, mode: str, security: Any) -> None:
    async with Client(way(security), mode=mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("fail", {})
        assert (caught.value.code, caught.value.message) == (-32000, MASKED)
        assert caught.value.data == {"why": MASKED, "at": 7}


@_every(WAYS)
@both_eras
async def test_what_a_tool_raises_is_masked_in_the_result_that_tells_of_it(way: Any, mode: str, security: Any) -> None:
    async with Client(way(security), mode=mode) as client:
        crash = await client.call_tool("crash", {})
    assert crash.is_error and TOKEN not in str(crash) and MASK in crash.content[0].text


@_every(WHOLE)
async def test_progress_log_messages_and_questions_are_masked(way: Any, security: Any) -> None:
    heard: list[Any] = []

    async def logged(params: Any) -> None:
        heard.append(params.data)

    async def reported(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(message)

    async def asked(_context: Any, question: Any) -> ElicitResult:
        heard.append(question.message)
        return ElicitResult(action="accept", content={"name": "Ann"})

    async with Client(way(security), mode="legacy", logging_callback=logged, elicitation_callback=asked) as client:
        told = await client.call_tool("tell", {}, progress_callback=reported)
        assert told.content[0].text == "told"
        assert (await client.call_tool("ask", {})).content[0].text == "asked Ann"
    assert len(heard) == 3 and TOKEN not in str(heard)
    assert all(MASK in str(each) for each in heard)


@_every(WAYS)
@both_eras
async def test_instructions_of_a_server_are_masked(way: Any, mode: str, security: Any) -> None:
    async with Client(way(security), mode=mode) as client:
        assert client.instructions == MASKED


@_every(WAYS)
async def test_a_result_that_no_check_edits_is_what_the_bare_server_sends(way: Any, security: Any) -> None:
    with SMCPSecurityFramework({"version": 1, "results": {"redact": [], "strip": False, "injection": "off"}}) as off:
        async with Client(way(off)) as bare, Client(way(security)) as guarded:
            assert (await bare.call_tool("leak", {})).content[0].text == SAID
            assert await bare.call_tool("honest", {}) == await guarded.call_tool("honest", {})
            plain = [tool for tool in (await bare.list_tools()).tools if tool.name != "described"]
            assert plain == [tool for tool in (await guarded.list_tools()).tools if tool.name != "described"]
