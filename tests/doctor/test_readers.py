"""Which code takes the body of a request for itself: of ASGI, WSGI and Django, classes and functions."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.doctor.readers import reads_body


def django_factory(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        request.read()
        return get_response(request)

    return middleware


def django_honest(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        return get_response(request.body and request)

    return middleware


class DjangoClass:
    def process_view(self, request: Any, *given: Any) -> None:
        request.readlines()


class WSGIClass:
    def __call__(self, environ: Any, start_response: Any) -> Any:
        return environ["wsgi.input"].read()


class WSGIHonest:
    def __call__(self, environ: Any, start_response: Any) -> Any:
        return environ["wsgi.errors"].read()


async def asgi_function(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass


async def asgi_honest(scope: Any, receive: Any, send: Any) -> None:
    async def counted() -> Any:
        return await receive()

    await counted()


@pytest.mark.parametrize("thing", [django_factory, DjangoClass, WSGIClass(), WSGIClass, asgi_function])
def test_code_that_takes_the_body_is_known(thing: Any) -> None:
    assert reads_body(thing)


@pytest.mark.parametrize("thing", [django_honest, WSGIHonest(), asgi_honest, len, object(), eval("lambda: receive()")])
def test_code_that_leaves_the_body_and_code_without_source_are_not(thing: Any) -> None:
    assert not reads_body(thing)
