"""One call of a decorated function, the same checks without the decorator, and the bare function.

Owns what is called; `edges.py` owns the measurement.
"""

from __future__ import annotations

import json
from contextvars import copy_context
from functools import partial
from typing import Any

from benchmarks.edge_calls import EDGE, Call, Measured, allowed, run
from benchmarks.messages import TOOL, Workload, request
from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.current import Exchange, during
from smcp_security.adapters.decorator import secure_tool
from smcp_security.adapters.local import local_facts
from smcp_security.contexts import in_process


def tool_edges(security: SMCPSecurityFramework, work: Workload) -> list[Measured]:
    """The decorator on both kinds of functions, alone and behind an edge that has judged the message."""
    body = request(work)
    arguments = json.loads(body)["params"]["arguments"]
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": TOOL, "arguments": arguments}}

    def checks() -> None:
        decision = allowed(security.inspect_sync(in_process(message, local_facts()), edge=EDGE))
        security.settle_sync(decision)
        security.finish(decision, result="complete")

    secured = secure_tool(name=TOOL, framework=security)(plain)
    awaited = secure_tool(name=TOOL, framework=security)(waiting)
    bare, bare_awaited = partial(plain, **arguments), partial(_awaited, waiting, arguments)
    return [
        Measured("decorator", 25, partial(secured, **arguments), checks, bare),
        Measured("decorator, async", 25, partial(_awaited, awaited, arguments), checks, bare_awaited),
        Measured("decorator behind an edge", 25, _behind(security, message, secured, arguments), _nothing, bare),
    ]


def plain(title: str, body: str = "", notes: list[dict[str, str]] | None = None) -> str:
    """A tool as cheap as a tool can be."""
    return title


async def waiting(title: str, body: str = "", notes: list[dict[str, str]] | None = None) -> str:
    """The same as a coroutine function."""
    return title


def _awaited(function: Any, arguments: dict[str, Any]) -> object:
    return run(function(**arguments))


def _behind(security: SMCPSecurityFramework, message: dict[str, Any], secured: Any, arguments: dict[str, Any]) -> Call:
    context = copy_context()
    decision = allowed(security.inspect_sync(in_process(message, local_facts()), edge=EDGE))
    context.run(during(Exchange(security, decision)).__enter__)
    return partial(context.run, secured, **arguments)


def _nothing() -> None:
    """The edge in front has made the checks."""
