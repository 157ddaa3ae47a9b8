"""What the app gets to know of the caller: a user, no token, and no field in which a stranger vouches for itself."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from mcp.server.auth.middleware.auth_context import get_access_token

from smcp_security import SMCPMiddleware
from smcp_security.adapters.sdk.users import WITHHELD, Credentials, Person, credentials_of, current, user_of
from smcp_security.decision import Caller
from tests.adapters.exchange import Exchange, Server, posting
from tests.envelopes import call, headers_of, legacy, response

pytestmark = pytest.mark.anyio

KEY = secrets.token_urlsafe(32)
GATEWAY: dict[str, Any] = {"api_keys": {"header": "X-Key"}, "forwarded": {"user": "X-User", "roles": "X-Roles"}}
SESSION = "3f9d2a7c41e84b0d8c5a6e7f00112233"


@pytest.fixture(autouse=True)
def _one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_API_KEY", KEY)


def _guarded(app: Any, **policy: Any) -> SMCPMiddleware:
    server = {"flood": "off", "trusted_proxies": ["10.0.0.0/8"], **policy.pop("server", {})}
    return SMCPMiddleware(app, {"version": 1, "limits": [], "server": server, **policy})


def _asking(*fields: tuple[str, str], peer: str = "192.0.2.7", **message: Any) -> Exchange:
    sent = call("x", **message)
    return posting(sent, [*headers_of(sent), *fields], client=(peer, 4711))


async def _seen(guard: SMCPMiddleware, server: Server, *fields: tuple[str, str], **more: Any) -> Any:
    await _asking(*fields, **more).through(guard)
    return server.calls[-1][0]


def _names(scope: Any) -> set[str]:
    return {name.decode().lower() for name, _ in scope["headers"]}


async def test_without_a_credential_the_app_is_never_called() -> None:
    server = Server()
    exchange = await _asking().through(_guarded(server))
    assert (exchange.status, server.calls) == (401, [])
    assert exchange.headers["www-authenticate"].startswith("Bearer")
    assert "id" not in exchange.value and exchange.value["error"]["data"]["code"] == "SMCP201"


async def test_the_app_sees_who_calls_and_not_the_credential() -> None:
    server = Server()
    scope = await _seen(_guarded(server), server, ("Authorization", f"Bearer {KEY}"))
    assert scope["smcp"].caller.id == "key:SMCP_API_KEY" and scope["user"].is_authenticated
    assert "authorization" not in _names(scope) and KEY not in repr(scope)


@pytest.mark.parametrize("field", [("Authorization", f"Bearer {KEY}"), ("X-Key", KEY)])
async def test_a_key_in_its_own_field_is_taken_out_too(field: tuple[str, str]) -> None:
    server = Server()
    scope = await _seen(_guarded(server, identity=GATEWAY), server, field)
    assert scope["smcp"].caller.verified and not _names(scope) & {"authorization", "x-key"}


async def test_an_operator_may_let_the_token_through() -> None:
    server = Server()
    guard = _guarded(server, identity={"api_keys": {}, "strip_credentials": False})
    scope = await _seen(guard, server, ("Authorization", f"Bearer {KEY}"))
    assert "authorization" in _names(scope)


async def test_a_stranger_cannot_vouch_for_itself_and_the_app_never_reads_it() -> None:
    server = Server()
    guard = _guarded(server, identity={**GATEWAY, "required": False, "strip_credentials": False})
    scope = await _seen(guard, server, ("X-User", "root"), ("X-Roles", "admin"))
    assert scope["smcp"].caller is None and not _names(scope) & {"x-user", "x-roles"}
    assert "user" not in scope


@pytest.mark.parametrize("name", ["X_User", "x_roles", "X_Key", "Mcp_Session_Id", "MCP_METHOD", "last_event-id"])
async def test_no_other_spelling_of_a_field_that_was_judged_reaches_the_app(name: str) -> None:
    # Servers of the CGI kind take X_User for X-User.
    server = Server()
    guard = _guarded(server, identity={**GATEWAY, "required": False})
    assert name.lower() not in _names(await _seen(guard, server, (name, "root")))
    assert "x_other" in _names(await _seen(guard, server, ("X_Other", "root")))


async def test_a_reload_in_the_middle_of_a_request_lets_no_credential_through(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    guard = _guarded(server)
    asked = _asking(("Authorization", f"Bearer {KEY}"))
    receive = asked.receive

    async def reloading() -> Any:
        monkeypatch.delenv("SMCP_API_KEY", raising=False)
        guard.framework.reload({"version": 1, "limits": [], "server": {"flood": "off"}})
        return await receive()

    monkeypatch.setattr(asked, "receive", reloading)
    await asked.through(guard)
    [(scope, _)] = server.calls
    assert "authorization" not in _names(scope) and scope["user"].identity


async def test_the_gateway_is_believed_and_its_word_may_go_on() -> None:
    server = Server()
    guard = _guarded(server, identity={**GATEWAY, "strip_credentials": False})
    scope = await _seen(guard, server, ("X-User", "ann"), ("X-Roles", "admin"), peer="10.1.2.3")
    assert (scope["smcp"].caller.id, scope["smcp"].caller.roles) == ("user:ann", ("admin",))
    assert {"x-user", "x-roles"} <= _names(scope)


async def test_what_an_outer_middleware_took_for_a_user_is_not_passed_on_as_ours() -> None:
    server = Server()
    exchange = _asking()
    exchange.scope["user"] = "somebody"
    await exchange.through(_guarded(server, identity={"api_keys": {}, "required": False}))
    assert "user" not in server.calls[-1][0]


async def test_without_identity_nothing_of_the_scope_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMCP_API_KEY")
    server = Server()
    exchange = _asking(("Authorization", "Bearer of-the-apps-own"), ("X-User", "ann"))
    exchange.scope["user"] = "somebody"
    await exchange.through(_guarded(server))
    assert {"authorization", "x-user"} <= _names(server.calls[-1][0]) and server.calls[-1][0]["user"] == "somebody"


def test_the_sdks_user_says_who_it_is_without_the_token() -> None:
    caller = Caller("jwt:https://idp.example#ann", True, "jwt", scopes=frozenset({"b", "a"}), issuer="https://idp.example",
                    subject="ann", client="app", expires_at=12.5, claims={"org": "acme"})  # fmt: skip
    user = user_of(caller, "")
    assert (user.access_token.token, user.access_token.client_id, user.scopes) == (WITHHELD, "app", ["a", "b"])
    assert user.access_token.claims == {"org": "acme", "iss": "https://idp.example"}
    assert (user.access_token.subject, user.access_token.expires_at) == ("ann", 12)
    assert user_of(caller, "t0ken").access_token.token == "t0ken"
    assert credentials_of(caller) == Credentials(("a", "b"))


def test_a_server_without_an_sdk_gets_a_plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "mcp.server.auth.middleware.bearer_auth", raising=False)
    user = user_of(Caller("key:ann", True), "")
    assert user == Person("key:ann") and user.display_name == "key:ann" and user.is_authenticated


def test_the_sdks_own_word_for_the_caller_lasts_as_long_as_the_request() -> None:
    with current(user_of(Caller("key:ann", True), "")):
        token = get_access_token()
        assert token is not None and token.subject == "key:ann"
    assert get_access_token() is None
    with current(None):
        assert get_access_token() is None


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_the_metadata_of_the_resource_is_public(path: str, method: str) -> None:
    issuer = {"issuer": "https://idp.example", "algorithms": ["RS256"], "jwks": "https://idp.example/jwks.json"}
    server = Server()
    guard = _guarded(server, server={"resource": "https://mcp.example/mcp"}, identity={"jwt": [issuer]})
    exchange = Exchange({**_asking().scope, "method": method, "path": path, "headers": [(b"host", b"mcp.example")]})
    await exchange.through(guard)
    assert (exchange.status, server.calls) == (200, [])
    assert exchange.headers["access-control-allow-origin"] == "*"
    if method != "OPTIONS":
        assert exchange.value["authorization_servers"] == ["https://idp.example"]


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("/api", "/api/.well-known/oauth-protected-resource/api/mcp"),
        ("/api/", "/api/.well-known/oauth-protected-resource"),
        ("/", "/.well-known/oauth-protected-resource"),
        ("/.well-known", "/.well-known/oauth-protected-resource/api/mcp"),
        ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/api/mcp/"),
    ],
)
async def test_the_metadata_is_found_wherever_the_app_is_mounted(root: str, path: str) -> None:
    issuer = {"issuer": "https://idp.example", "algorithms": ["RS256"], "jwks": "https://idp.example/jwks.json"}
    server = Server()
    guard = _guarded(server, server={"resource": "https://mcp.example/api/mcp"}, identity={"jwt": [issuer]})
    scope = {**_asking().scope, "method": "GET", "root_path": root, "headers": []}
    exchange = await Exchange({**scope, "path": path}).through(guard)
    assert exchange.value["resource"] == "https://mcp.example/api/mcp" and server.calls == []
    await Exchange({**scope, "path": f"{path}/other"}, [{"type": "http.request", "body": b""}]).through(guard)
    assert len(server.calls) == 1


async def test_other_well_known_documents_are_the_apps() -> None:
    # Clients name their protocol version when they look for an issuer, which may live in the same app.
    server = Server()
    exchange = Exchange(
        {**_asking().scope, "method": "GET", "path": "/.well-known/oauth-authorization-server"},
        [{"type": "http.request", "body": b"", "more_body": False}],
    )
    await exchange.through(_guarded(server))
    assert len(server.calls) == 1


def _beginning(session: str) -> Any:
    """A server that begins a session and answers in it, and that never asks who comes back."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json"), (b"mcp-session-id", session.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": __import__("json").dumps(response(1, {})).encode()})

    return app


async def test_a_session_that_cannot_be_bound_is_not_begun() -> None:
    guard = _guarded(_beginning(SESSION))
    first = legacy(
        "initialize",
        {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}},
    )
    key = ("Authorization", f"Bearer {KEY}")
    begun = await posting(first, [*headers_of(first), key]).through(guard)
    assert begun.status == 200 and begun.headers["mcp-session-id"] == SESSION

    async def nobody_knows(*_given: object) -> bool:
        return False

    guard.framework.bind = nobody_knows  # type: ignore[method-assign]
    refused = await posting(first, [*headers_of(first), key]).through(guard)
    assert "result" not in refused.value and "mcp-session-id" not in refused.headers


async def test_a_place_is_free_before_the_last_byte_goes_out() -> None:
    guard = _guarded(Server(), concurrency=[{"per": "caller", "max": 1}])
    exchange = _asking(("Authorization", f"Bearer {KEY}"))
    free: list[bool] = []
    send = exchange.send

    async def noting(message: Any) -> None:
        await send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            again = await _asking(("Authorization", f"Bearer {KEY}")).through(guard)
            free.append("result" in again.value)

    exchange.send = noting  # type: ignore[method-assign]
    await exchange.through(guard)
    assert free == [True]


async def test_an_open_stream_ends_when_its_caller_is_revoked() -> None:
    event = b'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for revoked in ("sub:key:somebody-else", "sub:key:SMCP_API_KEY", "sub:key:somebody-else"):
            guard.framework.revoke(revoked)
            await send({"type": "http.response.body", "body": event, "more_body": True})

    guard = _guarded(app)
    key = (b"authorization", b"Bearer " + KEY.encode())
    exchange = Exchange({**_asking().scope, "method": "GET", "headers": [(b"host", b"127.0.0.1:8000"), key]})
    await exchange.through(guard)
    assert exchange.body == event and exchange.complete
