"""The server that the suite is run against: the names its scenarios look for, on whichever SDK is installed."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tests.conformance.servers.primitives import add_contents, add_prompts, add_resources, dialect_tool
from tests.conformance.servers.sdk import MODERN, MCPServer, Server
from tests.conformance.servers.streams import Events, add_questions, add_reports

_NAME = "conformance"
_RETRY = 50
"""Milliseconds after which a client is told to come back to a closed stream."""


def fixture(*, stateless: bool = False) -> ASGIApp:
    """A fresh server, as its SDK serves it over streamable HTTP; `stateless`: no sessions, JSON only."""
    return _newest(stateless) if MODERN else _older(stateless)


def _newest(stateless: bool) -> ASGIApp:
    from tests.conformance.servers.newest import add_older_methods, add_probes
    from tests.conformance.servers.rounds import add_joined_questions, add_single_questions, add_stateful_questions
    from tests.conformance.servers.tasks import Tasks, add_task_tools

    server = MCPServer(_NAME, version="1", log_level="CRITICAL", extensions=[Tasks()])
    _add_common(server)
    for add in (add_single_questions, add_stateful_questions, add_joined_questions):
        add(server)
    for add in (add_probes, add_task_tools, add_older_methods):
        add(server)
    return server.streamable_http_app(**_transport(stateless))


def _older(stateless: bool) -> ASGIApp:
    server = MCPServer(_NAME, log_level="CRITICAL", **_transport(stateless))
    _add_common(server)
    low = server._mcp_server
    # `FastMCP` has no public place for these.
    for register in (low.set_logging_level, low.subscribe_resource, low.unsubscribe_resource):
        register()(_done)
    return server.streamable_http_app()


def _transport(stateless: bool) -> dict[str, Any]:
    if stateless:
        return {"stateless_http": True, "json_response": True}
    return {"event_store": Events(), "retry_interval": _RETRY}


async def _done(asked: object) -> None:
    """Take a log level or the URI of a subscription, and do nothing about it."""


def _add_common(server: Server) -> None:
    for add in (add_contents, add_reports, add_questions, add_resources, add_prompts):
        add(server)
    # The same way on both SDKs; the constructor would list it before the others.
    server._tool_manager._tools["json_schema_2020_12_tool"] = dialect_tool()
