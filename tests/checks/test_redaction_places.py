"""The protocol's own words stay, so that a masked message is still one that a client can go on with."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.decision import CLEAN
from tests.checks.redactors import CARD, MASK, TOKEN, answered, judge, masked, told

SCHEMA = {
    "type": "object",
    "$comment": TOKEN,
    "properties": {
        TOKEN: {"type": "string", "pattern": TOKEN, "enum": [TOKEN], "const": TOKEN, "maximum": CARD},
        "title": {"$ref": f"#/$defs/{TOKEN}"},
        "description": {"type": "string", "description": f"like {TOKEN}", "default": TOKEN, "examples": [TOKEN]},
    },
    "required": [TOKEN],
    "$defs": {TOKEN: {"title": TOKEN}},
}
SAFE_SCHEMA = {
    **SCHEMA,
    "$comment": MASK,
    "properties": {
        TOKEN: SCHEMA["properties"][TOKEN],  # type: ignore[index]
        "title": {"$ref": f"#/$defs/{TOKEN}"},
        "description": {"type": "string", "description": f"like {MASK}", "default": MASK, "examples": [MASK]},
    },
    "$defs": {TOKEN: {"title": MASK}},
}


@pytest.mark.parametrize(
    "value",
    [
        answered({"tools": [], "nextCursor": TOKEN, "ttlMs": CARD, "cacheScope": "private"}),
        answered({"resultType": "input_required", "requestState": TOKEN, "inputRequests": {TOKEN: {"method": "x"}}}),
        answered({"requestState": f'{{"a": "{TOKEN}"}}'}),
        answered({"task": {"taskId": TOKEN, "ttl": CARD}}),
        answered({"tasks": [{"taskId": TOKEN, "status": "working", "pollInterval": CARD}]}),
        answered({"resultType": "task", "taskId": TOKEN, "status": "working"}),
        answered({"tools": [{"name": TOKEN, "inputSchema": {}}]}),
        answered({"prompts": [{"name": TOKEN, "arguments": [{"name": TOKEN}]}]}),
        answered({"resources": [{"uri": "f:/ann@example.com", "name": "x", "size": CARD}]}),
        answered({"resourceTemplates": [{"uriTemplate": "f:/ann@example.com/{x}", "name": "x"}]}),
        answered({"contents": [{"uri": "f:/ann@example.com", "mimeType": "text/plain", "text": "x"}]}),
        answered({"content": [{"type": "resource_link", "uri": "f:/ann@example.com", "name": "x"}]}),
        answered({"_meta": {"io.modelcontextprotocol/related-task": {"taskId": TOKEN}, "progressToken": TOKEN}}),
        told("notifications/progress", {"progressToken": TOKEN, "progress": 1, "total": CARD}),
        told("notifications/cancelled", {"requestId": TOKEN}),
        told("notifications/tasks/status", {"taskId": TOKEN, "status": "working"}),
        told("elicitation/create", {"mode": "url", "elicitationId": TOKEN, "url": "https://x/?hint=ann@example.com",
                                    "message": "x"}, TOKEN),
        told("sampling/createMessage", {"messages": [{"role": "assistant", "content": [
            {"type": "tool_use", "id": TOKEN, "name": TOKEN, "input": {}}]}], "maxTokens": CARD}, 1),
        told("sampling/createMessage", {"messages": [{"role": "user", "content": {
            "type": "tool_result", "toolUseId": TOKEN, "content": []}}]}, 1),
        {"jsonrpc": "2.0", "id": TOKEN, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -CARD, "message": "x"}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32042, "message": "x", "data": {
            "elicitations": [{"elicitationId": TOKEN, "url": "https://x/?hint=ann@example.com"}]}}},
    ],
)  # fmt: skip
def test_the_words_of_the_protocol_are_not_looked_at(value: dict[str, Any]) -> None:
    outcome, shown = judge(value)
    assert shown == value
    assert outcome is CLEAN


@pytest.mark.parametrize(
    "value",
    [
        answered({"structuredContent": {"nextCursor": TOKEN, "taskId": TOKEN, "tools": [{"name": TOKEN}]}}),
        answered({"content": [{"type": "resource_link", "uri": f"https://x/{TOKEN}", "name": TOKEN}]}),
        answered({"resources": [{"uri": f"https://x/{TOKEN}", "name": TOKEN}]}),
        answered({"_meta": {"example.com/x": {"taskId": TOKEN}, "x": TOKEN}}),
        answered({"structuredContent": {"_meta": {"progressToken": TOKEN}}, "inputRequests": {"a": TOKEN}}),
        answered({"content": [], "cursor": TOKEN, "a/b": {"tools/*/name": TOKEN}}),
        told("notifications/message", {"level": "info", "data": {"progressToken": TOKEN}}),
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x", "data": {"taskId": TOKEN}}},
    ],
)
def test_their_names_elsewhere_hide_nothing(value: dict[str, Any]) -> None:
    assert TOKEN not in str(masked(value))


@pytest.mark.parametrize(
    ("build", "where"),
    [
        (lambda schema: answered({"tools": [{"name": "a", "inputSchema": schema}]}), "inputSchema"),
        (lambda schema: answered({"tools": [{"name": "a", "outputSchema": schema}]}), "outputSchema"),
        (lambda schema: told("elicitation/create", {"message": "x", "requestedSchema": schema}, 1), "requestedSchema"),
        (lambda schema: told("sampling/createMessage", {"tools": [{"name": "a", "inputSchema": schema}]}, 1),
         "inputSchema"),
    ],
    ids=["input", "output", "elicitation", "sampling"],
)  # fmt: skip
def test_of_schemas_what_people_read_is_masked_and_the_rest_stays(build: Any, where: str) -> None:
    outcome, shown = judge(build(SCHEMA))
    assert shown == build(SAFE_SCHEMA)
    assert all(where in found.where for found in outcome.findings)


def test_requests_inside_a_result_are_read_as_requests() -> None:
    asked = {"method": "elicitation/create", "params": {"message": f"use {TOKEN}", "requestedSchema": SCHEMA}}
    sampled = {"method": "sampling/createMessage", "params": {"messages": [
        {"role": "user", "content": {"type": "text", "text": TOKEN}}], "maxTokens": CARD}}  # fmt: skip
    shown = masked(answered({"resultType": "input_required", "inputRequests": {TOKEN: asked, "b": sampled}}))
    inputs = shown["result"]["inputRequests"]
    assert inputs[TOKEN]["params"] == {"message": f"use {MASK}", "requestedSchema": SAFE_SCHEMA}
    assert inputs["b"]["params"]["messages"][0]["content"]["text"] == MASK
    assert inputs["b"]["params"]["maxTokens"] == CARD


def test_json_where_an_address_should_be_hides_no_secret() -> None:
    hidden = {"content": [{"type": "resource_link", "name": "a", "uri": f'"see {TOKEN}"'}]}
    assert masked(answered(hidden))["result"]["content"][0]["uri"] == f'"see {MASK}"'
    assert judge(answered({"content": [{"type": "resource_link", "name": "a", "uri": '"see it"'}]}))[0] is CLEAN
