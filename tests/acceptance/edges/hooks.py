"""The hooks of the MCP SDK 2.x, on a low-level server that runs whatever it is asked, over streams in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.memory import MessageStream, create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import BaseModel

from smcp_security import SMCPSecurityFramework, secure
from tests.acceptance.fate import Edge, Fate, Run, answered, gist, gist_of
from tests.acceptance.obedient import Obedient
from tests.acceptance.table import Sees, Sent
from tests.envelopes import VERSION_KEY, legacy

Ran = list[bytes]


@asynccontextmanager
async def _opened(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
    ran: Ran = []
    server = secure(_obedient(ran), framework=security)
    async with AsyncExitStack() as stack:
        # A connection speaks one era.
        lines = {modern: await stack.enter_async_context(_connected(server)) for modern in (False, True)}
        await _ask(lines[False], json.dumps(legacy("initialize", _HELLO)).encode())

        async def run(sent: Sent) -> Fate:
            ran.clear()
            modern = VERSION_KEY.encode() in sent.raw
            body = await _ask(lines[modern], sent.raw)
            return answered(tuple(ran), body)

        yield run


_HELLO: Final = {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "table", "version": "1"}
}  # fmt: skip


@asynccontextmanager
async def _connected(server: Server[Any]) -> AsyncIterator[MessageStream]:
    async with create_client_server_memory_streams() as (client, (read, write)), anyio.create_task_group() as group:
        group.start_soon(server.run, read, write, server.create_initialization_options())
        yield client
        group.cancel_scope.cancel()


async def _ask(line: MessageStream, raw: bytes) -> bytes:
    read, write = line
    with anyio.fail_after(10):
        await write.send(SessionMessage(jsonrpc_message_adapter.validate_json(raw)))
        item = await read.receive()
    assert isinstance(item, SessionMessage)
    return item.message.model_dump_json(by_alias=True, exclude_unset=True).encode()


def _obedient(ran: Ran) -> Server[Any]:
    house = Obedient()

    def noting(method: str, kind: type[BaseModel]) -> Callable[[Any, Any], Any]:
        async def note(context: Any, params: Any) -> Any:
            given = {} if params is None else params.model_dump(by_alias=True, mode="json", exclude_unset=True)
            ran.append(gist_of(method, given))
            return kind.model_validate(house.result(method, given))

        return note

    return Server(
        "obedient",
        on_list_tools=noting("tools/list", types.ListToolsResult),
        on_call_tool=noting("tools/call", types.CallToolResult),
        on_read_resource=noting("resources/read", types.ReadResourceResult),
        on_get_prompt=noting("prompts/get", types.GetPromptResult),
        on_completion=noting("completion/complete", types.CompleteResult),
    )


HOOKS: Final = Edge("SDK hooks", Sees.PARAMS, _opened, got=gist)
