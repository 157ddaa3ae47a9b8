"""Where things stand in a file: spans of keys and values, whatever the style."""

from __future__ import annotations

import pytest

from smcp_security.lint.document import Document, edited
from smcp_security.lint.finding import Edit
from smcp_security.lint.inputs import document
from smcp_security.policy.places import Path
from tests.lint.twins import read

STYLES = """\
version: 1
server:
  hosts: ["a.example.com", b.example.com:*, 'c''s.example.com'] # names
  paths:
    - /mcp # the endpoint
    - "/s#e"
  origins: [
    https://app.example.com, "https://b.example.com"]
tools:
  "a: b": {arguments: {x: {kind: enum, values: [x y, z]}}}
"""


@pytest.mark.parametrize(
    ("path", "spelt"),
    [
        (("version",), "1"),
        (("server", "hosts", 0), '"a.example.com"'),
        (("server", "hosts", 1), "b.example.com:*"),
        (("server", "hosts", 2), "'c''s.example.com'"),
        (("server", "hosts"), "[\"a.example.com\", b.example.com:*, 'c''s.example.com']"),
        (("server", "paths", 0), "/mcp"),
        (("server", "paths", 1), '"/s#e"'),
        (("server", "origins", 0), "https://app.example.com"),
        (("server", "origins", 1), '"https://b.example.com"'),
        (("server", "origins"), "["),
        (("tools", "a: b", "arguments", "x", "values", 0), "x y"),
        (("tools", "a: b", "arguments", "x", "values", 1), "z"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_value_is_found_as_it_is_spelt(path: Path, spelt: str, end: str) -> None:
    assert read(STYLES.replace("\n", end)).scalar(path) == spelt


def test_a_key_is_found_where_it_is_written() -> None:
    found = read(STYLES)
    span = found.span(("tools", "a: b"), key=True)
    assert found.line(span.line)[span.column - 1 : span.end_column - 1] == '"a: b"'


def test_what_is_not_written_is_looked_for_around_it() -> None:
    found = read(STYLES)
    assert found.span(("server", "hosts", 7)).line == found.span(("server", "hosts")).line
    assert found.span(("audit", "file")) == found.span(())
    assert not found.written(("audit",))
    assert found.at(("audit", "file")) is None


@pytest.mark.parametrize("offset", [0, 5, 11, 30, 10**6])
def test_places_and_offsets_say_the_same(offset: int) -> None:
    found = read(STYLES)
    at = min(offset, len(found.text))
    assert found.offset(*found.place(at)) == at


def test_edits_are_made_from_the_end() -> None:
    assert edited("abcdef", [Edit(0, 1, "XYZ"), Edit(4, 6, ""), Edit(2, 2, "-")]) == "XYZb-cd"


def kind(text: str) -> str:
    """What a text that somebody names is taken for."""
    found = document("f", text)
    return found.kind if isinstance(found, Document) else "none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\n", "policy"),
        ("server: {}\n", "policy"),
        ('{"version": 1, "tools": {"a": {}}}', "policy"),
        ("{}", "policy"),
        ("{server: {paths: [/mcp]}}", "policy"),
        ('{"version": 1, "server": {}, "instructions": null, "tools": {}, "prompts": {}, "templates": {}}', "lock"),
        ('{"tools": [{"name": "a", "inputSchema": {}}]}', "tools"),
        ('{"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a", "inputSchema": {}}]}}', "tools"),
        ('[{"name": "a", "inputSchema": {}}]', "tools"),
        ('{"mcpServers": {"a": {"command": "x"}}}', "client"),
        ('{"servers": {"a": {"url": "https://x/mcp"}}, "inputs": []}', "client"),
        ('// mine\n{"mcp": {"servers": {"a": {"command": "x"}}}}', "client"),
        ('{"projects": {"/home/a": {"mcpServers": {"a": {"command": "x"}}}}}', "client"),
        ('{"mcpServers": {"a": {"command": "x"}', "client"),
        ('{"name": "package", "dependencies": {}}', "none"),
        ("[1, 2]", "none"),
        ('{"servers": [{"url": "https://api"}], "openapi": "3.1.0"}', "none"),
    ],
)
def test_a_file_is_recognised_by_what_it_says(text: str, expected: str) -> None:
    assert kind(text) == expected
