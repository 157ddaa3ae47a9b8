"""Any HTTP request at all: the middleware answers or calls the app, and raises nothing (CVE-2025-53365, -53366)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.adapters.exchange import Exchange, Server, guarded, scope_of
from tests.envelopes import call, encoded, legacy, response

pytestmark = pytest.mark.anyio

LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=12)
NAMES = st.sampled_from(
    "host origin content-type content-length content-encoding transfer-encoding accept accept-encoding authorization "
    "mcp-protocol-version mcp-method mcp-name mcp-session-id mcp-param-x last-event-id x-forwarded-for cookie".split()
)
VALUES = LATIN | st.sampled_from(
    [
        "localhost",
        "application/json",
        "text/event-stream",
        "2026-07-28",
        "2025-11-25",
        "tools/call",
        "0",
        "5",
        "chunked",
    ]
)
BODIES = st.binary(max_size=40) | st.sampled_from(
    [
        encoded(call("x")),
        encoded(call("x", era="modern")),
        encoded(legacy("ping")),
        encoded(response(1, {})),
        b"[]",
        b"{",
    ]
)
ANSWERS = st.binary(max_size=40) | st.sampled_from(
    [encoded(response(1, {})), b"data: {}\n\n", b"data: 1\r\r", b"[]", b""]
)
PATHS = st.sampled_from(["/mcp", "/mcp/", "//mcp", "/messages/", "/sse", "/other", "/", "", "/é", "*"])


@settings(max_examples=300)
@given(
    fields=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    method=st.sampled_from(["POST", "GET", "DELETE", "HEAD", "OPTIONS", "PUT", "post", ""]),
    path=PATHS,
    query=st.binary(max_size=20) | st.just(b"session_id=1&" + b"a=1&" * 40),
    bodies=st.lists(BODIES, min_size=1, max_size=3),
    answer=ANSWERS,
    media=st.sampled_from(["application/json", "text/event-stream", "text/plain", "", "application/json-rpc"]),
    plain=st.booleans(),
    gone=st.booleans(),
)
@example(
    fields=[], method="POST", path="/mcp", query=b"", bodies=[b""], answer=b"", media="", plain=False, gone=True
)  # fmt: skip
async def test_no_request_makes_the_middleware_raise(
    fields: Any, method: str, path: str, query: bytes, bodies: Any, answer: bytes, media: str, plain: bool, gone: bool
) -> None:
    decent = [("host", "localhost"), ("content-type", "application/json")] if plain else []
    incoming = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    if gone:
        incoming.append({"type": "http.disconnect"})
    else:
        incoming[-1]["more_body"] = False
    server = Server(answer, media)
    exchange = Exchange(scope_of([*decent, *fields], method=method, path=path, query_string=query), list(incoming))
    exchange.gone.set()
    await exchange.through(guarded(server))
    starts = [message for message in exchange.sent if message["type"] == "http.response.start"]
    assert len(starts) <= 1 and (not starts or exchange.complete)
    assert starts or gone
