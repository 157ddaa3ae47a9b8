"""`smcp contracts`: what would be inferred, for people, for programs and as the beginning of a policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smcp_security.policy import Policy
from tests.cli.terminal import smcp

TEXT = {"type": "string"}


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": properties}}


TOOLS = [
    _tool("query_database", sql=TEXT, limit={"type": "integer"}),
    _tool("fetch", url=TEXT | {"format": "uri"}, since=TEXT | {"format": "date-time"}),
    _tool("git.add", files={"type": "array", "items": TEXT}, branch=TEXT),
    _tool("echo", message=TEXT),
    _tool("run_shell", command=TEXT),
]


def _write(folder: Path, document: Any) -> str:
    file = folder / "tools.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("document", [TOOLS, {"tools": TOOLS}, {"jsonrpc": "2.0", "id": 1, "result": {"tools": TOOLS}}])
def test_a_list_of_tools_is_read_in_each_of_its_wrappings(document: Any, tmp_path: Path) -> None:
    facts = smcp("contracts", _write(tmp_path, document), "--format", "json").json
    assert [(fact["tool"], fact["pointer"], fact["kind"]) for fact in facts] == [
        ("query_database", "/sql", "sql"),
        ("fetch", "/url", "url"),
        ("fetch", "/since", "date"),
        ("git.add", "/files/*", "path"),
        ("git.add", "/branch", "argv_token"),
        ("run_shell", "/command", "command"),
    ]
    assert facts[0]["content"] == ["sql"]


def test_people_read_a_line_for_each_argument_and_why() -> None:
    result = smcp("contracts", "-", stdin=json.dumps(TOOLS).encode())
    assert result.code == 0
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert lines[:2] == ["query_database", "/sql sql its name says SQL"]
    assert "/url url format: uri" in lines
    assert lines[-1] == "6 arguments of 4 in 5 tools; the rest is plain text"


def test_the_section_of_a_policy_is_valid_as_it_stands(tmp_path: Path) -> None:
    result = smcp("contracts", _write(tmp_path, TOOLS), "--format", "yaml")
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n" + result.out, encoding="utf-8")
    tools = Policy.load(policy).tools
    kinds = {
        name: {place: contract.kind for place, contract in entry.arguments.items()} for name, entry in tools.items()
    }
    assert kinds == {
        "query_database": {"/sql": "sql"},
        "fetch": {"/url": "url", "/since": "date"},
        "git.add": {"/branch": "argv_token"},
    }
    assert '    # "/files/*": {kind: path, roots: ["/srv/data"]}' in result.out
    assert "  # run_shell:\n" in result.out


def test_the_commented_parts_are_valid_once_they_are_filled_in(tmp_path: Path) -> None:
    result = smcp("contracts", _write(tmp_path, TOOLS), "--format", "yaml")
    head, _, section = result.out.partition("tools:")
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ntools:" + section.replace("# ", ""), encoding="utf-8")
    assert head.startswith("# ")
    assert set(Policy.load(policy).tools["git.add"].arguments) == {"/files/*", "/branch"}
    assert Policy.load(policy).tools["run_shell"].arguments["/command"].kind == "command"


def test_names_that_yaml_or_a_policy_would_read_otherwise_are_quoted_or_left_out(tmp_path: Path) -> None:
    tools = [
        _tool("a: b# c", **{"file.url": TEXT | {"format": "uri"}, "x/y": TEXT | {"format": "uuid"}}),
        _tool("yes", url=TEXT),
        _tool("all.*", url=TEXT),
        _tool("naïve", **{"ключ 🎉\u202e": TEXT | {"format": "uuid"}}),
    ]
    result = smcp("contracts", _write(tmp_path, tools), "--format", "yaml")
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n" + result.out, encoding="utf-8")
    assert {name: set(entry.arguments) for name, entry in Policy.load(policy).tools.items()} == {
        "yes": {"/url"},
        "naïve": {"/ключ 🎉\u202e"},
    }
    assert result.out.count("not a name that a policy can hold") == 2


@pytest.mark.parametrize("tools", [[], [_tool("echo", message=TEXT)], [_tool("read_file", path=TEXT)]])
def test_a_list_without_a_whole_contract_is_an_empty_section(tools: Any, tmp_path: Path) -> None:
    result = smcp("contracts", _write(tmp_path, tools), "--format", "yaml")
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n" + result.out, encoding="utf-8")
    assert Policy.load(policy).tools == {}


def test_names_of_a_server_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    tools = [_tool("get\x1b[2J\nrm", **{"u\u202erl\x07_url": TEXT | {"format": "uri"}})]
    for form in ("text", "json", "yaml"):
        out = smcp("contracts", _write(tmp_path, tools), "--format", form).out
        assert not [character for character in out if not character.isprintable() and character != "\n"]


def test_one_page_of_a_longer_list_is_said_to_be_one(tmp_path: Path) -> None:
    result = smcp("contracts", _write(tmp_path, {"tools": TOOLS, "nextCursor": "2"}))
    assert result.code == 0
    assert "one page" in result.err
    assert smcp("contracts", _write(tmp_path, {"tools": TOOLS})).err == ""


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "SMCP114"), (b"{", "SMCP114"), (b"\xff\xfe", "SMCP113"), (b'{"a": 1, "a": 2}', "SMCP112"),
        (b"7", "no list of tools"), (b'{"tools": {}}', "no list of tools"), (b'{"result": 1}', "no list of tools"),
        (b"[1]", "tool 1 of the list"), (b'[{"name": ""}]', "tool 1"),
        (b'[{"name": "a", "inputSchema": []}]', "tool 1"),
        (b"[" * 100_000, "SMCP117"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_tools_is_one_clear_line(raw: bytes, problem: str) -> None:
    result = smcp("contracts", "-", stdin=raw)
    assert result.code == 2
    assert problem in result.complaint
    assert "expected the result of tools/list" in result.complaint


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.json", tmp_path):
        result = smcp("contracts", str(file))
        assert result.code == 2
        assert "tools/list" in result.complaint
