"""Masking with the package's own rules, through the whole ladder: lists teach schemas, crashes withhold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security import Decision, RequestContext, SMCPSecurityFramework
from smcp_security.checks.embedded import Embedded
from smcp_security.checks.masking import masked
from smcp_security.checks.protocol_places import covers
from smcp_security.checks.said import fields
from smcp_security.redaction.redactor import Redactor
from tests.checks.callers import message_of
from tests.checks.redactors import answered, result_of, told
from tests.envelopes import call, legacy, response

# In parts, so that no scanner takes them for real.
TOKEN = "gh" + "p_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAbCd"
MAIL = "ann.lee@" + "acme-corp.de"
CARD = 4532015112830366
MASK = "[redacted:github-token]"
KINDS = ["secrets", "email", "phone", "card", "iban", "national_id", "ip"]
POLICY: dict[str, Any] = {
    "limits": [],
    "results": {
        "redact": KINDS,
        "errors": "mask",
        "keep": [{"mask": "github-token", "tool": "mint", "reason": "it makes them"}],
    },
}


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    with SMCPSecurityFramework(POLICY) as framework:
        yield framework


def _asked(security: SMCPSecurityFramework, tool: str = "get", session: str = "a", **more: Any) -> Decision:
    asked = security.process_request_sync(call(tool, **more), RequestContext(session_id=session))
    assert asked.allowed
    return asked


def _answered(security: SMCPSecurityFramework, value: Any, asked: Decision) -> tuple[Decision, Any]:
    decision = security.process_response_sync(json.dumps(value).encode(), asked)
    assert isinstance(decision.message, bytes)
    return decision, json.loads(decision.message)


def test_a_token_is_masked_in_both_halves_of_a_result(security: SMCPSecurityFramework) -> None:
    value = {"user": {"mail": MAIL, "key": TOKEN}, "card": CARD, "ordinary": ["text", 7, None, 1.5, True]}
    safe = {"user": {"mail": "[redacted:email]", "key": MASK}, "card": "[redacted:card]", "ordinary": value["ordinary"]}
    decision, shown = _answered(
        security, answered(result_of(json.dumps(value, indent=2), structuredContent=value)), _asked(security)
    )
    assert decision.allowed
    assert shown == answered(result_of(json.dumps(safe, indent=2), structuredContent=safe))
    assert {found.code for found in decision.findings} == {"SMCP705", "SMCP706"}
    assert TOKEN not in repr(decision.findings) and MAIL not in repr(decision.findings)


def test_an_address_with_escaped_slashes_loses_its_password(security: SMCPSecurityFramework) -> None:
    password = "s3cr3t" + "Pw9"
    text = json.dumps({"dsn": f"postgres://ann:{password}@db.acme-corp.de/x"}).replace("/", "\\/")
    _, shown = _answered(security, answered(result_of(text)), _asked(security))
    told_then = json.loads(shown["result"]["content"][0]["text"])["dsn"]
    assert told_then.startswith("postgres://ann:[redacted:") and told_then.endswith("@db.acme-corp.de/x")


def test_an_honest_result_goes_on_as_the_very_same_bytes(security: SMCPSecurityFramework) -> None:
    rows = {"items": [{"id": number, "sku": f"A-{number:05}", "note": "ready to ship"} for number in range(40)]}
    raw = json.dumps(answered(result_of(json.dumps(rows, indent=2), structuredContent=rows)), separators=(",", ":"))
    decision = security.process_response_sync(raw.encode(), _asked(security))
    assert decision.message == raw.encode()
    assert decision.findings == ()


def test_a_schema_that_a_list_taught_decides_what_is_withheld(security: SMCPSecurityFramework) -> None:
    output = {"type": "object", "properties": {"card": {"type": "integer"}}, "required": ["card"]}
    tools = [{"name": "pay", "inputSchema": {"type": "object"}, "outputSchema": output}]
    listed = security.process_request_sync(legacy("tools/list"), RequestContext(session_id="a"))
    security.process_response_sync(response(1, {"tools": tools}), listed)
    decision, shown = _answered(
        security, answered({"content": [], "structuredContent": {"card": CARD}}), _asked(security, "pay")
    )
    assert not decision.allowed
    assert decision.findings[-1].code == "SMCP709"
    assert shown["error"]["code"] == -31502
    assert str(CARD) not in json.dumps(shown)
    honest, shown = _answered(
        security, answered({"content": [], "structuredContent": {"card": 4}}), _asked(security, "pay")
    )
    assert honest.allowed and honest.findings == ()


def test_a_rule_that_crashes_withholds_the_result(
    security: SMCPSecurityFramework, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = _asked(security)

    def crash(*_given: object) -> None:
        raise RuntimeError(TOKEN)

    with monkeypatch.context() as patched:
        patched.setattr(Redactor, "find", crash)
        decision, shown = _answered(security, answered(result_of(TOKEN)), asked)
    assert not decision.allowed
    assert shown["id"] == 1 and "result" not in shown
    assert TOKEN not in json.dumps(shown) + caplog.text
    assert _answered(security, answered(result_of(TOKEN)), asked)[1] == answered(result_of(MASK))


def test_what_a_tool_may_say_no_other_answer_says_in_its_name(security: SMCPSecurityFramework) -> None:
    """A caller asks the tool whose tokens are kept and another one, under one id in two sessions or on one stream."""
    assert _answered(security, answered(result_of(TOKEN)), _asked(security, "mint"))[1] == answered(result_of(TOKEN))
    _asked(security, "mint", session="a", id=7)
    other = _asked(security, "get", session="b", id=7)
    assert _answered(security, answered(result_of(TOKEN), id=7), other)[1]["result"] == result_of(MASK)
    # The answer to 7 comes on the exchange of 8: it says itself which one it is, so nothing is kept.
    stray = _asked(security, "mint", session="a", id=8)
    assert _answered(security, answered(result_of(TOKEN), id=7), stray)[1]["result"] == result_of(MASK)


def test_messages_beside_the_answer_are_masked(security: SMCPSecurityFramework) -> None:
    asked = _asked(security)
    for value in (
        told("notifications/message", {"level": "info", "data": {"headers": {"x": TOKEN}}}),
        told("notifications/progress", {"progressToken": 1, "progress": 1, "message": f"using {TOKEN}"}),
        told("sampling/createMessage", {"messages": [{"role": "user", "content": {"type": "text", "text": TOKEN}}]}, 3),
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": f"401 for {TOKEN}"}},
    ):
        decision, shown = _answered(security, value, asked)
        assert decision.allowed
        assert json.dumps(shown).count(MASK) == 1
        assert shown == json.loads(json.dumps(value).replace(TOKEN, MASK))


def test_errors_lose_traces_and_what_was_asked(security: SMCPSecurityFramework) -> None:
    asked = _asked(security, arguments={"note": "a private remark"})
    trace = 'Traceback (most recent call last):\n  File "/srv/shop/pay.py", line 7, in pay\n    go()\nValueError: bad'
    _, shown = _answered(security, answered(result_of(f"{trace}\nfor a private remark", isError=True)), asked)
    text = shown["result"]["content"][0]["text"]
    assert "pay.py" not in text
    assert text.endswith("[redacted:input]")
    honest = answered(result_of("file not found: report.csv", isError=True))
    assert _answered(security, honest, asked)[1] == honest


# -- properties, with the package's own rules ------------------------------------------------------------------------

REDACTOR = Redactor(KINDS)
WORDS = st.sampled_from([TOKEN, MAIL, "ordinary", "ready to ship", "A-00017", "2026-11-21T10:00:00Z", "é\n", '"', ""])
LEAVES = WORDS | st.lists(WORDS, max_size=3).map(" ".join) | st.sampled_from([CARD, 7, 1.5, None, True])
TREES = st.recursive(
    LEAVES,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(["note", "mail", "text", "v", TOKEN]), below, max_size=3)
        | st.dictionaries(st.sampled_from(["note", "mail"]), below, max_size=3).map(json.dumps)
    ),
    max_leaves=6,
)


def _masked(value: dict[str, Any]) -> dict[str, Any]:
    message = message_of(value)
    found = masked(message.value, fields(message), REDACTOR.find, covers)
    return value if found is None else found.value


@given(TREES)
def test_both_halves_still_agree_when_they_are_masked(tree: Any) -> None:
    shown = _masked(answered(result_of(json.dumps({"v": tree}), structuredContent={"v": tree})))["result"]
    assert json.loads(shown["content"][0]["text"]) == shown["structuredContent"]
    assert TOKEN not in json.dumps(shown) and MAIL not in json.dumps(shown)


@given(TREES)
def test_masked_results_hold_nothing_more_to_mask(tree: Any) -> None:
    once = _masked(answered(result_of(json.dumps(tree), structuredContent={"v": tree})))
    assert _masked(once) is once


def test_a_long_list_of_people_is_masked_and_not_withheld(security: SMCPSecurityFramework) -> None:
    rows = [{"id": number, "mail": f"ann.lee{number}@acme-corp.de"} for number in range(2_000)]
    decision, shown = _answered(security, answered(result_of("", structuredContent={"rows": rows})), _asked(security))
    assert decision.allowed and len(decision.findings) == 21
    told_rows = shown["result"]["structuredContent"]["rows"]
    assert told_rows == [{"id": number, "mail": "[redacted:email]"} for number in range(2_000)]


def test_what_holds_more_than_can_be_masked_is_withheld_and_says_why(security: SMCPSecurityFramework) -> None:
    flood = " ".join(f"a{number}@b.de" for number in range(60_000))
    decision, shown = _answered(security, answered(result_of(flood)), _asked(security))
    assert not decision.allowed
    assert (shown["error"]["code"], shown["error"]["data"]["code"]) == (-31502, "SMCP712")


def test_what_was_found_in_a_long_text_of_json_is_placed_a_few_times_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    placed = []
    part = Embedded.part
    monkeypatch.setattr(Embedded, "part", lambda *given: (placed.append(1), part(*given))[1])
    mails = " ".join(f"ann.lee{number}@acme-corp.de" for number in range(500))
    shown = _masked(answered(result_of(json.dumps({"note": mails}))))
    assert "@" not in json.dumps(shown)
    assert len(placed) < 20
