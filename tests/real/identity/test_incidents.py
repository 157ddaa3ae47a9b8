"""Incidents about who calls (rows of the acceptance table), replayed over sockets, each beside its honest twin."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from smcp_security import SMCPMiddleware
from smcp_security.errors import PolicyError
from tests.real.identity.lab import STRONG, bearing, lab, listening, reserved
from tests.real.identity.rooms import modern_house, stateless
from tests.real.messages import Request, call, legacy, modern
from tests.real.servers.recorder import Recorder
from tests.real.wire import ask, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]
ERAS = ("modern", "legacy")


# -- row 1: the forgotten sibling ---------------------------------------------------------------------------------


def siblings() -> ASGIApp:
    """One server at two addresses, as nginx-ui's was, beside an ordinary route."""
    inner = stateless()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").replace("//", "/")
        if path == "/health":
            await JSONResponse({"well": True})(scope, receive, send)
        else:
            await inner({**scope, "path": "/mcp"} if path.startswith("/mcp_message") else scope, receive, send)

    return app


@pytest.mark.parametrize("era", ERAS)
async def test_row_1_a_forgotten_sibling_route_is_closed(era: str) -> None:
    async with lab(siblings) as place:
        for path in ("/mcp_message", "/mcp_message/", "//mcp_message", "/mcp_message/x", "/MCP_message"):
            attack = call(era, "erase").at(path)
            await place.refused(attack, 403, "SMCP110")
            await place.refused(bearing(attack, place.token()), 403, "SMCP110")
        # The rest of the app is left alone.
        assert (await ask(place.address, Request(method="GET", path="/health", length=False))).status == 200


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("server", [{"unlisted_mcp": "check"}, {"paths": ["/mcp", "/mcp_message"]}])
async def test_row_1_a_sibling_that_is_known_wants_a_token_too(era: str, server: Any) -> None:
    async with lab(siblings, policy={"server": server}) as place:
        attack = call(era, "erase").at("/mcp_message")
        reply = await place.refused(attack, 401, "SMCP201")
        assert reply.header("www-authenticate") is not None


@pytest.mark.parametrize("era", ERAS)
async def test_row_1_no_method_at_all_goes_without_a_token(era: str) -> None:
    build = modern if era == "modern" else legacy
    async with lab(stateless) as place:
        for method in ("tools/list", "tools/call", "resources/list", "ping", "initialize", "no/such-method"):
            request = build(method, {"name": "erase", "arguments": {}} if method == "tools/call" else {})
            await place.refused(request, 401, "SMCP201")
            await place.refused(request.carrying(b"not json at all"), 401, "SMCP201")
            await place.refused(Request(method="GET", length=False), 401, "SMCP201")
        assert await place.passed(bearing(build("tools/list"), place.token()))


@pytest.mark.parametrize("era", ERAS)
async def test_row_1_an_empty_list_of_roles_allows_nothing(era: str) -> None:
    async with lab(stateless, policy={"roles": {}}) as place:
        await place.refused(bearing(call(era, "look"), place.token(roles=["admin"])), 200, "SMCP301")
        listed = await place.passed(bearing((modern if era == "modern" else legacy)("tools/list"), place.token()))
        assert listed["tools"] == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH", "TRACE", "OPTIONS", "post", "QUERY"])
async def test_row_1_no_http_method_reaches_the_server_without_a_token(method: str) -> None:
    async with lab(stateless) as place:
        for path in ("/mcp", "/mcp/", "//mcp", "/mcp?x=1"):
            request = replace(call("modern", "erase"), method=method, path=path)
            async with wired(place.address) as wire:
                await wire.send(request)
                assert (await wire.head()).status in (400, 401, 405), path
            assert place.recorder.seen == []


async def test_row_1_a_stranger_is_refused_before_a_body_is_sent() -> None:
    async with lab(stateless) as place, wired(place.address) as wire:
        request = call("modern", "erase")
        head = request.raw()[: -len(request.body)].replace(b"content-length: ", b"content-length: 99")
        await wire.send(head)
        reply = await wire.reply()
        assert (reply.status, reply.message["error"]["data"]["code"]) == (401, "SMCP201")


# -- row 2: filtered from the list, and still called ---------------------------------------------------------------

READER = {"roles": {"reader": {"allow": [{"tools": ["look", "who*"]}], "deny": [{"tools": ["l?ck"]}]}}}


@pytest.mark.parametrize("era", ERAS)
async def test_row_2_what_is_not_listed_cannot_be_called(era: str) -> None:
    async with lab(stateless, policy=READER) as place:
        token = place.token(roles=["reader"])
        build = modern if era == "modern" else legacy
        listed = await place.passed(bearing(build("tools/list"), token))
        assert sorted(each["name"] for each in listed["tools"]) == ["look", "whoami"]
        if era == "modern":
            assert listed["cacheScope"] == "private"
        for tool in ("write", "erase", "Look", "look ", "LOOK", "look\u0000", "loo\u212a", "", "l/ook", "who/am/i"):
            place.recorder.clear()
            # The header still names the tool that is allowed.
            attack = call(era, "look").respelled('"look"', json.dumps(tool))
            reply = await ask(place.address, bearing(attack, token))
            assert "error" in json.loads(reply.body), (tool, reply)
            assert place.recorder.seen == [], tool
        assert await place.passed(bearing(call(era, "look", {"topic": "tea"}), token))


@pytest.mark.parametrize("era", ERAS)
async def test_row_2_an_unlisted_tool_is_refused_by_the_role(era: str) -> None:
    async with lab(stateless, policy=READER) as place:
        for tool in ("write", "erase", "nsuch"):
            await place.refused(bearing(call(era, tool), place.token(roles=["reader"])), 200, "SMCP301")
        assert await place.passed(bearing(call(era, "whoami"), place.token(roles=["reader"])))


@pytest.mark.parametrize("era", ERAS)
async def test_row_2_a_hidden_tool_answers_byte_for_byte_like_none(era: str) -> None:
    policy = {**READER, "unlisted_tools": "deny", "denied_tools": "hide"}
    policy["roles"] = {**READER["roles"], "writer": {"allow": [{"tools": ["write"], "scopes": ["deep"]}]}}
    async with lab(stateless, policy=policy) as place:
        token = place.token(roles=["reader"])
        hidden = await ask(place.address, bearing(call(era, "write"), token))
        none = await ask(place.address, bearing(call(era, "nsuch"), token))
        assert (hidden.status, hidden.body) == (none.status, none.body)
        plain = [[field for field in reply.headers if field[0] != "date"] for reply in (hidden, none)]
        assert plain[0] == plain[1]
        assert hidden.header("www-authenticate") is None
        assert await place.passed(bearing(call(era, "look"), token))


# -- row 23: rows of another tenant -------------------------------------------------------------------------------

TENANTS = {"results": {"tenant": [{"tools": ["tasks_of"], "pointer": "/items/*/workspace_id"}]}}


@pytest.mark.parametrize("era", ERAS)
async def test_row_23_rows_of_another_tenant_are_dropped(era: str) -> None:
    async with lab(stateless, policy=TENANTS) as place:
        request = call(era, "tasks_of", {"workspace": "acme"})
        result = await place.passed(bearing(request, place.token(org="acme")))
        assert result["structuredContent"] == {"items": [{"id": 1, "workspace_id": "acme"}]}
        assert "umbrella" not in json.dumps(result)
        # The twin: to the neighbour, its own row is shown.
        result = await place.passed(bearing(request, place.token(org="umbrella")))
        assert result["structuredContent"] == {"items": [{"id": 2, "workspace_id": "umbrella"}]}


@pytest.mark.parametrize("era", ERAS)
async def test_row_23_a_caller_without_a_tenant_gets_no_rows(era: str) -> None:
    async with lab(stateless, policy=TENANTS) as place:
        result = await place.passed(bearing(call(era, "tasks_of", {"workspace": ""}), place.token()))
        assert result["structuredContent"] == {"items": []}


@pytest.mark.parametrize("era", ERAS)
async def test_row_23_a_whole_result_can_be_refused(era: str) -> None:
    rule = {**TENANTS["results"]["tenant"][0], "rows": "refuse"}
    async with lab(stateless, policy={"results": {"tenant": [rule]}}) as place:
        reply = await ask(place.address, bearing(call(era, "tasks_of", {"workspace": "acme"}), place.token(org="acme")))
        assert reply.message["error"]["data"]["code"] == "SMCP704"
        assert "umbrella" not in reply.text
        assert await place.passed(bearing(call(era, "look"), place.token(org="acme")))


# -- row 28: a trusted header from outside, and a default key ------------------------------------------------------

GATEWAY = {"forwarded": {"user": "x-forwarded-user", "roles": "x-forwarded-roles"}, "jwt": []}
ROLES = {"admin": {"allow": [{"tools": ["*"]}]}}


def vouched(request: Request, user: str = "root", roles: str = "admin") -> Request:
    """The request with what a gateway would say of its caller."""
    return request.adding(("x-forwarded-user", user), ("x-forwarded-roles", roles))


@pytest.mark.parametrize("era", ERAS)
async def test_row_28_a_gateways_word_from_outside_is_none(era: str) -> None:
    policy = {"roles": ROLES, "server": {"trusted_proxies": ["10.1.2.3"]}}
    async with lab(stateless, policy=policy, **GATEWAY) as place:
        await place.refused(vouched(call(era, "erase")), 401, "SMCP201")
        # Nor does it become true by the claim to have passed the proxy.
        forged = vouched(call(era, "erase")).adding(("x-forwarded-for", "10.1.2.3"), ("forwarded", "for=10.1.2.3"))
        await place.refused(forged, 401, "SMCP201")


@pytest.mark.parametrize("era", ERAS)
async def test_row_28_the_gateway_itself_is_believed(era: str) -> None:
    policy = {"roles": ROLES, "server": {"trusted_proxies": ["127.0.0.1"]}}
    async with lab(stateless, policy=policy, **GATEWAY) as place:
        told = await place.passed(vouched(call(era, "whoami"), "ann"))
        assert (told["structuredContent"]["caller"], told["structuredContent"]["credentials"]) == ("user:ann", [])
        twice = vouched(vouched(call(era, "whoami"), "ann"), "root")
        await place.refused(twice, 400, "SMCP209")


async def test_row_28_a_token_beside_the_gateways_word_decides_alone() -> None:
    policy = {"roles": ROLES, "server": {"trusted_proxies": ["10.1.2.3"]}}
    async with lab(stateless, policy=policy, forwarded=GATEWAY["forwarded"]) as place:
        request = vouched(bearing(call("modern", "look"), place.token("eve")))
        await place.refused(request, 200, "SMCP301")
        told = await place.passed(vouched(bearing(call("modern", "whoami"), place.token("ann", roles=["admin"]))))
        assert told["structuredContent"]["caller"].endswith("#ann")
        assert told["structuredContent"]["credentials"] == []


DEFAULTS = ("secret-api-key", "secret-api-key-secret-api-key-secret-api-key", "a" * 64, "changeme" * 8, "tulip4711")


@pytest.mark.parametrize("secret", DEFAULTS)
def test_row_28_a_default_key_stops_the_start(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_API_KEY", secret)
    with pytest.raises(PolicyError, match="SMCP_API_KEY") as caught:
        SMCPMiddleware(modern_house())
    assert secret not in str(caught.value)


@pytest.mark.parametrize("secret", [*DEFAULTS, "your-256-bit-secret"])
def test_row_28_a_default_secret_of_tokens_stops_the_start(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_SECRET", secret)
    issuer = {"issuer": "https://issuer.example", "algorithms": ["HS256"], "secret": "env:TOKEN_SECRET"}
    policy = {"server": {"resource": "https://mcp.example/mcp"}, "identity": {"jwt": [issuer]}}
    with pytest.raises(PolicyError, match="TOKEN_SECRET") as caught:
        SMCPMiddleware(modern_house(), policy=policy)
    assert secret not in str(caught.value)


async def test_row_28_a_strong_key_alone_protects_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_API_KEY", STRONG)
    recorder = Recorder(stateless())
    edge = SMCPMiddleware(recorder)
    async with listening(edge, reserved()) as address:
        request = call("modern", "whoami")
        assert (await ask(address, request)).status == 401
        for wrong in (STRONG[:-1], STRONG + "0", STRONG.lower(), "x"):
            assert (await ask(address, bearing(request, wrong))).status == 401
        assert (await ask(address, request.at(f"/mcp?api_key={STRONG}"))).status == 400
        assert recorder.seen == []
        told = (await ask(address, bearing(request, STRONG))).message["result"]["structuredContent"]
        assert told["caller"] == "key:SMCP_API_KEY"
    edge.framework.close()
