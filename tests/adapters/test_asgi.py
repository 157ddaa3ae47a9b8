"""The ASGI middleware by hand: what reaches the app, what reaches the client, and what never does."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from mcp.server.lowlevel import Server as LowLevel
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Mount

from smcp_security import Misplaced, PolicyError, SMCPMiddleware, SMCPSecurityFramework, secure_tool
from smcp_security.adapters.asgi import Message, Receive, Scope, Send
from smcp_security.adapters.places import Places
from tests.adapters.exchange import Exchange, Server, asking, guarded, posting, scope_of
from tests.envelopes import LEGACY, PLAIN, call, encoded, headers_of, legacy, modern, response, without

pytestmark = pytest.mark.anyio

SHELL = "a; cat /etc/passwd | sh"


async def _through(app: Any, exchange: Exchange, **policy: Any) -> Exchange:
    return await exchange.through(guarded(app, **policy))


def test_a_policy_that_cannot_be_used_stops_the_start() -> None:
    with pytest.raises(PolicyError):
        SMCPMiddleware(Server(), {"no_such_section": 1})


def test_several_edges_may_share_one_framework() -> None:
    framework = SMCPSecurityFramework()
    assert SMCPMiddleware(Server(), framework=framework).framework is framework


async def test_lifespan_goes_through_untouched() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        assert await receive() == {"type": "lifespan.startup"}
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    scope: Scope = {"type": "lifespan", "state": {}}
    exchange = Exchange(scope, [{"type": "lifespan.startup"}])
    await _through(app, exchange)
    assert seen[0] is scope
    assert [message["type"] for message in exchange.sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_the_rest_of_the_app_gets_the_very_scope_receive_and_send(method: str) -> None:
    seen: list[Any] = []

    async def app(*given: Any) -> None:
        seen.extend(given)

    exchange = Exchange(scope_of([("host", "attacker.example")], method=method, path="/health"))
    await _through(app, exchange)
    assert seen[0] is exchange.scope and seen[1:] == [exchange.receive, exchange.send]


async def test_a_post_elsewhere_keeps_its_messages_byte_for_byte() -> None:
    server = Server()
    exchange = await _through(
        server, posting(b'{"a": 1,  "a": 2}', [("accept-encoding", "gzip")], path="/api", pieces=3)
    )
    assert server.body == b'{"a": 1,  "a": 2}'
    assert server.seen["accept-encoding"] == "gzip" and exchange.status == 200


@pytest.mark.parametrize("pieces", [1, 2, 50])
async def test_the_app_gets_the_canonical_body_whole_and_its_length(pieces: int) -> None:
    server, value = Server(), call("echo", {"text": "hé"})
    spaced = json.dumps(value, indent=2).encode()
    fields = [*headers_of(value), ("content-length", str(len(spaced))), ("accept-encoding", "gzip, br"), ("x-a", "b")]
    exchange = await _through(server, posting(spaced, fields, pieces=pieces))
    assert server.body == encoded(value)
    assert server.seen["content-length"] == str(len(encoded(value)))
    assert "accept-encoding" not in server.seen and server.seen["x-a"] == "b"
    assert exchange.status == 200 and exchange.complete


async def test_a_chunked_body_reaches_the_app_with_a_length() -> None:
    server, value = Server(), call("echo")
    await _through(server, posting(encoded(value), [*headers_of(value), ("transfer-encoding", "chunked")], pieces=4))
    assert "transfer-encoding" not in server.seen
    assert server.seen["content-length"] == str(len(encoded(value))) and server.body == encoded(value)


async def test_the_app_can_read_the_verdict_in_its_scope_and_the_outer_scope_is_not_changed() -> None:
    server, exchange = Server(), posting(call("echo"))
    before = {**exchange.scope, "headers": list(exchange.scope["headers"])}
    await _through(server, exchange)
    assert server.calls[0][0]["smcp"].allowed
    assert exchange.scope == before


@pytest.mark.parametrize(
    ("exchange", "status", "code"),
    [
        (lambda: posting(call("x"), [("host", "evil.example"), *PLAIN[1:]]), 421, "SMCP101"),
        (lambda: posting(call("x"), [*PLAIN, ("origin", "null")]), 403, "SMCP102"),
        (lambda: posting(call("x"), without(list(PLAIN), "content-type")), 415, "SMCP106"),
        (lambda: posting(b"{"), 400, "SMCP114"),
        (lambda: posting(b'{"a":1,"a":2}'), 400, "SMCP112"),
        (lambda: posting(b"x" * (1024 * 1024 + 1), pieces=30), 413, "SMCP104"),
        (lambda: asking("PUT", path="/mcp"), 405, "SMCP108"),
        (lambda: posting(modern("nope")), 404, "SMCP127"),
    ],
)
async def test_a_refusal_never_calls_the_app(exchange: Any, status: int, code: str) -> None:
    server = Server()
    done = await _through(server, exchange())
    assert server.calls == [] and done.complete
    assert (done.status, done.value["error"]["data"]["code"]) == (status, code)
    assert done.headers["content-length"] == str(len(done.body))


async def test_a_body_past_the_limit_is_not_read_to_its_end() -> None:
    server = Server()
    exchange = posting(b'{"a":"' + b"x" * 100_000 + b'"}', pieces=100)
    await _through(server, exchange, server={"max_body": 5000})
    assert exchange.status == 413 and len(exchange.incoming) > 90


async def test_a_call_with_an_attack_in_its_arguments_gets_a_tool_error() -> None:
    server = Server()
    refused = await _through(server, posting(call("run", {"command": SHELL}, id=7)))
    assert refused.status == 200 and refused.value["id"] == 7 and refused.value["result"]["isError"] is True
    assert server.calls == [] and b"passwd" not in refused.body
    passed = await _through(server, posting(call("run", {"command": "report"}, id=7)))
    assert passed.status == 200 and len(server.calls) == 1


async def test_a_client_that_hangs_up_in_the_body_gets_no_answer_and_the_app_no_call() -> None:
    server, exchange = Server(), posting(call("echo"), pieces=3)
    exchange.incoming[2] = {"type": "http.disconnect"}
    await _through(server, exchange)
    assert server.calls == [] and exchange.sent == []


async def test_a_disconnect_after_the_body_reaches_the_app() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["body"] == encoded(call("slow"))
        exchange.gone.set()
        told.append((await receive())["type"])

    exchange = posting(call("slow"))
    await _through(app, exchange)
    assert told == ["http.disconnect"]


async def test_what_the_app_raises_passes_through() -> None:
    class Broken(Exception):
        pass

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise Broken

    with pytest.raises(Broken):
        await _through(app, posting(call("echo")))
    with pytest.raises(Broken):
        await _through(app, asking(path="/other"))


async def test_an_app_that_is_cancelled_is_cancelled() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep_forever()

    with anyio.move_on_after(0.05) as patience:
        await posting(call("slow")).through(guarded(app))
    assert patience.cancelled_caught


async def test_a_refused_posted_answer_ends_the_waiting_tool_and_tells_the_client_nothing() -> None:
    server = Server(b"leak Zq~1", "text/plain", status=202)
    exchange = await _through(server, posting(response("Zq~1", {"content": {"answer": SHELL, "x": "\u202e" * 9}})))
    told = json.loads(server.body)
    assert told["id"] == "Zq~1" and told["error"]["code"] == -31422 and b"passwd" not in server.body
    assert exchange.status == 202 and exchange.body == b"" and exchange.complete


async def test_an_accepted_posted_answer_reaches_the_server_unchanged() -> None:
    server, value = Server(b"", "text/plain", status=202), response(3, {"action": "accept", "content": {"name": "Ann"}})
    exchange = await _through(server, posting(value))
    assert server.body == encoded(value) and exchange.status == 202


async def test_a_refused_notification_is_dropped_in_the_older_era_and_an_error_in_the_newer() -> None:
    server = Server()
    older = await _through(server, posting(legacy("notifications/none", id=None)))
    assert (older.status, older.body) == (202, b"")
    newer = await _through(server, posting(modern("notifications/none", id=None)))
    assert 400 <= newer.status < 500 and "id" not in newer.value
    assert server.calls == []


async def test_a_websocket_on_an_mcp_path_is_refused_and_elsewhere_left_alone() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])

    for path in ("/mcp", "/mcp/", "//mcp"):
        scope: Scope = {"type": "websocket", "path": path, "headers": [(b"host", b"localhost")], "client": None}
        exchange = Exchange(scope, [{"type": "websocket.connect"}])
        await _through(app, exchange)
        assert exchange.sent == [{"type": "websocket.close", "code": 1008}]
    await _through(app, Exchange({"type": "websocket", "path": "/chat", "headers": []}, []))
    assert seen == ["/chat"]


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/mcp", ""),
        ("/mcp/", ""),
        ("//mcp", ""),
        ("/mcp//", ""),
        ("/app/mcp", "/app"),
        ("/app//mcp/", "/app"),
        ("/app/mcp", "/app/"),
        ("/mcp\n", ""),
    ],
)
async def test_every_spelling_of_an_mcp_path_is_guarded(path: str, root: str) -> None:
    server = Server()
    exchange = await _through(server, posting(b"{", path=path, root_path=root))
    assert exchange.status == 400 and server.calls == []


@pytest.mark.parametrize("path", ["/", "/mcpx", "/mcp/x", "/app/mcp", ""])
async def test_other_paths_are_not_taken_for_mcp(path: str) -> None:
    server = Server()
    await _through(server, posting(b"{", path=path))
    assert server.body == b"{"


async def test_a_stream_is_passed_on_event_by_event_as_it_comes() -> None:
    seen: list[int] = []
    events = [
        b"data: " + encoded(legacy("notifications/message", {"n": place}, id=None)) + b"\n\n" for place in range(3)
    ]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for event in events:
            await send({"type": "http.response.body", "body": event[:9], "more_body": True})
            await send({"type": "http.response.body", "body": event[9:], "more_body": True})
            seen.append(len(exchange.body))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    exchange = posting(call("echo"))
    await _through(app, exchange)
    assert seen == [sum(map(len, events[: count + 1])) for count in range(3)]
    assert exchange.body == b"".join(events) and exchange.complete


async def test_many_exchanges_with_one_id_get_their_own_answers() -> None:
    # CVE-2026-25536: two clients with the same JSON-RPC id must never see each other's results.
    arrived = anyio.Event()
    waiting: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        text = json.loads((await receive())["body"])["params"]["arguments"]["who"]
        waiting.append(text)
        if len(waiting) == 40:
            arrived.set()
        await arrived.wait()
        stream = int(text) % 2 == 0
        body = encoded(response(0, {"content": [{"type": "text", "text": text}]}))
        media = b"text/event-stream" if stream else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", media)]})
        whole = b"data: " + body + b"\n\n" if stream else body
        for start in range(0, len(whole), 11):
            await send({"type": "http.response.body", "body": whole[start : start + 11], "more_body": True})
            await anyio.lowlevel.checkpoint()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    middleware = guarded(app)
    exchanges = [posting(call("echo", {"who": str(place)}, id=0)) for place in range(40)]
    async with anyio.create_task_group() as group:
        for exchange in exchanges:
            group.start_soon(exchange.through, middleware)
    for place, exchange in enumerate(exchanges):
        value = json.loads(exchange.body.removeprefix(b"data: "))
        assert value["result"]["content"][0]["text"] == str(place) and value["id"] == 0


async def test_a_flood_of_one_address_is_refused_before_its_body_is_read() -> None:
    middleware = SMCPMiddleware(Server(), {"server": {"flood": {"rate": "1/hour", "burst": 2}}})
    for _ in range(2):
        assert (await posting(legacy("ping")).through(middleware)).status == 200
    refused = posting(legacy("ping"))
    assert (await refused.through(middleware)).status == 429 and "retry-after" in refused.headers
    assert len(refused.incoming) == 1
    other = posting(legacy("ping"), client=("192.0.2.9", 1))
    assert (await other.through(middleware)).status == 200


async def test_the_version_that_the_app_sees_is_the_one_that_was_judged() -> None:
    server = Server()
    twice = [*PLAIN, ("mcp-protocol-version", LEGACY), ("mcp-protocol-version", "2026-07-28")]
    assert (await _through(server, posting(encoded(call("x")), twice))).status == 400
    assert server.calls == []


async def test_ways_to_send_that_nobody_can_inspect_are_not_offered_to_the_app() -> None:
    # With these extensions an app hands a file to the server, and its bytes never pass through `send`.
    server = Server()
    offered: Message = {"http.response.pathsend": {}, "http.response.zerocopysend": {}, "http.response.trailers": {}}
    await _through(server, posting(call("x"), extensions=offered))
    extensions = server.calls[0][0].get("extensions") or {}
    assert not {"http.response.pathsend", "http.response.zerocopysend"} & extensions.keys()


async def test_a_schema_learned_at_a_mounted_endpoint_holds_at_every_path_below_it() -> None:
    # The session manager answers at any of them.
    manager = StreamableHTTPSessionManager(LowLevel("a"))
    answer = encoded(response(5, {"tools": [{"name": "below", "inputSchema": {"required": ["n"]}}]}))
    middleware = guarded(Server(answer))
    middleware._places = Places(Starlette(routes=[Mount("/tools", manager.handle_request)]))
    await posting(legacy("tools/list", id=5), path="/tools").through(middleware)
    for path in ("/tools", "/tools/", "/tools/x"):
        refused = await posting(call("below", {}, id=6), path=path).through(middleware)
        assert refused.value["result"]["isError"], path
        allowed = await posting(call("below", {"n": 1}, id=5), path=path).through(middleware)
        assert "isError" not in allowed.value["result"], path


@pytest.mark.parametrize("method", ["GET", "DELETE", "get", "HEAD"])
@pytest.mark.parametrize("field", ["mcp-session-id", "Mcp-Protocol-Version"])
async def test_a_request_without_a_body_is_mcp_elsewhere_by_its_headers(method: str, field: str) -> None:
    backend = Server()
    fields = [("host", "127.0.0.1:8000"), (field, "2025-11-25")]
    refused = await asking(method, path="/other", fields=fields).through(guarded(backend))
    assert refused.status == 403 and backend.calls == []
    plain = await asking(method, path="/other").through(guarded(backend))
    assert plain.status == 200 and len(backend.calls) == 1
    ignored = await asking(method, path="/other", fields=fields).through(
        guarded(backend, server={"unlisted_mcp": "ignore"})
    )
    assert ignored.status == 200


@pytest.fixture
def served_bare() -> Iterator[MCPServer]:
    """A server whose tool is the function below the decorator."""

    def note(text: str) -> str:
        return text

    guarded = secure_tool(note)
    server = MCPServer("notes")
    server.add_tool(note)
    yield server
    del server, guarded
    gc.collect()


async def test_an_app_whose_guarded_tool_is_served_bare_does_not_start(served_bare: MCPServer) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})

    exchange = await _through(app, Exchange({"type": "lifespan", "state": {}}, [{"type": "lifespan.startup"}]))
    [told] = exchange.sent
    assert told["type"] == "lifespan.startup.failed"
    assert "Put @secure_tool below" in told["message"]


async def test_without_a_start_it_answers_no_request_of_mcp(served_bare: MCPServer) -> None:
    server = Server()
    with pytest.raises(Misplaced, match="Put @secure_tool below"):
        await _through(server, posting(call("echo", {})))
    assert server.calls == []
    served_bare.remove_tool("note")
    await _through(server, posting(call("echo", {})))
    assert len(server.calls) == 1


async def test_two_edges_of_one_framework_judge_and_count_once() -> None:
    server = Server()
    inner = guarded(server, concurrency=[{"per": "address", "max": 1}])
    outer = SMCPMiddleware(inner, framework=inner.framework)
    assert (await posting(call("echo")).through(outer)).status == 200
    assert len(server.calls) == 1
    refused = await posting(call("echo", {"text": SHELL})).through(outer)
    assert refused.value["result"]["isError"] and len(server.calls) == 1


async def test_another_message_with_the_scope_of_a_judged_one_is_judged_too() -> None:
    server = Server()
    inner = guarded(server)
    attack = encoded(call("echo", {"text": SHELL}))

    async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
        async def exchanged() -> Message:
            return {"type": "http.request", "body": attack, "more_body": False}

        await inner(scope, exchanged, send)

    told = await posting(call("echo")).through(SMCPMiddleware(gateway, framework=inner.framework))
    assert told.value["result"]["isError"] and server.calls == []
