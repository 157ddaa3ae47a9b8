"""The WSGI middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.wsgi import SMCPMiddleware
from tests.acceptance.edges.knocking import Knock, Seen, by_wsgi, http_edge
from tests.acceptance.obedient import Obedient


@asynccontextmanager
async def _door(security: SMCPSecurityFramework) -> AsyncIterator[Knock]:
    seen: list[Seen] = []
    house = Obedient()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {key[5:].lower().replace("_", "-"): value for key, value in environ.items() if key[:5] == "HTTP_"}
        seen.append(Seen(environ["REQUEST_METHOD"], headers, body))
        said = house.http(environ["REQUEST_METHOD"], environ["PATH_INFO"], headers, body)
        start_response(f"{said.status} Said", list(said.headers))
        return [said.body]

    yield by_wsgi(SMCPMiddleware(app, framework=security), seen)


WSGI: Final = http_edge("WSGI", _door)
