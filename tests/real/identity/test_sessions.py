"""A session is its caller's alone, in front of servers of every make; and every tool sees who calls it now."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.real.backends.processes import listening
from tests.real.house import Address
from tests.real.identity.careless import Careless
from tests.real.identity.keyring import Keyring, claims
from tests.real.identity.lab import Policy, bearing, reserved
from tests.real.identity.lab import listening as served_at
from tests.real.identity.rooms import fast_house, modern_house
from tests.real.messages import Request, initialize, legacy, modern, posted, stream
from tests.real.wire import Reply, ask, events, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]

ISSUER = "https://issuer.example"
AUDIENCE = "https://mcp.example/mcp"
Door = Callable[[str], AbstractAsyncContextManager[Address]]


@dataclass(frozen=True)
class Notary:
    """An issuer that nobody can ask: its keys lie in a file."""

    keyring: Keyring
    file: Path

    def token(self, subject: str, *scopes: str, **others: Any) -> str:
        """A good token."""
        whole = claims(ISSUER, AUDIENCE, subject, scope=" ".join(scopes), roles=["member"], **others)
        return self.keyring.token(whole)

    @property
    def policy(self) -> Policy:
        """A policy that trusts it."""
        trusted = {"issuer": ISSUER, "jwks": str(self.file), "algorithms": ["ES256"], "roles_claim": "roles"}
        roles = {"member": {"allow": [{"tools": ["*"]}]}}
        return {"version": 1, "server": {"resource": AUDIENCE}, "identity": {"jwt": [trusted]}, "roles": roles}


@pytest.fixture(scope="module")
def notary(tmp_path_factory: pytest.TempPathFactory) -> Notary:
    """One issuer for all tests."""
    keyring = Keyring("ES256")
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps(keyring.published()))
    return Notary(keyring, file)


@pytest.fixture(scope="module")
def older_port(legacy: Path, notary: Notary) -> Iterator[int]:
    """The port of a protected server of SDK 1.30, in a process of its own."""
    command = [legacy, "-m", "tests.real.identity.house", "older", json.dumps(notary.policy)]
    with listening(command, os.environ) as port:
        yield port


@pytest.fixture
def door(request: pytest.FixtureRequest, notary: Notary) -> Door:
    """Opens a server by its name."""

    @asynccontextmanager
    async def opened(name: str) -> AsyncIterator[Address]:
        if name == "older":
            yield Address(request.getfixturevalue("older_port"))
            return
        from smcp_security import SMCPMiddleware

        edge = SMCPMiddleware(BUILDERS[name](), policy=dict(notary.policy))
        try:
            async with served_at(edge, reserved()) as address:
                yield address
        finally:
            edge.framework.close()

    return opened


BUILDERS: dict[str, Callable[[], Any]] = {"modern": modern_house, "fast": fast_house, "careless": Careless}
SDKS = ("older", "modern", "fast")
STATEFUL = (*SDKS, "careless")


@dataclass(frozen=True)
class Caller:
    """Somebody with a token, in front of a server."""

    address: Address
    token: str
    session: str = ""

    async def ask(self, request: Request) -> Reply:
        """One request with the token, in the session if there is one."""
        if self.session:
            request = request.setting("mcp-session-id", self.session)
        return await ask(self.address, bearing(request, self.token))

    async def enter(self) -> Caller:
        """The same, in a session of its own."""
        first = await self.ask(initialize())
        assert first.status == 200, first
        there = Caller(self.address, self.token, str(first.header("mcp-session-id")))
        second = await there.ask(posted({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        assert second.status == 202, second
        return there

    def having(self, *, session: str = "", token: str = "") -> Caller:
        """With another session or token."""
        return Caller(self.address, token or self.token, session or self.session)

    async def call(self, tool: str, **arguments: Any) -> Any:
        """What a tool answers, as data."""
        reply = await self.ask(legacy("tools/call", {"name": tool, "arguments": arguments}, id=secrets.token_hex(4)))
        assert reply.status == 200, reply
        return content(reply)


def content(reply: Reply) -> Any:
    """The structured content of a result."""
    result = reply.message["result"]
    assert not result.get("isError"), result
    structured = result.get("structuredContent")
    return json.loads(result["content"][0]["text"]) if structured is None else structured


def is_foreign(reply: Reply) -> bool:
    """Whether the answer is ours: there is no such session of this caller."""
    return reply.status == 404 and json.loads(reply.body)["error"]["data"]["code"] == "SMCP210"


@pytest.mark.parametrize("name", SDKS)
async def test_two_interleaved_callers_are_each_seen_as_themselves(name: str, door: Door, notary: Notary) -> None:
    async with door(name) as address:
        ann = await Caller(address, notary.token("ann")).enter()
        bob = await Caller(address, notary.token("bob")).enter()
        seen: list[tuple[str, Any]] = []

        async def meet(who: str, caller: Caller) -> None:
            seen.append((who, await caller.call("meet", others=3)))

        for _ in range(3):
            async with anyio.create_task_group() as tasks:
                for who, caller in (("ann", ann), ("bob", bob), ("ann", ann), ("bob", bob)):
                    tasks.start_soon(meet, who, caller)
        assert len(seen) == 12
        for who, told in seen:
            assert told["before"]["caller"] == told["after"]["caller"] == f"jwt:{ISSUER}#{who}"
            assert told["before"]["subject"] == told["after"]["subject"] == who


@pytest.mark.parametrize("name", SDKS)
async def test_a_tool_sees_the_scopes_of_the_token_of_this_call(name: str, door: Door, notary: Notary) -> None:
    async with door(name) as address:
        ann = await Caller(address, notary.token("ann", "read")).enter()
        stepped_up = ann.having(token=notary.token("ann", "read", "write"))
        assert (await ann.call("whoami"))["scopes"] == ["read"]
        assert (await stepped_up.call("whoami"))["scopes"] == ["read", "write"]
        assert (await ann.call("whoami"))["scopes"] == ["read"]


@pytest.mark.parametrize("name", ["modern", "fast"])
async def test_the_sdks_own_word_for_the_caller_is_right(name: str, door: Door, notary: Notary) -> None:
    async with door(name) as address:
        ann = await Caller(address, notary.token("ann", "read")).enter()
        stepped_up = ann.having(token=notary.token("ann", "read", "write"))
        assert await ann.call("bearer") == {"subject": "ann", "scopes": ["read"]}
        assert await stepped_up.call("bearer") == {"subject": "ann", "scopes": ["read", "write"]}


async def test_the_older_sdks_own_word_names_the_right_person(door: Door, notary: Notary) -> None:
    """It tells of whoever began the session (python-sdk #2208); as a session is one person's, that person is right."""
    async with door("older") as address:
        ann = await Caller(address, notary.token("ann")).enter()
        bob = await Caller(address, notary.token("bob")).enter()
        for _ in range(2):
            assert (await ann.call("bearer"))["subject"] == "ann"
            assert (await bob.call("bearer"))["subject"] == "bob"


@pytest.mark.parametrize("name", ["modern", "fast"])
async def test_callers_without_a_session_are_each_seen_as_themselves(name: str, door: Door, notary: Notary) -> None:
    async with door(name) as address:
        for who in ("ann", "bob", "ann"):
            request = modern("tools/call", {"name": "whoami", "arguments": {}})
            reply = await Caller(address, notary.token(who)).ask(request)
            assert content(reply)["caller"] == f"jwt:{ISSUER}#{who}"


@pytest.mark.parametrize("name", STATEFUL)
async def test_the_token_itself_is_not_passed_on(name: str, door: Door, notary: Notary) -> None:
    async with door(name) as address:
        ann = await Caller(address, notary.token("ann")).enter()
        assert (await ann.call("whoami"))["credentials"] == []


# -- row 25: a stolen session -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATEFUL)
async def test_row_25_another_caller_has_no_part_in_the_session(name: str, door: Door, notary: Notary) -> None:
    async with door(name) as address:
        ann = await Caller(address, notary.token("ann")).enter()
        thief = Caller(address, notary.token("bob"), ann.session)
        for request in (
            legacy("tools/call", {"name": "whoami", "arguments": {}}, id=7),
            legacy("tools/list", id=8),
            legacy("ping", id=9),
            initialize(10),
            posted({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
            posted({"jsonrpc": "2.0", "id": 1, "result": {}}),
            Request(method="DELETE", length=False, headers=(("mcp-protocol-version", "2025-11-25"),)),
        ):
            reply = await thief.ask(request)
            assert is_foreign(reply), (request, reply)
        # The twin: its owner is not disturbed.
        assert (await ann.call("whoami"))["caller"].endswith("#ann")


@pytest.mark.parametrize("name", STATEFUL)
async def test_row_25_the_standing_stream_is_its_callers_alone(name: str, door: Door, notary: Notary) -> None:
    async with door(name) as address:
        ann = await Caller(address, notary.token("ann")).enter()
        thief = Caller(address, notary.token("bob"), ann.session)
        assert is_foreign(await thief.ask(stream(ann.session)))
        resumed = stream(ann.session).adding(("last-event-id", "1"))
        assert is_foreign(await thief.ask(resumed))
        async with wired(address) as wire:
            await wire.send(bearing(stream(ann.session), ann.token))
            head = await wire.head()
            assert (head.status, head.header("content-type")) == (200, "text/event-stream")


@pytest.mark.parametrize("name", STATEFUL)
async def test_row_25_a_foreign_session_is_answered_like_one_that_never_was(
    name: str, door: Door, notary: Notary
) -> None:
    async with door(name) as address:
        ann = await Caller(address, notary.token("ann")).enter()
        bob = await Caller(address, notary.token("bob")).enter()
        ping = legacy("ping", id=1)
        foreign = await bob.having(session=ann.session).ask(ping)
        assert is_foreign(foreign)
        assert (await bob.ask(ping)).status == 200
        # Case and blanks make no other session of it.
        padded = ping.setting("mcp-session-id", f" {ann.session}\t")
        assert is_foreign(await ask(address, bearing(padded, bob.token)))


@pytest.mark.parametrize("name", STATEFUL)
async def test_row_25_without_a_token_no_session_opens(name: str, door: Door, notary: Notary) -> None:
    async with door(name) as address:
        ann = await Caller(address, notary.token("ann")).enter()
        for request in (legacy("ping", id=1), stream(ann.session)):
            reply = await ask(address, request.setting("mcp-session-id", ann.session))
            assert reply.status == 401
        assert (await ask(address, initialize())).status == 401


async def test_row_25_an_owner_may_end_its_session_and_a_thief_cannot(door: Door, notary: Notary) -> None:
    goodbye = Request(method="DELETE", length=False, headers=(("mcp-protocol-version", "2025-11-25"),))
    async with door("modern") as address:
        ann = await Caller(address, notary.token("ann")).enter()
        assert is_foreign(await ann.having(token=notary.token("bob")).ask(goodbye))
        assert (await ann.ask(legacy("ping", id=1))).status == 200
        assert (await ann.ask(goodbye)).status == 200
        assert (await ann.ask(legacy("ping", id=2))).status == 404


async def test_an_event_of_the_owners_stream_never_reaches_a_thief(door: Door, notary: Notary) -> None:
    async with door("careless") as address:
        ann = await Caller(address, notary.token("ann")).enter()
        (event,) = events((await ann.ask(stream(ann.session))).body)
        assert event["params"]["data"] == "for its owner"
        stolen = await ann.having(token=notary.token("bob")).ask(stream(ann.session))
        assert b"for its owner" not in stolen.body


async def test_a_refreshed_token_of_the_same_person_keeps_the_session(door: Door, notary: Notary) -> None:
    async with door("modern") as address:
        ann = await Caller(address, notary.token("ann")).enter()
        later = ann.having(token=notary.token("ann", "read"))
        assert (await later.call("whoami"))["subject"] == "ann"
