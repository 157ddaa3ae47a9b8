"""HTTP servers that are secured in process, on every SDK: over the deprecated HTTP+SSE without the middleware, and over
Streamable HTTP behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.edges.sdk_stand import KINDS, Stand, answer, asked, attacked, each_once, reported, stand_of

pytestmark = [pytest.mark.real, pytest.mark.anyio]


@pytest.fixture(params=KINDS)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Stand:
    return stand_of(request.param, request, tmp_path)


async def test_a_server_over_the_older_transport_is_guarded_without_the_middleware(stand: Stand) -> None:
    async with stand.over_http("sse", elicitation_callback=answer) as client:
        await attacked(client)
        await asked(client)
        await reported(client)
    each_once(stand, "sdk", 12)


async def test_behind_the_middleware_nothing_is_judged_or_written_down_twice(stand: Stand) -> None:
    async with stand.over_http("http", "middleware", elicitation_callback=answer) as client:
        await attacked(client)
        await asked(client)
    each_once(stand, "asgi", 10)
