"""The ASGI middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from tests.acceptance.edges.knocking import Knock, Seen, by_asgi, http_edge
from tests.acceptance.obedient import Obedient


@asynccontextmanager
async def _door(security: SMCPSecurityFramework) -> AsyncIterator[Knock]:
    seen: list[Seen] = []
    house = Obedient()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"")
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        seen.append(Seen(scope["method"], headers, body))
        said = house.http(scope["method"], scope["path"], headers, body)
        fields = [(name.encode(), value.encode()) for name, value in said.headers]
        await send({"type": "http.response.start", "status": said.status, "headers": fields})
        await send({"type": "http.response.body", "body": said.body})

    yield by_asgi(SMCPMiddleware(app, framework=security), seen)


ASGI: Final = http_edge("ASGI", _door)
