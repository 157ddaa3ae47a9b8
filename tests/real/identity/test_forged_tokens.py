"""Row 32 of the acceptance table: a token replayed at another resource, or forged, beside its honest twin."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.real.identity.forgeries import FORGED, by_a_stranger
from tests.real.identity.issuer import JWKS
from tests.real.identity.keyring import signed
from tests.real.identity.lab import STRONG, Lab, bearing, lab
from tests.real.identity.rooms import stateless
from tests.real.messages import call
from tests.real.wire import ask

pytestmark = [pytest.mark.real, pytest.mark.anyio]
ERAS = ("modern", "legacy")


@asynccontextmanager
async def besieged() -> AsyncIterator[Lab]:
    """A server whose issuer has keys of two kinds, both known before the first token comes."""
    async with lab(stateless, policy={"server": {"trusted_proxies": ["127.0.0.1"]}}) as place:
        place.issuer.authority.keyring.rotate("ES256")
        place.issuer.authority.keyring.rotate("RS256")
        yield place


@pytest.mark.parametrize("era", ERAS)
async def test_row_32_no_forged_token_gets_in(era: str) -> None:
    async with besieged() as place:
        codes = {}
        for number, (name, forge) in enumerate(FORGED.items()):
            # Each from an address of its own: none is refused only because others were before it.
            request = bearing(call(era, "whoami"), forge(place)).adding(("x-forwarded-for", f"198.51.100.{number}"))
            reply = await ask(place.address, request)
            codes[name] = (reply.status, json.loads(reply.body)["error"]["data"]["code"])
            assert place.recorder.seen == [], name
            assert 'error="invalid_token"' in (reply.header("www-authenticate") or ""), name
            assert "#ann" not in reply.text
        assert codes == dict.fromkeys(FORGED, (401, "SMCP202"))
        assert await place.passed(bearing(call(era, "whoami"), place.token()))


async def test_row_32_who_guesses_waits_and_who_is_right_does_not() -> None:
    async with besieged() as place:
        request = call("modern", "whoami")
        here = request.adding(("x-forwarded-for", "198.51.100.1"))
        replies = [await ask(place.address, bearing(here, by_a_stranger(place))) for _ in range(20)]
        assert [reply.status for reply in replies] == [401] * 10 + [429] * 10
        assert int(replies[-1].header("retry-after") or 0) > 0
        assert place.recorder.seen == []
        # A right credential of the same address passes, and another address has guesses of its own.
        assert await place.passed(bearing(here, place.token()))
        there = request.adding(("x-forwarded-for", "198.51.100.2"))
        assert (await ask(place.address, bearing(there, by_a_stranger(place)))).status == 401


ELSEWHERE: tuple[Any, ...] = (
    "https://other.example/mcp",
    ["https://other.example/mcp"],
    "http://127.0.0.1/mcp",
    "",
    [],
    None,
    "*",
)


async def test_row_32_a_token_for_another_resource_is_refused() -> None:
    async with lab(stateless) as place:
        for audience in ELSEWHERE:
            reply = await ask(place.address, bearing(call("modern", "whoami"), place.token(aud=audience)))
            assert reply.status == 401, audience
            assert json.loads(reply.body)["error"]["data"]["code"] in ("SMCP202", "SMCP204")
        assert place.recorder.seen == []
        for own in (place.url, [place.url], ["https://other.example/mcp", place.url], place.url + "/"):
            assert await place.passed(bearing(call("modern", "whoami"), place.token(aud=own)))


async def test_row_32_a_neighbouring_resource_is_another() -> None:
    async with lab(stateless) as place:
        for path in ("/mcp/../other", "/mcp2", "/mc", "", "/MCP", "/mcp?x=1", "/mcp#x", "/mcp/x"):
            token = place.token(aud=place.url.removesuffix("/mcp") + path)
            await place.refused(bearing(call("modern", "whoami"), token), 401, "SMCP204")
        shouted = place.url.replace("http://", "HTTP://")
        assert await place.passed(bearing(call("modern", "whoami"), place.token(aud=shouted)))


@pytest.mark.parametrize(
    "times", [{"exp": -3600}, {"nbf": 3600}, {"iat": 3600}], ids=["expired", "not yet", "from the future"]
)
async def test_row_32_a_token_out_of_its_time_is_refused(times: dict[str, int]) -> None:
    now = int(time.time())
    async with lab(stateless) as place:
        late = place.token(**{name: now + offset for name, offset in times.items()})
        await place.refused(bearing(call("modern", "whoami"), late), 401, "SMCP203")
        # Clocks differ a little.
        close = place.token(exp=now + 3600, nbf=now + 5, iat=now + 5)
        assert await place.passed(bearing(call("modern", "whoami"), close))


async def test_row_32_one_issuers_key_does_not_sign_for_another() -> None:
    async with lab(stateless) as other, lab(stateless) as place:
        mine = other.issuer.authority.keyring
        crossed = signed(place.claims(), mine.current, {"alg": "RS256", "kid": mine.current.kid})
        await place.refused(bearing(call("modern", "whoami"), crossed), 401, "SMCP202")
        assert await place.passed(bearing(call("modern", "whoami"), place.token()))


async def test_row_32_a_huge_token_costs_neither_time_nor_memory() -> None:
    async with lab(stateless) as place:
        for size in (9_000, 60_000):
            request = bearing(call("modern", "whoami"), "e" * size)
            place.recorder.clear()
            reply = await ask(place.address, request)
            assert reply.status in (401, 431)
            assert place.recorder.seen == []
        assert place.issuer.count(JWKS) == 0
        groups = [f"group-{number}" for number in range(200)]
        assert await place.passed(bearing(call("modern", "whoami"), place.token(groups=groups)))


async def test_row_32_an_algorithm_the_policy_does_not_name_is_refused() -> None:
    async with lab(stateless, trust={"algorithms": ["RS256"]}) as place:
        named = place.token()
        place.issuer.authority.keyring.rotate("ES256")
        await place.refused(bearing(call("modern", "whoami"), place.token()), 401, "SMCP202")
        assert await place.passed(bearing(call("modern", "whoami"), named))


async def test_row_32_two_credentials_are_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_API_KEY", STRONG)
    async with lab(stateless, api_keys={"header": "x-api-key"}) as place:
        one = bearing(call("modern", "whoami"), place.token())
        other = call("modern", "whoami").adding(("x-api-key", STRONG))
        await place.refused(one.adding(("authorization", f"Bearer {place.token('bob')}")), 400, "SMCP107")
        await place.refused(one.adding(("x-api-key", STRONG)), 400, "SMCP209")
        await place.refused(other.adding(("x-api-key", STRONG)), 400, "SMCP209")
        for alone in (one, other):
            assert (await place.passed(alone))["structuredContent"]["credentials"] == []
