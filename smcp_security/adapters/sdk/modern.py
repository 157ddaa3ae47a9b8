"""`SecurityMiddleware` for the MCP SDK 2.x: every message of a client and every answer, on every transport.

The hook is provisional in the SDK. What is needed of it is looked at when a middleware is made, and again with each
message: where it is missing nothing is served.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from importlib.metadata import version
from inspect import signature
from typing import Any, Final, TypeAlias

from mcp.server import context as hooks
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import handler_exception_to_error_data
from mcp.types import INTERNAL_ERROR, JSONRPCResponse
from pydantic import BaseModel

from smcp_security import answers
from smcp_security.adapters.current import during
from smcp_security.adapters.sdk import lookups
from smcp_security.adapters.sdk.channels import listening
from smcp_security.adapters.sdk.guard import Guard, Passage, Wire, body_of, bytes_of, refusal
from smcp_security.armed import PolicySource
from smcp_security.decision import Decision
from smcp_security.errors import Misplaced
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.revisions import MODERN

CallNext: TypeAlias = Callable[[Any], Awaitable[Any]]

KNOWN: Final = "2.3"
"""The versions whose hook was tried."""
_FIELDS: Final = frozenset({"session", "method", "params", "request_id", "protocol_version", "request"})
_ARGUMENTS: Final = {"request_outbound", "connection", "request_meta"}


class SecurityMiddleware:
    """For `MCPServer(middleware=[SecurityMiddleware()])`, or the `middleware` of a low-level server: outermost there.

    `secure(server)` puts one in its place. Without `policy` and `framework` it is the framework of this process.
    Raises `Misplaced` where the SDK's hook is not as it is known.
    """

    def __init__(self, policy: PolicySource = None, *, framework: SMCPSecurityFramework | None = None) -> None:
        _look_at_hook()
        self.guard = Guard(policy, framework)

    async def __call__(self, ctx: Any, call_next: CallNext) -> Any:
        """Judge a message, let it on as it was judged, and judge what comes of it."""
        if lookups.is_ours(ctx):
            return await call_next(ctx)
        if await lookups.is_lookup(ctx):
            return {"tools": []}
        message = wire(ctx)
        outer = self.guard.outer(message, ctx.request)
        if outer is not None:
            with during(replace(outer, serving=ctx.session)):
                await self._compare(ctx, message, call_next)
                return await call_next(ctx)
        decision = await self.guard.judge(message, ctx.request)
        if not decision.allowed:
            return _refused(decision, asked=ctx.request_id is not None)
        async with self.guard.admit(decision, ctx.request) as passage:
            params = passage.forwarded(message).get("params")
            inner = replace(ctx, params=params, session=listening(ctx, self.guard, passage))
            with during(replace(passage.exchange, serving=inner.session)):
                return await self._served(inner, message, call_next, passage)

    async def _served(self, ctx: Any, message: Wire, call_next: CallNext, passage: Passage) -> Any:
        if ctx.request_id is None:
            await call_next(ctx)
            passage.taken()
            return None
        try:
            await self._compare(ctx, message, call_next)
            result = plain(await call_next(ctx))
        except Exception as error:
            await _judge_failure(error, ctx, passage)
            raise
        raw = _bytes_of(ctx.request_id, result)
        judged = await passage.answer(raw)
        if judged.allowed and judged.message == raw:
            return result
        answer = body_of(judged.message)
        if not judged.allowed:
            raise error_of(answer)
        return answer.get("result", {})

    async def _compare(self, ctx: Any, message: Wire, call_next: CallNext) -> None:
        """Compare the headers of a call with the arguments as they came: what was judged may hold secrets."""

        async def ask(params: Wire) -> Wire:
            return plain(await call_next(replace(ctx, method=lookups.LIST, params=params)))

        await lookups.compare(ctx, message.get("params"), ask)


def wire(ctx: Any) -> Wire:
    """The message as it came, but for what the SDK's parser has made of its bytes."""
    message: Wire = {"jsonrpc": "2.0", "method": ctx.method}
    if ctx.request_id is not None:
        message["id"] = ctx.request_id
    if ctx.params is not None:
        message["params"] = dict(ctx.params)
    return message


def _refused(decision: Decision, *, asked: bool) -> Any:
    """A notification that is refused is dropped."""
    if not asked:
        return None
    answer = refusal(decision)
    if "result" in answer:
        return answer["result"]
    raise error_of(answer)


async def _judge_failure(error: Exception, ctx: Any, passage: Passage) -> None:
    """Judge what the client would be told of an error of the server's. Raises if it may not be."""
    message = failure_of(error, ctx.request_id, ctx.protocol_version)
    judged = await passage.answer(bytes_of(message))
    answer = body_of(judged.message)
    if not judged.allowed or answer.get("error") != message["error"]:
        raise error_of(answer) from None


def failure_of(error: Exception, id: Any, revision: Any) -> Wire:
    """What the SDK tells of an error. Of one that it does not know it tells clients of the newest revision nothing."""
    told = handler_exception_to_error_data(error)
    if told is not None:
        shown = told.model_dump(mode="json", exclude_none=True)
    elif revision in MODERN:
        shown = {"code": INTERNAL_ERROR, "message": "Internal server error"}
    else:
        shown = {"code": 0, "message": str(error)}
    return {"jsonrpc": "2.0", "id": id, "error": shown}


def plain(result: Any) -> Wire:
    """A result as the SDK sends it: inner middleware may return any of its shapes."""
    if isinstance(result, BaseModel):
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)
    if result is None or isinstance(result, dict):
        return dict(result or {})
    raise TypeError(f"a middleware returned {type(result).__name__}; expected a result")


def _bytes_of(id: str | int, result: Wire) -> bytes | None:
    """The very bytes that the SDK's transports write; None for what they cannot."""
    try:
        message = JSONRPCResponse(jsonrpc="2.0", id=id, result=result)
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode()
    except ValueError:
        return None


def error_of(answer: Wire) -> MCPError:
    """The error of an answer, as the SDK raises it."""
    error = answer.get("error") or {}
    return MCPError(code=error.get("code", answers.INTERNAL), message=error.get("message", ""), data=error.get("data"))


def _look_at_hook() -> None:
    seen = {field.name for field in fields(hooks.ServerRequestContext)}
    arguments = list(signature(hooks.ServerMiddleware.__call__).parameters)
    session = signature(ServerSession.__init__).parameters.keys()
    if seen >= _FIELDS and arguments == ["self", "ctx", "call_next"] and session >= _ARGUMENTS:
        return
    raise Misplaced(
        f"the middleware hook of mcp {version('mcp')} is not the one this release knows (tried with {KNOWN}): "
        "nothing would be judged. Install a version that was tried, or put SMCPMiddleware in front of the server"
    )
