"""The look at unlisted paths under fuzz: MCP that any parser behind the middleware would read is seen there.

The first byte says how the body in the rest is sent: as it is, in another encoding, compressed, behind many blanks.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import pydantic_core

from smcp_security.adapters.strays import is_mcp
from smcp_security.revisions import methods
from tests.fuzz import message, samples
from tests.fuzz.oracle import expect

EXTRA: Final = ("x-vendor/*",)
LONG: Final = b" " * 9_000
"""Makes a body long: long ones are read in another way."""

WAYS: Final[tuple[tuple[Callable[[bytes], bytes], str], ...]] = (
    (lambda body: body, ""),
    (lambda body: LONG + body, ""),
    (lambda body: b"\xef\xbb\xbf" + body, ""),
    (lambda body: body.decode("utf-8", "replace").encode("utf-16"), ""),
    (lambda body: body.decode("utf-8", "replace").encode("utf-32-be"), ""),
    (lambda body: gzip.compress(body, 1), "gzip"),
    (lambda body: zlib.compress(body, 1), "deflate"),
)
WORDS: Final = (
    *message.WORDS,
    *(f'"{method}"'.encode() for method in sorted(methods())),
    b'"jsonrpc":"2.0"', b'"protocolVersion"', b'"x-vendor/thing"', rb'"m\u0065thod"', rb'"tools\/call"', b"\xff",
    b"\xe2\x80\xa8",
    b'[{}, ', b'"Method"', b'"JSONRPC"', b"\n", b"\x00",
)  # fmt: skip
_GREETINGS: Final = frozenset({"initialize", "ping"})


def judge(data: bytes) -> None:
    """Look at the body in `data`, and read it as servers do."""
    first, body = data[0] if data else 0, data[1:]
    wrap, encoding = WAYS[first % len(WAYS)]
    sent = wrap(body)
    seen = is_mcp(sent, EXTRA, encoding)
    plain = body if encoding else sent
    values = [value for read in (_python, _pydantic, _javascript) for value in read(plain)]
    if any(_is_call(each) for value in values for each in (value if isinstance(value, list) else [value])):
        expect(seen, "what a server would take for MCP is seen as that")
    expect(is_mcp(sent, EXTRA, encoding) == seen, "the same body is seen alike")
    if not encoding and b"json" not in body.lower().replace(b"_", b"") and body.isascii() and b"\\" not in body:
        expect(not seen or sent != body, "what does not speak of JSON-RPC is left alone")


def seeds() -> Iterator[bytes]:
    """Messages in every way to send them, and what other protocols send."""
    for number, body in enumerate(samples.messages()):
        yield bytes([number % len(WAYS)]) + body
        yield bytes([(number + 3) % len(WAYS)]) + b"[" + body + b"]"
    for other in (
        '{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[]}',
        '{"name":"Ann"}',
        "a=1&b=2",
        "[1,2]",
        "<a/>",
    ):
        yield b"\x00" + other.encode()
    yield b"\x00" + b'{"jsonrpc":"2.0","method":"x","method":"tools/call"}'
    yield b"\x01" + b'{"jsonrpc":"2.0","method":"tools/call","method":"x"}'
    yield b"\x00" + rb'{"\u006asonrpc":"2.0","id":1,"m\u0065thod":"tools\/list"}'


def _is_call(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        return False
    method = value.get("method")
    if not isinstance(method, str):
        return False
    return method in methods() - _GREETINGS or method.startswith("x-vendor/")


def _python(body: bytes) -> Iterator[Any]:
    """The standard library, as most Python servers use it."""
    try:
        yield json.loads(body)
    except (ValueError, RecursionError):
        return


def _pydantic(body: bytes) -> Iterator[Any]:
    """What the Python SDK reads messages with."""
    try:
        yield pydantic_core.from_json(body)
    except (ValueError, RecursionError):
        return


def _javascript(body: bytes) -> Iterator[Any]:
    """A server in JavaScript: bytes that are no UTF-8 are replaced, a byte order mark is taken off."""
    try:
        yield json.loads(body.decode("utf-8", "replace").removeprefix("\ufeff"), parse_int=float)
    except (ValueError, RecursionError):
        return
