"""What a record says, and that it is always one line."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.audit import Digest, Seal, arguments_of, decision_record, encode, outcome_record
from smcp_security.audit.arguments import REDACTED_LIMIT, SECRETS_LIMIT
from smcp_security.audit.record import FINDINGS_LIMIT, TEXT_LIMIT, lost_record
from smcp_security.checks.rung import Context
from smcp_security.decision import Action, Caller, Decision, Timings, finding
from smcp_security.leaves import Texts
from smcp_security.message import Era, Message
from smcp_security.observers import Ending

HOSTILE = 'a\n{"kind":"decision"}\r\x1b[31m\u2028\u2029\x85\x9b\x7f\x00\u202e\u200bé\U0001f600"\\'
DIGEST = Digest(b"k" * 32)
RAW = b'{"sql":"select 1"}'
ALLOWED = Decision(
    True, "id-1", caller=Caller("ann", verified=True), timings=Timings(["parse", "access"], [0, 10_400, 12_600])
)
DENIED = Decision(False, "id-2", findings=(finding("SMCP501", "/params/arguments/*"), finding("SMCP501")))

UNPROVED = {"id": "", "verified": False, "source": "", "credential": "", "tenant": "", "roles": []}


def decided(decision: Decision = ALLOWED, **changes: Any) -> dict[str, Any]:
    """A decision record with everything set, changed as said."""
    told: dict[str, Any] = {"session": "session-1", "label": "ann@example.com", "address": "192.0.2.7"}
    asked: dict[str, Any] = {"method": "tools/call", "era": Era.MODERN, "revision": "2026-07-28", "raw": RAW}
    told |= {key: value for key, value in changes.items() if key in told}
    asked |= {key: value for key, value in changes.items() if key in asked}
    target = changes.get("target", "query")
    if asked["method"] == "completion/complete":
        params: dict[str, Any] = {"ref": {"type": "ref/resource", "uri": target}}
    else:
        params = {"uri" if asked["method"] == "resources/read" else "name": target}
    params |= changes.get("arguments", {})
    message = Message(value={}, texts=Texts(), params=params, **asked) if changes.get("message", True) else None
    context = Context(now=1_780_000_000.25, message=message, **told)
    arguments = arguments_of(changes.get("detail", "hashed"))
    seal = Seal("enforce", "p" * 64, "r" * 64, DIGEST, changes.get("lock", ""), arguments)
    return decision_record(decision, context, seal, "asgi")


def read(line: bytes) -> Any:
    """The value of a line, after the proof that it is one line of printable ASCII."""
    assert line.endswith(b"\n")
    assert all(0x20 <= byte <= 0x7E for byte in line[:-1])
    return json.loads(line)


def test_a_decision_says_who_asked_for_what_and_which_rules_judged() -> None:
    assert read(encode(decided())) == {
        "v": 2,
        "kind": "decision",
        "id": "id-1",
        "at": "2026-05-28T20:26:40.250000+00:00",
        "allowed": True,
        "action": "pass",
        "codes": [],
        "findings": [],
        "method": "tools/call",
        "target": "query",
        "era": "modern",
        "revision": "2026-07-28",
        "caller": {**UNPROVED, "id": "ann", "verified": True},
        "label": "ann@example.com",
        "address": "192.0.2.7",
        "session": DIGEST(b"session-1"),
        "arguments": DIGEST(RAW),
        "size": len(RAW),
        "edge": "asgi",
        "traceparent": "",
        "mode": "enforce",
        "policy": "p" * 64,
        "rules": "r" * 64,
        "lock": "",
        "us": 13,
    }


def test_a_denial_names_each_code_once_and_every_finding() -> None:
    record = read(encode(decided(DENIED)))
    assert (record["allowed"], record["action"], record["codes"]) == (False, "block", ["SMCP501"])
    assert record["findings"][0] == {
        "code": "SMCP501",
        "slug": "schema-violation",
        "where": "/params/arguments/*",
        "severity": "medium",
        "action": "block",
    }
    assert len(record["findings"]) == 2


def test_a_message_let_through_with_a_finding_is_told_from_a_clean_one() -> None:
    reported = Decision(True, "id", findings=(finding("SMCP501", action=Action.REPORT),))
    assert decided(reported)["action"] == "report"
    assert decided()["action"] == "pass"


def test_one_message_with_many_findings_does_not_fill_the_log() -> None:
    many = decided(Decision(False, "id", findings=(finding("SMCP501"),) * (FINDINGS_LIMIT + 7)))
    few = decided(Decision(False, "id", findings=(finding("SMCP501"),) * FINDINGS_LIMIT))
    assert (len(many["findings"]), many["findings_total"]) == (FINDINGS_LIMIT, FINDINGS_LIMIT + 7)
    assert len(few["findings"]) == FINDINGS_LIMIT and "findings_total" not in few


def test_a_message_refused_before_it_was_read_has_a_record_too() -> None:
    record = read(encode(decided(Decision(False, "id"), session="", message=False)))
    assert (record["caller"], record["session"], record["arguments"], record["target"]) == (None, "", None, "")


@pytest.mark.parametrize("field", ["method", "target", "label", "address", "session", "revision"])
def test_caller_text_never_breaks_the_line(field: str) -> None:
    record = read(encode(decided(**{field: HOSTILE})))
    assert record[field] == (DIGEST(HOSTILE.encode()) if field == "session" else HOSTILE)


@pytest.mark.parametrize("character", ["\x7f", "\x1b", "\n", "\x00"])
def test_a_control_character_of_plain_ascii_is_escaped(character: str) -> None:
    assert read(encode(decided(target=f"a{character}b")))["target"] == f"a{character}b"


def test_a_caller_id_never_breaks_the_line() -> None:
    record = read(encode(decided(Decision(True, "id", caller=Caller(HOSTILE)))))
    assert record["caller"] == {**UNPROVED, "id": HOSTILE}


@pytest.mark.parametrize("field", ["method", "target", "label", "address", "session", "revision"])
def test_half_a_surrogate_pair_is_written_as_its_escape(field: str) -> None:
    record = read(encode(decided(**{field: "a\ud800"})))
    expected = DIGEST("a\ud800".encode("utf-8", "surrogatepass")) if field == "session" else "a\\ud800"
    assert record[field] == expected


def test_half_a_surrogate_pair_deep_in_a_record_is_written_as_its_escape() -> None:
    assert read(encode({"a": [{"\udfff": ("x\ud800", 1, None)}]})) == {"a": [{"\\udfff": ["x\\ud800", 1, None]}]}


@pytest.mark.parametrize("field", ["method", "target", "label", "address", "revision"])
def test_a_long_caller_text_is_cut_and_two_of_them_stay_two(field: str) -> None:
    one, two = (decided(**{field: "n" * 5_000 + end})[field] for end in "ab")
    assert len(one) == len(two) == TEXT_LIMIT
    assert one != two and one.startswith("nnn")


def test_a_text_at_the_limit_is_kept_whole() -> None:
    assert decided(target="n" * TEXT_LIMIT)["target"] == "n" * TEXT_LIMIT


def test_no_payload_is_in_a_hashed_record() -> None:
    secret = "hunter2-hunter2"
    line = encode(
        decided(
            raw=f'{{"password":"{secret}"}}'.encode(),
            arguments={"password": secret},
            method="resources/read",
            target=f"db://user:{secret}@host/{secret}",
            session=secret,
        )
    )
    assert secret.encode() not in line


def test_a_resource_is_named_by_its_scheme_and_a_hash() -> None:
    read_docs = decided(method="resources/read", target="docs://a/b")["target"]
    assert read_docs == f"docs:#{DIGEST(b'docs://a/b')}"
    assert decided(method="resources/read", target="no scheme")["target"] == f":#{DIGEST(b'no scheme')}"
    assert decided(method="completion/complete", target="docs://{id}")["target"].startswith("docs:#")


def test_a_completion_for_a_resource_tells_its_scheme_alone_and_one_for_a_prompt_its_name() -> None:
    person = "mailto:ann@example.com"
    told = decided(method="completion/complete", target=person, detail="full")
    assert told["target"] == f"mailto:#{DIGEST(person.encode())}" and told["uri"] == person
    prompt = {"ref": {"type": "ref/prompt", "name": person}}
    assert decided(method="completion/complete", arguments=prompt)["target"] == person


def test_a_tool_name_that_looks_like_a_scheme_is_kept() -> None:
    assert decided(target="files:read")["target"] == "files:read"


def test_full_keeps_the_arguments_and_the_uri_as_they_came() -> None:
    value = {"n": 123456789012345678901234567890, "t": "\u2028é", "f": 1.5}
    record = read(encode(decided(detail="full", arguments=value, method="resources/read", target="docs://a")))
    assert record["arguments"] == {"uri": "docs://a", **value}
    assert record["uri"] == "docs://a"


@pytest.mark.parametrize("detail", ["hashed", "redacted", "full"])
def test_what_everyone_may_read_of_a_resource_is_its_hash_whatever_the_policy_tells(detail: str) -> None:
    record = decided(detail=detail, method="resources/read", target="docs://a")
    assert record["target"] == f"docs:#{DIGEST(b'docs://a')}"
    assert ("uri" in record) is (detail != "hashed")


@pytest.mark.parametrize("detail", ["redacted", "full"])
def test_the_name_of_a_tool_is_no_uri_of_its_own(detail: str) -> None:
    assert "uri" not in decided(detail=detail)


TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"[:36]


def test_redacted_keeps_the_arguments_but_not_the_secrets_in_them() -> None:
    arguments = {"note": f"use {TOKEN} here", "inner": json.dumps({"token": TOKEN}), "city": "Ulm", "n": 7}
    record = decided(detail="redacted", arguments=arguments, raw=json.dumps(arguments).encode())
    told = record["arguments"]
    assert (told["city"], told["n"], told["name"]) == ("Ulm", 7, "query")
    assert TOKEN not in encode(record).decode() and "[redacted:" in told["note"] and "[redacted:" in told["inner"]
    assert arguments["note"] == f"use {TOKEN} here"


def test_redacted_keeps_honest_arguments_as_they_came() -> None:
    arguments = {"note": "see you at nine", "n": 7}
    assert decided(detail="redacted", arguments=arguments)["arguments"] == {"name": "query", **arguments}


def test_a_secret_in_the_uri_of_a_resource_is_masked_where_arguments_are() -> None:
    record = decided(detail="redacted", method="resources/read", target=f"docs://a?key={TOKEN}")
    assert record["uri"].startswith("docs://a?key=[redacted:") and TOKEN not in encode(record).decode()


def test_a_message_too_large_to_be_searched_has_its_hash() -> None:
    large, fits = b"x" * (REDACTED_LIMIT + 1), b"x" * REDACTED_LIMIT
    record = decided(detail="redacted", raw=large, method="resources/read", target="docs://a")
    assert record["arguments"] == DIGEST(large) and "uri" not in record
    assert decided(detail="redacted", raw=fits)["arguments"] == {"name": "query"}


@pytest.mark.parametrize(("count", "kind"), [(SECRETS_LIMIT, dict), (SECRETS_LIMIT + 1, str)])
def test_a_message_full_of_secrets_has_its_hash(count: int, kind: type) -> None:
    flood = {f"k{n}": f"{TOKEN[:-4]}{n:04}" for n in range(count)}
    record = decided(detail="redacted", arguments=flood)
    assert type(record["arguments"]) is kind and TOKEN[:20] not in encode(record).decode()


@pytest.mark.parametrize("lock", ["", "sha256:" + "a" * 64])
def test_a_decision_names_the_lock_file_that_it_was_made_by(lock: str) -> None:
    assert decided(lock=lock)["lock"] == lock


def test_an_outcome_carries_the_id_of_its_decision() -> None:
    ending = Ending("tool-error", 200, 9, 0.12345678, 12, "tool", DENIED.findings)
    assert read(encode(outcome_record("id-1", 0.0, ending))) == {
        "v": 2,
        "kind": "outcome",
        "id": "id-1",
        "at": "1970-01-01T00:00:00.000000+00:00",
        "status": 200,
        "result": "tool-error",
        "size": 9,
        "seconds": 0.123457,
        "tokens": 12,
        "error": "tool",
        "codes": ["SMCP501"],
        "findings": decided(DENIED)["findings"],
    }


def test_an_answer_that_nobody_counted_has_no_number_of_tokens() -> None:
    record = outcome_record("id-1", 0.0, Ending("complete"))
    assert (record["tokens"], record["error"]) == (None, "")


def test_a_loss_says_how_many_and_when() -> None:
    record = read(encode(lost_record(at=3.0, count=5, first=1.0, last=2.0, on_failure="continue")))
    assert (record["kind"], record["count"], record["first"][-14:]) == ("lost", 5, "1.000000+00:00")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), ANY_JSON, max_size=6))
def test_any_record_is_one_line_and_reads_back_the_same(record: dict[str, Any]) -> None:
    assert read(encode(record)) == record


@given(st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Cs", "Co"])))
def test_text_of_control_characters_alone_is_one_line(text: str) -> None:
    read(encode({"text": text, text: [text]}))


@given(st.floats(min_value=0, max_value=4e9), st.floats(min_value=0, max_value=4e9))
def test_later_records_sort_later(one: float, two: float) -> None:
    first, second = (decided(at=at)["at"] for at in (one, two))
    assert (first <= second) or one > two
    assert len(first) == len("2026-05-28T20:26:40.250000+00:00")


def test_a_number_that_json_does_not_know_becomes_null() -> None:
    assert read(encode({"seconds": math.nan})) == {"seconds": None}
