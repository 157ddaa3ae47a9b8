"""A stdio server on `mcp` 1.x."""

from mcp.server.fastmcp import FastMCP

server = FastMCP("tools", log_level="ERROR")


@server.tool()
def echo(message: str) -> str:
    """Return the message."""
    return message


@server.tool()
def big(size: int) -> str:
    """Return a text of so many characters."""
    return "x" * size


if __name__ == "__main__":
    server.run("stdio")
