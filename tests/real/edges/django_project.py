"""A Django project that does to the edge what projects do; served by WSGI (`wsgi`), ASGI (`asgi`) and its `runserver`.

`/mcp` is a sync view, `/amcp` an async one: a tool by the name of each thing that a view may do. Streams wait for the
tests by two pipes in `EDGE_DESK`, whichever process serves them: `release` lets one go on, and `closed` tells that one
was closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.management.commands.runserver import Command
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

DESK = Path(os.environ["EDGE_DESK"])
STREAM = "text/event-stream"
EDGE = "smcp_security.adapters.django"
settings.configure(
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=[EDGE],
    # GZip stands outside: it compresses what was judged.
    MIDDLEWARE=["django.middleware.gzip.GZipMiddleware", f"{EDGE}.SMCPMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
    SMCP_POLICY={
        "version": 1,
        "limits": [],
        "concurrency": [{"per": "address", "tools": ["held"], "max": 1}],
        "server": {"hosts": ["*"], "flood": "off", "paths": ["/mcp", "/amcp"]},
        "results": {"max_size": "64KiB"},
    },
)


@csrf_exempt
def sync(request: HttpRequest) -> Any:
    """One message, answered by code that blocks."""
    return _answered(request, _events)


@csrf_exempt
async def awaited(request: HttpRequest) -> Any:
    """One message, answered by code that waits."""
    return _answered(request, _aevents)


def _answered(request: HttpRequest, events: Any) -> Any:
    asked = json.loads(request.body or "{}")
    if "method" not in asked:
        return HttpResponse(status=202)
    text = json.dumps(asked.get("params", {}).get("arguments"))
    answer = json.dumps(
        {"jsonrpc": "2.0", "id": asked.get("id"), "result": {"content": [{"type": "text", "text": text}]}}
    )
    name = asked["params"]["name"]
    if name == "break":
        raise RuntimeError("as a view breaks")
    if name in ("stream", "break_late", "held"):
        return StreamingHttpResponse(events(name, answer), content_type=STREAM)
    if name == "pieces":
        return StreamingHttpResponse(iter([answer[:9], answer[9:]]), content_type="application/json")
    if name == "file":
        (DESK / "answer.json").write_text(answer, encoding="utf-8")
        return FileResponse((DESK / "answer.json").open("rb"), content_type="application/json")
    return HttpResponse(answer, content_type="application/json")


def _progress(text: str) -> str:
    params = {"level": "info", "data": text}
    return f"data: {json.dumps({'jsonrpc': '2.0', 'method': 'notifications/message', 'params': params})}\n\n"


def _events(name: str, answer: str) -> Iterator[str]:
    try:
        yield _progress("begun")
        if name == "break_late":
            raise RuntimeError("as a stream breaks")
        (DESK / "release").read_bytes()
        yield f"data: {answer}\n\n"
        while name == "stream":  # until the client is gone
            yield _progress("on and on" * 1000)
    finally:
        _tell(name)


async def _aevents(name: str, answer: str) -> AsyncIterator[str]:
    try:
        yield _progress("begun")
        if name == "break_late":
            raise RuntimeError("as a stream breaks")
        await asyncio.to_thread((DESK / "release").read_bytes)
        yield f"data: {answer}\n\n"
        while name == "stream":
            yield _progress("on and on" * 1000)
    finally:
        _tell(name)


def _tell(name: str) -> None:
    if name == "stream":
        (DESK / "closed").write_bytes(b"closed")


def upload(request: HttpRequest) -> HttpResponse:
    """The size of what was sent."""
    return HttpResponse(str(len(request.read())))


urlpatterns = [path("mcp", sync), path("amcp", awaited), path("upload", csrf_exempt(upload))]
wsgi, asgi = get_wsgi_application(), get_asgi_application()


class Serving(Command):
    """`runserver` that says where it listens."""

    def on_bind(self, server_port: int) -> None:
        """What the tests wait for."""
        print("listening", server_port, flush=True)


if __name__ == "__main__":
    call_command(Serving(), "127.0.0.1:0", use_reloader=False, stdout=sys.stderr)
