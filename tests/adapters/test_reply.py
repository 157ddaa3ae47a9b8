"""The response side of an exchange: judged as it passes, withheld with the id of the call."""

from __future__ import annotations

import gc
import json
import logging
from typing import Any

import pytest

from smcp_security.adapters.asgi import Receive, Scope, Send
from smcp_security.adapters.reply import Reply, StreamEnded
from smcp_security.answers import WITHHELD
from tests.adapters.exchange import Exchange, Server, asking, guarded, posting
from tests.envelopes import call, encoded, legacy, modern, response

pytestmark = pytest.mark.anyio

SSE = "text/event-stream"
SMALL = {"results": {"max_size": 200}}
LARGE = encoded(response(5, {"text": "Zq~" * 200}))


async def _through(app: Any, exchange: Exchange, **policy: Any) -> Exchange:
    return await exchange.through(guarded(app, **policy))


def _call(**more: Any) -> Exchange:
    return posting(call("echo", id=5, **more))


def _event(value: Any) -> bytes:
    return b"event: message\r\ndata: " + encoded(value) + b"\r\n\r\n"


def _withheld(value: Any, code: str) -> bool:
    error = value["error"]
    return (value["id"], error["code"], error["data"]["code"]) == (5, WITHHELD, code) and "ran" in error["message"]


LENGTH = ("content-length", str(len(encoded(response(5, {"content": []})))))


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("media", ["application/json", "Application/JSON; charset=utf-8"])
async def test_a_json_result_passes_with_its_status_and_headers(pieces: int, media: str) -> None:
    body = encoded(response(5, {"content": []}))
    server = Server(body, media, fields=(("x-a", "b"), ("mcp-session-id", "s"), LENGTH), pieces=pieces)
    exchange = await _through(server, _call())
    assert exchange.body == body and exchange.complete and exchange.status == 200
    assert exchange.headers["content-length"] == str(len(body)) and exchange.headers["x-a"] == "b"
    assert exchange.headers["mcp-session-id"] == "s"


async def test_what_was_judged_is_what_the_client_gets() -> None:
    body = b' {"jsonrpc": "2.0", "id": 5, "result": {"a": "\\u0041"}}\n'
    server = Server(body, fields=(("content-length", str(len(body))),))
    exchange = await _through(server, _call())
    assert exchange.body == b'{"jsonrpc":"2.0","id":5,"result":{"a":"A"}}'
    assert exchange.headers["content-length"] == str(len(exchange.body))


@pytest.mark.parametrize("status", [200, 400, 404, 500])
async def test_an_error_of_the_server_keeps_its_status(status: int) -> None:
    body = encoded({"jsonrpc": "2.0", "id": 5, "error": {"code": -32601, "message": "no"}})
    exchange = await _through(Server(body, status=status), _call())
    assert (exchange.status, exchange.body) == (status, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":5,"result":{"a":1,"a":2}}',
        b'{"jsonrpc":"2.0","id":5,"result":NaN}',
        b'{"jsonrpc":"2.0","id":5,"result":"\\ud800"}',
        b'{"jsonrpc":"2.0","id":5,"result":"\xff"}',
        b'\xef\xbb\xbf{"jsonrpc":"2.0","id":5,"result":{}}',
        '{"jsonrpc":"2.0","id":5,"result":{}}'.encode("utf-16"),
        b"[]",
        b"{",
        b"no json",
    ],
)
async def test_a_result_that_cannot_be_read_strictly_is_withheld_with_the_id(body: bytes) -> None:
    whole = await _through(Server(body), _call())
    assert _withheld(whole.value, "SMCP703")
    # The call is answered: on an HTTP error the 1.x client would tear the session down.
    assert whole.status == 200
    if b"\n" not in body:
        streamed = await _through(Server(b"data: " + body + b"\n\n", SSE), _call())
        assert _withheld(json.loads(streamed.body.split(b"data: ")[1]), "SMCP703")


async def test_an_empty_answer_passes() -> None:
    exchange = await _through(Server(b"", status=202), posting(legacy("notifications/initialized", id=None)))
    assert (exchange.status, exchange.body, exchange.complete) == (202, b"", True)


async def test_media_that_carry_no_messages_pass_untouched() -> None:
    for media in ("text/plain", "application/octet-stream", "text/html"):
        exchange = await _through(Server(b"\x00\xff" * 500, media, (("content-encoding", "gzip"),)), _call(), **SMALL)
        assert exchange.body == b"\x00\xff" * 500 and exchange.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    "media",
    [
        "application/json-rpc",
        "application/json+x",
        "application/json, text/plain",
        "text/plain; application/json",
    ],
)
async def test_no_spelling_of_the_media_type_hides_a_result_from_the_checks(media: str) -> None:
    # Clients look for a prefix or a substring, so each of these is read as JSON by one of them.
    twin = b'{"jsonrpc":"2.0","id":5,"result":{"Zq~":1,"Zq~":2}}'
    exchange = await _through(Server(twin, media), _call())
    assert b"Zq~" not in exchange.body and _withheld(exchange.value, "SMCP703")


@pytest.mark.parametrize("order", [1, -1])
async def test_two_media_types_do_not_hide_a_result_from_the_checks(order: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        fields = [(b"content-type", b"application/json"), (b"Content-Type", b"text/plain")][::order]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b'{"jsonrpc":"2.0","id":5,"result":{"Zq~":1,"Zq~":2}}'})

    exchange = await _through(app, _call())
    assert b"Zq~" not in exchange.body


@pytest.mark.parametrize("media", ["application/json", SSE])
async def test_an_encoded_result_is_withheld(media: str) -> None:
    plain = encoded(response(5, {}))
    body = plain if media != SSE else _event(response(5, {}))
    exchange = await _through(Server(body, media, (("Content-Encoding", "br"),)), _call())
    assert exchange.status == 200 and _withheld(exchange.value, "SMCP702")
    assert "content-encoding" not in exchange.headers and exchange.headers["content-type"] == "application/json"
    honest = await _through(Server(body, media, (("Content-Encoding", "identity"),)), _call())
    assert json.loads(honest.body.split(b"data: ")[-1]) == response(5, {})


async def test_a_result_over_the_cap_is_withheld_with_the_id() -> None:
    exchange = await _through(Server(LARGE, fields=(("etag", "x"),), pieces=9), _call(), **SMALL)
    assert exchange.status == 200 and _withheld(exchange.value, "SMCP701") and exchange.complete
    assert b"Zq~" not in exchange.body and "etag" not in exchange.headers
    assert exchange.headers["content-length"] == str(len(exchange.body))
    assert (await _through(Server(LARGE), _call())).body == LARGE


async def test_a_monitored_cap_holds_no_more_of_a_stream_than_the_cap() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", SSE.encode())]})
        for place in range(50):
            await send({"type": "http.response.body", "body": b"data: " + b"x" * 500 + b"\n", "more_body": True})
            held.append(500 * (place + 1) - len(exchange.body))
        await send({"type": "http.response.body", "body": b"\n" + NOTICE, "more_body": False})

    held: list[int] = []
    exchange = _call()
    await _through(app, exchange, mode={"results": "monitor"}, **SMALL)
    assert max(held) <= 2_000 and exchange.body == (b"data: " + b"x" * 500 + b"\n") * 50 + b"\n" + NOTICE


async def test_an_exchange_leaves_nothing_behind_that_only_the_collector_could_free() -> None:
    gc.collect()
    gc.disable()
    try:
        for media, body in ((SSE, _event(response(5, {}))), ("application/json", encoded(response(5, {})))):
            await _through(Server(body, media), _call())
        assert not [thing for thing in gc.get_objects() if type(thing) is Reply]
    finally:
        gc.enable()


async def test_a_monitored_cap_lets_the_result_pass() -> None:
    exchange = await _through(Server(LARGE, pieces=9), _call(), mode={"results": "monitor"}, **SMALL)
    assert exchange.body == LARGE


@pytest.mark.parametrize("exchange", [lambda: posting(legacy("notifications/initialized", id=None)), lambda: asking()])
async def test_an_error_that_has_no_id_never_rides_on_a_success(exchange: Any) -> None:
    done = await _through(Server(LARGE), exchange(), **SMALL)
    assert "id" not in done.value and done.status >= 400


async def test_an_event_over_the_cap_ends_the_stream_after_those_before_it() -> None:
    raised: list[BaseException] = []
    notice = _event(legacy("notifications/progress", {"progress": 1}, id=None))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", SSE.encode())]})
        try:
            for body in (notice, _event(json.loads(LARGE)), notice, notice):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except OSError as error:
            raised.append(error)
            raise

    exchange = _call()
    await _through(app, exchange, **SMALL)
    assert exchange.body.startswith(notice) and b"Zq~" not in exchange.body and exchange.complete
    last = exchange.body[len(notice) :]
    assert last.startswith(b"event: message\ndata: ") and last.endswith(b"\n\n")
    assert _withheld(json.loads(last.split(b"data: ")[1]), "SMCP701")
    # The app was told by an OSError, as ASGI 2.4 says, and its exception leaked nowhere.
    assert [type(error) for error in raised] == [StreamEnded]


async def test_a_generator_behind_an_ended_stream_is_closed() -> None:
    closed: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", SSE.encode())]})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"data: x", "more_body": True})
        except OSError as error:
            raise RuntimeError("of the app") from error
        finally:
            closed.append(True)

    exchange = await _through(app, _call(), **SMALL)
    assert closed == [True] and exchange.complete


async def test_an_exception_of_the_apps_own_is_not_swallowed_by_an_ended_stream() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Server(LARGE, SSE)(scope, receive, send)
        raise ValueError("of the app")

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await Server(b"data: " + LARGE + b"\n\n", SSE)(scope, receive, send)
        except OSError:
            failed.append(1)
        raise ValueError("of the app")

    failed: list[int] = []
    with pytest.raises(ValueError, match="of the app"):
        await _through(patient, _call(), **SMALL)
    assert failed == [1]
    with pytest.raises(ValueError, match="of the app"):
        await _through(app, _call())


NOTICE = _event(legacy("notifications/progress", {"progressToken": 1, "progress": 1}, id=None))
UNREADABLE = b'id: 9\ndata: {"jsonrpc":"2.0","id":5,"result":{"Zq~":1,"Zq~":2}}\nretry: 7\n\n'


@pytest.mark.parametrize("pieces", [1, 3, 100])
async def test_an_unreadable_event_is_the_one_answer_to_the_request_and_the_end_of_its_stream(pieces: int) -> None:
    stream = NOTICE + b": ping\n\n" + UNREADABLE + _event(response(5, {"n": 1})) + NOTICE
    exchange = await _through(Server(stream, SSE, pieces=pieces), _call())
    before, middle, error = exchange.body.partition(b"id: 9\nretry: 7\n")
    assert before == NOTICE + b": ping\n\n" and middle and exchange.complete
    assert _withheld(json.loads(error.removeprefix(b"data: ")), "SMCP703")


@pytest.mark.parametrize("pieces", [1, 3, 100])
async def test_readable_events_pass_one_by_one_with_all_that_stands_between_them(pieces: int) -> None:
    stream = NOTICE + b": ping\n\nid: 8\n\nretry: 7\r\n\r\n" + NOTICE + _event(response(5, {"n": 1}))
    exchange = await _through(Server(stream, SSE, pieces=pieces), _call())
    assert exchange.body == stream and exchange.complete


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r", "\n\r", "\r\n\r"])
async def test_the_last_event_of_a_stream_passes_however_its_lines_end(end: str) -> None:
    body = b"data: " + encoded(response(5, {})) + end.encode()
    exchange = await _through(Server(body, SSE), _call())
    assert exchange.body == body


async def test_what_is_no_whole_event_at_the_end_is_dropped() -> None:
    good = _event(response(5, {}))
    exchange = await _through(Server(good + b'data: {"jsonrpc"', SSE), _call())
    assert exchange.body == good and exchange.complete


async def test_a_declared_length_of_a_stream_is_not_passed_on() -> None:
    server = Server(_event(response(5, {})), SSE, (("Content-Length", "999"), ("x-accel-buffering", "no")))
    exchange = await _through(server, _call())
    assert "content-length" not in exchange.headers and exchange.headers["x-accel-buffering"] == "no"


TOOL = "reply-lesson"
LIST = {"tools": [{"name": TOOL, "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}]}


async def _learned(body: bytes, media: str, asked: dict[str, Any], tool: str) -> bool:
    """Whether a schema for `tool` is known after one exchange: a call that breaks it is refused then."""
    middleware = guarded(Server(body.replace(TOOL.encode(), tool.encode()), media))
    await posting(asked).through(middleware)
    refused = await posting(call(tool, {"n": "many"}, id=5)).through(middleware)
    return bool(refused.value.get("result", {}).get("isError", False))


async def test_schemas_are_learned_from_lists_that_answer_a_list_request() -> None:
    whole, event = encoded(response(5, LIST)), _event(response(5, LIST))
    assert await _learned(whole, "application/json", legacy("tools/list", id=5), "lesson-1")
    assert await _learned(event, SSE, legacy("tools/list", id=5), "lesson-2")
    assert await _learned(whole, "application/json", modern("tools/list", id=5), "lesson-3")


@pytest.mark.parametrize(
    ("place", "asked"),
    [
        (1, call("echo", id=5)),
        (2, legacy("tools/list", id=6)),
        (3, legacy("tools/list", id="5")),
        (4, legacy("ping", id=5)),
    ],
)
async def test_a_list_that_answers_nothing_of_the_kind_teaches_nothing(place: int, asked: dict[str, Any]) -> None:
    assert not await _learned(encoded(response(5, LIST)), "application/json", asked, f"no-lesson-{place}")


def _outcomes(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    records = [json.loads(record.message) for record in caplog.records if record.name == "smcp_security.audit"]
    return [record for record in records if record["kind"] == "outcome"]


async def test_each_exchange_has_one_outcome(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", SSE.encode())]})

    async def left(scope: Scope, receive: Receive, send: Send) -> None:
        gone.gone.set()
        await receive()
        await receive()

    gone = _call()
    with caplog.at_level(logging.INFO, "smcp_security.audit"):
        await _through(Server(encoded(response(5, {}))), _call())
        await _through(Server(LARGE), _call(), **SMALL)
        await _through(broken, _call())
        await _through(left, gone)
    assert [record["result"] for record in _outcomes(caplog)] == ["complete", "withheld", "broken", "cancelled"]
    assert _outcomes(caplog)[1]["codes"] == ["SMCP701"]


async def test_an_exception_group_of_ended_streams_leaks_nowhere_and_one_with_another_error_does() -> None:
    def app(*others: Exception) -> Any:
        async def fail(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await Server(b"data: " + LARGE + b"\n\n", SSE)(scope, receive, send)
            except OSError as error:
                raise ExceptionGroup("of tasks", [error, *others]) from None

        return fail

    assert (await _through(app(), _call(), **SMALL)).complete
    with pytest.raises(ExceptionGroup):
        await _through(app(ValueError("of the app")), _call(), **SMALL)


async def test_an_unreadable_event_of_a_standing_stream_is_dropped() -> None:
    # Nobody waits for it by an id, and an error without one hangs or breaks clients.
    notice = _event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    twin = b'data: {"jsonrpc":"2.0","method":"a","method":"b"}\n\n'
    exchange = await _through(Server(notice + twin + notice, SSE), asking())
    assert exchange.body == notice * 2 and exchange.complete


@pytest.mark.parametrize("id", [5, "5"])
async def test_whoever_waits_on_a_standing_stream_for_an_unreadable_answer_gets_an_error(id: int | str) -> None:
    # Answers travel on it in the deprecated transport, and where a stream is resumed.
    answer = b'data: {"jsonrpc":"2.0","id":%b,"result":{"Zq~":1,"Zq~":2}}\n\n' % json.dumps(id).encode()
    exchange = await _through(Server(NOTICE + answer + NOTICE, SSE), asking())
    error, _, rest = exchange.body.removeprefix(NOTICE).partition(b"\n\n")
    assert rest == NOTICE and b"Zq~" not in exchange.body
    told = json.loads(error.removeprefix(b"data: "))
    assert told["id"] == id and told["error"]["code"] == -31502


async def test_a_standing_stream_over_the_cap_ends_with_an_error_for_whom_the_event_seems_to_answer() -> None:
    notice = _event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    exchange = await _through(Server(notice + b"id: 3\ndata: " + LARGE + b"\n\n" + notice, SSE), asking(), **SMALL)
    error = exchange.body.removeprefix(notice + b"id: 3\nevent: message\ndata: ")
    assert _withheld(json.loads(error), "SMCP701") and exchange.complete
    large = legacy("notifications/message", {"level": "info", "data": "x" * 5_000}, id=None)
    exchange = await _through(Server(notice + _event(large) + notice, SSE), asking(), **SMALL)
    assert exchange.body == notice and exchange.complete


@pytest.mark.parametrize("fields", [iter, lambda fields: [(n.decode(), v.decode()) for n, v in fields]])
@pytest.mark.parametrize("media", [SSE, "application/json"])
async def test_header_fields_in_any_form_hide_no_result_from_the_checks(fields: Any, media: str) -> None:
    body = b'{"jsonrpc":"2.0","id":5,"result":{"Zq~":1,"Zq~":2}}'

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = fields([(b"content-type", media.encode()), (b"x-own", b"1")])
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: %b\n\n" % body if media == SSE else body})

    exchange = await _through(app, _call())
    assert b"Zq~" not in exchange.body and exchange.headers["x-own"] == "1"


@pytest.mark.parametrize("charset", ["utf-16-le", "UTF-7", '"utf-32"', "cp037", "latin-1"])
@pytest.mark.parametrize("media", [SSE, "application/json"])
async def test_a_result_in_another_charset_is_withheld(media: str, charset: str) -> None:
    body = _event(response(5, {"n": 1})) if media == SSE else encoded(response(5, {"n": 1}))
    for spelt in (f"{media}; charset={charset}", f"{media};CHARSET = {charset}"):
        assert _withheld((await _through(Server(body, spelt), _call())).value, "SMCP703")
    plain = await _through(Server(body, f"{media}; charset=utf-8"), _call())
    assert plain.body == body


async def test_a_withheld_answer_promises_no_trailers() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
        await send({"type": "http.response.body", "body": b"not JSON"})
        await send({"type": "http.response.trailers", "headers": [], "more_trailers": False})

    exchange = await _through(app, _call())
    assert exchange.sent[0]["trailers"] is False and exchange.complete


async def test_an_app_that_answers_twice_is_told_so_unless_its_client_is_gone() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Server(_event(response(5, {})), SSE)(scope, receive, send)
        if exchange.gone.is_set():
            await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    exchange = _call()
    with pytest.raises(RuntimeError, match="out of its order"):
        await _through(app, exchange)
    exchange = _call()
    exchange.gone.set()
    await _through(app, exchange)
    assert exchange.status == 200


ROLES = {"roles": {}, "identity": {"required": False, "api_keys": {}}}


async def test_a_notification_that_is_refused_is_dropped_and_the_answer_still_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SMCP_API_KEY", "kT7-vQ2_xW9.zR4~mB6+nC1=pL8/dF3h")
    hidden = legacy("notifications/resources/updated", {"uri": "hr://salaries"}, id=None)
    open_to_all = legacy("notifications/message", {"level": "info", "data": "x"}, id=None)
    answer = response(5, {"tools": []})
    body = _event(open_to_all) + b"id: 7\r\n" + _event(hidden) + _event(answer)
    exchange = await _through(Server(body, SSE), posting(legacy("tools/list", id=5)), **ROLES)
    assert exchange.body == _event(open_to_all) + _event(answer) and exchange.complete
    # Alone in a body it is no answer, and whoever asked must learn that there is none.
    exchange = await _through(Server(encoded(hidden)), posting(legacy("tools/list", id=5)), **ROLES)
    assert _withheld(exchange.value, "SMCP703")
