"""The whole engine under fuzz: any bytes get a decision, no check ever breaks, and only what was judged goes on.

The first byte picks a policy and whether there are headers; then, parted by 0xFF, come the request, the server's
answer, and header lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from smcp_security import SMCPSecurityFramework
from smcp_security.codes import CODES
from smcp_security.decision import Decision
from smcp_security.rulebook import load as rules
from smcp_security.strict_json import Malformed, load
from tests import envelopes
from tests.fuzz import message, samples
from tests.fuzz.message import same
from tests.fuzz.oracle import expect
from tests.real import messages as wire

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "pattern": "^[a-z ]*$", "maxLength": 40},
        "n": {"type": "integer", "minimum": 0},
        "deep": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": ["number", "null"]}}},
    },
    "required": ["query"],
}
# Answers go on as they came here: what is edited in them is for the harness of answers.
_AS_IT_CAME: Final[dict[str, Any]] = {
    "redact": [], "injection": "off", "strip": False, "errors": "pass", "descriptions": "annotate"
}  # fmt: skip
_OPEN: Final[dict[str, Any]] = {"limits": [], "server": {"flood": "off"}, "results": _AS_IT_CAME}
POLICIES: Final[tuple[dict[str, Any], ...]] = (
    _OPEN,
    # Lists pass whole: that their entries are filtered is for others to test.
    {**_OPEN, "profile": "maximum", "unlisted_tools": "allow", "tools": {"echo": {"schema": SCHEMA}}},
    {**_OPEN, "mode": "monitor", "tools": {"echo": {"schema": SCHEMA}}, "audit": {"arguments": "full"}},
)
HEADERS: Final = 4
"""The bit of the first byte that says that there are headers."""

INTERNAL: Final = frozenset({"SMCP001", "SMCP002", "SMCP003"})
WORDS: Final = (
    *message.WORDS,
    *(f'"{method}"'.encode() for method in "tools/call tools/list initialize ping prompts/get tasks/get".split()),
    *(f'"{key}"'.encode() for key in "inputSchema inputResponses task progressToken name uri ref query tools".split()),
    *(f"{name}: ".encode() for name in "mcp-name mcp-method mcp-protocol-version mcp-session-id host".split()),
    b"\xff", b'"inputSchema":{"type":"object"}', b'"id":"1"', b'"id":1.0', b'"isError":true', b"2026-07-28",
    b'"resultType":"complete"', b"=?base64?ZWNobw==?=",
)  # fmt: skip


def judge(data: bytes) -> None:
    """Judge the request in `data`, and if it passes, the answer."""
    first, parts = data[0] if data else 0, data[1:].split(b"\xff")
    request, answer = parts[0], parts[1] if len(parts) > 1 else b""
    framework = _framework(first % len(POLICIES))
    # What one input taught must not decide about the next.
    framework._armed.definitions._learned.clear()
    facts: dict[str, Any] = {"session_id": hashlib.sha256(data).hexdigest(), "ip_address": "127.0.0.1"}
    if first & HEADERS:
        facts["headers"] = {"host": "127.0.0.1:8000", "content-type": "application/json", **_headers(parts[2:])}
    decision = framework.process_request_sync(request, facts)
    _check_request(decision, request)
    if decision.allowed:
        _check_answer(framework.process_response_sync(answer, decision), answer)
        _check_answer(framework.process_response_sync(answer, decision), answer)


def seeds() -> Iterator[bytes]:
    """Exchanges of both eras with and without headers, under each policy."""
    listed = {"tools": [{"name": "echo", "inputSchema": SCHEMA}, {"name": "x", "inputSchema": {"type": "object"}}]}
    answers = [envelopes.encoded(envelopes.response(1, result)) for result in (listed, {"content": []}, {"tools": 1})]
    for number, request in enumerate(samples.messages()):
        yield bytes([number % 3]) + request + b"\xff" + answers[number % 3]
    for number, method in enumerate(("tools/list", "ping", "resources/list", "server/discover")):
        sent = wire.modern(method)
        lines = b"\n".join(f"{name}: {value}".encode() for name, value in sent.headers)
        yield bytes([HEADERS + number % 3]) + sent.body + b"\xff" + answers[0] + b"\xff" + lines
    for sample in samples.rule_samples()[::40]:
        yield b"\x01" + wire.call("legacy", "echo", {"query": sample, "n": "5"}).body


@cache
def _framework(number: int) -> SMCPSecurityFramework:
    return SMCPSecurityFramework(POLICIES[number])


@cache
def _known() -> frozenset[str]:
    return frozenset(CODES) | frozenset(rules(3).rules)


def _headers(parts: list[bytes]) -> dict[str, str]:
    lines = b"\n".join(parts).decode("latin-1").split("\n")
    fields = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in fields if name.strip()}


def check_codes(decision: Decision) -> None:
    """Every finding is one that is explained, and none says that a check broke."""
    codes = {finding.code for finding in decision.findings}
    expect(codes <= _known(), "every finding has a code that is explained")
    expect(not codes & INTERNAL, f"no check breaks: {sorted(codes & INTERNAL)}")
    expect(decision.allowed or codes, "a denial has a reason")


def _check_request(decision: Decision, request: bytes) -> None:
    check_codes(decision)
    expect(decision.allowed == (decision.answer is None), "what is denied is answered, and nothing else")
    if decision.allowed:
        _check_forwarded(decision.message, request)
    elif decision.answer is not None:
        expect(200 <= decision.answer.status < 600, "an answer has a status of HTTP")
        if decision.answer.body:
            value = json.loads(decision.answer.body)
            expect(isinstance(value, dict) and value.get("jsonrpc") == "2.0", "an answer is JSON-RPC")


def _check_forwarded(forwarded: object, given: bytes) -> None:
    """What goes on is canonical and means what came."""
    value, canonical = load(given)
    expect(isinstance(forwarded, bytes) and forwarded == canonical, "what goes on is what was judged")
    expect(isinstance(forwarded, bytes) and same(json.loads(forwarded), value), "and a lenient reader reads the same")


def _check_answer(decision: Decision, answer: bytes) -> None:
    check_codes(decision)
    if decision.allowed:
        _check_forwarded(decision.message, answer)
        return
    expect(isinstance(decision.message, bytes), "in place of a withheld answer there is an error")
    try:
        value, _ = load(decision.message if isinstance(decision.message, bytes) else b"")
    except Malformed:
        value = None
    expect(isinstance(value, dict) and "error" in value, "and the error is JSON-RPC")
