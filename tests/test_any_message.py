"""Any message in any context: the drivers agree, nothing raises, and no text of the caller comes back or is logged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smcp_security import Decision, SMCPSecurityFramework
from tests.envelopes import call, encoded, legacy, modern, response

SHELL = "a; cat /etc/passwd | sh"
MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    """One framework without rates."""
    with SMCPSecurityFramework({"limits": []}) as framework:
        yield framework


def _judge(security: SMCPSecurityFramework, message: Any, context: Any = None) -> Decision:
    return security.process_request_sync(message, context)


def _codes(decision: Decision) -> list[str]:
    return [item.code for item in decision.findings]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.just(SHELL),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
METHODS = st.sampled_from(
    ["tools/call", "tools/list", "initialize", "ping", "resources/read", "completion/complete", "tasks/get", "x", ""]
)
ARGUMENTS = st.fixed_dictionaries({"name": JSON, "arguments": JSON}) | JSON
MESSAGES = (
    st.builds(lambda method, params, id: {**legacy(method, id=id), "params": params}, METHODS, ARGUMENTS, JSON)
    | st.builds(lambda name, arguments: call(name, {"a": arguments}), st.text(max_size=8), JSON)
    | st.builds(lambda name, arguments: call(name, {"a": arguments}, era="modern"), st.text(max_size=8), JSON)
    | st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]), JSON)
    | st.binary(max_size=60)
)
CONTEXTS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "user_id": st.text(max_size=6),
        "ip_address": st.sampled_from(["", "192.0.2.1", "::1", "x"]),
        "session_id": st.text(max_size=6),
        "headers": st.dictionaries(
            st.sampled_from(["host", "origin", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name", "x"]),
            st.sampled_from(["localhost", "application/json", "2026-07-28", "2025-11-25", "tools/call", "null", "é"]),
        ),
    },
)


@pytest.mark.anyio
@MANY
@given(message=MESSAGES, context=CONTEXTS)
async def test_both_drivers_judge_any_message_alike_and_neither_raises(
    security: SMCPSecurityFramework, message: Any, context: Any
) -> None:
    alone = security.process_request_sync(message, context)
    looped = await security.process_request(message, context)
    assert (alone.allowed, alone.findings, alone.message) == (looped.allowed, looped.findings, looped.message)
    assert (alone.answer, alone.caller) == (looped.answer, looped.caller)
    assert alone.allowed is (alone.answer is None) and "SMCP001" not in _codes(alone)
    assert alone.id != looped.id


def _marked(marker: str) -> list[Any]:
    """Messages with the marker in every place that a caller chooses, but for the id, which is echoed by design."""
    deep = {marker: [marker, {marker: marker}], "command": f"{marker}; cat /etc/passwd | sh"}
    meta = {
        "io.modelcontextprotocol/protocolVersion": marker,
        "io.modelcontextprotocol/clientCapabilities": {marker: 1},
    }
    hello = {
        "protocolVersion": marker,
        "capabilities": {marker: marker},
        "clientInfo": {"name": marker, "Name": marker},
    }
    return [
        call(marker, deep),
        call(marker, deep, era="modern"),
        {**call(marker, deep), "params": {"name": marker, "arguments": deep, "task": {"ttl": marker, marker: 1}}},
        legacy(marker, {marker: marker}),
        legacy(marker, {marker: marker}, id=None),
        modern(marker, {marker: marker}),
        legacy("tools/call", {"name": [marker], "arguments": marker}),
        legacy("tools/call", {"name": "a", "Name": marker}),
        legacy("prompts/get", {"name": marker, "arguments": {marker: f"{marker}; cat /etc/passwd | sh"}}),
        legacy("resources/read", {"uri": f"file:///etc/passwd?{marker}"}),
        legacy(
            "completion/complete", {"ref": {"type": marker, "name": marker}, "argument": {"name": marker, "value": 7}}
        ),
        legacy("server/discover", {"_meta": meta}),
        legacy("initialize", hello),
        {**legacy("ping"), marker: marker},
        {**legacy("ping"), "jsonrpc": marker},
        {**legacy("ping"), "id": [marker]},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": marker, "message": marker, marker: 1}},
        response(1, {"content": {"a": f"{marker}; cat /etc/passwd | sh"}}),
        f'{{"{marker}":1,"{marker}":2}}'.encode(),
        f'{{"{marker}":'.encode(),
        f'["{marker}"]'.encode(),
        marker.encode("utf-16"),
        encoded(legacy("ping", {marker: "\\ud800"})).replace(b"\\\\", b"\\"),
    ]


@MANY
@given(noise=st.text("abcXYZ019_.-", max_size=6))
def test_no_text_of_the_caller_shows_in_answers_findings_or_logs(
    security: SMCPSecurityFramework, caplog: pytest.LogCaptureFixture, noise: str
) -> None:
    marker = f"Zq~{noise}"
    caplog.clear()
    fields = {"host": "localhost", "content-type": "application/json", "x-note": marker, "mcp-method": marker}
    for message in _marked(marker):
        for context in (None, {"user_id": "u", "headers": fields}, {"headers": {**fields, "host": marker}}):
            decision = _judge(security, message, context)
            shown = [repr(decision.findings), "" if decision.answer is None else repr(decision.answer)]
            if not decision.allowed:
                shown.append(repr(decision.message))
            assert all("Zq~" not in text for text in shown), (message, context)
    logged = [record.getMessage() for record in caplog.records if record.name == "smcp_security"]
    assert all("Zq~" not in line for line in logged)
    # The audit names methods, tools and prompts on purpose, and only those.
    audited = [json.loads(record.getMessage()) for record in caplog.records if record.name == "smcp_security.audit"]
    assert audited
    assert all("Zq~" not in json.dumps({**record, "method": "", "target": ""}) for record in audited)
    assert all("Zq~" not in record["target"] for record in audited if record["method"].startswith("resources/"))
