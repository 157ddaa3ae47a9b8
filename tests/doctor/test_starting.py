"""The lifespan without a server: started before the look, ended after it, and what goes wrong in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from flask import Flask
from starlette.applications import Starlette

from smcp_security.doctor.loading import Unloadable
from smcp_security.doctor.starting import is_asgi, running
from smcp_security.errors import PolicyError


async def _through(app: Any) -> list[str]:
    said: list[str] = []
    async with running(app, said.append):
        said.append("up")
    return said


def _app(before: BaseException | None = None, after: BaseException | None = None) -> tuple[Starlette, list[str]]:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if before is not None:
            raise before
        seen.append("started")
        yield
        seen.append("ended")
        if after is not None:
            raise after

    return Starlette(lifespan=lifespan), seen


def test_an_application_is_started_and_ended() -> None:
    app, seen = _app()
    assert asyncio.run(_through(app)) == ["startup", "up", "shutdown"]
    assert seen == ["started", "ended"]


def test_a_start_that_fails_is_told_by_type_and_place() -> None:
    app, _ = _app(before=RuntimeError("the password is tulip4711"))
    with pytest.raises(Unloadable, match=r"does not start: RuntimeError at .*test_starting\.py") as raised:
        asyncio.run(_through(app))
    assert "tulip" not in str(raised.value)


def test_an_error_of_ours_at_the_start_comes_as_it_is() -> None:
    app, _ = _app(before=PolicyError("policy.yaml: line 3: no such key"))
    with pytest.raises(PolicyError, match="line 3"):
        asyncio.run(_through(app))


def test_an_application_that_knows_no_lifespan_is_up_at_once() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

    async def leaves(scope: Any, receive: Any, send: Any) -> None:
        return None

    assert asyncio.run(_through(app)) == asyncio.run(_through(leaves)) == ["startup", "up", "shutdown"]


def test_an_end_that_fails_is_no_reason_to_say_nothing() -> None:
    app, seen = _app(after=RuntimeError("x"))
    assert asyncio.run(_through(app)) == ["startup", "up", "shutdown"]
    assert seen == ["started", "ended"]


def test_asgi_and_wsgi_are_told_apart() -> None:
    class Callable3:
        def __call__(self, scope: Any, receive: Any, send: Any) -> Any: ...

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        return []

    async def asgi(scope: Any, receive: Any, send: Any) -> None: ...

    assert all(map(is_asgi, (asgi, Callable3(), Starlette())))
    assert not any(map(is_asgi, (wsgi, Flask("a"), object())))
