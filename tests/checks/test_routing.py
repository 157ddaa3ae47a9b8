"""The routing headers of 2026-07-28 must say what the body says; every other spelling is a mismatch."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.http import Headers, read_headers
from smcp_security.checks.routing import decoded, header_mismatch, param_mismatch
from smcp_security.message import Era, Message, parse, typed
from tests.envelopes import MODERN, call, encoded, headers_of, modern, without

Fields = list[tuple[str, str]]


def _message(value: dict[str, Any]) -> Message:
    return typed(parse(encoded(value), max_depth=64), Era.MODERN, MODERN)


def _headers(fields: Fields) -> Headers:
    return read_headers([(name.encode("latin-1"), text.encode("latin-1")) for name, text in fields])


def _mismatch(value: dict[str, Any], fields: Fields | None = None, claimed: Any = MODERN) -> str:
    return header_mismatch(_message(value), _headers(headers_of(value) if fields is None else fields), claimed)


def _wrapped(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


CALL = call("echo", era="modern")


@pytest.mark.parametrize(
    "value",
    [
        CALL,
        modern("tools/list"),
        modern("prompts/get", {"name": "p"}),
        modern("resources/read", {"uri": "note://a"}),
    ],
)
def test_headers_equal_to_the_body_agree(value: dict[str, Any]) -> None:
    assert _mismatch(value) == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [("mcp-protocol-version", "MCP-Protocol-Version"), ("mcp-method", "Mcp-Method"), ("mcp-name", "Mcp-Name")],
)
def test_a_routing_header_is_required_single_and_equal(name: str, shown: str) -> None:
    honest = headers_of(CALL)
    rest, value = without(honest, name), dict(honest)[name]
    assert _mismatch(CALL, rest) == shown
    assert _mismatch(CALL, [*rest, (name, "other")]) == shown
    assert _mismatch(CALL, [*rest, (name, value.upper() + "X")]) == shown
    assert _mismatch(CALL, [*honest, (name, value)]) == shown
    assert _mismatch(CALL, [*rest, (name, "")]) == shown
    assert _mismatch(CALL, [*rest, (name.upper(), f"  {value}\t")]) == ""


@pytest.mark.parametrize("name", ["echo ", "ECHO", "ech\u00f6", "echo,echo", "delete_all", "=?base64?ZWNobw?="])
def test_a_name_that_only_resembles_the_tool_is_a_mismatch(name: str) -> None:
    expected = "" if name.strip() == "echo" else "Mcp-Name"
    assert _mismatch(CALL, [*without(headers_of(CALL), "mcp-name"), ("mcp-name", name)]) == expected


def test_a_name_in_base64_agrees_with_the_text_it_stands_for() -> None:
    value = modern("resources/read", {"uri": "note://é"})
    fields = [*without(headers_of(CALL), "mcp-name"), ("mcp-name", _wrapped("note://é"))]
    fields = [("mcp-method", "resources/read") if name == "mcp-method" else (name, text) for name, text in fields]
    assert _mismatch(value, fields) == ""


def test_the_version_that_the_body_claims_must_be_the_headers() -> None:
    assert _mismatch(CALL, claimed="2025-11-25") == "MCP-Protocol-Version"
    assert _mismatch(CALL, claimed=7) == "MCP-Protocol-Version"
    assert _mismatch(CALL, claimed=None) == "MCP-Protocol-Version"


def test_a_notification_needs_no_headers_but_wrong_ones_are_refused() -> None:
    notice = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert _mismatch(notice, [("mcp-protocol-version", MODERN)], claimed=None) == ""
    wrong = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call")]
    assert _mismatch(notice, wrong, claimed=None) == "Mcp-Method"


def test_the_name_of_a_task_may_be_left_out_but_not_wrong() -> None:
    value = modern("tasks/get", {"taskId": "t"})
    assert _mismatch(value) == ""
    assert _mismatch(value, [*headers_of(value), ("mcp-name", "t")]) == ""
    assert _mismatch(value, [*headers_of(value), ("mcp-name", "other")]) == "Mcp-Name"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (None, None),
        ("", ""),
        ("plain", "plain"),
        (_wrapped("plain"), "plain"),
        (_wrapped(""), ""),
        (_wrapped("ü€"), "ü€"),
        ("=?BASE64?YQ==?=", "=?BASE64?YQ==?="),
        ("=?base64?YQ==", "=?base64?YQ=="),
        ("x=?base64?YQ==?=", "x=?base64?YQ==?="),
        ("=?base64?YQ?=", None),
        ("=?base64?YR==?=", None),
        ("=?base64?Y Q==?=", None),
        ("=?base64?YQ==\n?=", None),
        ("=?base64?_w==?=", None),
        ("=?base64?/w==?=", None),
        ("=?base64?!!?=", None),
    ],
)
def test_only_the_one_canonical_wrapping_is_decoded(header: str | None, text: str | None) -> None:
    assert decoded(header) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_every_text_survives_the_wrapping(text: str) -> None:
    assert decoded(_wrapped(text)) == text


@given(st.text(st.characters(max_codepoint=255), max_size=40), st.booleans())
def test_no_header_makes_decoding_raise(text: str, wrap: bool) -> None:
    assert isinstance(decoded(f"=?base64?{text}?=" if wrap else text), str | None)


MIRRORED = {
    "mcp-param-r": (("region",), "string"),
    "mcp-param-n": (("page", "n"), "integer"),
    "mcp-param-b": (("flag",), "boolean"),
}


@pytest.mark.parametrize(
    ("arguments", "fields", "name"),
    [
        ({}, [], ""),
        ({"region": None}, [], ""),
        ({"region": "eu"}, [("Mcp-Param-R", "eu")], ""),
        ({"region": "eu"}, [("Mcp-Param-R", _wrapped("eu"))], ""),
        ({"region": "eu"}, [("mcp-param-other", "x"), ("mcp-param-r", " eu ")], ""),
        ({"region": "eu"}, [], "mcp-param-r"),
        ({"region": "eu"}, [("mcp-param-r", "us")], "mcp-param-r"),
        ({"region": "eu"}, [("mcp-param-r", "EU")], "mcp-param-r"),
        ({"region": "eu"}, [("mcp-param-r", "eu"), ("mcp-param-r", "eu")], "mcp-param-r"),
        ({}, [("mcp-param-r", "eu")], "mcp-param-r"),
        ({"region": None}, [("mcp-param-r", "")], "mcp-param-r"),
        ({"region": ["eu"]}, [("mcp-param-r", "eu")], "mcp-param-r"),
        ({"page": {"n": 42}}, [("mcp-param-n", "42")], ""),
        ({"page": {"n": 42}}, [("mcp-param-n", "42.0")], ""),
        ({"page": {"n": 42.0}}, [("mcp-param-n", "42")], ""),
        ({"page": {"n": -7}}, [("mcp-param-n", "-7")], ""),
        ({"page": {"n": 42}}, [("mcp-param-n", "43")], "mcp-param-n"),
        ({"page": {"n": 42}}, [("mcp-param-n", "4_2")], "mcp-param-n"),
        ({"page": {"n": 42}}, [("mcp-param-n", "٤٢".encode().decode("latin-1"))], "mcp-param-n"),
        ({"page": {"n": 42}}, [("mcp-param-n", "42.5")], "mcp-param-n"),
        ({"page": {"n": 42}}, [("mcp-param-n", "9" * 5000)], "mcp-param-n"),
        ({"page": {"n": 42.5}}, [("mcp-param-n", "42.5")], ""),
        ({"page": "n"}, [], ""),
        ({"page": {"n": "42"}}, [("mcp-param-n", "42")], ""),
        ({"flag": True}, [("mcp-param-b", "true")], ""),
        ({"flag": True}, [("mcp-param-b", "True")], "mcp-param-b"),
        ({"flag": True}, [("mcp-param-b", "1")], "mcp-param-b"),
        ({"flag": False}, [("mcp-param-b", "false")], ""),
        ([], [], ""),
    ],
)
def test_mirrored_arguments_agree_with_their_headers(arguments: Any, fields: Fields, name: str) -> None:
    assert param_mismatch(MIRRORED, arguments, _headers(fields)) == name
