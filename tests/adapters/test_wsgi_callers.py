"""What a WSGI app gets to know of the caller, the metadata it need not serve itself, and sessions under threads."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from smcp_security.adapters.environ import Environ
from smcp_security.adapters.wsgi import SMCPMiddleware
from smcp_security.adapters.wsgi_output import StartResponse
from tests.adapters.wsgi_exchange import Exchange, Server, asking, behind, posting, through
from tests.envelopes import PLAIN, call, encoded, headers_of, legacy, response

KEY = secrets.token_urlsafe(32)
GATEWAY: dict[str, Any] = {"api_keys": {"header": "X-Key"}, "forwarded": {"user": "X-User", "roles": "X-Roles"}}
SESSION = "3f9d2a7c41e84b0d8c5a6e7f00112233"


@pytest.fixture(autouse=True)
def _one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_API_KEY", KEY)


def _guarded(app: Any, **policy: Any) -> SMCPMiddleware:
    server = {"flood": "off", "trusted_proxies": ["10.0.0.0/8"], **policy.pop("server", {})}
    return SMCPMiddleware(app, {"version": 1, "limits": [], "server": server, **policy})


def _asking(*fields: tuple[str, str], **more: Any) -> Environ:
    sent = call("x")
    return posting(sent, [*headers_of(sent), *fields], **{"REMOTE_ADDR": "192.0.2.7", **more})


def test_without_a_credential_the_app_is_never_called() -> None:
    server = Server()
    exchange = through(_guarded(server), _asking())
    assert (exchange.status, server.calls) == (401, [])
    assert exchange.headers["www-authenticate"].startswith("Bearer")
    assert exchange.value["error"]["data"]["code"] == "SMCP201"


@pytest.mark.parametrize("field", [("authorization", f"Bearer {KEY}"), ("x-key", KEY), ("X_KEY", KEY)])
def test_the_app_sees_who_calls_and_not_the_credential(field: tuple[str, str]) -> None:
    server = Server()
    guard = _guarded(server, identity=GATEWAY)
    through(guard, _asking(field, REMOTE_USER="mallory", AUTH_TYPE="Basic"))
    assert server.seen["smcp"].caller.id == server.seen["REMOTE_USER"] == "key:SMCP_API_KEY"
    assert not server.seen.keys() & {"HTTP_AUTHORIZATION", "HTTP_X_KEY", "AUTH_TYPE"}
    assert KEY not in repr(server.seen)


def test_an_operator_may_let_the_token_through() -> None:
    server = Server()
    guard = _guarded(server, identity={"api_keys": {}, "strip_credentials": False})
    through(guard, _asking(("authorization", f"Bearer {KEY}")))
    assert server.seen["HTTP_AUTHORIZATION"] == f"Bearer {KEY}"


def test_a_stranger_cannot_vouch_for_itself_and_the_app_never_reads_it() -> None:
    server = Server()
    guard = _guarded(server, identity={**GATEWAY, "required": False, "strip_credentials": False})
    through(guard, _asking(("x-user", "root"), ("x-roles", "admin"), REMOTE_USER="root"))
    assert not server.seen.keys() & {"HTTP_X_USER", "HTTP_X_ROLES", "REMOTE_USER"}
    through(guard, _asking(("x-user", "ann"), ("x-roles", "reader"), REMOTE_ADDR="10.1.2.3"))
    vouched = server.calls[-1][0]
    assert vouched["HTTP_X_USER"] == "ann" and vouched["REMOTE_USER"] == "user:ann"


def test_where_nobody_is_asked_the_word_of_the_server_in_front_stays() -> None:
    server = Server()
    through(behind(server), _asking(("authorization", "Basic x"), REMOTE_USER="ann", REMOTE_ADDR="127.0.0.1"))
    assert server.seen["REMOTE_USER"] == "ann" and server.seen["HTTP_AUTHORIZATION"] == "Basic x"


RESOURCE = {
    "server": {"resource": "https://mcp.example.com/mcp", "hosts": ["mcp.example.com"]},
    "identity": {
        "jwt": [
            {
                "issuer": "https://idp.example.com",
                "audience": "https://mcp.example.com/mcp",
                "algorithms": ["ES256"],
                "jwks": "https://idp.example.com/jwks.json",
            }
        ]
    },
}


def test_the_metadata_of_the_resource_is_served_in_place_of_the_app() -> None:
    server = Server()
    guard = _guarded(server, **RESOURCE)
    well_known = "/.well-known/oauth-protected-resource"
    for path, root in ((f"{well_known}/mcp", ""), (well_known, ""), (f"{well_known}/mcp", "/app")):
        known = through(guard, asking(path=path, SCRIPT_NAME=root))
        assert known.status == 200 and known.value["resource"] == "https://mcp.example.com/mcp"
        assert known.headers["access-control-allow-origin"] == "*"
    head = through(guard, asking("HEAD", path=well_known))
    assert head.body == b"" and head.headers["content-length"] == known.headers["content-length"]
    assert through(guard, asking("OPTIONS", path=well_known)).body == b""
    assert server.calls == []
    assert through(guard, asking(path=f"{well_known}/other")).status == 200 and len(server.calls) == 1


def test_a_session_is_its_beginners_and_ends_for_all() -> None:
    body = encoded(response(1, {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}}))
    server = Server(body, fields=(("Mcp-Session-Id", SESSION),))
    guard = _guarded(server)
    hello = legacy(
        "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    )
    mine = ("authorization", f"Bearer {KEY}")
    begun = through(guard, posting(hello, [*PLAIN, mine]))
    assert begun.headers["mcp-session-id"] == SESSION
    server.fields, server.answer = (), Server().answer
    assert through(guard, _asking(mine, ("mcp-session-id", SESSION))).status == 200
    unknown = through(guard, _asking(mine, ("mcp-session-id", SESSION[::-1])))
    assert unknown.status == 404


# -- the deprecated transport of two endpoints -------------------------------------------------------------------------


def test_a_refusal_on_the_older_transport_goes_to_the_server_as_a_stand_in() -> None:
    """Whoever waits for the answer waits on the session's stream, which another thread writes."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            got.append(json.loads(environ["wsgi.input"].read()))
            start_response("202 Accepted", [("Content-Type", "text/plain")])
            return [b"Accepted"]
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return events()

    def events() -> Iterator[bytes]:
        yield f"event: endpoint\ndata: /messages?session_id={SESSION}\n\n".encode()
        error = {"code": -32601, "message": "no such method"}
        while got:
            yield b"data: " + encoded({"jsonrpc": "2.0", "id": got.pop()["id"], "error": error}) + b"\n\n"

    got: list[Any] = []
    guard = behind(app)
    stream = Exchange().begin(guard, asking(path="/sse"))
    assert SESSION.encode() in next(stream.iterable)
    attack = call("run", {"command": "a; cat /etc/passwd | sh"}, id=7)
    refused = through(guard, posting(attack, path="/messages", QUERY_STRING=f"session_id={SESSION}"))
    assert refused.status == 202 and got == [{"jsonrpc": "2.0", "id": 7, "method": "smcp/refused"}]
    assert json.loads(next(stream.iterable).removeprefix(b"data: "))["id"] == 7
    honest = call("run", {"command": "report"}, id=8)
    assert through(guard, posting(honest, path="/messages", QUERY_STRING=f"session_id={SESSION}")).status == 202
    assert got == [honest]
    stream.hang_up()
