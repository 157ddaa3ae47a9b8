"""`secure(server)`: one policy for every tool, prompt, resource and list of a server object, whichever SDK it is of."""

from __future__ import annotations

import sys
from typing import Any, TypeVar

from smcp_security.adapters.sdk.guard import Guard
from smcp_security.adapters.sdk.registered import check_placement
from smcp_security.armed import PolicySource
from smcp_security.framework import SMCPSecurityFramework

S = TypeVar("S")

_SERVER = "mcp.server.lowlevel.server"


def secure(server: S, policy: PolicySource = None, *, framework: SMCPSecurityFramework | None = None) -> S:
    """Judge every message of an MCP server object, on every transport, and return the same object.

    `server` is an `MCPServer` or a low-level `Server` of the MCP SDK, or a `FastMCP` of any kind. What is registered
    before and after counts alike. `policy` is a file, a dict or a `Policy`; none means `SMCP_POLICY` or safe defaults.
    A second time changes nothing. Raises `TypeError` for anything else, `Misplaced` where the SDK's hook is not as it
    is known or a `@secure_tool` guards nothing, `ValueError` where another policy guards the server already, and what a
    bad policy raises.
    """
    check_placement()
    low = _lowlevel(server)
    known = _guard_of(low)
    if known is not None:
        return _agreed(server, known, policy, framework)
    if hasattr(low, "middleware"):
        from smcp_security.adapters.sdk.modern import SecurityMiddleware

        # Outermost: before what others read of a message, and behind what they make of an answer.
        low.middleware.insert(0, SecurityMiddleware(policy, framework=framework))
    else:
        from smcp_security.adapters.sdk.legacy import secure_run

        secure_run(low, Guard(policy, framework))
    return server


def _lowlevel(server: Any) -> Any:
    kind = getattr(sys.modules.get(_SERVER), "Server", None)
    names = ("_lowlevel_server", "_mcp_server")
    for low in (server, *(getattr(server, name, None) for name in names)):
        if kind is not None and isinstance(low, kind):
            return low
    raise TypeError(
        f"secure() takes an MCP server object (MCPServer, FastMCP or a low-level Server), not {type(server).__name__}; "
        "for an ASGI app use SMCPMiddleware, for a single function secure_tool"
    )


def _guard_of(low: Any) -> Guard | None:
    """The guard of a server that is secured already."""
    if not hasattr(low, "middleware"):
        from smcp_security.adapters.sdk.legacy import secured

        return secured(low)
    from smcp_security.adapters.sdk.modern import SecurityMiddleware

    return next((each.guard for each in low.middleware if isinstance(each, SecurityMiddleware)), None)


def _agreed(server: S, known: Guard, policy: PolicySource, framework: SMCPSecurityFramework | None) -> S:
    other = framework is not None and framework is not known.framework
    if other or (policy is not None and policy != known.policy):
        raise ValueError("the server is secured by another policy already; change that one with framework.reload()")
    return server
