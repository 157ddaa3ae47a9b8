"""What honest but odd clients and servers say, and what hostile ones do: strategies for state machines."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tests.adapters.exchange import Exchange, posting
from tests.envelopes import LEGACY, PLAIN, call, encoded, headers_of, legacy, modern, response, without

CAP: Final = 4096
"""Bytes of the largest result that the policies of the machines let through."""
TASKS: Final = {"io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}}
SHELL: Final = "a; cat /etc/passwd | sh"
# 1 and "1" are two ids; the long one is kept as its hash.
IDS: Final = st.sampled_from([1, "1", 0, "0", -1, "", "é", 2**63, "i" * 300])
TEXTS: Final = st.sampled_from(
    ["", "a", "naïve – O'Brien", "1 < 2 & 3 > 2", "line\nline\r\n", "\u2028", "🙂", '"\\', "data: x"]
)
VALUES: Final = st.recursive(
    TEXTS | st.integers(-(2**70), 2**70) | st.booleans() | st.none() | st.just(0.5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)

_CALLS: Final = st.fixed_dictionaries(
    {"name": st.sampled_from(["echo", "add"]), "arguments": st.dictionaries(TEXTS, VALUES, max_size=3)}
)
_PROMPTS: Final = st.fixed_dictionaries({"name": st.just("greet"), "arguments": st.dictionaries(st.just("who"), TEXTS)})
_REQUESTS: Final = st.one_of(
    st.tuples(st.just("tools/call"), _CALLS),
    st.tuples(st.just("tools/call"), _CALLS),
    st.tuples(st.just("tools/list"), st.fixed_dictionaries({}, optional={"cursor": st.just("2")})),
    st.tuples(st.just("prompts/get"), _PROMPTS),
    st.tuples(
        st.just("resources/read"), st.fixed_dictionaries({"uri": st.sampled_from(["note://a", "note://%C3%A9"])})
    ),
)
_LEGACY_ONLY: Final = st.sampled_from(
    [
        ("ping", {}),
        ("logging/setLevel", {"level": "info"}),
        ("tools/call", {"name": "echo", "arguments": {}, "task": {"ttl": 1000}}),
        ("tasks/get", {"taskId": "t0"}),
        ("tasks/result", {"taskId": "t1"}),
        ("tasks/cancel", {"taskId": "t0"}),
        ("tasks/list", {}),
    ]
)
_MODERN_ONLY: Final = st.sampled_from(
    [
        ("server/discover", {}),
        ("subscriptions/listen", {"notifications": {"toolsListChanged": True}}),
        ("tasks/get", {"taskId": "t0"}),
    ]
)
NOTIFICATIONS: Final = st.sampled_from(
    [
        ("notifications/cancelled", {"requestId": 1, "reason": "no longer needed"}),
        ("notifications/cancelled", {"requestId": "1"}),
        ("notifications/progress", {"progressToken": 1, "progress": 0.5}),
        ("notifications/roots/list_changed", {}),
    ]
)


@st.composite
def legacy_requests(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Method and params of a request of 2025-11-25."""
    return draw(_REQUESTS | _LEGACY_ONLY)


@st.composite
def modern_requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request of 2026-07-28."""
    method, params = draw(_REQUESTS | _MODERN_ONLY)
    return modern(method, params, id=draw(IDS), **TASKS)


@st.composite
def spelt(draw: st.DrawFn, value: Mapping[str, Any]) -> bytes:
    """The same message as some client writes it: blanks, escapes and the order of members are its own affair."""
    members = dict(draw(st.permutations(list(value.items()))))
    style = draw(st.sampled_from(["compact", "blanks", "escaped", "lines"]))
    if style == "compact":
        return encoded(members)
    text = json.dumps(members, ensure_ascii=style == "escaped", indent=1 if style == "lines" else None)
    return f" {text}\n".encode()


def same(value: Any) -> str:
    """A spelling that is the same for the same JSON value only: 1, 1.0, true and "1" are four."""
    return json.dumps(value, sort_keys=True)


def posted(body: bytes, message: Mapping[str, Any], session: str, *, pieces: int = 1, odd: bool = False) -> Exchange:
    """A POST of a message in some spelling, with the headers an SDK sends; `odd` adds what others send."""
    fields = headers_of(message)
    if message.get("method") == "initialize":
        fields = without(fields, "mcp-protocol-version")
    if session:
        fields.append(("mcp-session-id", session))
    if odd:
        fields += [("accept", "application/json"), ("accept", "text/event-stream"), ("accept-encoding", "gzip, br")]
        fields = [(name, _wrapped(value) if name == "mcp-name" else value) for name, value in fields]
    return posting(body, fields, pieces=pieces, path="/mcp/" if odd else "/mcp")


def _wrapped(value: str) -> str:
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


Build = Callable[[Any, list[tuple[str, str]]], Exchange]


@dataclass(frozen=True)
class Attack:
    """A message that must not reach the server: what it is answered with, and whether its id is echoed."""

    name: str
    build: Build
    status: int
    echo: bool = False
    error: int = 0
    """The JSON-RPC code; 0 for a tool result with `isError`, where an id is echoed."""


def _raw(text: str) -> Build:
    return lambda id, fields: posting(text.encode(), [*PLAIN, *fields])


def _message(
    build: Callable[[Any], Mapping[str, Any]], **change: str
) -> Callable[[Any, list[tuple[str, str]]], Exchange]:
    """A message with the headers that belong to it, some of them changed."""

    def exchange(id: Any, fields: list[tuple[str, str]]) -> Exchange:
        message = build(id)
        given = {name.replace("_", "-"): value for name, value in change.items()}
        kept = [item for item in headers_of(message) if item[0] not in given]
        return posting(encoded(message), [*kept, *given.items(), *fields])

    return exchange


ATTACKS: Final = (
    Attack("two methods", _raw('{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}'), 400),
    Attack("no JSON", _raw('{"jsonrpc":"2.0","id":1'), 400),
    Attack("batch", _raw('[{"jsonrpc":"2.0","id":1,"method":"ping"}]'), 400),
    Attack("null id", _raw('{"jsonrpc":"2.0","id":null,"method":"ping"}'), 400),
    Attack("fraction as id", _raw('{"jsonrpc":"2.0","id":1.0,"method":"ping"}'), 400),
    Attack("truth as id", _raw('{"jsonrpc":"2.0","id":true,"method":"ping"}'), 400),
    Attack("shadow key", _message(lambda id: legacy("tools/call", {"name": "a", "Name": "b"}, id=id)), 400),
    Attack("shell", _message(lambda id: call("echo", {"command": SHELL}, id=id)), 200, True),
    Attack("modern shell", _message(lambda id: call("echo", {"command": SHELL}, era="modern", id=id)), 200, True),
    Attack(
        "shell in a prompt",
        _message(lambda id: legacy("prompts/get", {"name": "greet", "arguments": {"who": SHELL}}, id=id)),
        200,
        True,
        -31422,
    ),
    Attack(
        "shell in a task",
        _message(lambda id: legacy("tools/call", {"name": "e", "arguments": {"command": SHELL}, "task": {}}, id=id)),
        200,
        True,
        -31422,
    ),
    Attack("unknown method", _message(lambda id: legacy("no/such", id=id)), 200, True, -32601),
    Attack("modern unknown method", _message(lambda id: modern("no/such", id=id)), 404, True, -32601),
    Attack("wrong params", _message(lambda id: legacy("tools/call", {"name": 1}, id=id)), 200, True, -32602),
    Attack("other method", _message(lambda id: modern("tools/list", id=id), mcp_method="ping"), 400, True, -32020),
    Attack("other name", _message(lambda id: call("a", era="modern", id=id), mcp_name="b"), 400, True, -32020),
    Attack("modern answer", _message(lambda id: response(id, {}), mcp_protocol_version="2026-07-28"), 400),
    Attack("wrong Host", _message(lambda id: legacy("ping", id=id), host="evil.example"), 421),
    Attack("wrong Origin", _message(lambda id: legacy("ping", id=id), origin="https://evil.example"), 403),
    Attack("form", _message(lambda id: legacy("ping", id=id), content_type="text/plain"), 415),
    Attack("zipped", _message(lambda id: legacy("ping", id=id), content_encoding="gzip"), 415),
    Attack(
        "notification",
        _message(lambda id: legacy("notifications/cancelled", {"requestId": id, "reason": SHELL}, id=None)),
        202,
    ),
)

SPOILT: Final = (
    b'{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}',
    b'{"jsonrpc":"2.0","id":1,"result":NaN}',
    b'{"jsonrpc":"2.0","id":1,"result":"\xff"}',
    b"[]",
    b"{",
)
"""Results that cannot be read in one way only."""
READABLE: Final = SPOILT[:2]
"""Those of which a lenient reader would know the id."""
LARGE: Final = encoded(response(1, {"text": "x" * CAP}))
REVISION: Final = LEGACY
