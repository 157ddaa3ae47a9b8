"""Several servers behind one middleware, and requests beside MCP: nobody's traffic changes how another is judged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.exchange import Server, asking, guarded, posting
from tests.envelopes import call, encoded, legacy, response

pytestmark = pytest.mark.anyio


def _list(kind: str) -> bytes:
    schema = {"type": "object", "properties": {"q": {"type": kind}}, "required": ["q"]}
    return encoded(response(1, {"tools": [{"name": "search", "inputSchema": schema}]}))


async def test_what_one_server_lists_says_nothing_of_anothers_tools() -> None:
    server = {"paths": ["/a/mcp", "/b/mcp"]}
    for path, kind in (("/a/mcp", "string"), ("/b/mcp", "object")):
        await posting(legacy("tools/list"), path=path).through(guarded(Server(_list(kind)), server=server))
    app = Server(encoded(response(1, {})))
    for path, fits in (("/a/mcp", "x"), ("/b/mcp", {})):
        taken = await posting(call("search", {"q": fits}), path=path).through(guarded(app, server=server))
        assert "isError" not in taken.value["result"]
        other = {} if fits == "x" else "x"
        refused = await posting(call("search", {"q": other}), path=path).through(guarded(app, server=server))
        assert refused.value["result"]["isError"]


async def test_a_flood_at_unlisted_paths_is_answered_as_one() -> None:
    middleware = guarded(Server(), server={"flood": {"rate": "1/day", "burst": 2}})
    answers = [(await posting(legacy("tools/list"), path="/other").through(middleware)).status for _ in range(4)]
    assert answers == [403, 403, 429, 429]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_not_posted_has_no_body_for_the_app(method: str) -> None:
    # HTTP/2 frames a body without any header.
    app = Server()
    exchange = asking(method)
    body: dict[str, Any] = {"type": "http.request", "body": encoded(legacy("tools/list")), "more_body": False}
    exchange.incoming[:] = [body]
    await exchange.through(guarded(app))
    assert [received for _, received in app.calls] == [b""]
