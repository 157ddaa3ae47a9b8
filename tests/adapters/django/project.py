"""A Django project made for one test: its views and settings, served by both of Django's handlers without a socket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from django.apps import apps
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings
from django.urls import re_path

from smcp_security import SMCPSecurityFramework
from tests.adapters import exchange, wsgi_exchange

MIDDLEWARE = "smcp_security.adapters.django.SMCPMiddleware"
SERVERS = ("wsgi", "asgi")
Got = exchange.Exchange | wsgi_exchange.Exchange


def set_up() -> None:
    """Django wants settings and apps once for a process, whoever of its tests comes first; the rest is overridden."""
    if not settings.configured:
        settings.configure()
    if not apps.ready:
        apps.populate(["django.contrib.contenttypes", "django.contrib.auth"])
        # Every refusal of every test would be a line of its.
        logging.getLogger("django.request").addHandler(logging.NullHandler())


def framework(**policy: Any) -> SMCPSecurityFramework:
    """A framework without rates unless the policy names some; shared by policy with all tests of edges."""
    return exchange.guarded(exchange.Server(), **policy).framework


@contextmanager
def project(view: Callable[..., Any], **changed: Any) -> Iterator[None]:
    """The settings of a project whose every path is `view`."""
    set_up()
    given: dict[str, Any] = {"ALLOWED_HOSTS": ["*"], "MIDDLEWARE": [MIDDLEWARE], "SMCP_POLICY": framework()}
    with override_settings(ROOT_URLCONF=(re_path("", view),), **{**given, **changed}):
        yield


def served(server: str, view: Callable[..., Any], asked: dict[str, Any], **changed: Any) -> Got:
    """One exchange with the project, by the handler of WSGI or of ASGI. `asked` is what `posting` and `asking` take."""
    with project(view, **changed):
        if server == "wsgi":
            return wsgi_exchange.through(WSGIHandler(), _build(wsgi_exchange, asked))
        return anyio.run(_build(exchange, asked).through, ASGIHandler())


def _build(module: Any, asked: dict[str, Any]) -> Any:
    build = module.asking if "method" in asked else module.posting
    return build(**asked)


class Desk:
    """A view that answers and keeps what it saw; `desk.view` is sync, `desk.aview` async."""

    def __init__(self, answer: Callable[[HttpRequest], Any] | None = None) -> None:
        self._answer = answer or _fine
        self.requests: list[HttpRequest] = []
        self.bodies: list[bytes] = []
        self.read: list[bytes] = []

    def view(self, request: HttpRequest) -> Any:
        """Answer."""
        self.requests.append(request)
        self.bodies.append(request.body)
        self.read.append(request.read())
        return self._answer(request)

    async def aview(self, request: HttpRequest) -> Any:
        """Answer."""
        return self.view(request)

    def of(self, style: str) -> Callable[..., Any]:
        """The view in the style "sync" or "async"."""
        return self.view if style == "sync" else self.aview

    @property
    def request(self) -> Any:
        """The only request."""
        [request] = self.requests
        return request

    @property
    def body(self) -> bytes:
        """The body of the only request."""
        [body] = self.bodies
        return body


def _fine(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b'{"jsonrpc":"2.0","id":1,"result":{}}', content_type="application/json")
