"""What the seeds of several harnesses are made of: messages of both eras, the samples of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from smcp_security.rulebook import read_rules
from tests import envelopes
from tests.real import messages as wire

SHORT = 400
"""Longer samples make slow seeds."""


def messages() -> Iterator[bytes]:
    """JSON-RPC messages as clients send them."""
    for era in ("legacy", "modern"):
        yield wire.call(era, "echo", {"text": "hello", "n": 5, "deep": {"list": [1, 2.5, None, True]}}).body
        yield envelopes.encoded(envelopes.call("sql.query", {"query": "SELECT 1"}, era=era))
    yield wire.initialize(sampling={}, elicitation={}).body
    for method in ("tools/list", "ping", "resources/list"):
        yield wire.modern(method).body
        yield wire.legacy(method, id="a").body
    yield envelopes.encoded(envelopes.legacy("resources/read", {"uri": "docs://a/b"}))
    yield envelopes.encoded(envelopes.modern("prompts/get", {"name": "p", "arguments": {"a": "b"}}))
    yield envelopes.encoded(envelopes.legacy("notifications/initialized", id=None))
    yield envelopes.encoded(
        envelopes.modern("tools/call", {"name": "t", "inputResponses": {"k": {"content": {"a": "b"}}}})
    )
    yield envelopes.encoded(envelopes.response(7, {"roots": [{"uri": "file:///etc/app", "name": "app"}]}))
    yield envelopes.encoded({"jsonrpc": "2.0", "id": "x", "error": {"code": -32601, "message": "no"}})


@cache
def rule_samples() -> tuple[str, ...]:
    """What the rules are for and what they must leave alone."""
    found = [str(sample) for rule in read_rules() for sample in (*rule.match, *rule.passing)]
    return tuple(sample for sample in found if len(sample) <= SHORT)
