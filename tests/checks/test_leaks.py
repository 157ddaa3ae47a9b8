"""What the vault has handed out does not come back: masked where it can be, withheld where it cannot."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.checks import leaks
from smcp_security.checks.custody import AskSought
from smcp_security.checks.rung import Context, Question, Recall
from smcp_security.decision import CLEAN, Action, Origin, Outcome
from smcp_security.message import Message
from smcp_security.redaction.sought import Sought, Value
from smcp_security.schemas import compile_schema
from smcp_security.strict_json import serialise
from tests.checks.callers import message_of
from tests.checks.redactors import answered, result_of, told
from tests.envelopes import call, climb, codes
from tests.redaction.spellings import OF_BYTES, OF_TEXT
from tests.test_fields import JSON

SECRET = "vq7K" + "/p+Zr_2xW=9d" + "Lm.4tNc8"
MASK = "[redacted:vault-secret]"
SOUGHT = Sought([Value("github", SECRET.encode())])
BUILT, LAST = leaks.build(), leaks.build_last()


def _judge(
    value: dict[str, Any], *, sought: Sought | None = SOUGHT, output: Any = None, request: Any = None
) -> tuple[Outcome, Message]:
    message, asked = message_of(value), message_of(call("echo") if request is None else request)
    context = Context(message=message, request=asked, origin=Origin(asked.method, asked.target), raw=message.raw)

    def answer(question: Question) -> object:
        if type(question) is AskSought:
            return sought
        assert question == Recall("echo", "", output=True)
        return None if output is None else compile_schema(output)

    outcome = climb(BUILT(context), answer)
    shown = message if outcome.edit is None else outcome.edit
    assert shown.raw == serialise(shown.value)
    assert message.value == value
    return outcome, shown


def _masked(value: dict[str, Any], **facts: Any) -> dict[str, Any]:
    outcome, shown = _judge(value, **facts)
    assert set(codes(outcome)) <= {"SMCP922"}
    assert climb(LAST(Context(message=shown)), {AskSought(): SOUGHT}.get) is CLEAN
    return shown.value


def _last(value: Mapping[str, Any]) -> Outcome:
    return climb(LAST(Context(message=message_of(dict(value)))), {AskSought(): SOUGHT}.get)


# -- where it is masked ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [
        result_of(f"the key is {SECRET}"),
        {"content": [{"type": "resource", "resource": {"uri": "f:/a", "text": f"a {SECRET}"}}]},
        {"content": [{"type": "resource_link", "uri": f"https://x.example/?key={SECRET}", "name": "a"}]},
        {"content": [], "structuredContent": {"rows": [{"key": SECRET}]}},
        {"content": [], "structuredContent": {f"a {SECRET}": 1}},
        {"contents": [{"uri": "f:/a", "text": SECRET}]},
        {"messages": [{"role": "user", "content": {"type": "text", "text": SECRET}}]},
        {"tools": [{"name": "a", "description": SECRET, "inputSchema": {}}]},
        {"protocolVersion": "2025-11-25", "capabilities": {}, "instructions": SECRET},
        {"completion": {"values": [SECRET]}},
        {"_meta": {"example.com/note": SECRET}},
    ],
)
def test_a_value_is_masked_wherever_a_result_may_say_it(result: dict[str, Any]) -> None:
    shown = _masked(answered(result))
    assert SECRET not in json.dumps(shown)
    assert json.dumps(shown).replace(MASK, SECRET) == json.dumps(answered(result))


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": f"401 for {SECRET}"}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "x", "data": {"header": SECRET}}},
        told("elicitation/create", {"mode": "form", "message": SECRET, "requestedSchema": {}}, 7),
        told("sampling/createMessage", {"messages": [], "systemPrompt": SECRET}, 7),
        told("notifications/message", {"level": "info", "data": {"a": SECRET}}),
        told("notifications/progress", {"progressToken": 1, "progress": 1, "message": SECRET}),
    ],
)
def test_errors_notifications_and_requests_of_the_server_are_masked_too(message: dict[str, Any]) -> None:
    assert json.dumps(_masked(message)).replace(MASK, SECRET) == json.dumps(message)


@pytest.mark.parametrize("way", [*OF_TEXT, *OF_BYTES])
def test_a_value_in_disguise_is_masked_in_a_text(way: str) -> None:
    spelled = OF_TEXT[way](SECRET) if way in OF_TEXT else OF_BYTES[way](SECRET.encode())
    [block] = _masked(answered(result_of(f"so: {spelled} it is")))["result"]["content"]
    assert MASK in block["text"]
    assert block["text"].startswith("so: ") and block["text"].endswith(" it is")


def test_json_in_a_text_stays_json_and_says_the_same_as_the_structured_content() -> None:
    rows = {"rows": [{"key": SECRET, "name": "ann", "n": 7}]}
    shown = _masked(answered(result_of(json.dumps(rows, indent=1), structuredContent=rows)))["result"]
    assert json.loads(shown["content"][0]["text"]) == shown["structuredContent"]
    assert shown["structuredContent"] == {"rows": [{"key": MASK, "name": "ann", "n": 7}]}


def test_a_file_in_base64_is_masked_inside_and_stays_base64() -> None:
    blob = b64encode(f"[default]\nkey = {SECRET}\n".encode()).decode()
    shown = _masked(answered({"contents": [{"uri": "f:/a", "blob": blob}]}))
    assert shown["result"]["contents"][0]["blob"] == b64encode(f"[default]\nkey = {MASK}\n".encode()).decode()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_a_file_of_another_encoding_in_base64_is_masked_too(encoding: str) -> None:
    blob = b64encode(f"key = {SECRET}\n".encode(encoding)).decode()
    shown = _masked(answered({"contents": [{"uri": "f:/a", "blob": blob}]}))
    assert shown["result"]["contents"][0]["blob"] == b64encode(f"key = {MASK}\n".encode()).decode()


def test_a_value_of_digits_is_masked_as_a_number_too() -> None:
    sought = Sought([Value("pin", b"8236" + b"91750483")])
    outcome, shown = _judge(answered({"content": [], "structuredContent": {"n": 823691750483}}), sought=sought)
    assert shown.value["result"]["structuredContent"] == {"n": MASK}
    assert [item.about for item in outcome.findings] == ["pin"]


@settings(max_examples=30)
@given(JSON, st.sampled_from(sorted(OF_TEXT)))
def test_in_any_structured_content_only_the_value_is_masked(rest: Any, way: str) -> None:
    value = answered({"content": [], "structuredContent": {"rest": rest, "key": f"a {OF_TEXT[way](SECRET)}"}})
    shown = _masked(value)["result"]["structuredContent"]
    assert shown == {"rest": rest, "key": f"a {MASK}"}


# -- what is told ------------------------------------------------------------------------------------------------------


def test_the_finding_tells_the_place_and_the_audit_the_name_and_nobody_the_value() -> None:
    outcome, _ = _judge(answered(result_of("x", f"a {SECRET}")))
    [item] = outcome.findings
    assert (item.code, item.where, item.action) == ("SMCP922", "/result/content/1/text", Action.REPORT)
    assert item.about == "github"
    assert SECRET not in repr(outcome)


def test_findings_are_bounded_and_the_last_counts_the_rest() -> None:
    outcome, shown = _judge(answered(result_of(*[f"{number} {SECRET}" for number in range(50)])))
    assert len(outcome.findings) == leaks.MAX_FINDINGS + 1
    assert outcome.findings[-1].hint == "in 30 more places"
    assert SECRET not in json.dumps(shown.value)


@settings(max_examples=30)
@given(JSON)
def test_messages_without_the_value_pass_as_the_same_object(rest: Any) -> None:
    outcome, _ = _judge(answered({"content": [], "structuredContent": {"rest": rest}}))
    assert outcome is CLEAN


def test_nothing_is_looked_for_before_something_was_handed_out() -> None:
    assert _judge(answered(result_of(SECRET)), sought=None)[0] is CLEAN


# -- where it is withheld ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        answered({"tools": [], "nextCursor": SECRET}),
        answered({"resultType": SECRET, "content": []}),
        answered({"tools": [{"name": SECRET, "inputSchema": {}}]}),
        answered({"tools": [{"name": "a", "inputSchema": {"properties": {SECRET: {}}}}]}),
        answered({"content": [{"type": "text", "text": "x", "mimeType": b64encode(SECRET.encode()).decode()}]}),
        told("notifications/progress", {"progressToken": SECRET, "progress": 1}),
    ],
)
def test_where_a_mask_would_break_the_protocol_the_message_is_withheld(value: dict[str, Any]) -> None:
    outcome, _ = _judge(value)
    [item] = outcome.findings
    assert (item.code, item.action, item.about) == ("SMCP923", Action.BLOCK, "github")
    assert SECRET not in item.where
    honest = json.loads(json.dumps(value).replace(SECRET, "other").replace(b64encode(SECRET.encode()).decode(), "t/p"))
    assert _judge(honest)[0] is CLEAN


def test_structured_content_that_fits_its_schema_no_longer_is_withheld() -> None:
    schema = {"type": "object", "properties": {"key": {"type": "string", "maxLength": 5 + len(SECRET) // 4 * 4}}}
    value = answered({"content": [], "structuredContent": {"key": SECRET}})
    tight = {"type": "object", "properties": {"key": {"type": "string", "pattern": "^[^\\[]*$"}}}
    assert codes(_judge(value, output=schema)[0]) == ["SMCP922"]
    outcome, _ = _judge(value, output=tight)
    assert codes(outcome) == ["SMCP922", "SMCP923"]
    assert outcome.findings[-1].action is Action.BLOCK


def test_more_of_it_than_can_be_masked_in_time_is_withheld() -> None:
    outcome, _ = _judge(answered(result_of(f"{SECRET} " * 5_000)))
    assert codes(outcome) == ["SMCP923"]


# -- the last look -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {"jsonrpc": "2.0", "id": SECRET, "result": {}},
        told(SECRET, {}),
        answered(result_of(SECRET)),
        answered({"structuredContent": {"octets": list(SECRET.encode())}}),
        answered(
            {"content": [{"type": "image", "data": b64encode(b"\x89PNG\r\n" + bytes(2000) + SECRET.encode()).decode()}]}
        ),
    ],
)
def test_what_still_stands_in_the_bytes_that_go_out_is_withheld(value: dict[str, Any]) -> None:
    [item] = _last(value).findings
    assert (item.code, item.action, item.about) == ("SMCP923", Action.BLOCK, "github")


def test_a_value_that_is_a_whole_document_is_seen_in_the_structure_of_another() -> None:
    document = '{"user":"admin","words":"correct horse"}'
    sought = Sought([Value("account", document.encode())])
    message = message_of(answered({"structuredContent": json.loads(document)}))
    assert codes(climb(LAST(Context(message=message)), {AskSought(): sought}.get)) == ["SMCP923"]


def test_bytes_that_nobody_has_read_are_looked_at_as_they_are() -> None:
    for raw, expected in ((f"500 {SECRET}".encode(), ["SMCP923"]), (b"500", []), (None, [])):
        assert codes(climb(LAST(Context(raw=raw)), {AskSought(): SOUGHT}.get)) == expected


def test_clean_bytes_pass_the_last_look() -> None:
    assert _last(answered(result_of("nothing of it"))) is CLEAN
    assert climb(LAST(Context(message=message_of(answered({})))), {AskSought(): None}.get) is CLEAN
