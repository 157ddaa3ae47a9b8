"""Real SDK servers with OpenTelemetry: exactly one server span a call, and the verdict on it, at every edge."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from mcp import Client
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.sdk.secure import secure
from tests.real.edges.sdk_server import app_of, made
from tests.real.house import PATIENCE, served

pytestmark = [pytest.mark.real, pytest.mark.anyio]

POLICY: dict[str, Any] = {"limits": [], "server": {"flood": "off"}, "metrics": {"opentelemetry": True}}
SHELL = "a; cat /etc/passwd | sh"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What everything in this process records, for one test."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    # The SDK took its tracer when it was imported.
    monkeypatch.setattr("mcp.shared._otel._tracer", provider.get_tracer("mcp-python-sdk"))
    yield exporter
    provider.shutdown()


@pytest.fixture(params=["mcp", "fastmcp"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextlib.asynccontextmanager
async def _client(kind: str, edge: str, mode: str = "auto", around: Any = None) -> AsyncIterator[Client]:
    """A client of a server that is guarded at `edge`."""
    server, _ = made(kind)

    def run(command: str) -> str:
        """Run a command, or say so."""
        return f"ran {command}"

    server.tool()(run)
    with SMCPSecurityFramework(POLICY) as framework:
        if edge in ("hook", "both"):
            secure(server, framework=framework)
        app = app_of(server, kind, "http")
        if edge in ("asgi", "both"):
            app = SMCPMiddleware(app, framework=framework)
        if around is not None:
            app = around(app)
        async with served(app) as address:
            with anyio.fail_after(PATIENCE):
                async with Client(address.url(), mode=mode) as client:
                    yield client


def _servers(exporter: InMemorySpanExporter, scope: str = "") -> list[ReadableSpan]:
    """The server spans of calls, of one tracer or of all."""
    return [
        span
        for span in exporter.get_finished_spans()
        if span.kind is SpanKind.SERVER
        and span.name.startswith("tools/call")
        and (not scope or (span.instrumentation_scope is not None and span.instrumentation_scope.name == scope))
    ]


SCOPE = {"mcp": "mcp-python-sdk", "fastmcp": "fastmcp"}


@pytest.mark.parametrize("edge", ["asgi", "hook", "both"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_has_one_server_span_and_it_is_the_sdks_with_the_verdict(
    exporter: InMemorySpanExporter, kind: str, edge: str, mode: str
) -> None:
    async with _client(kind, edge, mode) as client:
        for text in ("one", "two"):
            assert not (await client.call_tool("run", {"command": text})).is_error
    spans = _servers(exporter)
    assert [span.name for span in spans] == ["tools/call run"] * 2
    assert [span.instrumentation_scope.name for span in spans if span.instrumentation_scope] == [SCOPE[kind]] * 2
    said = [dict(span.attributes or {}) for span in spans]
    assert [each["smcp.action"] for each in said] == ["pass", "pass"]
    assert len({each["smcp.decision.id"] for each in said}) == 2


@pytest.mark.parametrize("edge", ["asgi", "hook"])
async def test_a_denied_call_has_one_server_span_with_its_code_in_the_trace_of_the_client(
    exporter: InMemorySpanExporter, kind: str, edge: str
) -> None:
    async with _client(kind, edge) as client:
        refused = await client.call_tool("run", {"command": SHELL})
        assert refused.is_error
    (span,) = _servers(exporter)
    said = dict(span.attributes or {})
    assert said["smcp.action"] == "block"
    assert str(said["smcp.code"]).startswith("SMCP6")
    sent = {
        each.context.trace_id for each in exporter.get_finished_spans() if each.kind is SpanKind.CLIENT and each.context
    }
    assert span.context is not None
    assert span.context.trace_id in sent
    assert SHELL not in span.to_json()


async def test_each_of_many_calls_at_once_has_its_own_verdict(exporter: InMemorySpanExporter, kind: str) -> None:
    async with _client(kind, "asgi") as client, anyio.create_task_group() as group:
        for n in range(20):
            group.start_soon(client.call_tool, "run", {"command": SHELL if n % 4 == 0 else str(n)})
    spans = _servers(exporter)
    actions = Counter(str((span.attributes or {}).get("smcp.action")) for span in spans)
    assert actions == {"pass": 15, "block": 5}
    assert len({(span.attributes or {})["smcp.decision.id"] for span in spans}) == 20


async def test_behind_an_instrumented_http_server_its_span_has_the_verdict_too(
    exporter: InMemorySpanExporter, kind: str
) -> None:
    tracer = trace.get_tracer("asgi-instrumentation")

    def instrumented(app: Any) -> Any:
        async def outer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                return await app(scope, receive, send)
            with tracer.start_as_current_span(f"{scope['method']} {scope['path']}", kind=SpanKind.SERVER):
                await app(scope, receive, send)

        return outer

    async with _client(kind, "asgi", around=instrumented) as client:
        await client.call_tool("run", {"command": "one"})
        await client.call_tool("run", {"command": SHELL})
    (sdk,) = _servers(exporter)
    judged = [
        span
        for span in exporter.get_finished_spans()
        if span.name == "POST /mcp" and (span.attributes or {}).get("mcp.method.name") == "tools/call"
    ]
    assert [(span.attributes or {})["smcp.action"] for span in judged] == ["pass", "block"]
    assert (judged[0].attributes or {})["smcp.decision.id"] == (sdk.attributes or {})["smcp.decision.id"]
    assert (judged[0].attributes or {})["smcp.result"] == "complete"
