"""What holds for a whole exchange with a Django project: what it holds is given back, and nothing waits in vain."""

from __future__ import annotations

import json
import threading
from io import BytesIO
from typing import Any

import anyio
import pytest
from asgiref.sync import AsyncToSync, SyncToAsync
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, StreamingHttpResponse

from smcp_security import Misplaced, PolicyError, SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters import django as edge
from smcp_security.adapters.local import own_framework
from tests.adapters import exchange, wsgi_exchange
from tests.adapters.django.project import SERVERS, Desk, framework, project, served
from tests.envelopes import call, encoded, headers_of, legacy, response

CALL = {"body": call("echo")}
GOOD = encoded(response(1, {"content": [{"type": "text", "text": "fine"}]}))
NOTE = b"data: " + encoded(legacy("notifications/progress", {"progressToken": 1, "progress": 1}, id=None)) + b"\n\n"
RESOURCE = "https://mcp.example.com/mcp"
SHELL = "a; cat /etc/passwd | sh"
ONE_AT_A_TIME = {"concurrency": [{"per": "address", "max": 1}]}


def _stream(*pieces: bytes) -> Desk:
    return Desk(lambda request: StreamingHttpResponse(iter(pieces), content_type="text/event-stream"))


@pytest.mark.parametrize("read", [0, 1])
def test_a_slot_is_held_while_the_stream_is_open_and_free_once_the_client_is_gone(read: int) -> None:
    with project(_stream(NOTE, NOTE).view, SMCP_POLICY=framework(**ONE_AT_A_TIME)):
        app = WSGIHandler()
        first = wsgi_exchange.Exchange().begin(app, wsgi_exchange.posting(**CALL))
        for _ in range(read):
            next(iter(first.iterable))
        refused = wsgi_exchange.through(app, wsgi_exchange.posting(**CALL))
        assert refused.value["error"]["data"]["code"] == "SMCP404"
        first.hang_up()
        assert wsgi_exchange.through(app, wsgi_exchange.posting(**CALL)).body == NOTE + NOTE


@pytest.mark.parametrize("server", SERVERS)
def test_a_slot_is_free_when_the_answer_is_there(server: str) -> None:
    desk, guarded = Desk(), framework(**ONE_AT_A_TIME)
    for _ in range(3):
        assert served(server, desk.view, CALL, SMCP_POLICY=guarded).status == 200
    assert len(desk.requests) == 3


def test_a_client_that_leaves_while_the_view_works_frees_its_slot() -> None:
    entered: list[anyio.Event] = []

    async def waits(request: Any) -> HttpResponse:
        entered.pop().set()
        await anyio.sleep_forever()
        raise AssertionError

    async def run(app: ASGIHandler) -> None:
        entered.append(began := anyio.Event())
        talk = exchange.posting(**CALL)
        async with anyio.create_task_group() as group:
            group.start_soon(talk.through, app)
            await began.wait()
            talk.gone.set()
        assert talk.sent == []

    with project(waits, SMCP_POLICY=framework(**ONE_AT_A_TIME)):
        app = ASGIHandler()
        anyio.run(run, app)
        anyio.run(run, app)


async def _answer(request: Any) -> HttpResponse:
    return HttpResponse(GOOD, content_type="application/json")


def test_an_async_project_hops_between_no_threads_and_blocks_on_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    def hops(self: Any, *given: Any, **more: Any) -> Any:
        raise AssertionError("a thread hop")

    async def run() -> None:
        middleware = edge.SMCPMiddleware(_answer)
        posted = exchange.posting(**CALL)
        request = ASGIRequest(posted.scope, BytesIO(encoded(CALL["body"])))
        assert (await middleware(request)).content == GOOD

    monkeypatch.setattr(SyncToAsync, "__call__", hops)
    monkeypatch.setattr(AsyncToSync, "__call__", hops)
    for blocking in ("inspect_sync", "inspect_response_sync", "settle_sync", "bind_sync"):
        monkeypatch.setattr(SMCPSecurityFramework, blocking, hops)
    with project(_answer):
        anyio.run(run)


def test_a_sync_project_hops_between_no_threads_and_needs_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def hops(self: Any, *given: Any, **more: Any) -> Any:
        raise AssertionError("a thread hop")

    monkeypatch.setattr(SyncToAsync, "__call__", hops)
    monkeypatch.setattr(AsyncToSync, "__call__", hops)
    for waiting in ("inspect", "inspect_response", "settle", "bind"):
        monkeypatch.setattr(SMCPSecurityFramework, waiting, hops)
    threads: list[int] = []
    desk = Desk(lambda request: threads.append(threading.get_ident()) or HttpResponse(GOOD, content_type="text/plain"))
    assert served("wsgi", desk.view, CALL).body == GOOD
    assert threads == [threading.get_ident()]


def test_what_an_edge_around_django_has_judged_is_judged_once(caplog: pytest.LogCaptureFixture) -> None:
    guarded, desk = framework(), Desk()
    with project(desk.view, SMCP_POLICY=guarded):
        talk = exchange.posting(**CALL)
        anyio.run(talk.through, SMCPMiddleware(ASGIHandler(), framework=guarded))
    assert talk.status == 200
    assert desk.request.smcp is desk.request.scope["smcp"]


def test_another_framework_outside_judges_for_itself() -> None:
    desk, attack = Desk(), {"body": call("run", {"command": SHELL})}
    lenient = framework(mode="monitor")
    with project(desk.view):
        talk = exchange.posting(**attack)
        anyio.run(talk.through, SMCPMiddleware(ASGIHandler(), framework=lenient))
    assert talk.value["result"]["isError"] and desk.requests == []


@pytest.mark.parametrize("server", SERVERS)
def test_what_is_only_monitored_passes_over_the_cap(server: str) -> None:
    large = encoded(response(1, {"content": [{"type": "text", "text": "x" * 5000}]}))
    pieces = [large[at : at + 700] for at in range(0, len(large), 700)]
    desk = Desk(lambda request: StreamingHttpResponse(iter(pieces), content_type="application/json"))
    lenient = framework(mode={"results": "monitor"}, results={"max_size": 2000})
    assert served(server, desk.view, CALL, SMCP_POLICY=lenient).body == large
    strict = framework(results={"max_size": 2000})
    assert served(server, desk.view, CALL, SMCP_POLICY=strict).value["error"]["data"]["code"] == "SMCP701"


@pytest.mark.parametrize("server", SERVERS)
def test_a_body_that_django_keeps_on_disk_is_judged_and_passed_on(server: str) -> None:
    desk, message = Desk(), call("echo", {"text": "a" * 5000})
    assert served(server, desk.view, {"body": message}, FILE_UPLOAD_MAX_MEMORY_SIZE=1000).status == 200
    assert desk.body == encoded(message)


@pytest.mark.parametrize("server", SERVERS)
def test_clients_find_the_issuer_without_a_token(server: str) -> None:
    issuer = {"issuer": "https://idp.example.com", "algorithms": ["RS256"], "jwks": "https://idp.example.com/jwks.json"}
    policy = {"server": {"resource": RESOURCE, "hosts": ["mcp.example.com"]}, "identity": {"jwt": [issuer]}}
    desk, guarded = Desk(), framework(**policy)
    known = "/.well-known/oauth-protected-resource/mcp"
    got = served(server, desk.view, {"method": "GET", "path": known}, SMCP_POLICY=guarded)
    assert got.status == 200 and got.value["authorization_servers"] == ["https://idp.example.com"]
    asked = {"body": call("echo"), "fields": [("host", "mcp.example.com"), *headers_of(call("echo"))[1:]]}
    refused = served(server, desk.view, asked, SMCP_POLICY=guarded)
    assert refused.status == 401 and "resource_metadata" in refused.headers["www-authenticate"]
    assert desk.requests == []


@pytest.mark.parametrize("server", SERVERS)
def test_a_refusal_on_the_older_transport_goes_to_the_server_as_a_stand_in(server: str) -> None:
    desk = Desk(lambda request: HttpResponse(status=202))
    asked = {"body": call("run", {"command": SHELL}), "path": "/messages"}
    query = {"QUERY_STRING": "session_id=abc"} if server == "wsgi" else {"query_string": b"session_id=abc"}
    assert served(server, desk.view, {**asked, **query}).status == 202
    told = json.loads(desk.body)
    assert told["id"] == 1 and told["method"] == "smcp/refused" and "passwd" not in desk.body.decode()


def test_a_decorator_that_guards_nothing_stops_the_first_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def misplaced() -> None:
        raise Misplaced("the fix")

    monkeypatch.setattr("smcp_security.adapters.django.middleware.check_placement", misplaced)
    desk = Desk()
    assert served("wsgi", desk.view, CALL).status == 500
    assert desk.requests == []


def test_the_settings_say_the_policy_and_every_handler_shares_its_framework() -> None:
    with project(_answer, SMCP_POLICY={"limits": []}):
        first, second = edge.SMCPMiddleware(_answer), edge.SMCPMiddleware(_answer)
        assert first.framework is second.framework is edge.framework()
        assert not first.framework.policy.limits
    with project(_answer, SMCP_POLICY=None):
        assert edge.framework() is own_framework()
    with project(_answer, SMCP_POLICY={"no_such_section": 1}), pytest.raises(PolicyError):
        edge.SMCPMiddleware(_answer)


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Middleware'"):
        edge.Middleware  # noqa: B018
