"""The obedient server as an ASGI app behind the middleware; its policy is that of `SMCP_POLICY`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smcp_security import SMCPMiddleware
from tests.acceptance.obedient import Obedient

_house = Obedient()


async def _everything(request: Request) -> Response:
    said = _house.http(request.method, request.url.path, request.headers.keys(), await request.body())
    return Response(said.body, said.status, dict(said.headers))


app = Starlette(routes=[Route("/{path:path}", _everything, methods=["GET", "POST", "DELETE"])])
app.add_middleware(SMCPMiddleware)
