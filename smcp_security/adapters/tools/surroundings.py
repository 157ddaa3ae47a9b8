"""Where a call of a tool comes from, and so whose it is: the request that is served, or what code has said of it.

The order: an edge outside has judged this very message; the code around has said who calls (`security_context`, or
the tool that this one is called by); the HTTP request that is served; whoever has the process, by configuration.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import MutableMapping
from contextvars import ContextVar, Token
from itertools import count
from typing import Any, Final

import msgspec

from smcp_security import contexts
from smcp_security.adapters.current import SCOPE_KEY, Exchange
from smcp_security.adapters.facts import http_of
from smcp_security.adapters.local import local_facts, own_framework
from smcp_security.adapters.sdk.accounts import caller_of
from smcp_security.adapters.sdk.requests import Host, Served, exchange_of, is_of, served
from smcp_security.checks.envelope import CAPABILITIES_KEY, VERSION_KEY
from smcp_security.checks.rung import Context
from smcp_security.contexts import RequestContext
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.message import Message
from smcp_security.revisions import MODERN, NEWEST_LEGACY

# What routes the message that was served, or frames it; the call is another message.
_OF_THE_MESSAGE: Final = (
    b"mcp-method", b"mcp-name", b"mcp-param-", b"mcp-protocol-version", b"content-length", b"transfer-encoding",
    b"last-event-id",
)  # fmt: skip
_ids: Final = count(1)


class Here(msgspec.Struct, frozen=True):
    """What the code around says of the calls that it makes. `exchange` and `scope` are those it said so in."""

    framework: SMCPSecurityFramework | None
    facts: RequestContext | Context
    exchange: Exchange | None = None
    scope: MutableMapping[str, Any] | None = None


_HERE: Final[ContextVar[Here | None]] = ContextVar("smcp_here", default=None)


def enter(here: Here | None) -> Token[Here | None]:
    """From now on, calls without a request of their own come from there; until `leave` with what this returns."""
    return _HERE.set(here)


def leave(entered: Token[Here | None]) -> None:
    """Calls come from where they came before."""
    _HERE.reset(entered)


def here_now() -> Here | None:
    """What was entered last."""
    return _HERE.get()


class Surroundings(msgspec.Struct, frozen=True):
    """Where one call comes from. `exchange` is what an edge has judged, `own` whether that is the message served.

    `tool` is the name that the message calls, if a message is served and the SDK tells.
    """

    host: Host | None
    tool: str | None
    exchange: Exchange | None
    scope: MutableMapping[str, Any] | None
    here: Here | None
    own: bool

    @property
    def sure(self) -> bool:
        """Whether the verdict came with the message itself, if it is `own`, and not only in the context that runs."""
        if self.scope is None or self.exchange is None:
            return True
        return self.exchange.serving is not None or self.scope.get(SCOPE_KEY) is self.exchange

    def framework(self, chosen: SMCPSecurityFramework | None) -> SMCPSecurityFramework:
        """The framework that judges; `chosen` where the tool has one of its own."""
        if chosen is not None:
            return chosen
        if self.here is not None and self.here.framework is not None:
            return self.here.framework
        return self.exchange.framework if self.exchange is not None else own_framework()

    def context(self, tool: str, arguments: dict[str, Any], framework: SMCPSecurityFramework) -> Context:
        """The context of a call, whose message nobody has judged yet."""
        modern = framework.policy.server.min_protocol in MODERN
        raw = _message(tool, arguments, modern)
        if self.here is not None:
            facts = self.here.facts
            return contexts.in_process(raw, facts) if isinstance(facts, RequestContext) else _same_caller(facts, raw)
        if self.exchange is not None:
            known = self.exchange.decision.context
            return _same_caller(known if known is not None else Context(), raw, self.exchange)
        if self.scope is not None:
            return _of_request(self.scope, raw, framework, tool if modern else None)
        return contexts.in_process(raw, local_facts())

    def again(self, decision_context: Context, message: Message, framework: SMCPSecurityFramework) -> Context:
        """The context of the demands alone, after an edge outside has judged the message."""
        assert self.exchange is not None
        known = _like(decision_context, self.exchange)
        known.message = message
        if known.caller is None and framework.policy.identity is None and self.scope is not None:
            # The SDK's own login stands further in than the edge.
            known.caller = caller_of(self.scope.get("user"))
        return known


def surroundings(given: object = None) -> Surroundings:
    """Where the call comes from that is being made now. `given` is the `Context` that SDK 2.x handed over, if any."""
    serving = served(given)
    exchange = exchange_of(serving)
    scope = None if serving is None else serving.scope
    here = _valid(serving, exchange, scope)
    own = exchange is not None and here is None and is_of(exchange, serving)
    if serving is None:
        return Surroundings(None, None, exchange, None, here, own)
    return Surroundings(serving.host, serving.tool, exchange, scope, here, own)


def within(around: Surroundings, framework: SMCPSecurityFramework, context: Context) -> Here:
    """What holds for the calls that a tool makes of others: the same caller."""
    return Here(framework, context, around.exchange, around.scope)


def said(framework: SMCPSecurityFramework | None, facts: RequestContext) -> Here:
    """What `security_context` says, good for the request that it was said in."""
    serving = served()
    return Here(framework, facts, exchange_of(serving), None if serving is None else serving.scope)


def _valid(serving: Served | None, exchange: Exchange | None, scope: MutableMapping[str, Any] | None) -> Here | None:
    """What code has said, unless it was said around another request than the one that is served."""
    here = _HERE.get()
    if here is None or not _same(here.exchange, exchange):
        return None
    if exchange is None and serving is not None and scope is not None and here.scope is not scope:
        return None
    return here


def _same(one: Exchange | None, other: Exchange | None) -> bool:
    """Whether both are the same verdict: the scope and the context may each hold it in an object of their own."""
    return one is other or (one is not None and other is not None and one.decision is other.decision)


def _same_caller(known: Context, raw: bytes, exchange: Exchange | None = None) -> Context:
    context = _like(known, exchange)
    context.raw, context.session = raw, ""
    return context


def _like(known: Context, exchange: Exchange | None) -> Context:
    """The facts of a message that was judged, for another one. Its caller stands; the credential is gone."""
    return Context(
        address=known.address,
        network=known.network,
        label=known.label,
        session=known.session,
        unwatched=True,
        upstream=known.upstream,
        caller=known.caller if exchange is None else exchange.decision.caller,
    )


def _of_request(
    scope: MutableMapping[str, Any], raw: bytes, framework: SMCPSecurityFramework, mirrored: str | None
) -> Context:
    """The context of a call inside of an HTTP request that no edge has judged: its headers are judged now.

    `mirrored` is the tool where a client of the newest revision would name it in the headers.
    """
    fields = [field for field in scope["headers"] if not field[0].lower().startswith(_OF_THE_MESSAGE)]
    told = {"mcp-protocol-version": NEWEST_LEGACY}
    if mirrored is not None:
        name = f"=?base64?{b64encode(mirrored.encode()).decode()}?="
        told = {"mcp-protocol-version": MODERN[-1], "mcp-method": "tools/call", "mcp-name": name}
    fields += [(field.encode(), text.encode()) for field, text in told.items()]
    context = framework.http_context(http_of({**scope, "method": "POST", "headers": fields}))
    context.raw, context.unwatched = raw, True
    # A login of the SDK's own counts where the message has no credential that the policy knows.
    context.caller = caller_of(scope.get("user"))
    return context


def _message(tool: str, arguments: dict[str, Any], modern: bool) -> bytes:
    """A call as a client would send it; empty where JSON cannot hold it exactly."""
    params: dict[str, Any] = {"name": tool, "arguments": arguments}
    if modern:
        params["_meta"] = {VERSION_KEY: MODERN[-1], CAPABILITIES_KEY: {}}
    return contexts.octets({"jsonrpc": "2.0", "id": f"call-{next(_ids)}", "method": "tools/call", "params": params})
