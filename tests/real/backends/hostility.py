"""Hostile messages for a server of any make: each is spoilt from one honest call, which is its twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.real.attacks import MARK, Attack
from tests.real.messages import META, Request, call, encoded, legacy, modern, posted


def honest(era: str, tool: str, argument: str) -> Request:
    """A call of a tool that gives its one text back."""
    return call(era, tool, {argument: f"{MARK} and more"}, id=1)


def unreadable(one: Request) -> Iterable[Attack]:
    """Bodies that two parsers could read differently."""
    text = f'"{MARK} and more"'
    yield _bad("truncated", one.carrying(one.body[:-2]), "SMCP114", -32700, one)
    yield _bad("trailing", one.carrying(one.body + b"{}"), "SMCP114", -32700, one.carrying(one.body + b" \n"))
    yield _bad("byte-order-mark", one.carrying(b"\xef\xbb\xbf" + one.body), "SMCP113", -32700, one)
    yield _bad("utf-16", one.carrying(one.body.decode().encode("utf-16")), "SMCP113", -32700, one)
    yield _bad("not-a-number", one.respelled('"id":1', '"id":NaN'), "SMCP115", -32700, one)
    yield _bad("half-a-pair", one.respelled(text, '"\\ud83d"'), "SMCP116", -32700, one.respelled(text, '"\\u00e9"'))
    yield _bad("two-methods", one.respelled('"method":', '"method":"tools/list","method":'), "SMCP112", -32600, one)
    yield _bad("two-ids", one.respelled('"id":1', '"id":2,"id":1'), "SMCP112", -32600, one)
    yield _bad("two-names", one.respelled('"name":', '"name":"x","name":'), "SMCP112", -32600, one)


def misshapen(one: Request) -> Iterable[Attack]:
    """JSON that is no JSON-RPC, or that a lenient parser takes for another message."""
    yield _bad("batch", one.carrying(b"[" + one.body + b"]"), "SMCP119", -32600, one)
    yield _bad("null-id", one.respelled('"id":1', '"id":null'), "SMCP121", -32600, one.respelled('"id":1', '"id":"1"'))
    yield _bad("broken-id", one.respelled('"id":1', '"id":1.5'), "SMCP121", -32600, one.respelled('"id":1', '"id":0'))
    yield _bad("version", one.respelled('"2.0"', '"1.0"'), "SMCP120", -32600, one)
    yield _bad("extra-key", one.respelled('"id":1', '"id":1,"auth":"x"'), "SMCP122", -32600, one)
    yield _bad("envelope-key", one.respelled('"params":', '"Params":{},"params":'), "SMCP123", -32600, one)
    yield _bad("params-key", one.respelled('"arguments":', '"Arguments":{},"arguments":'), "SMCP123", -32600, one)


def of_headers(one: Request) -> Iterable[Attack]:
    """What HTTP tells before the body is read."""
    types = ("content-type", "text/plain")
    compressed = one.adding(("content-encoding", "gzip"))
    yield Attack("host", one.named("attacker.example:80"), 421, "SMCP101", None, one.named("localhost:80"))
    evil, kind = ("origin", "http://attacker.example"), ("origin", "http://localhost:5173")
    yield Attack("origin", one.adding(evil), 403, "SMCP102", None, one.adding(kind))
    yield Attack("encoding", compressed, 415, "SMCP105", None, one.adding(("content-encoding", "identity")))
    yield Attack("media-type", one.setting(*types), 415, "SMCP106", None, one)
    yield Attack("two-types", one.adding(types), 400, "SMCP107", None, one)
    yield Attack("large", one.respelled(MARK, MARK * 120_000), 413, "SMCP104", None, one)
    yield Attack("fields", one.adding(*((f"x-{n}", MARK) for n in range(210))), 431, "SMCP103", None, one)


def of_meaning(one: Request, era: str) -> Iterable[Attack]:
    """Well-formed messages that mean harm. Each answer carries the id, so that nobody waits."""
    for name, text in _PAYLOADS.items():
        hostile = one.respelled(f"{MARK} and more", f"{text} {MARK}")
        yield Attack(name, hostile, 200, "SMCP6", None, one, 1)
    unknown = (modern if era == "modern" else legacy)("x-vendor/do", {"note": MARK}, id=1)
    yield Attack("method", unknown, 404 if era == "modern" else 200, "SMCP127", -32601, one, 1)


_PAYLOADS: Mapping[str, str] = {
    "shell": "x; cat /etc/passwd | sh #",
    "traversal": "../../../../../../etc/passwd",
    "tautology": "' OR 1=1--",
    "metadata": "http://169.254.169.254/latest/meta-data/",
}


def of_the_newer_era(one: Request) -> Iterable[Attack]:
    """Headers that disagree with the body, and answers that nobody may post."""
    yield _mismatch("other-name", one.setting("mcp-name", "another"), one)
    yield _mismatch("no-name", one.without("mcp-name"), one)
    yield _mismatch("other-method", one.setting("mcp-method", "tools/list"), one)
    yield _mismatch("downgrade", one.setting("mcp-protocol-version", "2025-11-25"), one)
    message = {"jsonrpc": "2.0", "id": 1, "result": {"_meta": dict(META), "text": MARK}}
    yield Attack("posted-response", one.carrying(encoded(message)), 400, "SMCP130", None, one)


def dropped() -> tuple[Request, Request]:
    """A notification of the older era that must not arrive, and one that must."""
    noted: dict[str, Any] = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    hostile = {**noted, "params": {"requestId": 9, "reason": f"; cat /etc/passwd #{MARK}"}}
    return posted(hostile), posted({**noted, "params": {"requestId": 9, "reason": "no longer needed"}})


def _bad(name: str, hostile: Request, code: str, rpc: int, twin: Request) -> Attack:
    return Attack(name, hostile, 400, code, rpc, twin)


def _mismatch(name: str, hostile: Request, twin: Request) -> Attack:
    return Attack(name, hostile, 400, "SMCP124", -32020, twin, 1)
