"""Hostile requests beside their benign twins, and what the middleware must answer to each (DESIGN 4)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tests.real.messages import META, MODERN, Request, call, encoded, legacy, modern, posted

MARK: Final = "tulip4711"
"""A word that stands in the hostile payloads and must not come back in an answer or a log line."""


@dataclass(frozen=True)
class Attack:
    """A hostile request and the answer it must get: HTTP status, finding, JSON-RPC code (None: whatever fits) and id.

    `twin` has the same shape and is harmless: it must reach the server byte for byte in value.
    """

    name: str
    hostile: Request
    status: int
    code: str
    rpc: int | None
    twin: Request
    id: int | None = None

    @property
    def leaves_open(self) -> bool:
        """Whether the refusal must leave the connection as it was."""
        return self.status in (200, 400, 404)


ADD: Final = call("modern", "add", {"a": 1, "b": 2})
OLD_ADD: Final = call("legacy", "add", {"a": 1, "b": 2})
ECHO: Final = call("modern", "echo", {"text": MARK})


def of_transport() -> Iterable[Attack]:
    """Facts of HTTP, judged before any body is read."""
    long = call("modern", "measure", {"text": MARK * 200_000})
    fits = call("modern", "measure", {"text": "x" * 1_000_000})
    many = tuple((f"x-{number}", MARK) for number in range(220))
    gzipped = ("content-encoding", "gzip")
    yield Attack("host", ECHO.named("attacker.example:8000"), 421, "SMCP101", None, ECHO.named("localhost:8000"))
    yield Attack("host-zero", ECHO.named("0.0.0.0:8000"), 421, "SMCP101", None, ECHO.named("[::1]:8000"))
    yield _origin("origin", "http://attacker.example", "http://localhost:5173")
    yield _origin("origin-null", "null", "http://127.0.0.1:5173")
    yield _origin("origin-suffix", "http://localhost.attacker.example:80", "http://localhost:80")
    twice = ECHO.adding(("origin", "http://localhost:1"), ("origin", "http://attacker.example"))
    yield Attack("two-origins", twice, 403, "SMCP102", None, ECHO.adding(("origin", "http://localhost:1")))
    yield Attack("large-body", long, 413, "SMCP104", None, fits)
    yield Attack("many-fields", ADD.adding(*many), 431, "SMCP103", None, ADD.adding(*many[:100]))
    yield Attack("long-field", ADD.adding(("x-a", MARK * 8000)), 431, "SMCP103", None, ADD.adding(("x-a", "y" * 8000)))
    yield Attack("gzip", ADD.adding(gzipped), 415, "SMCP105", None, ADD.adding(("content-encoding", "identity")))
    yield _typed("text", "text/plain", "application/json")
    yield _typed("json-rpc", "application/json-rpc", "application/json; charset=utf-8")
    yield _typed("utf-16-charset", "application/json; charset=utf-16", 'application/json; charset="UTF-8"')
    both = ADD.adding(("content-type", "text/plain"))
    yield Attack("two-types", both, 400, "SMCP107", None, ADD)


def _origin(name: str, bad: str, good: str) -> Attack:
    return Attack(name, ECHO.adding(("origin", bad)), 403, "SMCP102", None, ECHO.adding(("origin", good)))


def _typed(name: str, bad: str, good: str) -> Attack:
    return Attack(name, ADD.setting("content-type", bad), 415, "SMCP106", None, ADD.setting("content-type", good))


def of_parsing(era: str) -> Iterable[Attack]:
    """Bodies that two parsers could read differently, in the frame of either era."""
    one = call(era, "echo", {"text": MARK})
    keyed = call(era, "tag", {"labels": {"Name": MARK, "name": "b"}})
    deep = "[" * 70 + "]" * 70
    shallow = "[" * 20 + "]" * 20
    numbers = call(era, "tag", {"labels": {"n": "N"}})
    yield _bad("truncated", one.carrying(one.body[:-2]), "SMCP114", -32700, one)
    yield _bad("trailing", one.carrying(one.body + b"{}"), "SMCP114", -32700, one.carrying(one.body + b"\r\n "))
    yield _bad("byte-order-mark", one.carrying(b"\xef\xbb\xbf" + one.body), "SMCP113", -32700, one)
    yield _bad("utf-16", one.carrying(one.body.decode().encode("utf-16")), "SMCP113", -32700, one)
    yield _bad("latin-1", one.respelled(MARK, "x").carrying(one.body.replace(b"t", b"\xe9", 1)), "SMCP113", -32700, one)
    yield _bad("nan", numbers.respelled('"N"', "NaN"), "SMCP115", -32700, numbers.respelled('"N"', "1e300"))
    yield _bad("overflow", numbers.respelled('"N"', "1e400"), "SMCP115", -32700, numbers.respelled('"N"', "-1.5e10"))
    digits = numbers.respelled('"N"', "9" * 1001), numbers.respelled('"N"', "9" * 40)
    yield _bad("digits", digits[0], "SMCP115", -32700, digits[1])
    surrogate = one.respelled(MARK, MARK + "\\ud83d"), one.respelled(MARK, "\\ud83d\\ude00")
    yield _bad("half-a-pair", surrogate[0], "SMCP116", -32700, surrogate[1])
    yield _bad("deep", numbers.respelled('"N"', deep), "SMCP117", -32600, numbers.respelled('"N"', shallow))
    nodes = "[" + "1," * 50_001 + "1]"
    yield _bad("nodes", numbers.respelled('"N"', nodes), "SMCP118", -32600, numbers.respelled('"N"', "[1,1,1]"))
    yield _bad("same-key", keyed.respelled('"Name"', '"name"'), "SMCP112", -32600, keyed)
    escaped = keyed.respelled('"Name"', '"n\\u0061me"')
    yield _bad("same-key-escaped", escaped, "SMCP112", -32600, keyed.respelled('"Name"', '"N\\u0061me"'))
    methods = one.respelled('"method":', '"method":"tools/list","method":')
    yield _bad("same-method", methods, "SMCP112", -32600, one)


def of_envelopes(era: str) -> Iterable[Attack]:
    """Messages that are JSON and no JSON-RPC, or have keys that a lenient parser would take for others."""
    one = call(era, "echo", {"text": MARK})
    keyed = call(era, "tag", {"labels": {"Arguments": MARK, "arguments": "b", "paramſ": "c", "_name": "d"}})
    yield _bad("batch", one.carrying(b"[" + one.body + b"]"), "SMCP119", -32600, one)
    yield _bad("null-id", one.respelled('"id":1', '"id":null'), "SMCP121", -32600, one.respelled('"id":1', '"id":"1"'))
    yield _bad("broken-id", one.respelled('"id":1', '"id":1.5'), "SMCP121", -32600, one.respelled('"id":1', '"id":-1'))
    yield _bad("true-id", one.respelled('"id":1', '"id":true'), "SMCP121", -32600, one.respelled('"id":1', '"id":0'))
    yield _bad("version", one.respelled('"2.0"', '"1.0"'), "SMCP120", -32600, one)
    yield _bad("string", one.carrying(f'"{MARK}"'), "SMCP120", -32600, one)
    yield _bad("extra-key", one.respelled('"id":1', '"id":1,"auth":"x"'), "SMCP122", -32600, one)
    for spelling in ("Params", "paramſ", "PARAMS", "_params"):
        spelled = one.respelled('"params":', f'"{spelling}":{{}},"params":')
        yield _bad(f"envelope-{spelling!a}", spelled, "SMCP123", -32600, keyed)
    for spelling in ("Name", "Arguments", "ARGUMENTS", "argument\u017f", "_name"):
        spelled = one.respelled('"arguments":', f'"{spelling}":{{}},"arguments":')
        yield Attack(f"params-{spelling!a}", spelled, 400, "SMCP123", None, keyed)


def _bad(name: str, hostile: Request, code: str, rpc: int, twin: Request) -> Attack:
    return Attack(name, hostile, 400, code, rpc, twin)


def of_the_newer_ladder() -> Iterable[Attack]:
    """What "Server Validation" of 2026-07-28 refuses. Each answer carries the id."""
    name = call("modern", "echo", {"text": MARK})
    wrapped = "=?base64?" + base64.b64encode(b"echo").decode() + "?="
    foreign = "=?base64?" + base64.b64encode(b"add").decode() + "?="
    yield _mismatch("other-name", name.setting("mcp-name", "add"), name)
    yield _mismatch("other-wrapped-name", name.setting("mcp-name", foreign), name.setting("mcp-name", wrapped))
    yield _mismatch(
        "name-case", name.setting("mcp-name", "Echo"), name.without("mcp-name").adding(("MCP-NAME", "echo"))
    )
    yield _mismatch("no-name", name.without("mcp-name"), name.setting("mcp-name", "  echo "))
    yield _mismatch("two-names", name.adding(("mcp-name", "echo")), name)
    yield _mismatch("other-method", name.setting("mcp-method", "tools/list"), name)
    yield _mismatch("no-method", name.without("mcp-method"), name)
    yield _mismatch("other-version", name.setting("mcp-protocol-version", "2025-11-25"), name)
    yield _mismatch("no-version", name.without("mcp-protocol-version"), name)
    versions = name.without("mcp-protocol-version").adding(
        ("mcp-protocol-version", "2025-06-18"), ("mcp-protocol-version", MODERN)
    )
    yield _mismatch("two-versions", versions, name)
    bare = modern("tools/list")
    message = json.loads(bare.body)
    del message["params"]["_meta"]
    yield Attack("no-meta", bare.carrying(encoded(message)), 400, "SMCP125", -32602, bare, 1)
    future = bare.respelled(MODERN, "2099-01-01").setting("mcp-protocol-version", "2099-01-01")
    yield Attack("revision", future, 400, "SMCP126", -32022, bare, 1)
    yield Attack("method", modern("x-vendor/do", {"note": MARK}), 404, "SMCP127", -32601, bare, 1)
    answer = bare.carrying(encoded({"jsonrpc": "2.0", "id": 1, "result": {"_meta": dict(META), "text": MARK}}))
    yield Attack("posted-response", answer, 400, "SMCP130", None, bare)
    note = bare.carrying(encoded({"jsonrpc": "2.0", "method": "notifications/vendor", "params": {"note": MARK}}))
    note = note.setting("mcp-method", "notifications/vendor")
    yield Attack("notification", note, 404, "SMCP127", None, bare)


def _mismatch(name: str, hostile: Request, twin: Request) -> Attack:
    return Attack(name, hostile, 400, "SMCP124", -32020, twin, 1)


def of_the_older_era() -> Iterable[Attack]:
    """What 2025-11-25 refuses; errors of the protocol ride on a 200 there, or clients lose their connection."""
    yield Attack("method", legacy("x-vendor/do", {"note": MARK}), 200, "SMCP127", -32601, legacy("tools/list"), 1)
    versions = OLD_ADD.adding(("mcp-protocol-version", MODERN))
    yield Attack("two-versions", versions, 400, "SMCP107", None, OLD_ADD)
    nameless = legacy("tools/call", {"name": [MARK], "arguments": {}})
    yield Attack("params", nameless, 200, "SMCP128", -32602, OLD_ADD, 1)


def refused_notification() -> tuple[Request, Request]:
    """A notification of the older era that must be dropped, and one that must not."""
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    attack = {**cancelled, "params": {"requestId": 9, "reason": f"; cat /etc/passwd #{MARK}"}}
    return posted(attack), posted({**cancelled, "params": {"requestId": 9, "reason": "no longer needed"}})
