"""Decision -> wire, row by row of the table: both eras, requests, notifications, posted responses, tasks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security import answers
from smcp_security.answers import INTERNAL, REFUSED, WITHHELD
from smcp_security.codes import CODES, Severity
from smcp_security.decision import Action, Answer, Finding, finding
from smcp_security.message import Era, Message, parse, typed
from tests.envelopes import ASSUMED, MODERN, call, encoded, legacy, response

RATE = {"name": "caller", "quota": 30, "window": 60.0}
BUDGET = {"name": "tenant-tokens-month", "quota": 2_000_000, "window": 2_592_000, "unit": "tokens"}
CAP = {"name": "caller-calls", "quota": 4, "unit": "concurrent-requests"}
QUOTAS: dict[str, dict[str, Any]] = {"SMCP402": RATE, "SMCP403": BUDGET, "SMCP404": CAP}
RATE_429 = dict.fromkeys(QUOTAS, 429)
INJECTION = Finding("SMCP610", "shell-chain", Severity.CRITICAL, "/params/arguments/*", Action.BLOCK, "Use no shell.")


def _finding(code: str) -> Finding:
    if code == "SMCP610":
        return INJECTION
    return finding(code, "/here", retry_after=1.2, data=QUOTAS.get(code))


def _message(value: dict[str, Any], era: Era) -> Message:
    return typed(parse(encoded(value), max_depth=64), era, MODERN if era is Era.MODERN else ASSUMED)


def _answer(code: str, value: dict[str, Any] | None, era: Era = Era.LEGACY, **more: Any) -> Answer:
    blocking = _finding(code)
    return answers.answer(blocking, [blocking], _message(value, era) if value is not None else None, **more)


def _body(answer: Answer) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(answer.body)
    return value


BEFORE_THE_PARSE = [
    ("SMCP101", 421, -31421), ("SMCP102", 403, -31403), ("SMCP103", 431, -31431), ("SMCP104", 413, -31413),
    ("SMCP105", 415, -31415), ("SMCP106", 415, -31415), ("SMCP107", 400, -32600), ("SMCP108", 405, -31405),
    ("SMCP109", 400, -32600), ("SMCP110", 403, -31403), ("SMCP111", 403, -31403), ("SMCP112", 400, -32600),
    ("SMCP113", 400, -32700), ("SMCP114", 400, -32700), ("SMCP115", 400, -32700), ("SMCP116", 400, -32700),
    ("SMCP117", 400, -32600), ("SMCP118", 400, -32600), ("SMCP119", 400, -32600), ("SMCP401", 429, -31429),
    ("SMCP001", 500, INTERNAL), ("SMCP002", 500, INTERNAL), ("SMCP201", 401, -31401), ("SMCP202", 401, -31401),
    ("SMCP203", 401, -31401), ("SMCP204", 401, -31401), ("SMCP205", 401, -31401), ("SMCP206", 503, -31503),
    ("SMCP207", 429, -31429), ("SMCP208", 400, -31400), ("SMCP209", 400, -31400), ("SMCP210", 404, -32600),
]  # fmt: skip


@pytest.mark.parametrize(("code", "status", "rpc"), BEFORE_THE_PARSE)
def test_a_refusal_before_the_parse_has_no_id_and_an_http_error(code: str, status: int, rpc: int) -> None:
    answer = _answer(code, None)
    body = _body(answer)
    assert (answer.status, body["error"]["code"], body["error"]["data"]["code"]) == (status, rpc, code)
    assert "id" not in body and body["jsonrpc"] == "2.0"
    assert ("content-type", "application/json") in answer.headers


@pytest.mark.parametrize("code", ["SMCP120", "SMCP121", "SMCP122", "SMCP123"])
def test_a_refused_envelope_is_never_answered_with_its_id(code: str) -> None:
    untyped = parse(encoded({"jsonrpc": "2.0", "id": "Zq~1", "Method": 1}), max_depth=64)
    blocking = finding(code)
    answer = answers.answer(blocking, [blocking], untyped)
    assert answer.status == 400 and b"Zq~1" not in answer.body and "id" not in _body(answer)


@pytest.mark.parametrize(
    ("code", "modern", "older", "rpc"),
    [
        ("SMCP001", 200, 200, INTERNAL),
        ("SMCP002", 200, 200, INTERNAL),
        ("SMCP124", 400, 400, -32020),
        ("SMCP125", 400, 400, -32602),
        ("SMCP126", 400, 400, -32022),
        ("SMCP127", 404, 200, -32601),
        ("SMCP128", 400, 200, -32602),
        ("SMCP206", 503, 503, -31503),
        ("SMCP301", 200, 200, -31403),
        ("SMCP302", 403, 403, -31403),
        ("SMCP303", 400, 200, -32602),
        ("SMCP304", 400, 200, -32602),
        ("SMCP305", 400, 200, -32602),
        ("SMCP402", 200, 200, -31429),
        ("SMCP403", 200, 200, -31429),
        ("SMCP404", 200, 200, -31429),
        ("SMCP501", 200, 200, REFUSED),
        ("SMCP610", 200, 200, REFUSED),
    ],
)
@pytest.mark.parametrize("id", [0, 1, "a", "", -5, 10**30])
def test_a_refused_request_is_answered_with_its_id(code: str, modern: int, older: int, rpc: int, id: Any) -> None:
    for era, status in ((Era.MODERN, modern), (Era.LEGACY, older)):
        answer = _answer(code, legacy("prompts/get", {"name": "p"}, id=id), era)
        assert (answer.status, _body(answer)["id"], _body(answer)["error"]["code"]) == (status, id, rpc)
        assert type(_body(answer)["id"]) is type(id)


@pytest.mark.parametrize("code", ["SMCP501", "SMCP502", "SMCP503", "SMCP504", "SMCP610"])
def test_a_call_with_bad_arguments_gets_a_tool_error_so_that_the_model_can_correct_itself(code: str) -> None:
    for era in Era:
        answer = _answer(code, call("x", id=7), era)
        result = _body(answer)["result"]
        assert (answer.status, _body(answer)["id"], result["isError"]) == (200, 7, True)
        assert code in result["content"][0]["text"] and "before the tool ran" in result["content"][0]["text"]
        # 2026-07-28 demands it on every result; the older era does not know it.
        assert result.get("resultType") == ("complete" if era is Era.MODERN else None)


def test_a_call_that_runs_as_a_task_gets_an_error_instead() -> None:
    value = {**call("x"), "params": {"name": "x", "arguments": {}, "task": {"ttl": 5}}}
    answer = _answer("SMCP610", value)
    assert answer.status == 200 and _body(answer)["error"]["code"] == REFUSED


def test_every_blocking_finding_is_told_and_no_reported_one() -> None:
    reported = Finding("SMCP650", "markup", Severity.LOW, "/params/arguments/b", Action.REPORT, "Escape it.")
    answer = answers.answer(INJECTION, [reported, INJECTION, _finding("SMCP501")], _message(call("x"), Era.LEGACY))
    text = _body(answer)["result"]["content"][0]["text"]
    assert "SMCP610" in text and "SMCP501" in text and "SMCP650" not in text


ALL_CODES = [*CODES, "SMCP610"]


@pytest.mark.parametrize("code", ALL_CODES)
def test_an_error_without_an_id_never_rides_on_a_success(code: str) -> None:
    # Clients wait for ever for the id on a 200.
    for era in Era:
        for value in (None, legacy("ping"), legacy("notifications/initialized", id=None), response(1, {})):
            answer = _answer(code, value, era)
            if answer.body and "id" not in _body(answer):
                assert answer.status >= 400


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_refused_notification_is_dropped_or_in_the_modern_era_an_http_error(code: str) -> None:
    notice = legacy("notifications/cancelled", {"requestId": 1}, id=None)
    assert _answer(code, notice, Era.LEGACY) == Answer(202)
    modern = _answer(code, notice, Era.MODERN)
    assert 400 <= modern.status < 600 and "id" not in _body(modern)


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_refused_posted_response_is_never_answered_with_its_id(code: str) -> None:
    posted = response("Zq~1", {})
    assert _answer(code, posted, Era.LEGACY) == Answer(202)
    modern = _answer(code, posted, Era.MODERN)
    assert modern.status >= 400 and b"Zq~1" not in modern.body


def test_the_server_that_waits_for_a_refused_answer_is_told_at_once() -> None:
    told = answers.substitute(INJECTION, _message(response(9, {"a": "payload"}), Era.LEGACY))
    assert told is not None and b"payload" not in told
    assert json.loads(told)["id"] == 9 and json.loads(told)["error"]["code"] == REFUSED
    # An error that answers nothing, and messages that are no answers, have no stand-in.
    loose = {"jsonrpc": "2.0", "error": {"code": 1, "message": ""}}
    assert answers.substitute(INJECTION, _message(loose, Era.LEGACY)) is None
    assert answers.substitute(INJECTION, _message(legacy("ping"), Era.LEGACY)) is None
    assert answers.substitute(INJECTION, _message(response(9, {}), Era.MODERN)) is None


@pytest.mark.parametrize("code", ["SMCP001", "SMCP701", "SMCP702", "SMCP703"])
def test_a_withheld_result_says_that_the_call_ran(code: str) -> None:
    body = json.loads(answers.withheld(_finding(code), "a"))
    assert body["id"] == "a" and "ran" in body["error"]["message"]
    assert body["error"]["code"] == (INTERNAL if code == "SMCP001" else WITHHELD)
    assert "id" not in json.loads(answers.withheld(_finding(code), None))


@pytest.mark.parametrize(
    ("code", "policy", "limit"),
    [
        ("SMCP402", '"caller";q=30;w=60', '"caller";r=0;t=2'),
        ("SMCP403", '"tenant-tokens-month";q=2000000;qu="tokens";w=2592000', '"tenant-tokens-month";r=0;t=2'),
        ("SMCP404", '"caller-calls";q=4;qu="concurrent-requests"', '"caller-calls";r=0;t=2'),
    ],
)
def test_a_limit_answer_says_what_was_used_up_and_when_to_come_back(code: str, policy: str, limit: str) -> None:
    for era in Era:
        answer = _answer(code, call("x", id=3), era)
        headers = dict(answer.headers)
        data = _body(answer)["error"]["data"]
        assert (data["code"], data["retryAfterMs"]) == (code, 1200)
        # The quota is for headers: the body says what every other refusal says.
        assert data.keys() == {"code", "reason", "where", "remediation", "retryAfterMs"}
        assert (headers["retry-after"], headers["ratelimit-policy"], headers["ratelimit"]) == ("2", policy, limit)


@pytest.mark.parametrize("code", ["SMCP206", "SMCP207", *QUOTAS])
def test_whoever_is_refused_for_now_is_told_when_to_come_back(code: str) -> None:
    answer = _answer(code, legacy("prompts/get", {"name": "p"}))
    assert _body(answer)["error"]["data"]["retryAfterMs"] == 1200 and dict(answer.headers)["retry-after"] == "2"


# An item of RFC 9651 as the draft has it: a string with parameters that are integers or strings.
ITEM = re.compile(r'"[ -!#-\[\]-~]+"(;[a-z]+=([0-9]{1,15}|"[a-z-]+"))+')


@given(st.sampled_from(sorted(QUOTAS)), st.floats(0, 10_000_000))
def test_the_time_to_wait_is_never_too_short_and_its_headers_agree(code: str, wait: float) -> None:
    blocking = finding(code, retry_after=wait, data=QUOTAS[code])
    answer = answers.answer(blocking, [blocking], _message(call("x"), Era.LEGACY))
    told, headers = _body(answer)["error"]["data"]["retryAfterMs"], dict(answer.headers)
    # A nanosecond is what stores take for rounding.
    assert told >= 1 and wait - 2e-9 <= told / 1000 <= max(wait, 0.001) + 0.001
    seconds = int(headers["retry-after"])
    assert seconds >= 1 and wait - 2e-9 <= seconds <= max(wait, 1.0) + 1
    assert headers["ratelimit"].endswith(f";t={seconds}")
    assert ITEM.fullmatch(headers["ratelimit"]) and ITEM.fullmatch(headers["ratelimit-policy"])


@pytest.mark.parametrize(("seconds", "told"), [(0.07, 70), (1.1, 1100), (0.0011, 2), (0.0, 1), (8.3, 8300)])
def test_the_time_to_wait_is_exact_to_the_millisecond(seconds: float, told: int) -> None:
    blocking = finding("SMCP402", retry_after=seconds, data=RATE)
    answer = answers.answer(blocking, [blocking], _message(call("x"), Era.LEGACY))
    assert _body(answer)["error"]["data"]["retryAfterMs"] == told


@pytest.mark.parametrize("code", QUOTAS)
def test_the_policy_may_choose_429_for_limits_and_nothing_else(code: str) -> None:
    for era in Era:
        answer = _answer(code, call("x", id=5), era, statuses=RATE_429)
        assert answer.status == 429 and _body(answer)["id"] == 5
        assert _answer("SMCP610", legacy("ping"), era, statuses=RATE_429).status == 200
    assert _answer(code, legacy("notifications/initialized", id=None), statuses=RATE_429) == Answer(202)


def test_a_challenge_goes_out_as_the_header_that_clients_follow() -> None:
    challenge = 'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource"'
    for code, status in (("SMCP201", 401), ("SMCP302", 403)):
        blocking = finding(code, challenge=challenge)
        answer = answers.answer(blocking, [blocking], _message(call("x"), Era.LEGACY))
        assert answer.status == status and dict(answer.headers)["www-authenticate"] == challenge
        assert challenge not in answer.body.decode()
        without = finding(code)
        assert "www-authenticate" not in dict(answers.answer(without, [without], None).headers)


def test_a_chosen_status_never_makes_an_error_without_an_id_a_success() -> None:
    for code in ALL_CODES:
        answer = _answer(code, None, statuses={code: 200})
        assert answer.status >= 400 and "id" not in _body(answer)


def test_a_flood_answer_and_a_wrong_http_method_carry_their_headers() -> None:
    assert ("retry-after", "2") in _answer("SMCP401", None).headers
    assert ("allow", "GET, POST, DELETE") in _answer("SMCP108", None).headers


def test_an_internal_failure_tells_nothing_of_its_cause() -> None:
    error = _body(_answer("SMCP001", legacy("ping")))["error"]
    assert error["data"].keys() <= {"code", "reason", "where"}


@pytest.mark.parametrize("code", ALL_CODES)
def test_no_code_of_ours_lies_in_the_reserved_range_unless_the_protocol_defines_it(code: str) -> None:
    defined = {-32700, -32600, -32601, -32602, -32020, -32021, -32022}
    rpc = _body(_answer(code, legacy("prompts/get", {"name": "p"})))["error"]["code"]
    assert rpc in defined or not -32768 <= rpc <= -32000


@given(st.sampled_from(ALL_CODES), st.sampled_from(list(Era)), st.text(st.characters(exclude_categories=["Cs"])))
def test_an_answer_holds_no_text_of_the_message_but_its_id(code: str, era: Era, noise: str) -> None:
    marker = f"Zq~{noise}"
    answer = _answer(
        code, {**call(marker, {marker: marker}), "params": {"name": marker, "uri": marker, "x": marker}}, era
    )
    assert marker not in answer.body.decode() and "Zq~" not in answer.body.decode()
    assert "Zq~" not in str(answer.headers)
