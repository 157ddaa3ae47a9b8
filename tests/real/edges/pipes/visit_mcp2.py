"""The client of `mcp` 2.x over pipes: one visit, told on the command line; what it saw is a line of JSON."""

import json
import sys
from typing import Any

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client


async def visit(facts: dict[str, Any]) -> dict[str, Any]:
    """Connect, list the tools, make the calls, leave."""
    server = StdioServerParameters(command=facts["command"][0], args=facts["command"][1:], env=facts["env"])
    async with Client(stdio_client(server), mode=facts["mode"]) as client:
        seen: dict[str, Any] = {"tools": [tool.name for tool in (await client.list_tools()).tools], "calls": []}
        for tool, arguments in facts["calls"]:
            try:
                result = await client.call_tool(tool, arguments)
                seen["calls"].append(
                    [bool(result.is_error), "".join(getattr(each, "text", "") for each in result.content)]
                )
            except MCPError as error:
                seen["calls"].append([error.code, str(error)])
    return seen


print(json.dumps(anyio.run(visit, json.loads(sys.argv[-1]))))
