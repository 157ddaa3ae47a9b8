"""The Django middleware under both of Django's handlers: what reaches the view, and what reaches the client."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse

from smcp_security.adapters.current import SCOPE_KEY, exchange_here
from tests.adapters.django.project import MIDDLEWARE, SERVERS, Desk, framework, served
from tests.envelopes import LEGACY, PLAIN, call, encoded, headers_of, legacy, response

SHELL = "a; cat /etc/passwd | sh"
RESOURCE = "https://mcp.example.com/mcp"
pytestmark = pytest.mark.parametrize("server", SERVERS)
STYLES = pytest.mark.parametrize("style", ["sync", "async"])


@STYLES
def test_the_view_gets_the_canonical_body_and_its_length(server: str, style: str) -> None:
    desk, value = Desk(), call("echo", {"text": "hé"})
    fields = [*headers_of(value), ("accept-encoding", "gzip, br"), ("x-a", "b")]
    got = served(server, desk.of(style), {"body": json.dumps(value, indent=2).encode(), "fields": fields})
    assert got.status == 200 and got.value["result"] == {}
    assert desk.body == encoded(value) == desk.read[0]
    assert desk.request.headers["content-length"] == str(len(encoded(value)))
    assert desk.request.headers["x-a"] == "b"


@STYLES
def test_the_view_finds_the_verdict_in_its_request_and_around_it(server: str, style: str) -> None:
    seen: list[Any] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(exchange_here())
        return HttpResponse("{}", content_type="application/json")

    desk = Desk(answer)
    served(server, desk.of(style), {"body": call("echo")})
    [exchange] = seen
    assert exchange.decision is desk.request.smcp is desk.request.META["smcp"]
    assert exchange is desk.request.META[SCOPE_KEY] and desk.request.smcp.allowed
    if server == "asgi":
        assert desk.request.scope["smcp"] is desk.request.smcp and desk.request.scope[SCOPE_KEY] is exchange
    assert exchange_here() is None


@STYLES
def test_an_attack_never_reaches_the_view(server: str, style: str) -> None:
    desk = Desk()
    got = served(server, desk.of(style), {"body": call("run", {"command": SHELL})})
    assert got.status == 200 and got.value["result"]["isError"]
    assert got.headers["content-length"] == str(len(got.body))
    assert desk.requests == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ([("host", "attacker.example"), *PLAIN[1:]], 421, "SMCP101"),
        ([*PLAIN, ("origin", "https://attacker.example")], 403, "SMCP102"),
        ([*PLAIN, ("content-encoding", "gzip")], 415, "SMCP105"),
        ([PLAIN[0], ("content-type", "text/plain")], 415, "SMCP106"),
    ],
)
def test_a_refusal_is_the_one_of_every_edge(server: str, fields: Any, status: int, code: str) -> None:
    desk = Desk()
    got = served(server, desk.view, {"body": encoded(call("echo")), "fields": fields})
    assert (got.status, got.value["error"]["data"]["code"], desk.requests) == (status, code, [])


def test_a_field_that_came_twice_is_refused(server: str) -> None:
    desk, message = Desk(), call("echo")
    honest = headers_of(message)
    got = served(server, desk.view, {"body": message, "fields": [*honest, ("mcp-protocol-version", LEGACY)]})
    assert got.status == 400 and desk.requests == []
    assert served(server, desk.view, {"body": message, "fields": honest}).status == 200


def test_a_body_over_the_limit_is_refused_and_one_within_it_is_not(server: str) -> None:
    desk, guarded = Desk(), framework(server={"max_body": 2000})
    large, small = call("echo", {"text": "a" * 2000}), call("echo", {"text": "a" * 1000})
    assert served(server, desk.view, {"body": large}, SMCP_POLICY=guarded).status == 413
    assert served(server, desk.view, {"body": small}, SMCP_POLICY=guarded).status == 200
    assert desk.body == encoded(small)


def test_djangos_own_bound_on_bodies_does_not_stand_in_the_way(server: str) -> None:
    desk = Desk()
    message = call("echo", {"text": "a" * 5000})
    assert served(server, desk.view, {"body": message}, DATA_UPLOAD_MAX_MEMORY_SIZE=1000).status == 200
    assert desk.body == encoded(message)


def test_the_rest_of_the_project_is_left_alone(server: str) -> None:
    desk = Desk(lambda request: HttpResponse("page"))
    fields = [("host", "attacker.example"), ("accept-encoding", "gzip")]
    got = served(server, desk.view, {"method": "GET", "path": "/health", "fields": fields})
    assert (got.status, got.body, desk.request.smcp) == (200, b"page", None)
    assert desk.request.headers["accept-encoding"] == "gzip" and "smcp" not in desk.request.META


@pytest.mark.parametrize("size", [10, 100_000, 2_000_000])
def test_a_post_elsewhere_keeps_its_body_byte_for_byte(server: str, size: int) -> None:
    body = b'{"a": 1,  "a": "' + b"x" * size + b'"}'
    desk = Desk()
    fields = [("host", "127.0.0.1"), ("content-type", "application/json")]
    assert served(server, desk.view, {"body": body, "fields": fields, "path": "/api"}).status == 200
    assert desk.body == body == desk.read[0]


def test_forms_and_uploads_elsewhere_are_read_as_ever(server: str) -> None:
    parts: list[Any] = []

    def answer(request: HttpRequest) -> HttpResponse:
        parts.append((request.POST["a"], request.FILES["f"].read()))
        return HttpResponse("ok")

    def view(request: HttpRequest) -> HttpResponse:
        return answer(request)

    content = bytes(range(256)) * 1000
    body = b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\ncontent-disposition: form-data; '
    body += b'name="f"; filename="f"\r\n\r\n' + content + b"\r\n--b--\r\n"
    fields = [("host", "127.0.0.1"), ("content-type", "multipart/form-data; boundary=b")]
    fields.append(("content-length", str(len(body))))
    assert served(server, view, {"body": body, "fields": fields, "path": "/api"}).status == 200
    assert parts == [("1", content)]


@pytest.mark.parametrize("path", ["/hidden", "/mcp2", "/mcp_message"])
def test_mcp_at_a_path_nobody_listed_is_refused(server: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    got = served(server, desk.view, {"body": call("echo"), "path": path})
    assert got.status == 403 and got.value["error"]["data"]["code"] == "SMCP110"
    assert desk.requests == [] and path in caplog.text


@pytest.mark.parametrize("path", ["/mcp/", "//mcp", "/MCP", "/a/../mcp", "/mcp\n"])
def test_other_spellings_of_a_listed_path_are_guarded(server: str, path: str) -> None:
    desk = Desk()
    assert (
        "isError" in served(server, desk.view, {"body": call("run", {"command": SHELL}), "path": path}).value["result"]
    )
    assert served(server, desk.view, {"body": call("echo"), "path": path}).status == 200
    assert desk.request.smcp.allowed


def test_a_project_below_a_path_is_guarded_there(server: str) -> None:
    desk = Desk()
    below = {"path": "/mcp", "SCRIPT_NAME": "/app"} if server == "wsgi" else {"path": "/app/mcp", "root_path": "/app"}
    assert served(server, desk.view, {"body": call("run", {"command": SHELL}), **below}).value["result"]["isError"]
    assert served(server, desk.view, {"body": call("echo"), **below}).status == 200
    assert desk.request.path == "/app/mcp" and desk.request.smcp.allowed


def test_unlisted_mcp_may_be_checked_or_ignored(server: str) -> None:
    desk, attack = Desk(), {"body": call("run", {"command": SHELL}), "path": "/hidden"}
    checking = framework(server={"unlisted_mcp": "check"})
    assert served(server, desk.view, attack, SMCP_POLICY=checking).value["result"]["isError"]
    assert desk.requests == []
    ignoring = framework(server={"unlisted_mcp": "ignore"})
    assert served(server, desk.view, attack, SMCP_POLICY=ignoring).value["result"] == {}
    assert desk.body == encoded(attack["body"])


def test_a_request_without_a_body_is_mcp_by_its_fields(server: str) -> None:
    desk = Desk()
    fields = [("host", "127.0.0.1:8000"), ("mcp-session-id", "abc")]
    assert served(server, desk.view, {"method": "GET", "path": "/hidden", "fields": fields}).status == 403
    assert served(server, desk.view, {"method": "GET", "path": "/hidden", "fields": fields[:1]}).status == 200


def test_a_refused_notification_is_accepted_and_dropped(server: str) -> None:
    desk = Desk()
    note = legacy("notifications/message", {"level": "info", "data": SHELL}, id=None)
    note["id2"] = 1
    got = served(server, desk.view, {"body": note, "fields": headers_of(call("x"))})
    assert desk.requests == [] and got.status in (202, 400)


def test_the_view_is_told_of_a_refused_posted_response_and_the_client_is_not(server: str) -> None:
    desk = Desk(lambda request: HttpResponse(b"secret of the server", content_type="application/json"))
    refused = response("Zq~1", {"content": {"answer": SHELL, "x": "\u202e" * 9}})
    got = served(server, desk.view, {"body": refused})
    assert (got.status, got.body) == (202, b"")
    assert json.loads(desk.body)["error"]["code"] == -31422 and json.loads(desk.body)["id"] == "Zq~1"


def test_an_accepted_posted_response_reaches_the_view_unchanged(server: str) -> None:
    desk, value = (
        Desk(lambda request: HttpResponse(status=202)),
        response(3, {"action": "accept", "content": {"a": "b"}}),
    )
    assert served(server, desk.view, {"body": value}).status == 202
    assert desk.body == encoded(value)


@STYLES
def test_a_view_that_raises_is_answered_by_django(server: str, style: str, caplog: pytest.LogCaptureFixture) -> None:
    def fails(request: HttpRequest) -> HttpResponse:
        raise ValueError("of the view")

    caplog.set_level(logging.CRITICAL, "django.request")
    got = served(server, Desk(fails).of(style), {"body": call("echo")})
    assert got.status == 500


def test_a_body_that_was_read_before_is_refused_with_the_cure(server: str, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    reading = "tests.adapters.django.neighbours.reads_a_piece"
    got = served(server, desk.view, {"body": call("echo")}, MIDDLEWARE=[reading, MIDDLEWARE])
    assert got.status == 500 and got.value["error"]["data"]["code"] == "SMCP001"
    assert desk.requests == [] and "put it above" in caplog.text
    assert served(server, desk.view, {"body": call("echo")}, MIDDLEWARE=[MIDDLEWARE, reading]).status == 200


def test_a_body_that_is_still_at_hand_is_judged(server: str) -> None:
    desk = Desk()
    both = ["tests.adapters.django.neighbours.looks_at_the_body", MIDDLEWARE]
    assert served(server, desk.view, {"body": call("run", {"command": SHELL})}, MIDDLEWARE=both).value["result"][
        "isError"
    ]
    assert desk.requests == []
    assert (
        served(
            server,
            desk.view,
            {"body": json.dumps(call("echo")).encode(), "fields": headers_of(call("echo"))},
            MIDDLEWARE=both,
        ).status
        == 200
    )
    assert desk.body == encoded(call("echo")) == desk.read[0]
