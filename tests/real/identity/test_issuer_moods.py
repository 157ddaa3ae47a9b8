"""An issuer that is down, slow, huge or rotating is its own tokens' trouble: nobody else waits for it.

Nothing here looks at a clock: what must not wait is asked, and answered, while the issuer still holds its answer back.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from tests.real.house import PATIENCE
from tests.real.identity.issuer import HUGE, INTROSPECT, JWKS
from tests.real.identity.keyring import fresh, signed
from tests.real.identity.lab import Lab, bearing, lab
from tests.real.identity.rooms import stateless
from tests.real.messages import Request, call
from tests.real.site import reached
from tests.real.wire import Reply, ask

pytestmark = [pytest.mark.real, pytest.mark.anyio]

KEY = "Tz5-nHw8Rk2-vXq6Lm9-pYc3Jd7-bFs4Gt1"
SECRET = "Xq7-vJ2mPz9-kLw4Rt8-bNc5Yh3-dGf6Ws1"
MOODS = ("fails", "rambles", "lies", "floods")


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_API_KEY", KEY)
    monkeypatch.setenv("RESOURCE_SECRET", SECRET)


@asynccontextmanager
async def place_with_key(**options: Any) -> AsyncIterator[Lab]:
    """A server that takes the issuer's tokens, and one API key."""
    async with lab(stateless, api_keys={}, **options) as place:
        yield place


async def call_with(place: Lab, token: str) -> Reply:
    """A call with a credential."""
    return await ask(place.address, bearing(call("modern", "whoami"), token))


async def name_of(place: Lab, token: str) -> str:
    """Whom the server takes the bearer of a credential for."""
    reply = await call_with(place, token)
    assert reply.status == 200, reply
    return str(reply.message["result"]["structuredContent"]["caller"])


def code_of(reply: Reply) -> tuple[int, str]:
    """Status and finding of a refusal."""
    return reply.status, json.loads(reply.body)["error"]["data"]["code"]


async def test_a_hanging_issuer_keeps_nobody_else_waiting() -> None:
    async with place_with_key(trust={"timeout": "10s"}) as place:
        with place.issuer.in_mood(JWKS, place.issuer.hangs):
            names: list[str] = []

            async def wait() -> None:
                names.append(await name_of(place, place.token()))

            with anyio.fail_after(PATIENCE):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(wait)
                    await reached(place.issuer.arrived)
                    # While the keys are awaited, others are judged: with a key, without one, and at other paths.
                    for _ in range(20):
                        assert await name_of(place, KEY) == "key:SMCP_API_KEY"
                    assert (await ask(place.address, call("modern", "whoami"))).status == 401
                    document = Request(method="GET", path="/.well-known/oauth-protected-resource", length=False)
                    assert (await ask(place.address, document)).status == 200
                    assert names == []
                    place.issuer.release.set()
            assert names == [f"jwt:{place.issuer.authority.url}#ann"]


async def test_many_who_wait_for_the_same_keys_ask_for_them_once() -> None:
    async with place_with_key(trust={"timeout": "10s"}) as place:
        with place.issuer.in_mood(JWKS, place.issuer.hangs):
            names: set[str] = set()

            async def wait(who: str) -> None:
                names.add(await name_of(place, place.token(who)))

            with anyio.fail_after(PATIENCE):
                async with anyio.create_task_group() as tasks:
                    for number in range(20):
                        tasks.start_soon(wait, f"caller-{number}")
                    await reached(place.issuer.arrived)
                    assert await name_of(place, KEY) == "key:SMCP_API_KEY"
                    place.issuer.release.set()
            assert len(names) == 20
        assert place.issuer.count(JWKS) == 1


async def test_an_issuer_that_never_answers_is_given_up() -> None:
    async with place_with_key(trust={"timeout": "1s"}) as place:
        with place.issuer.in_mood(JWKS, place.issuer.hangs), anyio.fail_after(PATIENCE):
            assert code_of(await call_with(place, place.token())) == (503, "SMCP206")
            assert await name_of(place, KEY) == "key:SMCP_API_KEY"


@pytest.mark.parametrize("mood", MOODS)
async def test_an_answer_that_is_no_jwks_is_a_clear_denial(mood: str) -> None:
    async with place_with_key() as place:
        with place.issuer.in_mood(JWKS, getattr(place.issuer, mood)):
            reply = await call_with(place, place.token())
            assert code_of(reply) == (503, "SMCP206")
            assert reply.header("retry-after") is not None
            # It is not for the client to know which address we asked, or what it said.
            assert str(place.issuer.authority.url) not in reply.text
            assert await name_of(place, KEY) == "key:SMCP_API_KEY"
        assert place.recorder.methods == ["tools/call"]
        assert place.issuer.sent < HUGE // 4


async def test_cached_tokens_and_keys_outlive_the_issuer() -> None:
    async with place_with_key() as place:
        mine = place.token()
        assert await name_of(place, mine) == f"jwt:{place.issuer.authority.url}#ann"
        with place.issuer.in_mood(JWKS, place.issuer.fails):
            # A verified token, a new one under a known key, and a key of another kind.
            assert await name_of(place, mine) == f"jwt:{place.issuer.authority.url}#ann"
            assert await name_of(place, place.token("bob")) == f"jwt:{place.issuer.authority.url}#bob"
            assert await name_of(place, KEY) == "key:SMCP_API_KEY"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "Ed25519"])
async def test_a_rotated_key_is_found_by_its_name(algorithm: str) -> None:
    async with place_with_key() as place:
        before = place.token()
        await name_of(place, before)
        place.issuer.authority.keyring.rotate(algorithm)
        assert await name_of(place, place.token("bob")) == f"jwt:{place.issuer.authority.url}#bob"
        # The old key is still published, so its tokens count.
        assert await name_of(place, place.token("eve")) == f"jwt:{place.issuer.authority.url}#eve"
        assert await name_of(place, before) == f"jwt:{place.issuer.authority.url}#ann"
        assert place.issuer.count(JWKS) == 2


async def test_a_withdrawn_key_takes_its_cached_tokens_along() -> None:
    async with place_with_key() as place:
        before = place.token()
        await name_of(place, before)
        place.issuer.authority.keyring.rotate(withdraw=True)
        # A token under the new key makes the set be fetched anew; from then on the old key is gone.
        assert await name_of(place, place.token("bob")) == f"jwt:{place.issuer.authority.url}#bob"
        assert code_of(await call_with(place, before)) == (401, "SMCP202")


async def test_a_storm_of_unknown_keys_reaches_the_issuer_once() -> None:
    async with place_with_key(policy={"server": {"flood": "off"}}) as place:
        await name_of(place, place.token())
        codes: list[tuple[int, str]] = []
        stranger = fresh("ES256", "x")

        async def knock(number: int) -> None:
            header = {"alg": "ES256", "kid": f"unknown-{number}", "typ": "at+jwt"}
            codes.append(code_of(await call_with(place, signed(place.claims(), stranger, header))))

        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(knock, number)
        assert set(codes) <= {(401, "SMCP202"), (429, "SMCP207")}
        assert len(codes) == 50
        assert place.issuer.count(JWKS) <= 2
        assert await name_of(place, place.token("bob")) == f"jwt:{place.issuer.authority.url}#bob"


async def test_a_storm_before_the_first_good_token_does_not_lock_it_out() -> None:
    async with place_with_key(policy={"server": {"flood": "off"}}) as place:
        stranger = fresh("ES256", "x")
        for number in range(5):
            header = {"alg": "ES256", "kid": f"unknown-{number}", "typ": "at+jwt"}
            assert code_of(await call_with(place, signed(place.claims(), stranger, header))) == (401, "SMCP202")
        assert await name_of(place, place.token()) == f"jwt:{place.issuer.authority.url}#ann"
        assert place.issuer.count(JWKS) <= 2


async def test_garbage_is_never_taken_to_the_issuer() -> None:
    async with place_with_key() as place:
        for garbage in ("x", "a.b.c", "....", "eyJhbGciOiJub25lIn0.e30.", "e" * 5000):
            assert code_of(await call_with(place, garbage)) == (401, "SMCP202")
        assert place.issuer.asked == []
        assert await name_of(place, place.token()) == f"jwt:{place.issuer.authority.url}#ann"


# -- introspection ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def asking(**options: Any) -> AsyncIterator[Lab]:
    """A server that asks the issuer about opaque tokens, and takes one API key."""
    async with place_with_key(introspected="RESOURCE_SECRET", **options) as place:
        authority = place.issuer.authority
        authority.opaque = True
        authority.enrol("resource", SECRET, token_endpoint_auth_method="client_secret_basic")
        authority.enrol("robot", "by-hand", grant_types=["client_credentials"])
        yield place


async def granted(place: Lab, resource: str = "") -> str:
    """An opaque token of the client-credentials grant."""
    body = f"grant_type=client_credentials&resource={resource or place.url}".encode()
    fields = (("content-type", "application/x-www-form-urlencoded"), ("authorization", "Basic cm9ib3Q6YnktaGFuZA=="))
    port = int(place.issuer.authority.url.rpartition(":")[2])
    reply = await ask(type(place.address)(port), Request(body, fields, path="/token"))
    assert reply.status == 200, reply
    return str(json.loads(reply.body)["access_token"])


async def test_an_opaque_token_counts_as_long_as_its_issuer_says_so() -> None:
    async with asking(trust={"cache": "0s"}) as place:
        token = await granted(place)
        assert await name_of(place, token) == f"introspection:{place.issuer.authority.url}#robot"
        place.issuer.authority.tokens[token].revoked = True
        assert code_of(await call_with(place, token)) == (401, "SMCP202")


async def test_an_opaque_token_for_another_resource_is_refused() -> None:
    async with asking() as place:
        foreign = await granted(place, "https://other.example/mcp")
        assert code_of(await call_with(place, foreign)) == (401, "SMCP204")
        assert await name_of(place, await granted(place))


async def test_an_introspection_that_hangs_keeps_nobody_else_waiting() -> None:
    async with asking(trust={"timeout": "10s"}) as place:
        known, fresh_one = await granted(place), await granted(place)
        await name_of(place, known)
        with place.issuer.in_mood(INTROSPECT, place.issuer.hangs), anyio.fail_after(PATIENCE):
            replies: list[Reply] = []

            async def wait() -> None:
                replies.append(await call_with(place, fresh_one))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await reached(place.issuer.arrived)
                for _ in range(10):
                    assert await name_of(place, KEY) == "key:SMCP_API_KEY"
                    assert await name_of(place, known) == f"introspection:{place.issuer.authority.url}#robot"
                assert replies == []
                place.issuer.release.set()
        # What it says at last is no introspection at all.
        assert [code_of(reply) for reply in replies] in ([(401, "SMCP202")], [(503, "SMCP206")])


@pytest.mark.parametrize("mood", MOODS)
async def test_an_answer_that_is_no_introspection_is_a_clear_denial(mood: str) -> None:
    async with asking() as place:
        token = await granted(place)
        with place.issuer.in_mood(INTROSPECT, getattr(place.issuer, mood)):
            assert code_of(await call_with(place, token)) == (503, "SMCP206")
            assert await name_of(place, KEY) == "key:SMCP_API_KEY"
        assert place.issuer.sent < HUGE // 4
