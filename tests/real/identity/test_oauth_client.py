"""The official client finds its way from a bare 401 to a call that needs one more scope, by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import MCPError

from tests.real.identity.guest import Guest, visiting
from tests.real.identity.issuer import INTROSPECT, JWKS
from tests.real.identity.lab import Lab, lab
from tests.real.messages import Request
from tests.real.wire import ask

pytestmark = [pytest.mark.real, pytest.mark.anyio]

PRM = "/.well-known/oauth-protected-resource"
ROLES = {
    "member": {
        "allow": [
            {"tools": ["whoami", "bearer", "look"]},
            {"tools": ["write"], "scopes": ["notes.read", "notes.write"]},
        ]
    }
}


@asynccontextmanager
async def club(**identity: Any) -> AsyncIterator[Lab]:
    """A server for members, whose tokens need the scope `mcp`; ann is one."""
    async with lab(policy={"roles": ROLES}, **{"scopes": ["mcp"], **identity}) as place:
        place.issuer.authority.facts["ann"] = {"roles": ["member"], "org": "acme"}
        yield place


async def told(guest: Guest, tool: str, **arguments: Any) -> Any:
    """What a tool answers, as data."""
    result = await guest.client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


def kinds(guest: Guest) -> list[tuple[str, int]]:
    """The exchanges outside MCP, and those of MCP that were refused: paths and statuses."""
    return [(path, status) for _, path, status in guest.exchanges if path != "/mcp" or status >= 400]


async def test_the_official_client_gets_in_by_the_challenge_alone(mode: str) -> None:
    async with club() as place, visiting(place.url, mode) as guest:
        assert kinds(guest) == [
            ("/mcp", 401),
            (f"{PRM}/mcp", 200),
            ("/.well-known/oauth-authorization-server", 200),
            ("/register", 201),
            ("/token", 200),
        ]
        tools = [tool.name for tool in (await guest.client.list_tools()).tools]
        assert sorted(tools) == ["bearer", "look", "whoami", "write"]
        me = await told(guest, "whoami")
        assert me["caller"] == f"jwt:{place.issuer.authority.url}#ann"
        assert me["subject"] == "ann"
        assert me["scopes"] == ["mcp"]


async def test_the_token_is_for_this_resource_and_asked_for_with_pkce(mode: str) -> None:
    async with club() as place, visiting(place.url, mode) as guest:
        (asked,) = guest.browser.asked
        assert (asked["resource"], asked["scope"]) == (place.url, "mcp")
        assert asked["code_challenge_method"] == "S256"
        assert [token.resource for token in place.issuer.authority.tokens.values()] == [place.url]


async def test_the_first_challenge_names_metadata_and_scope_and_no_error(mode: str) -> None:
    async with club() as place, visiting(place.url, mode) as guest:
        (challenge,) = guest.challenges
        base = place.url.removesuffix("/mcp")
        assert challenge.startswith("Bearer ")
        assert f'resource_metadata="{base}{PRM}/mcp"' in challenge
        assert 'scope="mcp"' in challenge
        assert "error" not in challenge


async def test_a_missing_scope_is_fetched_and_the_call_repeated(mode: str) -> None:
    async with club() as place, visiting(place.url, mode) as guest:
        await told(guest, "look", topic="tea")
        before = len(guest.exchanges)
        assert await told(guest, "write", text="x") == {"result": "wrote x"}
        assert [status for _, path, status in guest.exchanges[before:] if path == "/mcp"] == [403, 200]
        assert [path for _, path, _ in guest.exchanges[before:] if path != "/mcp"] == ["/token"]
        challenge = guest.challenges[-1]
        assert 'error="insufficient_scope"' in challenge
        assert "resource_metadata=" in challenge
        assert set(_quoted(challenge, "scope").split()) == {"mcp", "notes.read", "notes.write"}
        assert set(guest.browser.asked[-1]["scope"].split()) == {"mcp", "notes.read", "notes.write"}
        assert (await told(guest, "whoami"))["scopes"] == ["mcp", "notes.read", "notes.write"]
        assert place.recorder.methods.count("tools/call") == 3


def _quoted(challenge: str, name: str) -> str:
    return challenge.partition(f'{name}="')[2].partition('"')[0]


async def test_a_scope_that_the_issuer_refuses_ends_in_an_error_not_in_a_loop(mode: str) -> None:
    async with club() as place:
        place.issuer.authority.grants = lambda asked, subject: asked & {"mcp"}
        async with visiting(place.url, mode) as guest:
            with pytest.raises(MCPError):
                await guest.client.call_tool("write", {"text": "x"})
            refused = [status for _, path, status in guest.exchanges if path == "/mcp" and status == 403]
            assert len(refused) == 2
            # The client lives on.
            assert await told(guest, "look", topic="tea") == {"result": "saw tea"}
        assert "write" not in [each["params"].get("name") for each in place.recorder.messages if "params" in each]


async def test_what_no_scope_can_cure_is_no_challenge(mode: str) -> None:
    async with club() as place, visiting(place.url, mode) as guest:
        challenges = len(guest.challenges)
        with pytest.raises(MCPError) as caught:
            await guest.client.call_tool("erase", {})
        assert (caught.value.error.code, caught.value.error.data["code"]) == (-31403, "SMCP301")
        assert len(guest.challenges) == challenges


async def test_somebody_without_a_role_sees_nothing_and_may_do_nothing(mode: str) -> None:
    async with club() as place:
        place.issuer.authority.facts["ann"] = {}
        async with visiting(place.url, mode) as guest:
            assert (await guest.client.list_tools()).tools == []
            with pytest.raises(MCPError) as caught:
                await guest.client.call_tool("look", {})
            assert caught.value.error.data["code"] == "SMCP301"


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "EdDSA"])
async def test_keys_of_every_kind_let_the_client_in(algorithm: str) -> None:
    async with club() as place:
        place.issuer.authority.keyring.rotate(algorithm, withdraw=True)
        async with visiting(place.url, "auto") as guest:
            assert (await told(guest, "whoami"))["subject"] == "ann"


async def test_an_expired_token_is_refreshed_without_the_person(mode: str) -> None:
    async with club() as place, visiting(place.url, mode) as guest:
        await told(guest, "look")
        guest.expire()
        assert (await told(guest, "whoami"))["subject"] == "ann"
        assert len(guest.browser.asked) == 1
        assert [path for _, path, _ in guest.exchanges].count("/token") == 2


async def test_opaque_tokens_are_introspected_once_and_let_the_client_in(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "Xq7-vJ2mPz9-kLw4Rt8-bNc5Yh3-dGf6Ws1"
    monkeypatch.setenv("RESOURCE_SECRET", secret)
    async with lab(policy={"roles": ROLES}, introspected="RESOURCE_SECRET", scopes=["mcp"]) as place:
        authority = place.issuer.authority
        authority.opaque = True
        authority.enrol("resource", secret, token_endpoint_auth_method="client_secret_basic")
        authority.facts["ann"] = {"roles": ["member"]}
        async with visiting(place.url, mode) as guest:
            me = await told(guest, "whoami")
            assert me["caller"] == f"introspection:{authority.url}#ann"
            await told(guest, "look")
            assert place.issuer.count(INTROSPECT) == 1
            assert place.issuer.count(JWKS) == 0


@pytest.mark.parametrize("path", [PRM, f"{PRM}/mcp"])
async def test_the_metadata_is_for_everybody_at_both_addresses(path: str) -> None:
    async with club() as place:
        reply = await ask(place.address, Request(method="GET", path=path, length=False))
        assert (reply.status, reply.header("content-type")) == (200, "application/json")
        document = json.loads(reply.body)
        assert document["resource"] == place.url
        assert document["authorization_servers"] == [place.issuer.authority.url]
        assert sorted(document["scopes_supported"]) == ["mcp", "notes.read", "notes.write"]
        assert document["bearer_methods_supported"] == ["header"]
        assert place.recorder.seen == []
