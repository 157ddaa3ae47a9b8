"""What passes beside the judged messages of a response holds nothing that the vault has handed out."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.wsgi import SMCPMiddleware as OfWsgi
from smcp_security.adapters.wsgi_output import StartResponse
from tests.adapters import wsgi_exchange
from tests.adapters.exchange import Exchange, Server, asking, posting
from tests.adapters.tools.vaulted import KEY, TOKEN, make_vault, section
from tests.audit.records import read_records, tells
from tests.envelopes import call, encoded, response

pytestmark = pytest.mark.anyio

MASK = "[redacted:vault-secret]"
GOOD = encoded(response(5, {"content": [{"type": "text", "text": "fine"}]}))
SSE = "text/event-stream"


def _framework(folder: Path, mode: str) -> SMCPSecurityFramework:
    make_vault(folder / "v.smcp")
    policy = {
        "version": 1,
        "mode": mode,
        "limits": [],
        "server": {"flood": "off"},
        "results": {"max_size": 4000},
        "audit": {"file": str(folder / "audit.jsonl")},
        "vault": section(folder / "v.smcp"),
    }
    return SMCPSecurityFramework(policy, vault_key=lambda: KEY)


@pytest.fixture(scope="module", params=["enforce", "monitor"])
def security(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SMCPSecurityFramework]:
    """A framework that has handed `TOKEN` out."""
    with _framework(tmp_path_factory.mktemp("vault"), request.param) as framework:
        framework.hand_out("token", "a test")
        yield framework


async def _through(security: SMCPSecurityFramework, server: Any, exchange: Exchange | None = None) -> Exchange:
    sent = posting(call("echo", id=5)) if exchange is None else exchange
    return await sent.through(SMCPMiddleware(server, framework=security))


def _everything(exchange: Exchange) -> str:
    return repr(exchange.sent)


# -- header fields -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [TOKEN, f"Bearer {TOKEN}", b64encode(f"u:{TOKEN}".encode()).decode(), TOKEN[::-1]])
async def test_a_header_field_that_holds_a_secret_is_dropped(security: SMCPSecurityFramework, value: str) -> None:
    server = Server(GOOD, fields=(("x-debug", value), ("x-other", "stays")))
    exchange = await _through(security, server)
    assert "x-debug" not in exchange.headers and exchange.headers["x-other"] == "stays"
    assert exchange.body == GOOD and exchange.status == 200


async def test_header_fields_without_a_secret_are_the_same(security: SMCPSecurityFramework) -> None:
    fields = (("x-debug", "none"), ("mcp-session-id", "s"), ("content-length", str(len(GOOD))))
    exchange = await _through(security, Server(GOOD, fields=fields))
    assert list(exchange.headers) == ["content-type", "x-debug", "mcp-session-id", "content-length"]


async def test_trailers_and_early_hints_hold_no_secret(security: SMCPSecurityFramework) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.early_hint", "links": [f"</a?{TOKEN}>".encode()]})
        await send({"type": "http.response.early_hint", "links": [b"</b>"]})
        head = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
        await send({**head, "trailers": True})
        await send({"type": "http.response.body", "body": b"x", "more_body": False})
        await send({"type": "http.response.trailers", "headers": [(b"a", TOKEN.encode()), (b"b", b"stays")]})

    exchange = await _through(security, app)
    assert TOKEN not in _everything(exchange)
    assert [message.get("links") for message in exchange.sent if "links" in message] == [[b"</b>"]]
    assert exchange.sent[-1]["headers"] == [(b"b", b"stays")]


# -- bodies that are no messages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("media", ["text/plain", "text/html; charset=utf-8", "application/problem+json", ""])
@pytest.mark.parametrize("pieces", [1, 9])
async def test_a_text_that_is_no_message_is_masked(security: SMCPSecurityFramework, media: str, pieces: int) -> None:
    server = Server(f"500: é {TOKEN} refused".encode(), media, status=500, pieces=pieces)
    exchange = await _through(security, server)
    assert exchange.body.decode() == f"500: é {MASK} refused"
    assert (exchange.status, exchange.headers["content-type"]) == (500, media)


async def test_its_length_is_that_of_what_goes_out(security: SMCPSecurityFramework) -> None:
    body = f"no: {TOKEN}".encode()
    exchange = await _through(security, Server(body, "text/plain", fields=(("content-length", str(len(body))),)))
    assert exchange.headers["content-length"] == str(len(exchange.body)) and exchange.complete


@pytest.mark.parametrize("body", [b"\xff\xfe\x00" + TOKEN.encode(), f"a {TOKEN}".encode("utf-16")])
async def test_bytes_that_are_no_text_are_withheld(security: SMCPSecurityFramework, body: bytes) -> None:
    exchange = await _through(security, Server(body, "application/octet-stream"))
    assert exchange.value["error"]["data"]["code"] == "SMCP923" and exchange.value["id"] == 5
    assert TOKEN not in _everything(exchange)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00\x01", b"not found", "é".encode() * 900])
async def test_other_bodies_pass_byte_for_byte(security: SMCPSecurityFramework, body: bytes) -> None:
    exchange = await _through(security, Server(body, "text/plain", pieces=3))
    assert exchange.body == body and exchange.complete


async def test_what_is_too_large_to_be_searched_is_withheld_in_any_mode(security: SMCPSecurityFramework) -> None:
    large = encoded(response(5, {"text": "Zq~" * 2000}))
    for media in ("text/plain", "application/json"):
        exchange = await _through(security, Server(large, media))
        assert exchange.value["error"]["data"]["code"] == "SMCP701"


async def test_what_was_compressed_cannot_be_searched(security: SMCPSecurityFramework) -> None:
    exchange = await _through(security, Server(b"\x1f\x8b..", "text/plain", fields=(("content-encoding", "gzip"),)))
    assert exchange.value["error"]["data"]["code"] == "SMCP702"


async def test_a_head_request_gets_its_head_alone(security: SMCPSecurityFramework) -> None:
    server = Server(b"", "text/plain", fields=(("x-debug", TOKEN), ("content-length", "9")))
    exchange = await _through(security, server, asking("HEAD"))
    assert exchange.headers == {"content-type": "text/plain", "content-length": "9"}


@pytest.mark.parametrize("media", ["text/plain", "application/octet-stream"])
async def test_the_first_secret_of_all_is_masked_in_an_answer_that_has_begun(tmp_path: Path, media: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        head = [(b"content-type", media.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"wait... ", "more_body": True})
        value = framework.hand_out("token", "a test").value
        await send({"type": "http.response.body", "body": b"it is " + value})

    with _framework(tmp_path, "monitor") as framework:
        assert framework.sought() is None
        exchange = await _through(framework, app)
    assert exchange.body.decode() == f"wait... it is {MASK}" and exchange.headers["content-type"] == media


def test_the_first_secret_of_all_is_masked_behind_wsgi_too(tmp_path: Path) -> None:
    def app(environ: Any, start: StartResponse) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        yield b"it is "
        yield framework.hand_out("token", "a test").value

    with _framework(tmp_path, "enforce") as framework:
        exchange = wsgi_exchange.through(OfWsgi(app, framework=framework), wsgi_exchange.posting(call("echo", id=5)))
    assert exchange.body.decode() == f"it is {MASK}"


# -- events ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [f"id: {TOKEN}", f": {TOKEN}", f"x: {TOKEN}", f"retry: 5\r\n:{TOKEN[::-1]}"])
async def test_lines_beside_the_data_of_an_event_hold_no_secret(security: SMCPSecurityFramework, line: str) -> None:
    raw = f"{line}\r\ndata: ".encode() + GOOD + b"\r\n\r\n"
    exchange = await _through(security, Server(raw, SSE))
    told = exchange.body.replace(b"\r", b"")
    assert told.removeprefix(b"event: message\n") == b"data: " + GOOD + b"\n\n"


@pytest.mark.parametrize(
    "event",
    [
        f": {TOKEN}\n\n",
        f"id: {TOKEN}\n\n",
        f"event: e\ndata: {TOKEN}\n\n",
        f"event: e\ndata: {TOKEN[:9]}\ndata: {TOKEN[9:]}\n\n",
    ],
)
async def test_events_that_nobody_judges_are_dropped_with_their_secret(
    security: SMCPSecurityFramework, event: str
) -> None:
    good = b"id: 7\ndata: " + GOOD + b"\n\n"
    exchange = await _through(security, Server(event.encode() + good, SSE, pieces=5))
    assert exchange.body == good


async def test_events_without_a_secret_pass_byte_for_byte(security: SMCPSecurityFramework) -> None:
    raw = b": ping\r\n\r\nid: 7\r\nevent: message\r\ndata: " + GOOD + b"\r\n\r\nretry: 9\n\n"
    assert (await _through(security, Server(raw, SSE, pieces=4))).body == raw


async def test_the_data_of_an_event_is_masked_in_any_mode(security: SMCPSecurityFramework) -> None:
    body = encoded(response(5, {"content": [{"type": "text", "text": f"a {TOKEN}"}]}))
    for media, raw in ((SSE, b"data: " + body + b"\n\n"), ("application/json", body)):
        exchange = await _through(security, Server(raw, media))
        assert exchange.body == raw.replace(TOKEN.encode(), MASK.encode())


# -- WSGI, the audit, the log ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "told"), [(f"500 no {TOKEN}", "500 Internal Server Error"), ("500 no", "500 no")])
def test_the_words_beside_a_status_hold_no_secret(security: SMCPSecurityFramework, line: str, told: str) -> None:
    def app(environ: Any, start: StartResponse) -> list[bytes]:
        start(line, [("Content-Type", "text/plain"), ("X-A", TOKEN)])
        return [f"no {TOKEN}".encode()]

    exchange = wsgi_exchange.Exchange()
    exchange.begin(OfWsgi(app, framework=security), wsgi_exchange.posting(call("echo", id=5))).finish()
    assert exchange.line == told and "x-a" not in exchange.headers
    assert b"".join(exchange.pieces) == f"no {MASK}".encode()


async def test_the_audit_names_the_secret_and_nobody_writes_its_value(
    security: SMCPSecurityFramework, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await _through(security, Server(f"no: {TOKEN}".encode(), "text/plain", fields=(("x-a", TOKEN),)))
    security.flush()
    file = str(security.policy.audit.file)
    records = read_records(file)
    [last] = [record for record in records if record["kind"] == "outcome"][-1:]
    found = {(item["code"], item["where"], item["about"]) for item in last["findings"]}
    assert found == {("SMCP922", "header", "token"), ("SMCP922", "body", "token")}
    assert TOKEN not in caplog.text and not tells(file, TOKEN)
