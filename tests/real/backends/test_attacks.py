"""Every kind of hostile message to every make of server: the answer of the table, and nothing reaches the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.real.attacks import MARK, Attack
from tests.real.backends.backend import Backend
from tests.real.backends.hostility import (
    dropped,
    honest,
    misshapen,
    of_headers,
    of_meaning,
    of_the_newer_era,
    unreadable,
)
from tests.real.backends.streams import Line, Told, TwoEndpoints, line
from tests.real.messages import Request

pytestmark = [pytest.mark.real, pytest.mark.anyio]

# The SDK's own server without sessions meets the whole tables of `tests/real/test_refusals.py`.
MODERN = ["sdk-json", "fastmcp-stateful", "fastapi-stateful"]
LEGACY = ["sdk-store", "fastmcp-store", "legacy-stateful", "legacy-stateless", "legacy-json", "node-http"]
ENDING = {"large", "media-type", "truncated", "two-ids", "batch", "extra-key"}
TWO_ENDPOINTS = ["sdk-sse", "fastmcp-sse", "legacy-sse", "node-sse"]


def table(backend: Backend, era: str) -> list[Attack]:
    """Everything there is against one server."""
    one = honest(era, "echo", "message" if backend.name.startswith("node") else "text")
    if backend.two_endpoints:
        # What has no id that could be read ends the stream there: a session of its own each, below.
        return [*of_meaning(one, era), *(each for each in misshapen(one) if each.name == "params-key")]
    attacks = [*of_headers(one), *unreadable(one), *misshapen(one), *of_meaning(one, era)]
    return attacks + (list(of_the_newer_era(one)) if era == "modern" else [])


def code_of(message: Any) -> str:
    """The finding that a refusal names, in the error or in the text of the result."""
    if "error" in message:
        return str(message["error"]["data"]["code"])
    if not message["result"].get("isError"):
        return "not refused"
    return next(word for word in message["result"]["content"][0]["text"].split() if word.startswith("SMCP"))


def wrong(attack: Attack, told: Told, *, two_endpoints: bool) -> str:
    """What is not as the table says; empty if all is."""
    message = told.message
    if not isinstance(message, dict):
        return f"no message: {told}"
    status, id = attack.status, attack.id
    if two_endpoints and (id is not None or told.status == 202):
        # What was accepted is answered on the stream, and there an error without an id would find nobody.
        status, id = 202, 1
    if told.status != status or not code_of(message).startswith(attack.code):
        return f"{told.status} {code_of(message)}"
    if message.get("id") != id:
        return f"id {message.get('id')!r}"
    if attack.rpc is not None and message["error"]["code"] != attack.rpc:
        return f"error {message['error']['code']}"
    return "the payload comes back" if MARK in told.text else ""


async def meet(spoken: Line, attack: Attack, *, two_endpoints: bool) -> str:
    """Attack, then do the honest thing; what went wrong, if anything did."""
    if problem := wrong(attack, await spoken.tell(attack.hostile), two_endpoints=two_endpoints):
        return problem
    told = await spoken.tell(attack.twin)
    fine = told.status in (200, 202) and isinstance(told.message, dict) and "result" in told.message
    return "" if fine and not told.message["result"].get("isError") else f"the twin: {told}"


async def all_refused(backend: Backend, era: str) -> None:
    """The whole table in one session; the server has seen the handshake and the twins, in their order."""
    attacks = table(backend, era)
    async with backend.open(protected=True) as server, line(backend, server, era=era) as spoken:
        before = await server.saw()
        problems = {
            attack.name: problem
            for attack in attacks
            if (problem := await meet(spoken, attack, two_endpoints=backend.two_endpoints))
        }
        assert problems == {}
        assert (await server.saw())[len(before) :] == [json.loads(attack.twin.body) for attack in attacks]


@pytest.mark.parametrize("name", MODERN)
async def test_no_attack_of_the_newer_era_reaches_a_server_and_every_twin_does(
    name: str, server: Callable[[str], Backend]
) -> None:
    await all_refused(server(name), "modern")


@pytest.mark.parametrize("name", LEGACY)
async def test_no_attack_of_the_older_era_reaches_a_server_and_every_twin_does(
    name: str, server: Callable[[str], Backend]
) -> None:
    await all_refused(server(name), "legacy")


@pytest.mark.parametrize("name", TWO_ENDPOINTS)
async def test_no_attack_on_the_older_transport_reaches_a_server_or_leaves_a_client_waiting(
    name: str, server: Callable[[str], Backend]
) -> None:
    await all_refused(server(name), "legacy")


@pytest.mark.parametrize("name", ["sdk-sse", "legacy-sse"])
async def test_what_cannot_be_read_on_the_older_transport_ends_the_stream_on_which_its_sender_waits(
    name: str, server: Callable[[str], Backend]
) -> None:
    backend = server(name)
    one = honest("legacy", "echo", "text")
    unheard = [each for each in (*of_headers(one), *unreadable(one), *misshapen(one)) if each.name in ENDING]
    assert len(unheard) == len(ENDING)
    async with backend.open(protected=True) as running:
        for attack in unheard:
            async with line(backend, running) as spoken:
                assert isinstance(spoken, TwoEndpoints)
                assert "result" in (await spoken.tell(attack.twin)).message
                before = await running.saw()
                told = await spoken.tell(attack.hostile)
                assert (told.status, code_of(told.message)) == (attack.status, attack.code)
                assert await spoken.stream.all() == []
                assert await running.saw() == before


@pytest.mark.parametrize("name", [*LEGACY, *TWO_ENDPOINTS])
async def test_a_hostile_notification_is_accepted_and_dropped_and_an_honest_one_arrives(
    name: str, server: Callable[[str], Backend]
) -> None:
    backend = server(name)
    hostile, twin = dropped()
    async with backend.open(protected=True) as running, line(backend, running) as spoken:
        before = await running.saw()
        assert [(await spoken.tell(each, awaited=False)).status for each in (hostile, twin)] == [202, 202]
        assert (await running.saw())[len(before) :] == [json.loads(twin.body)]


@pytest.mark.parametrize("name", ["sdk-store", "fastmcp-stateful", "legacy-stateful", "node-http"])
async def test_a_stranger_neither_opens_nor_ends_the_stream_of_a_session_and_its_owner_does(
    name: str, server: Callable[[str], Backend]
) -> None:
    backend = server(name)
    fields = (("accept", "text/event-stream"), ("mcp-protocol-version", "2025-11-25"))
    evil = ("origin", "http://attacker.example")
    async with backend.open(protected=True) as running, line(backend, running) as spoken:
        for method in ("GET", "DELETE"):
            request = Request(headers=fields, method=method, length=False)
            told = await spoken.tell(request.adding(evil))
            assert (told.status, code_of(told.message)) == (403, "SMCP102")
            named = await spoken.tell(request.named("attacker.example"))
            assert (named.status, code_of(named.message)) == (421, "SMCP101")
        call = honest("legacy", "echo", "message" if name.startswith("node") else "text")
        assert (await spoken.tell(call)).status == 200
        ended = await spoken.tell(Request(headers=fields, method="DELETE", length=False), awaited=False)
        assert (ended.status, ended.text) == (200, "")
        late = await spoken.tell(call)
        # npm's server answers 400 to a session that it does not know.
        assert late.status == (400 if name.startswith("node") else 404)
