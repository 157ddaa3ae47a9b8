"""The obedient server as a Django project in one file; its policy is that of `SMCP_POLICY`."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tests.acceptance.obedient import Obedient

_ASGI = os.environ.get("HOUSE") == "asgi"
_house = Obedient()

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="only-for-these-tests",
    MIDDLEWARE=[
        "smcp_security.adapters.django.SMCPMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
)


def _answer(request: Any) -> HttpResponse:
    said = _house.http(request.method, request.path, [name.lower() for name in request.headers], request.body)
    return HttpResponse(said.body, status=said.status, headers=dict(said.headers))


def _sync(request: Any, where: str = "") -> HttpResponse:
    return _answer(request)


async def _async(request: Any, where: str = "") -> HttpResponse:
    return _answer(request)


_view = csrf_exempt(_async if _ASGI else _sync)
urlpatterns = [path("", _view), path("<path:where>", _view)]
app = ASGIHandler() if _ASGI else WSGIHandler()
