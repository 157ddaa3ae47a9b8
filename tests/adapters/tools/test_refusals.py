"""A refusal in each host's own way, in the words of every other edge."""

from __future__ import annotations

import fastmcp.exceptions
import mcp.server.mcpserver.exceptions as modern
import pytest
from mcp.shared.exceptions import MCPError

from smcp_security.adapters.sdk.refusals import refusal
from smcp_security.adapters.sdk.requests import Host
from smcp_security.checks.rung import Context
from smcp_security.decision import Decision, finding
from smcp_security.engine import denial
from smcp_security.errors import SMCPDenied
from smcp_security.message import parse, typed

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}'


def _denied(code: str) -> Decision:
    context = Context(message=typed(parse(CALL, max_depth=64), revision="2025-11-25"))
    return denial(finding(code, "/params/name", hint="a hint"), context, "id")


@pytest.mark.parametrize("host", [Host.SDK2, None])
def test_sdk_2_hears_an_error_of_the_protocol_where_it_is_one(host: Host | None) -> None:
    denied = refusal(_denied("SMCP402"), host)
    assert isinstance(denied, MCPError)
    assert denied.error.code == -31429
    assert denied.error.data["code"] == "SMCP402"
    assert str(denied).startswith("SMCP402 rate-limit: ")


@pytest.mark.parametrize("code", ["SMCP402", "SMCP510"])
def test_fastmcp_hears_its_own_tool_error(code: str) -> None:
    denied = refusal(_denied(code), Host.FASTMCP)
    assert isinstance(denied, fastmcp.exceptions.ToolError)
    assert not isinstance(denied, MCPError)
    assert code in str(denied)


@pytest.mark.parametrize("host", [Host.SDK2, None])
def test_bad_arguments_are_an_error_of_the_tool(host: Host | None) -> None:
    denied = refusal(_denied("SMCP510"), host)
    assert isinstance(denied, modern.ToolError)
    assert isinstance(denied, fastmcp.exceptions.ToolError) == (host is None)
    assert str(denied).startswith("Refused by policy before the tool ran.")


@pytest.mark.parametrize("host", [*Host, None])
@pytest.mark.parametrize("code", ["SMCP001", "SMCP201", "SMCP301", "SMCP510"])
def test_every_refusal_is_ours_too(code: str, host: Host | None) -> None:
    decision = _denied(code)
    denied = refusal(decision, host)
    assert isinstance(denied, SMCPDenied)
    assert denied.decision is decision
    assert decision.findings[0].code in str(denied)


def test_what_only_the_edge_knows_is_said_too() -> None:
    for host in (Host.SDK2, Host.FASTMCP):
        assert "because" in str(refusal(_denied("SMCP128"), host, "because"))
