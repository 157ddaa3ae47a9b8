"""Django, by the handlers that its WSGI and ASGI servers call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType
from typing import Any, Final

from smcp_security import SMCPSecurityFramework
from tests.acceptance.edges.knocking import Knock, Seen, by_asgi, by_wsgi, http_edge
from tests.acceptance.obedient import Obedient
from tests.adapters.django.project import set_up


@asynccontextmanager
async def _by_wsgi(security: SMCPSecurityFramework) -> AsyncIterator[Knock]:
    from django.core.handlers.wsgi import WSGIHandler

    seen: list[Seen] = []
    with _project(security, _view(seen)):
        yield by_wsgi(WSGIHandler(), seen)


@asynccontextmanager
async def _by_asgi(security: SMCPSecurityFramework) -> AsyncIterator[Knock]:
    from django.core.handlers.asgi import ASGIHandler

    seen: list[Seen] = []
    view = _view(seen)

    async def waiting(request: Any, path: str = "") -> Any:
        return view(request)

    with _project(security, waiting):
        yield by_asgi(ASGIHandler(), seen)


def _view(seen: list[Seen]) -> Any:
    from django.http import HttpResponse

    house = Obedient()

    def view(request: Any, path: str = "") -> Any:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append(Seen(request.method, headers, request.body))
        said = house.http(request.method, request.path, headers, request.body)
        return HttpResponse(said.body, status=said.status, headers=dict(said.headers))

    return view


@contextmanager
def _project(security: SMCPSecurityFramework, view: Any) -> Iterator[None]:
    """A project with one view for every path, behind the middleware."""
    from django.test import override_settings
    from django.urls import path

    set_up()

    urls = ModuleType("urls")
    urls.urlpatterns = [path("", view), path("<path:path>", view)]  # type: ignore[attr-defined]
    middleware = ["smcp_security.adapters.django.SMCPMiddleware"]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=middleware, SMCP_POLICY=security, ALLOWED_HOSTS=["*"]):
        yield


DJANGO_SYNC: Final = http_edge("Django under WSGI", _by_wsgi)
DJANGO_ASYNC: Final = http_edge("Django under ASGI", _by_asgi)
