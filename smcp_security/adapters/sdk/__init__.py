"""The MCP SDKs of both majors and FastMCP: who calls, which request is served, and hooks that judge in process."""
