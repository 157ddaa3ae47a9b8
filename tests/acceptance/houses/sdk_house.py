"""A program: the tools of the table on a server of one of the SDKs, over standard input and output or HTTP.

The first argument names the SDK (`mcp`, `fastmcp`, `older`), the second how its tools are secured (`hooks`,
`decorator`, `nothing`), the third, if there is one, the descriptor of the socket to serve HTTP at. The policy is that
of `SMCP_POLICY`.
"""

from __future__ import annotations

import sys
from typing import Any

from smcp_security import secure, secure_tool
from tests.acceptance.houses.tools import made, signatures
from tests.acceptance.obedient import Obedient


def built(sdk: str, how: str) -> Any:
    """The server object."""
    server, house = _server(sdk), Obedient()
    for number, (tool, names) in enumerate(signatures().items()):
        function = made(tool, names, house.ran, asynchronous=bool(number % 2))
        server.tool(name=tool)(secure_tool(name=tool)(function) if how == "decorator" else function)
    return secure(server) if how == "hooks" else server


def _server(sdk: str) -> Any:
    if sdk == "fastmcp":
        from fastmcp import FastMCP

        return FastMCP("obedient")
    if sdk == "older":
        from mcp.server import fastmcp

        return fastmcp.FastMCP(  # type: ignore[attr-defined, unused-ignore]
            "obedient", log_level="ERROR", stateless_http=True
        )
    from mcp.server.mcpserver import MCPServer

    return MCPServer("obedient", log_level="ERROR")


def application(sdk: str, server: Any) -> Any:
    """The ASGI app of the server."""
    if sdk == "older":
        return server.streamable_http_app()
    return server.http_app(stateless_http=True) if sdk == "fastmcp" else server.streamable_http_app(stateless_http=True)


def main(sdk: str, how: str, descriptor: str = "") -> None:
    """Serve until ended."""
    server = built(sdk, how)
    if descriptor:
        from tests.acceptance.houses.serve import serve

        serve(application(sdk, server), descriptor)
    elif sdk == "fastmcp":
        server.run(show_banner=False)
    else:
        server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
