"""`SecurityMiddleware` for FastMCP 4: for `FastMCP(middleware=[SecurityMiddleware()])`.

FastMCP's middleware stands further in than the SDK's: a tool's result is an object here, a list is whole and not yet in
pages, and what the server asks or tells the client while it serves does not pass. `secure(mcp)` sees all of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import fields, replace
from importlib.metadata import version
from inspect import signature
from typing import Any, Final

from fastmcp.exceptions import FastMCPError, ToolError
from fastmcp.server.middleware import Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult
from mcp.types import CallToolResult
from pydantic import BaseModel

from smcp_security.adapters.current import during
from smcp_security.adapters.sdk import lookups
from smcp_security.adapters.sdk.fastmcp_results import changed, on_the_wire
from smcp_security.adapters.sdk.guard import Guard, Passage, Wire, body_of, bytes_of, refusal
from smcp_security.adapters.sdk.modern import error_of, failure_of, plain, wire
from smcp_security.armed import PolicySource
from smcp_security.decision import Decision
from smcp_security.errors import Misplaced
from smcp_security.framework import SMCPSecurityFramework

KNOWN: Final = "4.1"
"""The versions whose middleware was tried."""
_IN_CODE: Final = "in-process"
_SERVING: Final[ContextVar[Any]] = ContextVar("smcp_fastmcp_serving", default=None)


class SecurityMiddleware(Middleware):
    """Judges every message of a FastMCP server. First in the list it stands before the others.

    Without `policy` and `framework` it is the framework of this process. A message that an edge further out has judged
    passes. Raises `Misplaced` where FastMCP's middleware is not as it is known.
    """

    def __init__(self, policy: PolicySource = None, *, framework: SMCPSecurityFramework | None = None) -> None:
        _look_at_middleware()
        self.guard = Guard(policy, framework)

    async def __call__(self, context: MiddlewareContext[Any], call_next: Any) -> Any:
        """Judge a message, let it on as it was judged, and judge what comes of it."""
        served = _served_here(context)
        if _SERVING.get() is (_IN_CODE if served is None else served):
            return await call_next(context)  # the server's own code, while it serves what was judged
        if served is not None and context.method == lookups.LIST:
            if lookups.is_ours(served):
                return await call_next(context)
            if await lookups.is_lookup(served):
                return []
        arrived, request = (None, None) if served is None else (wire(served), served.request)
        session = None if served is None else served.session
        outer = None if arrived is None else self.guard.outer(arrived, request)
        message = _message(context, arrived)
        if outer is not None:
            with during(replace(outer, serving=session)):
                await self._compare(context, message)
                return await call_next(context)
        decision = await self.guard.judge(message, request)
        if not decision.allowed:
            return _refused(decision, context)
        async with self.guard.admit(decision, request) as passage:
            before = _SERVING.set(_IN_CODE if served is None else served)
            try:
                with during(replace(passage.exchange, serving=session)):
                    return await self._serve(_forwarded(context, message, passage), message, call_next, passage)
            finally:
                _SERVING.reset(before)

    async def _serve(self, context: MiddlewareContext[Any], message: Wire, call_next: Any, passage: Passage) -> Any:
        if context.type == "notification":
            await call_next(context)
            passage.taken()
            return None
        id = message.get("id")
        try:
            await self._compare(context, message)
            result = await call_next(context)
        except Exception as error:
            await _judge_failure(_failure(context, error, id), passage)
            raise
        said = on_the_wire(context.method, context.message, result)
        judged = await passage.answer(bytes_of({"jsonrpc": "2.0", "id": id, "result": said}))
        answer = body_of(judged.message)
        if not judged.allowed:
            raise error_of(answer)
        if answer.get("result") == said:
            return result
        return changed(context.method, context.message, result, answer.get("result") or {})

    async def _compare(self, context: MiddlewareContext[Any], message: Wire) -> None:
        """Compare the headers of a call with its arguments; the tools are asked for where the SDK asks for them."""
        served, here = _served_here(context), context.fastmcp_context
        if served is None or here is None or context.method != "tools/call":
            return

        async def ask(params: Wire) -> Wire:
            entry = here.fastmcp._mcp_server.get_request_handler(lookups.LIST)
            return {} if entry is None else plain(await entry.handler(served, entry.params_type.model_validate(params)))

        await lookups.compare(served, message.get("params"), ask)


async def _judge_failure(message: Wire, passage: Passage) -> None:
    """Judge what the client would be told of an error. Raises another in its place if it may not be."""
    judged = await passage.answer(bytes_of(message))
    answer = body_of(judged.message)
    if not judged.allowed or answer != message:
        raise _failure_like(answer, judged.allowed) from None


def _failure(context: MiddlewareContext[Any], error: Exception, id: Any) -> Wire:
    """What FastMCP tells of an error: of a tool's it makes a result."""
    if isinstance(error, FastMCPError) and context.method == "tools/call":
        content = [{"type": "text", "text": str(error)}]
        return {"jsonrpc": "2.0", "id": id, "result": {"content": content, "isError": True}}
    served = _served_here(context)
    return failure_of(error, id, getattr(served, "protocol_version", ""))


def _failure_like(answer: Wire, allowed: bool) -> Exception:
    """The error that FastMCP tells so."""
    if not allowed or "result" not in answer:
        return error_of(answer)
    return ToolError("\n".join(str(block.get("text", "")) for block in answer["result"].get("content", ())))


def _served_here(context: MiddlewareContext[Any]) -> Any:
    """The SDK's context of the message from the wire that is being served; None for a call from code."""
    here = context.fastmcp_context
    known = None if here is None else here.request_context
    return None if known is None else known._srctx


def _message(context: MiddlewareContext[Any], arrived: Wire | None) -> Wire:
    """What is to be judged: the message from the wire, or what a server in front of this one, or code, made of it."""
    params = _params(context.message)
    if arrived is not None and arrived["method"] == context.method and _same_target(arrived.get("params"), params):
        return arrived
    message: Wire = {"jsonrpc": "2.0", "method": context.method, "params": params}
    if context.type == "request":
        message["id"] = _IN_CODE if arrived is None else arrived.get("id", _IN_CODE)
    meta = (arrived or {}).get("params", {}).get("_meta")
    return message if meta is None else {**message, "params": {**params, "_meta": meta}}


def _params(message: Any) -> Wire:
    if isinstance(message, BaseModel):
        dumped = message.model_dump(by_alias=True, mode="json", exclude_none=True)
        return dict(dumped.get("params") or {}) if "method" in dumped else dumped
    return dict(message) if isinstance(message, Mapping) else {}


def _same_target(arrived: Any, params: Wire) -> bool:
    raw = arrived or {}
    return all(raw.get(key) == params.get(key) for key in ("name", "uri") if key in raw or key in params)


def _forwarded(context: MiddlewareContext[Any], message: Wire, passage: Passage) -> MiddlewareContext[Any]:
    """The message as it was judged, where a check has rewritten it."""
    params = passage.forwarded(message).get("params")
    if params == message.get("params") or params is None:
        return context
    if not isinstance(context.message, BaseModel):
        return context.copy(message=params)
    whole = "method" in type(context.message).model_fields
    given = {"method": context.method, "params": params} if whole else params
    return context.copy(message=type(context.message).model_validate(given))


def _refused(decision: Decision, context: MiddlewareContext[Any]) -> Any:
    if context.type == "notification":
        return None
    answer = refusal(decision)
    if "result" in answer:
        return ToolResult.from_mcp_result(CallToolResult.model_validate(answer["result"]))
    raise error_of(answer)


def _look_at_middleware() -> None:
    arguments = list(signature(Middleware.__call__).parameters)
    seen = {field.name for field in fields(MiddlewareContext)}
    if arguments == ["self", "context", "call_next"] and seen >= {"message", "fastmcp_context", "type", "method"}:
        return
    raise Misplaced(
        f"the middleware of fastmcp {version('fastmcp')} is not the one this release knows (tried with {KNOWN}): "
        "nothing would be judged. Install a version that was tried, or put SMCPMiddleware in front of the server"
    )
