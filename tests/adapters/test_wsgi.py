"""The WSGI middleware by hand: what reaches the app, what reaches the client, and what never does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.validate import validator

import pytest

from smcp_security import PolicyError, SMCPSecurityFramework
from smcp_security.adapters.current import SCOPE_KEY, exchange_here
from smcp_security.adapters.environ import Environ
from smcp_security.adapters.wsgi import SMCPMiddleware
from smcp_security.adapters.wsgi_output import StartResponse
from tests.adapters.wsgi_exchange import Exchange, Server, asking, behind, environ_of, posting, through
from tests.envelopes import LEGACY, PLAIN, call, encoded, headers_of, legacy, modern, response, without

SHELL = "a; cat /etc/passwd | sh"


def test_a_policy_that_cannot_be_used_stops_the_start() -> None:
    with pytest.raises(PolicyError):
        SMCPMiddleware(Server(), {"no_such_section": 1})


def test_several_edges_may_share_one_framework() -> None:
    framework = SMCPSecurityFramework()
    assert SMCPMiddleware(Server(), framework=framework).framework is framework


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_the_rest_of_the_app_gets_the_very_environ_and_start_response(method: str) -> None:
    seen: list[Any] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.extend((environ, start_response))
        return answer

    answer = [b"untouched"]
    environ = asking(method, path="/health", fields=[("host", "attacker.example")])
    exchange = Exchange().begin(behind(app), environ)
    assert seen[0] is environ and seen[1] == exchange.start and exchange.iterable is answer


def test_a_post_elsewhere_keeps_its_body_byte_for_byte() -> None:
    server = Server()
    exchange = through(behind(server), posting(b'{"a": 1,  "a": 2}', [("accept-encoding", "gzip")], path="/api"))
    assert server.body == b'{"a": 1,  "a": 2}'
    assert server.seen["HTTP_ACCEPT_ENCODING"] == "gzip" and exchange.status == 200
    assert "smcp" not in server.seen


def test_the_app_gets_the_canonical_body_and_its_length() -> None:
    server, value = Server(), call("echo", {"text": "hé"})
    fields = [*headers_of(value), ("accept-encoding", "gzip, br"), ("x-a", "b")]
    exchange = through(behind(server), posting(json.dumps(value, indent=2).encode(), fields))
    assert server.body == encoded(value)
    assert server.seen["CONTENT_LENGTH"] == str(len(encoded(value)))
    assert "HTTP_ACCEPT_ENCODING" not in server.seen and server.seen["HTTP_X_A"] == "b"
    assert exchange.status == 200 and exchange.line == "200 Fine"


def test_the_app_reads_no_further_than_what_was_judged() -> None:
    value = encoded(call("echo"))
    read: list[bytes] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        read.append(environ["wsgi.input"].read())
        start_response("202 Accepted", [("Content-Type", "text/plain")])
        return []

    through(behind(app), posting(value, headers_of(call("echo")), **{"wsgi.input": BytesIO(value + b"GET /admin")}))
    assert read == [value]


@pytest.mark.parametrize("hidden", ["gunicorn.socket", "werkzeug.socket", "wsgi.file_wrapper", "eventlet.input"])
def test_ways_to_send_that_nobody_can_inspect_are_not_offered_to_the_app(hidden: str) -> None:
    server, environ = Server(), posting(call("x"), **{hidden: object()})
    through(behind(server), environ)
    assert hidden not in server.seen and hidden in environ


def test_the_app_can_read_the_verdict_in_its_environ_and_the_outer_one_is_not_changed() -> None:
    server, environ = Server(), posting(call("echo"))
    before = dict(environ)
    through(behind(server), environ)
    assert server.seen["smcp"].allowed and server.seen[SCOPE_KEY].decision is server.seen["smcp"]
    assert environ == before


def test_the_exchange_is_known_while_the_app_runs_and_while_it_streams() -> None:
    seen: list[Any] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(exchange_here())
        start_response("200 OK", [("Content-Type", "text/event-stream")])

        def events() -> Iterable[bytes]:
            try:
                seen.append(exchange_here())
                yield b": begun\n\n"
                seen.append(exchange_here())
            finally:
                seen.append(exchange_here())

        return events()

    through(behind(app), posting(call("echo")))
    assert len(seen) == 4 and len({id(each) for each in seen}) == 1 and seen[0] is not None
    assert exchange_here() is None


@pytest.mark.parametrize(
    ("environ", "status", "code"),
    [
        (lambda: posting(call("x"), [("host", "evil.example"), *PLAIN[1:]]), 421, "SMCP101"),
        (lambda: posting(call("x"), [*PLAIN, ("host", "127.0.0.1:8000")]), 421, "SMCP101"),
        (lambda: posting(call("x"), [*PLAIN, ("origin", "null")]), 403, "SMCP102"),
        (lambda: posting(call("x"), without(list(PLAIN), "content-type")), 415, "SMCP106"),
        (lambda: posting(call("x"), [*PLAIN, ("content-encoding", "gzip")]), 415, "SMCP105"),
        (lambda: posting(call("x"), [*PLAIN, ("transfer-encoding", "chunked")]), 400, "SMCP107"),
        (lambda: posting(call("x"), HTTP_CONTENT_LENGTH="7"), 400, "SMCP107"),
        (lambda: posting(call("x"), HTTP_CONTENT_TYPE="text/plain"), 400, "SMCP107"),
        (lambda: posting(b"{"), 400, "SMCP114"),
        (lambda: posting(b'{"a":1,"a":2}'), 400, "SMCP112"),
        (lambda: posting(b"x" * (1024 * 1024 + 1)), 413, "SMCP104"),
        (lambda: asking("PUT", path="/mcp"), 405, "SMCP108"),
        (lambda: asking("GET", path="/mcp", CONTENT_LENGTH="5"), 400, "SMCP109"),
        (lambda: posting(modern("nope")), 404, "SMCP127"),
        (lambda: posting(call("x"), QUERY_STRING="a" * 20_000), 431, "SMCP103"),
    ],
)
def test_a_refusal_never_calls_the_app(environ: Any, status: int, code: str) -> None:
    server = Server()
    done = through(behind(server), environ())
    assert server.calls == [] and done.started == 1
    assert (done.status, done.value["error"]["data"]["code"]) == (status, code)
    assert done.headers["content-length"] == str(len(done.body))


def test_fields_that_a_server_gives_twice_and_alike_are_one() -> None:
    value = call("x")
    length = str(len(encoded(value)))
    server = Server()
    done = through(behind(server), posting(value, HTTP_CONTENT_LENGTH=length, HTTP_CONTENT_TYPE="application/json"))
    assert done.status == 200 and server.body == encoded(value)


def test_a_call_with_an_attack_in_its_arguments_gets_a_tool_error() -> None:
    server = Server()
    refused = through(behind(server), posting(call("run", {"command": SHELL}, id=7)))
    assert refused.status == 200 and refused.value["id"] == 7 and refused.value["result"]["isError"] is True
    assert server.calls == [] and b"passwd" not in refused.body
    passed = through(behind(server), posting(call("run", {"command": "report"}, id=7)))
    assert passed.status == 200 and len(server.calls) == 1


def test_a_schema_that_a_list_showed_holds_for_the_calls_after_it() -> None:
    tools = {"tools": [{"name": "learned", "inputSchema": {"type": "object", "required": ["n"]}}]}
    server = Server(encoded(response(5, tools)))
    guard = behind(server, results={"max_size": "1MiB"})
    through(guard, posting(legacy("tools/list", id=5)))
    refused = through(guard, posting(call("learned", {}, id=6)))
    assert refused.value["result"]["isError"] is True and len(server.calls) == 1
    assert "isError" not in through(guard, posting(call("learned", {"n": 1}, id=5))).value["result"]


def test_a_value_that_no_header_can_hold_matches_nothing() -> None:
    server = Server()
    for name in ("HTTP_HOST", "HTTP_ORIGIN"):
        assert through(behind(server), posting(call("x"), **{name: "127.0.0.1:80\xe9\u0130"})).status in (403, 421)
    assert server.calls == []


def test_a_refusal_of_a_head_request_has_no_body() -> None:
    refused = through(behind(Server()), asking("HEAD", path="/mcp", fields=[("host", "evil.example")]))
    assert refused.status == 421 and refused.body == b"" and int(refused.headers["content-length"]) > 0


def test_a_refused_posted_answer_ends_the_waiting_tool_and_tells_the_client_nothing() -> None:
    server = Server(b"leak Zq~1", "text/plain", status="202 Accepted")
    exchange = through(behind(server), posting(response("Zq~1", {"content": {"answer": SHELL, "x": "\u202e" * 9}})))
    told = json.loads(server.body)
    assert told["id"] == "Zq~1" and told["error"]["code"] == -31422 and b"passwd" not in server.body
    assert exchange.status == 202 and exchange.body == b"" and server.closed == 1


def test_an_accepted_posted_answer_reaches_the_server_unchanged() -> None:
    server = Server(b"", "text/plain", status="202 Accepted")
    value = response(3, {"action": "accept", "content": {"name": "Ann"}})
    exchange = through(behind(server), posting(value))
    assert server.body == encoded(value) and exchange.line == "202 Accepted"
    assert exchange.headers["content-length"] == "0"


def test_a_refused_notification_is_dropped_in_the_older_era_and_an_error_in_the_newer() -> None:
    server = Server()
    older = through(behind(server), posting(legacy("notifications/none", id=None)))
    assert (older.status, older.body) == (202, b"")
    newer = through(behind(server), posting(modern("notifications/none", id=None)))
    assert 400 <= newer.status < 500 and "id" not in newer.value
    assert server.calls == []


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/mcp", ""),
        ("/mcp/", ""),
        ("//mcp", ""),
        ("/MCP", ""),
        ("/x/../mcp", ""),
        ("/mcp;a=b", ""),
        ("", "/mcp"),
        ("/mcp", "/app"),
        ("//mcp/", "/app"),
        ("mcp", "/app"),
        ("http://127.0.0.1/mcp", ""),
        ("/mcp\n", ""),
    ],
)
def test_every_spelling_of_an_mcp_path_is_guarded(path: str, root: str) -> None:
    server = Server()
    exchange = through(behind(server), posting(b"{", path=path, SCRIPT_NAME=root))
    assert exchange.status == 400 and server.calls == []


@pytest.mark.parametrize("path", ["/", "/mcpx", "/mcp/x", "/app/mcp", "", "/m\xc3\xa9cp", "/\xff"])
def test_other_paths_are_not_taken_for_mcp(path: str) -> None:
    server = Server()
    through(behind(server), posting(b"{", path=path))
    assert server.body == b"{"


def test_a_path_is_read_as_the_utf_8_that_it_is() -> None:
    # A router that folds case as Python does takes the long s for an s.
    assert through(behind(Server()), posting(b"{", path="/\xc5\xbfse")).status == 400
    assert through(behind(Server()), posting(b"{", path="/\xbfse")).status == 200


@pytest.mark.parametrize("more", [{}, {"SCRIPT_NAME": "/app"}])
def test_mcp_at_a_path_that_the_policy_does_not_name_is_refused_with_a_line_in_the_log(
    more: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    refused = through(behind(server), posting(call("x"), path="/other", **more))
    assert refused.status == 403 and refused.value["error"]["data"]["code"] == "SMCP110" and server.calls == []
    assert "server.paths" in caplog.text and "/other" in caplog.text
    other = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": []}
    assert through(behind(server), posting(encoded(other), path="/other")).status == 200
    assert server.body == encoded(other)


@pytest.mark.parametrize(("setting", "status", "called"), [("check", 200, 0), ("ignore", 200, 1)])
def test_what_happens_to_mcp_elsewhere_is_the_policys_to_say(setting: str, status: int, called: int) -> None:
    server = Server()
    guard = behind(server, server={"unlisted_mcp": setting})
    done = through(guard, posting(call("run", {"command": SHELL}), path="/other"))
    assert done.status == status and len(server.calls) == called
    assert through(guard, posting(call("run", {"command": "report"}), path="/other")).status == 200
    assert len(server.calls) == called + 1


@pytest.mark.parametrize("method", ["GET", "DELETE", "get", "HEAD"])
@pytest.mark.parametrize("field", ["mcp-session-id", "mcp-protocol-version"])
def test_a_request_without_a_body_is_mcp_elsewhere_by_its_headers(method: str, field: str) -> None:
    server = Server()
    fields = [("host", "127.0.0.1:8000"), (field, LEGACY)]
    assert through(behind(server), asking(method, path="/other", fields=fields)).status == 403
    assert server.calls == []
    assert through(behind(server), asking(method, path="/other")).status == 200
    ignoring = behind(server, server={"unlisted_mcp": "ignore"})
    assert through(ignoring, asking(method, path="/other", fields=fields)).status == 200


@pytest.mark.parametrize(
    "more",
    [
        {"path": "/mcp", "HTTP_UPGRADE": "websocket"},
        {"path": "/mcp/", "HTTP_UPGRADE": "WebSocket"},
        {"path": "/mcp", "wsgi.websocket": object()},
        {"path": "/chat", "HTTP_UPGRADE": "websocket", "HTTP_SEC_WEBSOCKET_PROTOCOL": "x, mcp"},
    ],
)
def test_a_websocket_of_mcp_is_refused(more: dict[str, Any]) -> None:
    server = Server()
    refused = through(behind(server), asking(**more))
    assert refused.status == 403 and refused.value["error"]["data"]["code"] == "SMCP111" and server.calls == []


def test_a_websocket_elsewhere_is_left_alone_with_its_connection() -> None:
    server, connection = Server(), object()
    environ = asking(path="/chat", HTTP_UPGRADE="websocket", **{"gunicorn.socket": connection})
    assert through(behind(server), environ).status == 200
    assert server.seen is environ and server.seen["gunicorn.socket"] is connection


def test_a_flood_of_one_address_is_refused_before_its_body_is_read() -> None:
    middleware = SMCPMiddleware(Server(), {"server": {"flood": {"rate": "1/hour", "burst": 2}}})
    for _ in range(2):
        assert through(middleware, posting(legacy("ping"))).status == 200
    environ = posting(legacy("ping"))
    refused = through(middleware, environ)
    assert refused.status == 429 and "retry-after" in refused.headers
    assert environ["wsgi.input"].tell() == 0
    assert through(middleware, posting(legacy("ping"), REMOTE_ADDR="192.0.2.9")).status == 200


def test_a_unix_socket_has_no_address_and_is_trusted_as_one_only() -> None:
    server = Server()
    policy = {"server": {"trusted_proxies": ["unix"], "flood": "off"}}
    for peer, found in (("", "192.0.2.7"), ("198.51.100.3", "198.51.100.3")):
        environ = posting(call("x"), [*headers_of(call("x")), ("x-forwarded-for", "192.0.2.7")], REMOTE_ADDR=peer)
        through(behind(server, **policy), environ)
        assert server.calls[-1][0]["smcp"].context.address == found


def test_repeated_fields_that_servers_join_never_pass_for_one_of_them() -> None:
    server = Server()
    twice = [*PLAIN, ("mcp-protocol-version", LEGACY), ("mcp-protocol-version", "2026-07-28")]
    assert through(behind(server), posting(encoded(call("x")), twice)).status == 400
    named = [*headers_of(call("x", era="modern")), ("mcp-name", "y")]
    assert through(behind(server), posting(encoded(call("x", era="modern")), named)).status == 400
    assert server.calls == []


def _valid(app: Any) -> Any:
    """An app under the validator, which takes every key without a dot for a string of CGI's."""

    def inner(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return checked({name: value for name, value in environ.items() if name != "smcp"}, start_response)

    checked: Any = validator(app)
    return inner


@pytest.mark.parametrize("media", ["application/json", "text/event-stream", "text/plain"])
@pytest.mark.parametrize("pieces", [1, 3])
def test_both_sides_keep_to_the_letter_of_the_interface(media: str, pieces: int) -> None:
    answer = {"text/event-stream": b'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n'}.get(media, Server().answer)

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [("Content-Type", media)])
        return [answer[at : at + len(answer) // pieces + 1] for at in range(0, len(answer), len(answer) // pieces + 1)]

    guard: Any = validator(behind(_valid(app)))
    exchange = through(guard, posting(call("x")))
    assert exchange.status == 200 and exchange.body == answer


def test_refusals_and_requests_elsewhere_keep_to_the_letter_too() -> None:
    guard: Any = validator(behind(_valid(Server())))
    assert through(guard, posting(call("x"), [("host", "evil.example"), *PLAIN[1:]])).status == 421
    assert through(guard, posting(b"plain", path="/api")).status == 200
    assert through(guard, environ_of([("host", "a")], method="GET", path="/api")).status == 200


def test_two_edges_of_one_framework_judge_and_count_once() -> None:
    server = Server()
    inner = behind(server, concurrency=[{"per": "address", "max": 1}])
    outer = SMCPMiddleware(inner, framework=inner.framework)
    assert through(outer, posting(call("echo"))).status == 200
    assert len(server.calls) == 1
    assert through(outer, posting(call("echo", {"text": "a; cat /etc/passwd | sh"}))).value["result"]["isError"]
    assert len(server.calls) == 1


def test_a_post_that_asks_for_a_websocket_is_a_post() -> None:
    server = Server()
    message = call("echo")
    asked = through(behind(server), posting(message, [*headers_of(message), ("upgrade", "websocket")]))
    assert asked.status == 200 and len(server.calls) == 1


def test_another_message_with_the_environ_of_a_judged_one_is_judged_too() -> None:
    server = Server()
    inner = behind(server)
    attack = encoded(call("echo", {"text": "a; cat /etc/passwd | sh"}))

    def gateway(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        return inner({**environ, "wsgi.input": BytesIO(attack), "CONTENT_LENGTH": str(len(attack))}, start)

    told = through(SMCPMiddleware(gateway, framework=inner.framework), posting(call("echo")))
    assert told.value["result"]["isError"] and server.calls == []
