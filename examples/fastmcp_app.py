"""FastMCP, which takes ASGI middleware when it makes its application.

Run: uvicorn examples.fastmcp_app:app
"""

from __future__ import annotations

from fastmcp import FastMCP
from starlette.middleware import Middleware

from smcp_security import SMCPMiddleware

mcp = FastMCP("library")


@mcp.tool
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


app = mcp.http_app(middleware=[Middleware(SMCPMiddleware)])
