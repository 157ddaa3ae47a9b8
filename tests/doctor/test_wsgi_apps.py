"""Flask and other WSGI applications, alone, in wrappers and inside of ASGI."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.asgi import SMCPMiddleware as ASGIMiddleware
from smcp_security.adapters.wsgi import SMCPMiddleware
from tests.doctor.looks import found, look, routes


def _flask(path: str = "/mcp") -> Flask:
    app = Flask("library")
    app.add_url_rule(path, "mcp", lambda: "ok", methods=["POST"])
    app.add_url_rule("/health", "health", lambda: "ok")
    return app


def test_flask_without_the_middleware_is_found() -> None:
    report = look(_flask())
    assert (found(report), routes(report), report.kind) == ([("DOC001", "/mcp")], {"/mcp": False}, "flask.app.Flask")


@pytest.mark.parametrize("around", [True, False])
def test_flask_behind_the_middleware_is_no_finding(around: bool, framework: SMCPSecurityFramework) -> None:
    app: Any = _flask()
    if around:
        app = SMCPMiddleware(app, framework=framework)
    else:
        app.wsgi_app = ProxyFix(SMCPMiddleware(app.wsgi_app, framework=framework))
    report = look(app)
    assert (found(report), routes(report)) == ([], {"/mcp": True})


def test_extensions_that_hook_into_flask_stand_inside(framework: SMCPSecurityFramework) -> None:
    class Compress:
        def after_request(self, response: Any) -> Any:
            return response

    app = _flask()
    app.after_request(Compress().after_request)
    report = look(SMCPMiddleware(app, framework=framework))
    assert found(report) == [("DOC010", "/mcp")]
    assert report.findings[0]["detail"].endswith("Compress")


def test_a_dispatcher_leads_to_each_of_its_apps(framework: SMCPSecurityFramework) -> None:
    app = DispatcherMiddleware(_flask("/x"), {"/a": SMCPMiddleware(_flask(), framework=framework), "/b": _flask()})
    report = look(app)
    assert (found(report), routes(report)) == ([("DOC001", "/b/mcp")], {"/a/mcp": True, "/b/mcp": False})


def test_flask_inside_of_asgi_is_walked(framework: SMCPSecurityFramework) -> None:
    class Bridge:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    app = Starlette(routes=[Mount("/old", Bridge(_flask()))])
    assert found(look(app)) == [("DOC001", "/old/mcp")]
    assert found(look(ASGIMiddleware(app, framework=framework))) == [("DOC003", "/old/mcp")]


def test_debugging_of_flask_is_found(framework: SMCPSecurityFramework) -> None:
    app = _flask()
    app.debug = True
    assert found(look(SMCPMiddleware(app, framework=framework))) == [("DOC022", "/")]


def test_a_plain_function_needs_the_middleware_around_it(framework: SMCPSecurityFramework) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        return []

    assert found(look(app)) == [("DOC050", "/")]
    assert found(look(SMCPMiddleware(app, framework=framework))) == []
