"""FastAPI, Starlette and the SDKs' own applications: what is guarded, and what stands where it must not."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest
from fastapi import APIRouter, FastAPI
from fastmcp import FastMCP
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router
from werkzeug.local import LocalProxy

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from tests.doctor.looks import found, look, routes


async def answer(request: Request) -> Response:
    return PlainTextResponse("ok")


def _sdk(path: str = "/mcp") -> Any:
    return MCPServer("a").streamable_http_app(streamable_http_path=path)


def _guarded(framework: SMCPSecurityFramework, *around: Any, inside: tuple[Any, ...] = (), path: str = "/mcp") -> Any:
    ours = Middleware(SMCPMiddleware, framework=framework)
    return Starlette(routes=[Mount("/", _sdk(path))], middleware=[*around, ours, *inside])


def test_an_endpoint_behind_the_middleware_is_no_finding(framework: SMCPSecurityFramework) -> None:
    report = look(_guarded(framework))
    assert (found(report), routes(report)) == ([], {"/mcp": True})


def test_an_endpoint_without_the_middleware_is_found(framework: SMCPSecurityFramework) -> None:
    report = look(Starlette(routes=[Mount("/", _sdk())]))
    assert (found(report), routes(report)) == ([("DOC001", "/mcp")], {"/mcp": False})


def test_the_sibling_of_a_guarded_mount_is_found(framework: SMCPSecurityFramework) -> None:
    app = Starlette(routes=[Mount("/a", SMCPMiddleware(_sdk(), framework=framework)), Mount("/b", _sdk())])
    report = look(app)
    assert (found(report), routes(report)) == ([("DOC001", "/b/mcp")], {"/a/mcp": True, "/b/mcp": False})


@pytest.mark.parametrize("wrap", [lambda app: app, lambda app: Starlette(routes=[Host("a.example", app)])])
def test_the_middleware_is_seen_wherever_starlette_lets_it_stand(wrap: Any, framework: SMCPSecurityFramework) -> None:
    ours = Middleware(SMCPMiddleware, framework=framework)
    endpoint = _sdk().routes[0].endpoint
    for app in (
        Starlette(routes=[Mount("/", _sdk(), middleware=[ours])]),
        Starlette(routes=[Route("/mcp", endpoint, middleware=[ours])]),
        Starlette(routes=[Mount("/", Router([Route("/mcp", endpoint)], middleware=[ours]))]),
        SMCPMiddleware(_sdk(), framework=framework),
    ):
        report = look(wrap(app))
        assert (found(report), routes(report)) == ([], {"/mcp": True})


def test_middleware_written_as_a_function_hides_nothing(framework: SMCPSecurityFramework) -> None:
    def wrapped(app: Any) -> Any:
        async def pass_on(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)

        return pass_on

    assert found(look(wrapped(_sdk()))) == [("DOC001", "/mcp")]
    assert found(look(wrapped(SMCPMiddleware(wrapped(_sdk()), framework=framework)))) == []


def test_fastapi_routers_and_mounts_are_walked(framework: SMCPSecurityFramework) -> None:
    def build() -> FastAPI:
        app, router = FastAPI(), APIRouter(prefix="/api")
        router.add_api_route("/mcp_message", answer, methods=["POST"])
        router.add_api_route("/mcp-handbook", answer, methods=["GET"])
        router.add_api_route("/users", answer, methods=["POST"])
        app.include_router(router)
        app.mount("/tools", _sdk())
        return app

    assert routes(look(build())) == {"/api/mcp_message": False, "/tools/mcp": False}
    guarded = build()
    guarded.add_middleware(SMCPMiddleware, framework=framework)
    assert found(look(guarded)) == [("DOC003", "/api/mcp_message"), ("DOC004", "/tools/mcp")]


def test_an_application_of_fastmcp_is_walked(framework: SMCPSecurityFramework) -> None:
    bare, server = FastMCP("a"), FastMCP("b")
    assert found(look(bare.http_app())) == [("DOC001", "/mcp")]
    assert found(look(server.http_app(middleware=[Middleware(SMCPMiddleware, framework=framework)]))) == []


def test_both_paths_of_the_old_transport_are_found(framework: SMCPSecurityFramework) -> None:
    app = MCPServer("a").sse_app()
    assert found(look(app)) == [("DOC001", "/sse"), ("DOC001", "/messages")]
    assert found(look(SMCPMiddleware(MCPServer("a").sse_app(), framework=framework))) == []


def test_a_stream_of_an_own_path_is_not_found_by_the_middleware_itself(framework: SMCPSecurityFramework) -> None:
    app = SMCPMiddleware(MCPServer("a").sse_app(sse_path="/stream"), framework=framework)
    assert found(look(app)) == [("DOC003", "/stream")]


def test_a_pair_of_stream_and_messages_looks_like_mcp_and_a_chat_does_not() -> None:
    pair = [Route("/v1/sse", answer), Route("/v1/messages", answer, methods=["POST"])]
    assert found(look(Starlette(routes=pair))) == [("DOC001", "/v1/sse"), ("DOC001", "/v1/messages")]
    assert found(look(Starlette(routes=pair[1:]))) == []


def test_the_paths_of_the_policy_are_compared_both_ways(elsewhere: SMCPSecurityFramework) -> None:
    app = Starlette(routes=[Route("/rpc", answer, methods=["POST"])])
    assert found(look(app, policy=elsewhere.policy))[:1] == [("DOC001", "/rpc")]
    guarded = SMCPMiddleware(app, framework=elsewhere)
    assert found(look(guarded)) == [("DOC005", "/old"), ("DOC020", "server.hosts")]


def test_what_must_stand_outside_is_found_inside(framework: SMCPSecurityFramework) -> None:
    packing, sharing = Middleware(GZipMiddleware), Middleware(CORSMiddleware, allow_origins=["https://a.example"])
    assert found(look(_guarded(framework, packing, sharing))) == []
    inside = look(_guarded(framework, inside=(packing, sharing)))
    assert found(inside) == [("DOC010", "/mcp"), ("DOC011", "/mcp")]
    assert inside.findings[0]["detail"] == "starlette.middleware.gzip.GZipMiddleware"


def test_two_of_ours_are_one_too_many(framework: SMCPSecurityFramework) -> None:
    assert found(look(SMCPMiddleware(_guarded(framework), framework=framework))) == [("DOC012", "/mcp")]


class Draining:
    """Takes the body for itself."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        await self.app({**scope, "body": message}, receive, send)


class Counting(Draining):
    """Counts what the server reads."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def counted() -> Any:
            return await receive()

        await self.app(scope, counted, send)


class Streaming(BaseHTTPMiddleware):
    """Reads the stream."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        async for _ in request.stream():
            pass
        return await call_next(request)


class Peeking(BaseHTTPMiddleware):
    """Reads what Starlette keeps for the server."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        await request.body()
        return await call_next(request)


@pytest.mark.parametrize(("kind", "reads"), [(Draining, True), (Streaming, True), (Counting, False), (Peeking, False)])
def test_what_reads_the_body_before_it_is_judged_is_found(
    kind: Any, reads: bool, framework: SMCPSecurityFramework
) -> None:
    assert found(look(_guarded(framework, Middleware(kind)))) == ([("DOC013", "/mcp")] if reads else [])
    assert found(look(_guarded(framework, inside=(Middleware(kind),)))) == []


@pytest.mark.parametrize(("hosts", "any_host"), [(["*"], True), (None, True), (["mcp.example"], False)])
def test_a_wildcard_of_hosts_is_found(hosts: Any, any_host: bool, framework: SMCPSecurityFramework) -> None:
    report = look(_guarded(framework, Middleware(TrustedHostMiddleware, allowed_hosts=hosts)))
    assert found(report) == ([("DOC021", "/")] if any_host else [])


def test_a_route_that_a_probe_shadows_is_found() -> None:
    app = Starlette(
        routes=[Route("/mcp", answer, methods=["POST"]), Route("/Livez/", answer), Route("/health", answer)]
    )
    with SMCPSecurityFramework({"version": 1, "probes": {}}) as probed:
        assert found(look(SMCPMiddleware(app, framework=probed))) == [("DOC006", "/Livez/")]
        probed.reload({"version": 1, "probes": {"live": None}})
        assert found(look(SMCPMiddleware(app, framework=probed))) == []


def test_debugging_is_found_in_mounts_too(framework: SMCPSecurityFramework) -> None:
    inner = Starlette(debug=True, routes=[Route("/mcp", answer, methods=["POST"])])
    app = SMCPMiddleware(Starlette(routes=[Mount("/a", inner)]), framework=framework)
    assert found(look(app)) == [("DOC003", "/a/mcp"), ("DOC022", "/a")]


def test_an_app_that_shows_no_routes_needs_the_middleware_around_it(framework: SMCPSecurityFramework) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    assert found(look(app)) == [("DOC050", "/")]
    assert found(look(SMCPMiddleware(app, framework=framework))) == []


def test_an_app_of_knots_ends_the_walk() -> None:
    class Knot:
        app: Any

        def __call__(self) -> None: ...

    knot = Knot()
    knot.app = knot
    assert found(look(knot)) == [("DOC050", "/")]


def test_metadata_and_registration_are_not_taken_for_mcp() -> None:
    plain = [Route("/.well-known/oauth-protected-resource/mcp", answer), Route("/register", answer, methods=["POST"])]
    assert look(Starlette(routes=plain)).routes == []


def test_a_wildcard_of_fastmcp_is_found(framework: SMCPSecurityFramework) -> None:
    app = FastMCP("a").http_app(
        middleware=[Middleware(SMCPMiddleware, framework=framework)], allowed_hosts=["*"], host_origin_protection=True
    )
    assert found(look(app)) == [("DOC021", "/")]


def test_what_shows_no_routes_is_named(framework: SMCPSecurityFramework) -> None:
    async def opaque(scope: Any, receive: Any, send: Any) -> None: ...

    def seen(app: Any) -> list[tuple[str, bool]]:
        report = look(app)
        assert found(report) == []
        return [(each["path"], each["guarded"]) for each in report.unseen]

    app = Starlette(routes=[Mount("/files", opaque)])
    assert seen(app) == [("/files", False)]
    assert seen(SMCPMiddleware(app, framework=framework)) == [("/files", True)]


def test_a_guard_inside_of_the_mount_it_guards_is_enough(framework: SMCPSecurityFramework) -> None:
    app = Starlette(routes=[Mount("/mcp", SMCPMiddleware(_sdk("/"), framework=framework))])
    report = look(app)
    assert (found(report), routes(report)) == ([], {"/mcp/": True})


class Ours(SMCPMiddleware):
    """With something of the operator's own."""


@pytest.mark.parametrize(
    "make",
    [
        lambda framework: Middleware(Ours, framework=framework),
        lambda framework: Middleware(partial(SMCPMiddleware, framework=framework)),
        lambda framework: Middleware(lambda app: SMCPMiddleware(app, framework=framework)),
    ],
)
def test_the_middleware_is_known_however_it_is_made(make: Any, framework: SMCPSecurityFramework) -> None:
    assert found(look(Starlette(routes=[Mount("/", _sdk())], middleware=[make(framework)]))) == []


def test_a_class_of_the_same_name_is_not_ours() -> None:
    kind = type("SMCPMiddleware", (Counting,), {})
    assert found(look(kind(_sdk()))) == [("DOC001", "/mcp")]


def test_objects_that_answer_for_others_do_not_end_the_walk(framework: SMCPSecurityFramework) -> None:
    proxy = LocalProxy(ContextVar("nothing"))

    def wrapped(app: Any, current: Any) -> Any:
        async def again(scope: Any, receive: Any, send: Any) -> None:
            assert current and again
            await app(scope, receive, send)

        return again

    assert found(look(wrapped(_sdk(), proxy))) == [("DOC001", "/mcp")]
    assert found(look(wrapped(wrapped, proxy))) == [("DOC050", "/")]
    assert found(look(wrapped(Mock(), proxy), {"proxy": proxy, "mock": MagicMock()})) == [("DOC050", "/")]


class Split:
    """Two apps, told apart by something else than routes."""

    def __init__(self, app: Any, other: Any) -> None:
        self.app, self.others = app, {"other": other}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self.app if scope["path"] == "/" else self.others["other"])(scope, receive, send)


def test_every_app_that_a_wrapper_holds_is_walked(framework: SMCPSecurityFramework) -> None:
    web, guarded = Starlette(routes=[Route("/", answer)]), SMCPMiddleware(_sdk(), framework=framework)
    assert found(look(Split(web, _sdk()))) == [("DOC001", "/mcp")]
    assert found(look(Split(web, guarded))) == []
    assert found(look(SMCPMiddleware(Split(web, _sdk()), framework=framework))) == []


def test_middleware_that_knows_the_application_around_it_is_no_way_past_the_guard(
    framework: SMCPSecurityFramework,
) -> None:
    app = Starlette(routes=[Mount("/", _sdk())])
    app.add_middleware(SMCPMiddleware, framework=framework)
    app.add_middleware(Split, other=app)
    app.add_middleware(Split, other=app.router)
    report = look(app)
    assert (found(report), routes(report)) == ([], {"/mcp": True})
