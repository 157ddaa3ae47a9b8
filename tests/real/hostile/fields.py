"""Header fields that say what the message is: routing headers, repeated fields, content types and codings."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tests.real.attacks import ADD, ECHO, OLD_ADD
from tests.real.hostile.row import Row, Said, served, spoiled
from tests.real.messages import MODERN, Request, call, modern


def wrapped(text: str | bytes) -> str:
    """A value in the wrapping of 2026-07-28 for what a header cannot hold."""
    return f"=?base64?{base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()}?="


def routing() -> Iterable[Row]:
    """`Mcp-*` fields against the body: missing, repeated, disagreeing, wrapped wrongly."""
    for value in _WRONG_NAMES:
        yield spoiled(f"Mcp-Name {value!a}", ADD.setting("mcp-name", value), "SMCP124", ADD)
    for value in (wrapped("add"), "\t add "):
        yield served(f"Mcp-Name {value!a}", ADD.setting("mcp-name", value))
    read = modern("resources/read", {"uri": "book://é"})
    yield served("Mcp-Name wrapped for a name outside ASCII", read.setting("mcp-name", wrapped("book://é")))
    for name, value in _SPELT.items():
        right = read.setting("mcp-name", wrapped("book://é"))
        yield spoiled(f"Mcp-Name outside ASCII {name}", read.setting("mcp-name", value), "SMCP124", right)
    literal = call("modern", wrapped("add"), {"a": 1})
    yield spoiled("a tool whose name looks wrapped", literal, "SMCP124", ADD)
    for name in ("mcp-name", "mcp-method", "mcp-protocol-version"):
        value = dict(ADD.headers)[name]
        for twin in (name, name.upper(), name.title()):
            yield spoiled(f"{twin} beside {name}, both right", ADD.adding((twin, value)), "SMCP124", _cased(name))
    for value in (
        "TOOLS/CALL",
        "tools/call,tools/list",
        wrapped("tools/call"),
        "tools%2Fcall",
        "tools/call\xa0",
        "tools\\u002fcall",
    ):
        yield spoiled(f"Mcp-Method {value!a}", ADD.setting("mcp-method", value), "SMCP124", ADD)
    for value in (
        "2026-07-28,2025-11-25",
        "2026-07-29",
        '"2026-07-28"',
        "2026-07-28 ;q=1",
        wrapped(MODERN),
        "latest",
        "\xb2026-07-28",
    ):
        yield spoiled(f"MCP-Protocol-Version {value!a}", ADD.setting("mcp-protocol-version", value), "SMCP124", ADD)
    yield served("Mcp-Name with an underscore beside the right one", ADD.adding(("mcp_name", "other")))
    yield served("an unknown Mcp-Param", ADD.adding(("mcp-param-zone", "west")))


_SPELT: Final = {"as UTF-8": "book://é".encode().decode("latin-1"), "decomposed": wrapped("book://e\u0301")}


def _cased(name: str) -> Request:
    value = dict(ADD.headers)[name]
    return ADD.without(name).adding((name.title(), value))


_WRONG_NAMES: Final = (
    "Add", "ADD", "add,add", "add, echo", "echo", "", '"add"', "a dd", "add\xa0", "%61dd", "\\u0061dd",
    "=?base64?YWRk=?=", "=?base64?YWRk", "=?base64? YWRk?=", "=?base64?YWR?=", "=?base64?YW\tRk?=", "=?base64?Y-Rk?=",
    "=?base64??=", "=?base64?=", "=?BASE64?YWRk?=", "=?Base64?YWRk?=", "=?utf-8?B?YWRk?=", "=?base64?YWRl?=",
    "=?base64?YWRkAA==?=", "=?base64?//8=?=", "=?base64?YWRl?= ", "=?base64?YWRk?= =?base64?YWRk?=",
    "=?base64?PT9iYXNlNjQ/WVdSaz89?=", "=?base64?YWRk?=?=", " =?base64?YWRk ?=",
)  # fmt: skip


def repeated() -> Iterable[Row]:
    """Fields of which readers take different copies."""
    for name, value in _ONCE.items():
        one = OLD_ADD.without(name).adding((name, value))
        yield spoiled(f"{name} twice", one.adding((name, value)), "SMCP107", one)
        yield spoiled(f"{name} in two cases", one.adding((name.title(), value)), "SMCP107", one)
    both = OLD_ADD.adding(("mcp-protocol-version", "2025-11-25"))
    yield spoiled("the version of the older era twice", both, "SMCP107", OLD_ADD)
    for name in ("accept", "user-agent", "x-forwarded-for", "cookie", "mcp-param-zone"):
        yield served(f"{name} twice", ADD.adding((name, "*/*"), (name, "*/*")))


_ONCE: Final = {
    "content-type": "application/json",
    "content-encoding": "identity",
    "authorization": "Bearer a",
    "mcp-session-id": "a",
    "last-event-id": "1",
}


def types() -> Iterable[Row]:
    """Content types of every spelling: JSON in UTF-8, or nothing."""
    for media in _OTHER_TYPES:
        yield spoiled(f"type {media!a}", ECHO.setting("content-type", media), "SMCP106", ADD)
    yield spoiled("no type", ECHO.without("content-type"), "SMCP106", ADD)
    for media in _JSON_TYPES:
        yield served(f"type {media!a}", ADD.setting("content-type", media))
    yield served("an Accept of another type", ADD.setting("accept", "text/html"), Said(406))


_JSON_TYPES: Final = (
    "application/json;charset=utf-8", 'application/json; charset="utf-8"', "application/json; charset=UTF8",
    "application/json; a=b", "application/json ; charset=utf-8", "application/json;",
)  # fmt: skip
_OTHER_TYPES: Final = (
    "", "text/plain", "text/json", "*/*", "application/*", "json", "application/json-rpc", "application/jsonrequest",
    "application/json5", "application/x-ndjson", "application/json-seq", "application/vnd.api+json",
    "application/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data; boundary=application/json",
    "text/event-stream", "application/json, text/plain", "text/plain, application/json",
    "application/json text/plain", "application\\json", "application/json/x", "application /json",
    "applicati\xf6n/json", "application/json; charset=utf-16", "application/json; charset=UTF-16LE",
    "application/json; charset=utf-32", "application/json; charset=utf-7", "application/json; charset=iso-8859-1",
    "application/json; charset=us-ascii", "application/json; charset=", "application/json; charset",
    "application/json; charset=utf-8; charset=utf-16", "application/json; CHARSET=utf-16",
    "application/json;charset = utf-16", "application/json; charset*=utf-16''x",
    'application/json; x="; charset=utf-16"', "application/json; charset='utf-16'", "text/plain; application/json",
)  # fmt: skip


def codings() -> Iterable[Row]:
    """Compressed bodies, declared and not."""
    packed = {"gzip": gzip.compress(ADD.body), "deflate": zlib.compress(ADD.body), "br": b"\x8b\x02\x80" + ADD.body}
    for coding, body in packed.items():
        yield spoiled(f"a body in {coding}", ADD.carrying(body).adding(("content-encoding", coding)), "SMCP105", ADD)
        yield spoiled(
            f"a body in {coding} that nobody declared",
            ADD.carrying(body),
            "SMCP113" if body[:1] > b"\x7f" or body[1:2] > b"\x7f" else "SMCP114",
            ADD,
        )
    for coding in ("identity, gzip", "gzip, identity", "GZIP", "x-gzip", "chunked", "aes128gcm", "identity;q=1", "*"):
        yield spoiled(f"coding {coding!r} on a plain body", ADD.adding(("content-encoding", coding)), "SMCP105", ADD)
    for coding in ("identity", "IDENTITY", ""):
        yield served(f"coding {coding!r} on a plain body", ADD.adding(("content-encoding", coding)))
    bomb = gzip.compress(b" " * 10**6 + ADD.body)
    yield spoiled("a bomb", replace(ADD, body=bomb).adding(("content-encoding", "gzip")), "SMCP105", ADD)
    yield served("a transfer coding to be asked for", ADD.adding(("te", "trailers, gzip"), ("connection", "te")))
