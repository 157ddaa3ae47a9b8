"""Any request at all gets the same verdict by WSGI as by ASGI: the same answer, and the app is told the same."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.exchange import Exchange, Server, guarded, scope_of
from tests.adapters.test_any_request import ANSWERS, BODIES, NAMES, PATHS, VALUES
from tests.adapters.wsgi_exchange import Server as Plain
from tests.adapters.wsgi_exchange import behind, environ_of, through

pytestmark = pytest.mark.anyio

DECENT = {"host": "localhost", "content-type": "application/json"}
FRAMING = ("content-length", "transfer-encoding")


@settings(max_examples=100)
@given(
    fields=st.dictionaries(NAMES, VALUES, max_size=6),
    method=st.sampled_from(["POST", "POST", "GET", "DELETE", "HEAD", "OPTIONS", "PUT", "post", ""]),
    path=PATHS,
    query=st.binary(max_size=20) | st.just(b"session_id=1"),
    body=BODIES,
    answer=ANSWERS,
    media=st.sampled_from(["application/json", "text/event-stream", "text/plain", ""]),
    plain=st.booleans(),
    pieces=st.integers(1, 4),
)
async def test_a_request_by_wsgi_fares_as_it_does_by_asgi(
    fields: dict[str, str],
    method: str,
    path: str,
    query: bytes,
    body: bytes,
    answer: bytes,
    media: str,
    plain: bool,
    pieces: int,
) -> None:
    # Of two copies of a field WSGI knows only the joined text, and an empty one of these is none at all.
    sent = {**(DECENT if plain else {}), **{name: value for name, value in fields.items() if name not in FRAMING}}
    sent = {name: value for name, value in sent.items() if value or name != "content-type"}
    if method.upper() in ("POST", "PUT"):
        sent["content-length"] = str(len(body))
    else:
        body = b""
    there, here = Server(answer, media, pieces=pieces), Plain(answer, media, pieces=pieces)
    scope = scope_of(sent.items(), method=method, path=path, query_string=query)
    expected = Exchange(scope, [{"type": "http.request", "body": body, "more_body": False}])
    expected.gone.set()
    await expected.through(guarded(there))
    info = path.encode().decode("latin-1")
    environ = environ_of(
        sent.items(),
        method=method,
        path=info,
        **{"QUERY_STRING": query.decode("latin-1"), "wsgi.input": BytesIO(body), "wsgi.input_terminated": True},
    )
    exchange = through(behind(here), environ)
    assert exchange.status == expected.status
    assert exchange.body == (expected.body if method != "HEAD" or here.calls else b"")
    assert [body for _, body in here.calls] == [body for _, body in there.calls]
    for environ, _ in here.calls:
        assert _told(environ) == {name: value for name, value in there.seen.items() if value or name != "content-type"}


def _told(environ: Any) -> dict[str, str]:
    named = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    both = {name: environ.get(name.upper().replace("-", "_")) for name in ("content-type", "content-length")}
    return {**named, **{name: value for name, value in both.items() if value}}
