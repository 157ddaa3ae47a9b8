"""Credentials and personal data in what the server says are masked, and nothing else is touched."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.rung import Context
from smcp_security.decision import CLEAN, Action, Origin
from tests.checks.callers import message_of, policy_of
from tests.checks.redactors import (
    CARD,
    MASK,
    OTHER,
    TOKEN,
    answered,
    judge,
    masked,
    result_of,
    told,
)
from tests.envelopes import call, codes, legacy
from tests.test_fields import JSON


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


# -- every message ---------------------------------------------------------------------------------------------------

MESSAGES: list[tuple[dict[str, Any], tuple[str | int, ...]]] = [
    (answered(result_of("x")), ("result", "content", 0, "text")),
    (answered({"content": [{"type": "resource", "resource": {"uri": "f:/a", "text": "x"}}]}),
     ("result", "content", 0, "resource", "text")),
    (answered({"content": [{"type": "resource_link", "uri": "f:/a", "name": "x", "description": "y"}]}),
     ("result", "content", 0, "description")),
    (answered({"content": [], "structuredContent": {"a": [{"b": "x"}]}}),
     ("result", "structuredContent", "a", 0, "b")),
    (answered({"contents": [{"uri": "f:/a", "text": "x"}]}), ("result", "contents", 0, "text")),
    (answered({"messages": [{"role": "user", "content": {"type": "text", "text": "x"}}]}),
     ("result", "messages", 0, "content", "text")),
    (answered({"tools": [{"name": "a", "description": "x", "inputSchema": {}}]}),
     ("result", "tools", 0, "description")),
    (answered({"tools": [{"name": "a", "inputSchema": {"properties": {"q": {"description": "x"}}}}]}),
     ("result", "tools", 0, "inputSchema", "properties", "q", "description")),
    (answered({"resources": [{"uri": "f:/a", "name": "x"}]}), ("result", "resources", 0, "name")),
    (answered({"protocolVersion": "2025-11-25", "capabilities": {}, "instructions": "x"}),
     ("result", "instructions")),
    (answered({"taskId": "t", "status": "failed", "statusMessage": "x"}), ("result", "statusMessage")),
    (answered({"taskId": "t", "status": "completed", "result": result_of("x")}),
     ("result", "result", "content", 0, "text")),
    (answered({"completion": {"values": ["x"]}}), ("result", "completion", "values", 0)),
    (answered({"resultType": "input_required", "requestState": "s", "inputRequests": {
        "k": {"method": "elicitation/create", "params": {"mode": "form", "message": "x", "requestedSchema": {}}}}}),
     ("result", "inputRequests", "k", "params", "message")),
    (answered({"_meta": {"example.com/note": "x"}}), ("result", "_meta", "example.com/note")),
    ({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "x"}}, ("error", "message")),
    ({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "y", "data": {"a": "x"}}},
     ("error", "data", "a")),
    (told("elicitation/create", {"mode": "form", "message": "x", "requestedSchema": {}}, 7), ("params", "message")),
    (told("sampling/createMessage", {"messages": [{"role": "user", "content": {"type": "text", "text": "x"}}]}, 7),
     ("params", "messages", 0, "content", "text")),
    (told("sampling/createMessage", {"messages": [], "systemPrompt": "x"}, 7), ("params", "systemPrompt")),
    (told("notifications/message", {"level": "info", "data": {"a": "x"}}), ("params", "data", "a")),
    (told("notifications/progress", {"progressToken": 1, "progress": 1, "message": "x"}), ("params", "message")),
    (told("notifications/tasks/status", {"taskId": "t", "status": "working", "statusMessage": "x"}),
     ("params", "statusMessage")),
]  # fmt: skip


def _with(value: Any, path: tuple[str | int, ...], part: Any) -> Any:
    if not path:
        return part
    copied = value.copy()
    copied[path[0]] = _with(value[path[0]], path[1:], part)
    return copied


@pytest.mark.parametrize(("value", "path"), MESSAGES, ids=["/".join(map(str, path)) for _, path in MESSAGES])
def test_a_token_is_masked_in_every_message_of_the_server(value: dict[str, Any], path: tuple[str | int, ...]) -> None:
    outcome, shown = judge(_with(value, path, f"see {TOKEN}, and {OTHER}."))
    assert shown == _with(value, path, f"see {MASK}, and {MASK}.")
    [found] = outcome.findings
    assert (found.code, found.action, found.hint) == ("SMCP705", Action.REPORT, "token (2)")
    assert TOKEN not in repr(outcome.findings)
    assert judge(value)[0] is CLEAN


def test_keys_and_whole_numbers_are_masked_too() -> None:
    given = {"structuredContent": {TOKEN: 1, OTHER: {TOKEN: 2}, "n": CARD, "m": -CARD, "small": 40}, "content": []}
    outcome, shown = judge(answered(given))
    assert shown["result"]["structuredContent"] == {
        MASK: 1,
        f"{MASK} 2": {MASK: 2},
        "n": "[redacted:card]",
        "m": "-[redacted:card]",
        "small": 40,
    }
    assert sorted(codes(outcome)) == ["SMCP705", "SMCP705", "SMCP705", "SMCP706", "SMCP706"]


def test_a_mask_as_a_key_never_takes_the_place_of_one_that_was_there() -> None:
    given = {MASK: "was here", TOKEN: "new"}
    assert masked(answered({"structuredContent": given}))["result"]["structuredContent"] == {
        MASK: "was here",
        f"{MASK} 2": "new",
    }


def test_nothing_found_leaves_the_very_message() -> None:
    for value, _ in MESSAGES:
        assert judge(value)[0] is CLEAN


# -- findings --------------------------------------------------------------------------------------------------------


def test_secrets_and_personal_data_have_codes_of_their_own() -> None:
    outcome, _ = judge(answered(result_of(f"{TOKEN} ann@example.com {TOKEN}", "ann@example.com")))
    assert [(found.code, found.where, found.hint) for found in outcome.findings] == [
        ("SMCP705", "/result/content/0/text", "token (2)"),
        ("SMCP706", "/result/content/0/text", "email"),
        ("SMCP706", "/result/content/1/text", "email"),
    ]


def test_names_that_no_schema_declares_are_not_told() -> None:
    given = answered({"structuredContent": {"users": {"ann": {"note": TOKEN}}}})
    assert [found.where for found in judge(given)[0].findings] == ["/result/structuredContent/*/*/*"]
    schema = {"properties": {"users": {"properties": {"bob": {}}}}}
    assert [found.where for found in judge(given, output=schema)[0].findings] == ["/result/structuredContent/users/*/*"]
    assert "tok" not in repr([found.where for found in judge(answered({"structuredContent": {TOKEN: 1}}))[0].findings])
    meta = answered({"_meta": {"x": TOKEN}})
    assert [found.where for found in judge(meta)[0].findings] == ["/result/_meta/*"]


def test_findings_have_a_bound_and_the_last_one_counts_the_rest() -> None:
    outcome, shown = judge(answered(result_of(*[TOKEN] * 50)))
    assert len(outcome.findings) == 21
    assert outcome.findings[-1].hint == "more: token (30)"
    assert TOKEN not in json.dumps(shown)


# -- content and structuredContent -----------------------------------------------------------------------------------

USER = {"user": {"password": "correct horse", "name": "é"}, "card": CARD, "tokens": [TOKEN, "plain"]}
SAFE = {"user": {"password": "[redacted:password]", "name": "é"}, "card": "[redacted:card]", "tokens": [MASK, "plain"]}


@pytest.mark.parametrize(
    "style",
    [{}, {"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}, {"ensure_ascii": False}],
    ids=["plain", "indent", "tabs", "compact", "unicode"],
)
def test_json_in_a_text_stays_json_in_its_own_style(style: dict[str, Any]) -> None:
    text = json.dumps(USER, **style)
    shown = masked(answered(result_of(text, structuredContent=USER)))["result"]
    assert shown["structuredContent"] == SAFE
    assert shown["content"][0]["text"] == json.dumps(SAFE, **style)


def test_json_in_json_texts_is_masked_as_what_it_is() -> None:
    inner = json.dumps({"password": "abc", "n": 1.50, "t": TOKEN})
    for text in (json.dumps({"log": inner}), json.dumps([json.dumps({"line": inner})])):
        shown = masked(answered(result_of(text)))["result"]["content"][0]["text"]
        assert shown == text.replace(TOKEN, MASK).replace("abc", "[redacted:password]")
    # Escaped so often that no rule reads it as it stands, it is opened before anything is found.
    text = json.dumps({"a": json.dumps({"b": json.dumps({"c": json.dumps({"password": "abc"})})})})
    shown = masked(answered(result_of(text)))["result"]["content"][0]["text"]
    assert shown == text.replace("abc", "[redacted:password]")


def test_a_secret_that_json_escapes_is_found() -> None:
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in TOKEN)
    shown = masked(answered(result_of(f'{{"a": "{escaped}", "b": "caf\\u00e9"}}')))["result"]["content"][0]["text"]
    assert shown == f'{{"a": "{MASK}", "b": "caf\\u00e9"}}'
    honest = answered(result_of('{"a": "caf\\u00e9", "b": "say \\"hi\\""}'))
    assert judge(honest)[0] is CLEAN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{{"a": "{TOKEN}", "a": 2}}', f'{{"a": "{MASK}", "a": 2}}'),
        (f"{{not json: {TOKEN}}}", f"{{not json: {MASK}}}"),
        (f'{{"n": 1}}\n{{"t": "{TOKEN}"}}', f'{{"n": 1}}\n{{"t": "{MASK}"}}'),
        (f'  [1e3, 0.10, -0, "{TOKEN}"]\n', f'  [1e3, 0.10, -0, "{MASK}"]\n'),
        (f'{{"{TOKEN}": 1, "{OTHER}": "x"}}', f'{{"{MASK}": 1, "{MASK} 2": "x"}}'),
        (f'{{"big": 123456789012345678901234567890, "t": "{TOKEN}"}}',
         f'{{"big": 123456789012345678901234567890, "t": "{MASK}"}}'),
        ('{"pin": 1234, "n": [1234, 1.5]}', '{"pin": "[redacted:pin]", "n": [1234, 1.5]}'),
        (f'{{"a": {{"pin": 4321}}, "pin": 1234, "{TOKEN}": 1}}',
         f'{{"a": {{"pin": "[redacted:pin]"}}, "pin": "[redacted:pin]", "{MASK}": 1}}'),
        (f'{{"n": {CARD}, "m": 12345678.5e1}}', '{"n": "[redacted:card]", "m": 12345678.5e1}'),
    ],
)  # fmt: skip
def test_the_rest_of_a_json_text_stays_as_it_was_written(text: str, expected: str) -> None:
    assert masked(answered(result_of(text)))["result"]["content"][0]["text"] == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("é\n has seen it", "é\n has [redacted:raw] it"),
        (f"{TOKEN} has seen it", f"{MASK} has [redacted:raw] it"),
        (f"seen {TOKEN}", f"[redacted:raw] {MASK}"),
        ("seen", "[redacted:raw]"),
    ],
)
def test_what_only_the_key_before_it_shows_is_masked_where_it_lies(said: str, expected: str) -> None:
    for ascii_only in (True, False):
        text = json.dumps({"raw": said, "note": [1, "seen"]}, ensure_ascii=ascii_only)
        [block] = masked(answered(result_of(text)))["result"]["content"]
        assert json.loads(block["text"]) == {"raw": expected, "note": [1, "seen"]}


def test_what_a_name_gives_away_is_masked_wherever_it_stands() -> None:
    given = answered(result_of("Sign in with correct horse.", structuredContent={"password": "correct horse"}))
    shown = masked(given)["result"]
    assert shown["content"][0]["text"] == "Sign in with [redacted:password]."
    # Part of a longer word is another word, and what is short stands in honest text by chance.
    for text, password in (("incorrect horses", "correct horse"), ("a cat", "cat")):
        kept = masked(answered(result_of(text, structuredContent={"password": password})))["result"]
        assert kept["content"][0]["text"] == text


# -- the output schema -----------------------------------------------------------------------------------------------


def _schema(**part: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"v": part}}


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (CARD, {"type": "integer"}),
        ("ann@example.com", {"type": "string", "format": "email"}),
        (TOKEN, {"type": "string", "pattern": "^tok_[a-z]{6}$"}),
        (TOKEN, {"type": "string", "maxLength": 10}),
        (TOKEN, {"enum": [TOKEN, "x"]}),
        (TOKEN, {"const": TOKEN}),
    ],
)
def test_what_would_not_fit_its_schema_masked_is_withheld(value: Any, part: dict[str, Any]) -> None:
    given = answered(result_of("x", structuredContent={"v": value}))
    outcome, _ = judge(given, output=_schema(**part))
    assert outcome.findings[-1].code == "SMCP709"
    assert outcome.findings[-1].action is Action.BLOCK
    assert outcome.edit is None
    # The twins: an unknown schema, one that it fits, one that it did not fit before, an error, and nothing found.
    for schema, more in (
        (None, {}),
        (_schema(), {}),
        ({**_schema(**part), "required": ["w"]}, {}),
        (_schema(**part), {"isError": True}),
    ):
        outcome, shown = judge(answered(result_of("x", structuredContent={"v": value}, **more)), output=schema)
        assert "SMCP709" not in codes(outcome)
        assert "redacted:" in shown["result"]["structuredContent"]["v"]
    assert judge(answered(result_of("x", structuredContent={"v": 1})), output=_schema(**part))[0] is CLEAN


def test_monitor_mode_reports_and_changes_nothing() -> None:
    given = answered(result_of(TOKEN, structuredContent={"v": CARD}))
    policy = policy_of(results={}, mode={"results": "monitor"})
    outcome, shown = judge(given, policy, output=_schema(type="integer"))
    assert shown == given
    assert outcome.edit is None
    assert set(codes(outcome)) == {"SMCP705", "SMCP706", "SMCP709"}


# -- what is kept ----------------------------------------------------------------------------------------------------

KEEP = {"mask": "token", "tool": "mint_*", "reason": "it makes them"}
DAY = 86_400.0


def test_what_is_kept_for_a_tool_is_kept_for_that_tool_alone() -> None:
    policy = policy_of(results={"keep": [KEEP]})
    given = answered(result_of(f"{TOKEN} ann@example.com"))
    assert masked(given, policy=policy, tool="mint_token") == answered(result_of(f"{TOKEN} [redacted:email]"))
    assert masked(given, policy=policy, tool="get_user") == answered(result_of(f"{MASK} [redacted:email]"))


def test_what_is_kept_by_kind_ends_with_its_last_day() -> None:
    policy = policy_of(results={"keep": [{**KEEP, "mask": "secrets", "until": "1970-01-02"}]})
    given = answered(result_of(TOKEN))
    assert judge(given, policy, tool="mint_token", now=2 * DAY - 1)[0] is CLEAN
    assert masked(given, policy=policy, tool="mint_token", now=2 * DAY) == answered(result_of(MASK))


def test_an_answer_of_another_request_keeps_nothing() -> None:
    policy = policy_of(results={"keep": [{**KEEP, "tool": "*"}]})
    mint = Origin("tools/call", "mint_token")
    foreign = answered(result_of(TOKEN), id=2)
    assert masked(foreign, policy=policy, tool="mint_token") == answered(result_of(MASK), id=2)
    standing = message_of(legacy("resources/subscribe", {"uri": "f:/a"}, id=9))
    assert masked(answered(result_of(TOKEN)), policy=policy, request=standing.value, origin=mint)["result"] == (
        result_of(MASK)
    )
    log = told("notifications/message", {"level": "info", "data": TOKEN})
    assert masked(log, policy=policy, tool="mint_token")["params"]["data"] == MASK
    assert judge(answered({"contents": [{"uri": "f:/a", "text": TOKEN}]}), policy,
                 request=legacy("resources/read", {"uri": "f:/a"}))[0] is not CLEAN  # fmt: skip


# -- properties ------------------------------------------------------------------------------------------------------

SECRETS = st.sampled_from([TOKEN, OTHER, str(CARD), "ann@example.com", "plain", ""])
TEXTS = st.tuples(st.text(max_size=5), SECRETS, st.text(max_size=5)).map(" ".join)
LEAVES = TEXTS | st.sampled_from([CARD, -CARD, 1, 2.5, None, True])
NAMES = st.sampled_from(["a", "password", "blob", "data", "text", TOKEN, OTHER])
TREES = st.recursive(
    LEAVES | TEXTS.map(lambda text: json.dumps({"password": text})) | TEXTS.map(_base64),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(NAMES, below, max_size=3)
        | st.dictionaries(NAMES, below, max_size=3).map(json.dumps)
        | st.lists(below, max_size=3).map(lambda items: json.dumps(items, ensure_ascii=False, indent=1))
    ),
    max_leaves=8,
)


def _same_but_masks(before: Any, after: Any) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = zip(before.items(), after.items(), strict=True)
        return all(_same_but_masks(*keys) and _same_but_masks(*members) for keys, members in map(_across, pairs))
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same_but_masks, before, after))
    return before == after or isinstance(after, str)


def _across(pair: Any) -> Any:
    (old, before), (new, after) = pair
    return (old, new), (before, after)


@given(TREES)
def test_masking_twice_changes_nothing_more(tree: Any) -> None:
    once = masked(answered({"structuredContent": {"v": tree}, "content": []}))
    again, shown = judge(once)
    assert again is CLEAN
    assert shown == once


@given(TREES)
def test_masks_stand_in_for_texts_and_nothing_else_moves(tree: Any) -> None:
    given_value = answered({"structuredContent": {"v": tree}, "content": []})
    outcome, shown = judge(given_value)
    assert _same_but_masks(given_value, shown)
    assert (outcome is CLEAN) == (shown == given_value)
    assert TOKEN not in json.dumps(shown)
    assert OTHER not in json.dumps(shown)


@given(JSON)
def test_what_no_rule_matches_is_the_same_value(value: Any) -> None:
    tree = {"v": value, "t": json.dumps({"v": value})}
    outcome, shown = judge(answered({"structuredContent": tree, "content": [{"type": "text", "text": TOKEN}]}))
    assert shown["result"]["structuredContent"] == tree
    assert len(outcome.findings) == 1


def test_no_message_at_all_is_nothing_to_judge() -> None:
    from smcp_security.checks import redaction
    from tests.checks.redactors import REDACTOR
    from tests.envelopes import climb

    assert climb(redaction.build(policy_of(), REDACTOR)(Context(request=message_of(call("x"))))) is CLEAN
