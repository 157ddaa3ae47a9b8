"""One request through each edge of HTTP, the same checks without the edge, and the same app without both.

Owns what is called; `edges.py` owns the measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from benchmarks.messages import ADDRESS, Workload, headers, request, response
from smcp_security import Decision, SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.wsgi import SMCPMiddleware as WsgiMiddleware
from smcp_security.checks.http import Http, read_headers

EDGE: Final = "benchmark"
Call = Callable[[], object]


class Refused(Exception):
    """An edge did not let the benchmark's own message through: its numbers would mean nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An edge: a call through it, one of the checks that it has made, and one of what it stands in front of.

    `budget` is in microseconds, what the edge may add to a call.
    """

    name: str
    budget: float | None
    through: Call
    checks: Call
    bare: Call


def http_edges(security: SMCPSecurityFramework, work: Workload) -> list[Measured]:
    """ASGI, WSGI and Django."""
    body, answer = request(work), response(work)
    fields = [(name.encode(), value.encode()) for name, value in headers(body).items()]

    def checks() -> None:
        context = security.http_context(Http("POST", "/mcp", read_headers(fields), ADDRESS))
        decision = allowed(security.inspect_sync(context, lambda limit: body, edge=EDGE))
        allowed(security.inspect_response_sync(answer, decision))
        security.settle_sync(decision)
        security.finish(decision, result="passed", status=200, size=len(answer))

    return [
        _asgi(security, body, answer, fields, checks),
        _wsgi(security, body, answer, checks),
        *_django(security, body, answer, checks),
    ]


def _asgi(
    security: SMCPSecurityFramework, body: bytes, answer: bytes, fields: list[tuple[bytes, bytes]], checks: Call
) -> Measured:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == body
        await send(start)
        await send({"type": "http.response.body", "body": answer})

    def asked(behind: Any) -> Call:
        def call() -> None:
            said: list[Any] = []

            async def receive() -> Any:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: Any) -> None:
                said.append(message)

            scope = {
                **{"type": "http", "method": "POST", "path": "/mcp", "root_path": "", "query_string": b""},
                **{"headers": fields, "client": (ADDRESS, 4711), "extensions": {}},
            }
            run(behind(scope, receive, send))
            answered(b"".join(message.get("body", b"") for message in said), answer)

        return call

    return Measured("ASGI", None, asked(SMCPMiddleware(app, framework=security)), checks, asked(app))


def run(work: Any) -> Any:
    """What a coroutine gives that waits for nothing, without what a loop would cost."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise Refused("the edge waited for something")


def _wsgi(security: SMCPSecurityFramework, body: bytes, answer: bytes, checks: Call) -> Measured:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])) == body
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]

    plain = environ_of(body)

    def asked(behind: Any) -> Call:
        def call() -> None:
            said = behind({**plain, "wsgi.input": BytesIO(body)}, lambda status, fields, exc_info=None: None)
            answered(b"".join(said), answer)
            getattr(said, "close", bool)()

        return call

    return Measured("WSGI", 60, asked(WsgiMiddleware(app, framework=security)), checks, asked(app))


def environ_of(body: bytes) -> dict[str, Any]:
    """What a WSGI server would say of the request, but for its input."""
    fields = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers(body).items()}
    fields["CONTENT_TYPE"], fields["CONTENT_LENGTH"] = fields.pop("HTTP_CONTENT_TYPE"), str(len(body))
    fields.pop("HTTP_CONTENT_LENGTH", None)
    return {
        **{"REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/mcp", "QUERY_STRING": "", **fields},
        **{"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": ADDRESS},
        **{"wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.multithread": True, "wsgi.multiprocess": False},
        **{"wsgi.run_once": False, "wsgi.errors": None},
    }


def _django(security: SMCPSecurityFramework, body: bytes, answer: bytes, checks: Call) -> list[Measured]:
    from asgiref.sync import markcoroutinefunction
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import HttpResponse

    if not settings.configured:
        settings.configure()
    from django.test import override_settings

    from smcp_security.adapters.django import SMCPMiddleware as DjangoMiddleware

    plain = environ_of(body)

    def view(request: Any) -> Any:
        assert request.body == body
        return HttpResponse(answer, content_type="application/json")

    async def waiting(request: Any) -> Any:
        return view(request)

    markcoroutinefunction(waiting)

    def asked(behind: Any, end: Callable[[Any], Any]) -> Call:
        def call() -> None:
            said = end(behind(WSGIRequest({**plain, "wsgi.input": BytesIO(body)})))
            answered(b"".join(said), answer)
            said.close()

        return call

    with override_settings(SMCP_POLICY=security):
        guarded, guarded_async = DjangoMiddleware(view), DjangoMiddleware(waiting)
    return [
        Measured("Django, sync", 60, asked(guarded, _as_it_is), checks, asked(view, _as_it_is)),
        Measured("Django, async", 60, asked(guarded_async, run), checks, asked(waiting, run)),
    ]


def _as_it_is(said: Any) -> Any:
    return said


def allowed(decision: Decision) -> Decision:
    """The verdict, which must be a clean one. Raises `Refused`."""
    if not decision.allowed or decision.findings:
        codes = ", ".join(finding.code for finding in decision.findings)
        raise Refused(f"an honest message of the benchmark was refused or reported: {codes}")
    return decision


def answered(said: bytes, answer: bytes) -> None:
    """Raise `Refused` for another answer than the server's."""
    if said != answer:
        raise Refused(f"an honest message of the benchmark was answered with {said[:200]!r}")
