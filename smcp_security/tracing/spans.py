"""Verdicts on spans: on the one that is current, on the SDK's that follows, or on one of our own where there is none.

Names and attributes are few and say nothing about a person: no caller, address, session, argument or URI.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.context import Context as SpanContext
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from smcp_security import revisions
from smcp_security.checks.traces import traceparent
from smcp_security.message import Kind
from smcp_security.observers.labels import OTHER, ToolNames, verdict, withheld_code
from smcp_security.tracing.joining import (
    SCOPE,
    Attribute,
    Attributes,
    Calls,
    Judged,
    expect,
    expect_no_more,
    is_of_sdk,
    join,
)
from smcp_security.version import VERSION

if TYPE_CHECKING:
    from smcp_security.checks.rung import Context
    from smcp_security.decision import Decision
    from smcp_security.message import Message
    from smcp_security.observers import Ending, Subject

MOST_CODES: Final = 10
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Spans:
    """The observer for traces."""

    def __init__(self, subject: Subject, calls: Calls) -> None:
        self._names = ToolNames(subject.declared)
        self._methods = revisions.methods()
        self._policy = subject.digest[:12]
        self._calls = calls

    def decided(self, decision: Decision, context: Context, edge: str) -> None:
        """Put the verdict where it belongs."""
        provider = trace.get_tracer_provider()
        if isinstance(provider, trace.ProxyTracerProvider):  # nobody records in this process
            return
        join(provider)
        current, message = trace.get_current_span(), decision.request
        attributes = self._attributes(decision, context, edge)
        if current.is_recording():
            current.set_attributes(attributes)
            current.add_event("smcp.decision", {"smcp.action": attributes["smcp.action"]})
        elif not decision.allowed:
            span = _begun(self._name(attributes), attributes, _parent(context), _start(decision))
            _failed(span, str(attributes.get("smcp.code", OTHER)))
            span.end()
        if decision.allowed and message is not None and message.kind is not Kind.RESPONSE:
            name = self._name(attributes)
            judged = Judged(message.method, attributes, name, _parent(context), _start(decision))
            self._await(judged, current, message)

    def ended(self, decision: Decision, ending: Ending) -> None:
        """Say how it ended, on the span that took the verdict if it is still open; else on one of our own."""
        judged = self._calls.pop(decision.id)
        if judged is None:
            return
        expect_no_more(judged)
        taken = [span for span in (judged.span, judged.outer) if span is not None]
        for span in taken:
            _say(span, ending)
        if taken:
            return
        span = _begun(judged.name, judged.attributes, judged.parent, judged.started)
        _say(span, ending)
        if ending.result != "complete":
            _failed(span, ending.error or ending.result)
        span.end()

    def close(self) -> None:
        """What is open is for the next policy's observer to end."""

    def _await(self, judged: Judged, current: Span, message: Message) -> None:
        if is_of_sdk(current):
            judged.span = current
        elif current.is_recording():
            judged.outer = current
        expect(judged)
        # Nobody says how a notification ended.
        if message.kind is Kind.REQUEST:
            self._calls.put(str(judged.attributes["smcp.decision.id"]), judged)

    def _attributes(self, decision: Decision, context: Context, edge: str) -> dict[str, Attribute]:
        action, code = verdict(decision)
        found: dict[str, Attribute] = {
            "smcp.decision.id": decision.id,
            "smcp.action": action,
            "smcp.policy": self._policy,
            "smcp.edge": edge,
            "smcp.judging.seconds": decision.timings.total() / 1e6,
        }
        if code:
            found["smcp.code"] = code
            found["smcp.codes"] = tuple(dict.fromkeys(each.code for each in decision.findings))[:MOST_CODES]
        message = decision.request
        if message is None:
            return found
        if message.method in self._methods:
            found["mcp.method.name"] = message.method
        if message.revision in revisions.KNOWN:
            found["mcp.protocol.version"] = message.revision
        tool = self._names.label(message, context.upstream)
        if tool:
            found["gen_ai.operation.name"] = "execute_tool"
        if tool not in ("", OTHER):
            found["gen_ai.tool.name"] = tool
        return found

    def _name(self, attributes: Attributes) -> str:
        """Of the method and the tool, as the SDKs name theirs; of few values only."""
        method, tool = attributes.get("mcp.method.name", "_OTHER"), attributes.get("gen_ai.tool.name")
        return str(method) if tool is None else f"{method} {tool}"


def _begun(name: str, attributes: Attributes, parent: SpanContext | None, started: int) -> Span:
    tracer = trace.get_tracer(SCOPE, VERSION)
    return tracer.start_span(name, parent, SpanKind.SERVER, attributes, start_time=started)


def _parent(context: Context) -> SpanContext | None:
    """The trace around, which may have decided to record nothing; else the one that the client says it belongs to."""
    if trace.get_current_span().get_span_context().is_valid:
        return None
    told = traceparent(context)
    return _PROPAGATOR.extract({"traceparent": told}) if told else None


def _start(decision: Decision) -> int:
    return time.time_ns() - int(decision.timings.total() * 1000)


def _say(span: Span, ending: Ending) -> None:
    if not span.is_recording():
        return
    span.set_attribute("smcp.result", ending.result)
    if ending.result == "withheld":
        span.set_attribute("smcp.result.code", withheld_code(ending.findings))


def _failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)
