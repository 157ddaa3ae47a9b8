"""The client of `mcp` 1.x over pipes: one visit, told on the command line; what it saw is a line of JSON."""

import json
import sys
from typing import Any

import anyio
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client


async def visit(facts: dict[str, Any]) -> dict[str, Any]:
    """Connect, list the tools, make the calls, leave."""
    server = StdioServerParameters(command=facts["command"][0], args=facts["command"][1:], env=facts["env"])
    async with stdio_client(server) as (reads, writes), ClientSession(reads, writes) as session:
        await session.initialize()
        seen: dict[str, Any] = {"tools": [tool.name for tool in (await session.list_tools()).tools], "calls": []}
        for tool, arguments in facts["calls"]:
            try:
                result = await session.call_tool(tool, arguments)
                seen["calls"].append(
                    [bool(result.isError), "".join(getattr(each, "text", "") for each in result.content)]
                )
            except McpError as error:
                seen["calls"].append([error.error.code, str(error)])
    return seen


print(json.dumps(anyio.run(visit, json.loads(sys.argv[-1]))))
