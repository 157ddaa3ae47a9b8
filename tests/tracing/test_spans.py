"""Verdicts on spans: one server span a call, whoever makes it, and nothing on it that says who called."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from smcp_security.checks.http import Http, read_headers
from smcp_security.checks.rung import Context
from smcp_security.decision import Caller, Decision
from smcp_security.message import parse, typed
from smcp_security.observers import Ending
from smcp_security.tracing.joining import JUDGED, MOST_OPEN, Calls, Judged
from smcp_security.tracing.spans import Spans
from tests.observers import samples

CALL = samples.message()
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Trace:
    """A provider of its own for one test, and what was recorded."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def tracer(self, name: str) -> Tracer:
        return self.provider.get_tracer(name)

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def servers(self) -> list[ReadableSpan]:
        return [span for span in self.spans() if span.kind is SpanKind.SERVER]


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trace]:
    made = Trace()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", made.provider)
    yield made
    JUDGED.set(None)
    made.provider.shutdown()


@pytest.fixture
def spans() -> Spans:
    return Spans(samples.subject(digest="0123456789abcdef"), Calls())


def _said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def _serve(traced: Trace, name: str = "mcp-python-sdk") -> None:
    """What an SDK does further in."""
    with traced.tracer(name).start_as_current_span("tools/call search", kind=SpanKind.SERVER):
        pass


def _judge(spans: Spans, *codes: str, about: Any = CALL, id: str = "5f1", **said: Any) -> Decision:
    decision = samples.verdict(about, *codes, id=id, **said)
    assert decision.context is not None
    spans.decided(decision, decision.context, "asgi")
    return decision


def test_the_span_of_the_sdk_gets_the_verdict_that_came_before_it(traced: Trace, spans: Spans) -> None:
    decision = _judge(spans, "SMCP604")
    _serve(traced)
    spans.ended(decision, Ending("complete"))
    (span,) = traced.spans()
    assert span.name == "tools/call search"
    said = _said(span)
    assert said.pop("smcp.judging.seconds") == pytest.approx(12e-6)
    assert said == {
        "smcp.decision.id": "5f1",
        "smcp.action": "report",
        "smcp.code": "SMCP604",
        "smcp.codes": ("SMCP604",),
        "smcp.policy": "0123456789ab",
        "smcp.edge": "asgi",
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
    }


@pytest.mark.parametrize("name", ["mcp-python-sdk", "fastmcp"])
def test_the_context_of_another_task_is_where_the_sdk_serves(traced: Trace, spans: Spans, name: str) -> None:
    decision = _judge(spans)
    contextvars.copy_context().run(_serve, traced, name)
    spans.ended(decision, Ending("complete"))
    (span,) = traced.spans()
    assert _said(span)["smcp.decision.id"] == "5f1"


def test_one_verdict_goes_on_one_span(traced: Trace, spans: Spans) -> None:
    decision = _judge(spans)
    _serve(traced)
    _serve(traced)
    spans.ended(decision, Ending("complete"))
    assert ["smcp.action" in _said(span) for span in traced.spans()] == [True, False]


def test_spans_of_others_are_left_alone(traced: Trace, spans: Spans) -> None:
    decision = _judge(spans)
    with traced.tracer("database").start_as_current_span("select"):
        pass
    with traced.tracer("mcp-python-sdk").start_as_current_span("MCP send", kind=SpanKind.CLIENT):
        pass
    spans.ended(decision, Ending("complete"))
    assert ["smcp.action" in _said(span) for span in traced.spans()] == [False, False, True]


def test_a_look_up_of_the_servers_own_is_not_the_call(traced: Trace, spans: Spans) -> None:
    decision = _judge(spans)
    with traced.tracer("fastmcp").start_as_current_span("tools/list", kind=SpanKind.SERVER):
        pass
    _serve(traced, "fastmcp")
    spans.ended(decision, Ending("complete"))
    assert ["smcp.action" in _said(span) for span in traced.spans()] == [False, True]


@pytest.mark.parametrize("allowed", [True, False])
def test_a_look_up_of_the_servers_own_that_is_judged_too_does_not_take_the_calls_place(
    traced: Trace, spans: Spans, allowed: bool
) -> None:
    call = _judge(spans, id="call")
    listing = _judge(spans, "SMCP604", about=samples.message("tools/list"), id="list", allowed=allowed)
    with traced.tracer("fastmcp").start_as_current_span("tools/list", kind=SpanKind.SERVER):
        pass
    if allowed:
        spans.ended(listing, Ending("complete"))
    _serve(traced, "fastmcp")
    spans.ended(call, Ending("complete"))
    found = {span.name: _said(span).get("smcp.decision.id") for span in traced.spans() if _scope(span) == "fastmcp"}
    assert found == {"tools/list": "list" if allowed else None, "tools/call search": "call"}
    assert JUDGED.get() is None


def _scope(span: ReadableSpan) -> str:
    return "" if span.instrumentation_scope is None else span.instrumentation_scope.name


def test_a_context_that_lives_for_ever_remembers_two_messages_at_most(traced: Trace, spans: Spans) -> None:
    for _ in range(5):
        _judge(spans, about=samples.notification())
    last = JUDGED.get()
    assert last is not None and last.before is not None
    assert last.before.before is None
    JUDGED.set(None)


def test_the_next_call_of_a_context_gets_its_own_verdict(traced: Trace, spans: Spans) -> None:
    for id in ("first", "second"):
        decision = _judge(spans, id=id)
        _serve(traced)
        spans.ended(decision, Ending("complete"))
    assert [_said(span)["smcp.decision.id"] for span in traced.spans()] == ["first", "second"]


def test_what_comes_after_a_call_in_its_context_is_not_taken_for_it(traced: Trace, spans: Spans) -> None:
    spans.ended(_judge(spans), Ending("complete"))
    _serve(traced)
    _judge(spans, "SMCP501", allowed=False)
    _serve(traced)
    assert ["smcp.action" in _said(span) for span in traced.spans()] == [True, False, True, False]


def test_a_hook_inside_the_span_of_the_sdk_puts_the_verdict_on_it(traced: Trace, spans: Spans) -> None:
    with traced.tracer("mcp-python-sdk").start_as_current_span("tools/call search", kind=SpanKind.SERVER):
        decision = _judge(spans)
        _serve(traced, "fastmcp")
        spans.ended(decision, Ending("withheld", findings=samples.blocked("SMCP701")))
    inner, outer = traced.spans()
    assert "smcp.action" not in _said(inner)
    assert _said(outer)["smcp.decision.id"] == "5f1"
    assert (_said(outer)["smcp.result"], _said(outer)["smcp.result.code"]) == ("withheld", "SMCP701")


def test_the_span_of_an_http_server_around_gets_the_verdict_too_and_no_second_one_is_made(
    traced: Trace, spans: Spans
) -> None:
    with traced.tracer("asgi").start_as_current_span("POST /mcp", kind=SpanKind.SERVER):
        decision = _judge(spans)
        _serve(traced)
        spans.ended(decision, Ending("complete"))
    sdk, http = traced.spans()
    assert _said(sdk)["smcp.decision.id"] == _said(http)["smcp.decision.id"] == "5f1"
    assert [event.name for event in http.events] == ["smcp.decision"]


def test_where_no_sdk_follows_the_span_of_an_http_server_is_told_the_end(traced: Trace, spans: Spans) -> None:
    with traced.tracer("asgi").start_as_current_span("POST /mcp", kind=SpanKind.SERVER):
        spans.ended(_judge(spans), Ending("tool-error", error="tool"))
    (http,) = traced.spans()
    assert _said(http)["smcp.result"] == "tool-error"


# -- spans of our own ------------------------------------------------------------------------------------------------


def test_a_denied_call_that_nobody_else_traces_has_a_span_of_ours(traced: Trace, spans: Spans) -> None:
    _judge(spans, "SMCP604", "SMCP501", allowed=False)
    (span,) = traced.spans()
    assert (span.name, span.kind, span.status.status_code) == ("tools/call search", SpanKind.SERVER, StatusCode.ERROR)
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "smcp_security"
    assert _said(span)["smcp.codes"] == ("SMCP604", "SMCP501")
    assert _said(span)["error.type"] == "SMCP501"
    assert span.start_time is not None and span.end_time is not None
    assert span.start_time < span.end_time


def test_an_allowed_call_that_nobody_else_traces_has_a_span_of_ours_when_it_ends(traced: Trace, spans: Spans) -> None:
    decision = _judge(spans)
    assert traced.spans() == []
    spans.ended(decision, Ending("error", error="-32603"))
    (span,) = traced.spans()
    assert (span.name, span.kind, span.status.status_code) == ("tools/call search", SpanKind.SERVER, StatusCode.ERROR)
    assert _said(span)["error.type"] == "-32603"
    spans.ended(_judge(spans), Ending("complete"))
    assert traced.spans()[1].status.status_code is StatusCode.UNSET


def test_a_span_of_ours_belongs_to_the_trace_of_the_client(traced: Trace, spans: Spans) -> None:
    about = samples.message(_meta={"traceparent": PARENT})
    _judge(spans, "SMCP501", about=about, allowed=False)
    decision = samples.verdict(CALL)
    http = Http("POST", "/mcp", read_headers([(b"traceparent", PARENT.encode())]), "127.0.0.1")
    spans.decided(decision, Context(message=CALL, http=http), "asgi")
    spans.ended(decision, Ending("complete"))
    for span in traced.spans():
        assert span.parent is not None
        assert f"{span.parent.trace_id:032x}" == PARENT.split("-")[1]
        assert f"{span.parent.span_id:016x}" == PARENT.split("-")[2]


def test_a_trace_that_records_nothing_is_not_recorded_by_us_either(
    traced: Trace, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = TracerProvider(sampler=ALWAYS_OFF)
    with silent.get_tracer("asgi").start_as_current_span("POST /mcp"):
        _judge(spans, "SMCP501", allowed=False)
        spans.ended(_judge(spans), Ending("complete"))
    assert traced.spans() == []


@pytest.mark.parametrize("about", [samples.notification(), None])
def test_what_nobody_waits_for_leaves_no_span_of_ours(traced: Trace, spans: Spans, about: Any) -> None:
    spans.ended(_judge(spans, about=about), Ending("complete"))
    assert traced.spans() == []


def test_a_posted_response_is_no_call(traced: Trace, spans: Spans) -> None:
    raw = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}).encode()
    spans.ended(_judge(spans, about=typed(parse(raw, max_depth=8))), Ending("complete"))
    _serve(traced)
    assert ["smcp.action" in _said(span) for span in traced.spans()] == [False]


# -- what is not on them ---------------------------------------------------------------------------------------------


def _everything(context: Context, decision: Decision) -> None:
    context.address, context.network, context.label = "203.0.113.9", "203.0.113.9", "maria"
    context.session, context.token, context.api_key = "s-0815", "t-0816", "k-0817"
    context.caller = Caller("jwt:idp#maria", True, tenant="acme")


PRIVATE = ["203.0.113.9", "maria", "s-0815", "t-0816", "k-0817", "acme", "made up", "a secret", "x-vendor"]


@pytest.mark.parametrize(
    "about",
    [
        samples.message(arguments={"text": "a secret"}),
        samples.message(name="made up by the caller", arguments={"text": "a secret"}),
        samples.message("resources/read", uri="docs://maria"),
        samples.message("x-vendor/made up", text="a secret"),
    ],
)
@pytest.mark.parametrize("allowed", [True, False])
def test_no_span_says_who_called_nor_what_the_caller_wrote(
    traced: Trace, spans: Spans, about: Any, allowed: bool
) -> None:
    decision = samples.verdict(about, "SMCP501", allowed=allowed)
    assert decision.context is not None
    _everything(decision.context, decision)
    spans.decided(decision, decision.context, "asgi")
    spans.ended(decision, Ending("complete"))
    (span,) = traced.spans()
    shown = span.to_json()
    assert [word for word in PRIVATE if word in shown] == []


# -- bounds ----------------------------------------------------------------------------------------------------------


def test_nothing_is_kept_where_nobody_records(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    spans.ended(_judge(spans), Ending("complete"))
    assert JUDGED.get() is None


def test_calls_that_never_end_are_forgotten_at_last() -> None:
    calls, judged = Calls(), Judged("ping", {}, "", None, 0)
    for n in range(MOST_OPEN + 1):
        calls.put(str(n), judged)
    assert calls.pop("0") is None
    assert calls.pop("1") is judged


def test_a_child_does_not_end_the_calls_of_its_parent() -> None:
    calls = Calls()
    calls.put("1", Judged("ping", {}, "", None, 0))
    calls.begin_anew()
    assert calls.pop("1") is None


def test_a_provider_that_takes_no_processors_gets_spans_of_ours(
    traced: Trace, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Foreign:
        """Of another vendor, and none that can be remembered."""

        __slots__ = ()

        def get_tracer(self, *args: Any, **named: Any) -> Tracer:
            return traced.provider.get_tracer("foreign")

    monkeypatch.setattr(trace, "_TRACER_PROVIDER", Foreign())
    spans.ended(_judge(spans), Ending("complete"))
    assert [span.name for span in traced.spans()] == ["tools/call search"]


def test_a_provider_is_joined_once_however_many_frameworks_there_are(traced: Trace) -> None:
    made: Callable[[], Spans] = lambda: Spans(samples.subject(), Calls())  # noqa: E731
    for spans in (made(), made()):
        spans.ended(_judge(spans), Ending("complete"))
    processors = traced.provider._active_span_processor._span_processors
    assert [type(each).__name__ for each in processors].count("Joining") == 1
