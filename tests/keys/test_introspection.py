"""An issuer is asked about opaque tokens over a real socket: rarely, never past an expiry, and `active` is exact."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from threading import Semaphore
from typing import Any
from urllib.parse import parse_qs

import pytest

from smcp_security.checks.rung import Introspect
from smcp_security.errors import PolicyError, Unavailable
from smcp_security.keys import fetch, introspection
from smcp_security.keys.introspection import NEGATIVE_FOR, PAUSE, Introspections
from smcp_security.policy.identity import IntrospectionPolicy
from tests.keys.issuer import Clock, Issuer, closed_port, serving

HERE = "https://here.example"
SECRETS = {"CLIENT": "client-secret"}


def policy(site: Issuer, **fields: Any) -> IntrospectionPolicy:
    fields = {"endpoint": site.url, "client_secret": "env:CLIENT", **fields}
    return IntrospectionPolicy.model_validate(
        {"issuer": HERE, "client_id": "smcp", "allow_http": True, "allow_private": True, **fields}
    )


def ask(token: str = "opaque") -> Introspect:
    return Introspect(HERE, token)


@pytest.fixture
def site() -> Iterator[Issuer]:
    with serving(b'{"active": true, "sub": "ann"}') as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wall() -> Clock:
    return Clock(1_800_000_000.0)


@pytest.fixture
def issuer(site: Issuer, clock: Clock, wall: Clock) -> Introspections:
    return Introspections([policy(site)], SECRETS, clock=clock, wall=wall)


def test_the_claims_of_an_active_token_are_what_the_issuer_says(issuer: Introspections, site: Issuer) -> None:
    claims = issuer.fetch(ask("a+b c"))
    assert claims is not None
    assert dict(claims) == {"active": True, "sub": "ann"}
    method, _, headers, sent = site.requests[0]
    assert (method, headers["Authorization"]) == ("POST", "Basic c21jcDpjbGllbnQtc2VjcmV0")
    assert parse_qs(sent.decode()) == {"token": ["a+b c"], "token_type_hint": ["access_token"]}


def test_a_token_of_an_issuer_that_the_policy_does_not_name_is_not_sent_anywhere(
    issuer: Introspections, site: Issuer
) -> None:
    assert issuer.fetch(Introspect("https://other.example", "opaque")) is None
    assert issuer.fetch_async(Introspect("", "opaque")) is None
    assert site.count == 0


def test_an_answer_counts_as_long_as_the_policy_says(issuer: Introspections, site: Issuer, clock: Clock) -> None:
    for _ in range(3):
        issuer.fetch(ask())
    clock.now += 29
    assert issuer.fetch_async(ask()) == issuer.fetch(ask())
    assert site.count == 1
    clock.now += 1
    issuer.fetch(ask())
    assert site.count == 2


def test_every_token_has_an_answer_of_its_own(issuer: Introspections, site: Issuer) -> None:
    issuer.fetch(ask("one"))
    site.body = b'{"active": false}'
    assert issuer.fetch(ask("two")) is None
    assert issuer.fetch(ask("one")) is not None


def test_an_answer_never_counts_past_the_end_of_its_token(issuer: Introspections, site: Issuer, wall: Clock) -> None:
    site.body = json.dumps({"active": True, "exp": wall.now + 10}).encode()
    issuer.fetch(ask())
    wall.now += 9.9
    issuer.fetch(ask())
    assert site.count == 1
    wall.now += 0.1
    issuer.fetch(ask())
    assert site.count == 2


@pytest.mark.parametrize("exp", ['"1800000300"', "true", "null", "[1]"])
def test_an_answer_with_an_odd_end_is_not_remembered(issuer: Introspections, site: Issuer, exp: str) -> None:
    site.body = b'{"active": true, "exp": %b}' % exp.encode()
    assert issuer.fetch(ask()) is not None
    assert issuer.fetch(ask()) is not None
    assert site.count == 2


def test_without_a_cache_the_issuer_is_asked_each_time(site: Issuer, clock: Clock) -> None:
    issuer = Introspections([policy(site, cache=0)], SECRETS, clock=clock)
    assert issuer.fetch(ask()) == issuer.fetch(ask())
    assert site.count == 2


def test_no_counts_for_a_few_seconds(issuer: Introspections, site: Issuer, clock: Clock) -> None:
    site.body = b'{"active": false, "sub": "ann"}'
    assert [issuer.fetch(ask()), issuer.fetch_async(ask())] == [None, None]
    assert site.count == 1
    site.body = b'{"active": true}'
    clock.now += NEGATIVE_FOR
    assert issuer.fetch(ask()) is not None


@pytest.mark.parametrize(
    "body",
    [b'{"active": "true"}', b'{"active": 1}', b'{"active": null}', b"{}", b'{"Active": true}', b'[{"active": true}]',
     b'"active"', b"", b"<html>", b'{"active": false, "active": true}', b'{"active": true', b"[" * 100_000],
    ids=lambda body: repr(body[:40]),
)  # fmt: skip
def test_anything_but_true_and_false_is_no_answer(issuer: Introspections, site: Issuer, body: bytes) -> None:
    site.body = body
    for _ in range(2):
        with pytest.raises(Unavailable):
            issuer.fetch(ask())
    assert site.count == 1


def test_a_token_that_upsets_the_issuer_keeps_nobody_else_out(issuer: Introspections, site: Issuer) -> None:
    def upset(to: BaseHTTPRequestHandler) -> None:
        site.status = 500 if b"poison" in site.requests[-1][3] else 200
        site.send(to)

    site.answer = upset
    for _ in range(5):
        with pytest.raises(Unavailable, match="status 500"):
            issuer.fetch(ask("poison"))
    assert issuer.fetch(ask("honest")) is not None
    assert site.count == 2


def test_an_issuer_that_cannot_be_reached_is_left_alone_for_a_moment(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = Issuer(b"")
    nowhere.port = closed_port()
    issuer = Introspections([policy(nowhere)], SECRETS, clock=clock)
    for number in range(10):
        with pytest.raises(Unavailable):
            issuer.fetch(ask(f"token-{number}"))
    assert len(caplog.records) == 1
    clock.now += PAUSE
    with serving(b'{"active": true}', port=nowhere.port):
        assert issuer.fetch(ask("token-1")) is not None


def test_answers_are_forgotten_oldest_first(
    issuer: Introspections, site: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(introspection, "REMEMBERED", 2)
    for token in ("one", "two", "three", "three", "two"):
        issuer.fetch(ask(token))
    assert site.count == 3
    issuer.fetch(ask("one"))
    assert site.count == 4


def test_a_long_answer_is_not_remembered(issuer: Introspections, site: Issuer) -> None:
    site.body = json.dumps({"active": True, "x": "x" * introspection.ANSWER_KEPT}).encode()
    for _ in range(2):
        assert issuer.fetch(ask()) is not None
    assert site.count == 2


def test_no_token_is_kept_as_it_came(issuer: Introspections) -> None:
    issuer.fetch(ask("opaque"))
    assert list(issuer._issuers[HERE]._known) == [sha256(b"opaque").digest()]


# -- many callers ----------------------------------------------------------------------------------------------------


def test_callers_with_one_token_share_one_question(issuer: Introspections, site: Issuer) -> None:
    async def check() -> None:
        site.gate.clear()
        tasks = [asyncio.ensure_future(issuer.fetch_async(ask())) for _ in range(8)]  # type: ignore[arg-type]
        for _ in range(50):
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        site.gate.set()
        assert len({id(claims) for claims in await asyncio.gather(*tasks)}) == 1

    asyncio.run(asyncio.wait_for(check(), 20))
    assert site.count == 1
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(issuer.fetch, [ask("two")] * 32))
    assert site.count == 2


def test_no_more_questions_are_under_way_than_a_few(
    issuer: Introspections, site: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(introspection, "AT_ONCE_MAX", 3)
    arrived = Semaphore(0)

    def note(to: BaseHTTPRequestHandler) -> None:
        arrived.release()
        site.send(to)

    site.gate.clear()
    site.answer = note
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(issuer.fetch, ask(str(number))) for number in range(3)]
        assert all(arrived.acquire(timeout=20) for _ in range(3))
        with pytest.raises(Unavailable, match="cannot be asked now"):
            issuer.fetch(ask("one too many"))
        site.gate.set()
        assert all(each.result() for each in waiting)
    assert issuer.fetch(ask("one too many")) is not None


# -- start, reload, fork, logs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("environ", [{}, {"CLIENT": ""}, {"CLIENT": " "}])
def test_a_missing_secret_stops_the_start(site: Issuer, environ: dict[str, str]) -> None:
    with pytest.raises(PolicyError, match=r"identity\.introspection\[0\]\.client_secret: .*CLIENT is not set"):
        Introspections([policy(site)], environ)


def test_a_missing_package_stops_the_start(site: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    with pytest.raises(PolicyError, match=r"smcp-security\[http\]"):
        Introspections([policy(site)], SECRETS)


def test_a_reload_keeps_the_answers_of_an_issuer_that_stays_the_same(site: Issuer) -> None:
    before = Introspections([policy(site)], SECRETS)
    before.fetch(ask())
    same = Introspections([policy(site)], SECRETS)
    others = [Introspections([policy(site, cache=5)], SECRETS), Introspections([policy(site)], {"CLIENT": "another"})]
    for after in (same, *others):
        after.adopt(before)
    same.fetch(ask())
    assert site.count == 1
    for other in others:
        other.fetch(ask())
    assert site.count == 3


def test_after_a_fork_a_question_of_the_parent_is_asked_anew(issuer: Introspections, site: Issuer) -> None:
    one = issuer._issuers[HERE]
    one._lock.acquire()
    issuer.reset_locks()
    assert issuer.fetch(ask()) is not None


def test_neither_token_nor_secret_nor_answer_reaches_the_log(
    issuer: Introspections, site: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site.body = b'{"active": "answer-secret"}'
    with pytest.raises(Unavailable) as error:
        issuer.fetch(ask("token-secret"))
    said = caplog.text + str(error.value) + repr(issuer._issuers[HERE]._known)
    assert "introspection at https://here.example failed" in said
    assert "secret" not in said
