"""Incidents that really happened, replayed over real sockets (rows of the acceptance table), each beside its twin."""

from __future__ import annotations

import json
import logging
from typing import Any

import anyio
import pytest

from tests.real.attacks import ADD, MARK, OLD_ADD
from tests.real.house import PATIENCE
from tests.real.messages import Request, call, initialize, legacy, modern, posted
from tests.real.site import Site, guarded, running_site
from tests.real.wire import Reply, ask, opened, streaming, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]
ERAS = ("modern", "legacy")


async def refused(site: Site, request: Request, status: int, code: str) -> Reply:
    """The answer to a request that must be refused with this finding before the server sees it."""
    site.recorder.clear()
    reply = await ask(site.address, request)
    assert (reply.status, json.loads(reply.body)["error"]["data"]["code"]) == (status, code), reply
    assert site.recorder.seen == []
    assert MARK not in reply.text
    return reply


async def passed(site: Site, request: Request) -> Any:
    """The result of a request that must reach the server with the same value."""
    site.recorder.clear()
    reply = await ask(site.address, request)
    assert reply.status == 200, reply
    assert site.recorder.messages == [json.loads(request.body)]
    return reply.message["result"]


# -- row 3: message smuggling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "smuggled",
    [
        '"Name":"secretTool","Arguments":{}',
        '"Name":"secretTool"',
        '"NAME":"secretTool"',
        '"Arguments":{"text":"tulip4711"}',
        '"_name":"secretTool"',
        '"n\\u0061me_":"x"',
        '"\\u004eame":"secretTool"',
        '"ｎame":"secretTool"',
    ],
)
async def test_row_3_a_second_spelling_of_a_protocol_key_is_refused(era: str, smuggled: str) -> None:
    async with running_site(guarded(), stateless_http=True) as site:
        honest = call(era, "echo", {"text": "x"})
        await refused(site, honest.respelled('"arguments":', f'{smuggled},"arguments":'), 400, "SMCP123")
        await passed(site, honest)


@pytest.mark.parametrize("era", ERAS)
async def test_row_3_the_callers_own_maps_may_hold_any_spelling(era: str) -> None:
    labels = {"Name": 1, "name": 2, "NAME": 3, "Arguments": {"arguments": 4}, "_meta": {"Meta": 5}, "paramſ": 6}
    async with running_site(guarded(), stateless_http=True) as site:
        assert (await passed(site, call(era, "tag", {"labels": labels})))["structuredContent"] == {"result": 6}


@pytest.mark.parametrize("era", ERAS)
async def test_row_3_what_the_server_gets_is_what_was_inspected(era: str) -> None:
    plain = call(era, "echo", {"text": "a/b é"})
    message = json.loads(plain.body)
    odd = json.dumps(message, indent=3).replace("name", "n\\u0061me").replace("a/b", "a\\/b")
    async with running_site(guarded(), stateless_http=True) as site:
        result = await passed(site, plain.carrying(odd))
        assert result["structuredContent"] == {"result": "a/b é"}
        (seen,) = site.recorder.seen
        assert b"\\" not in seen.body
        assert seen.header("content-length") == [str(len(seen.body))]


# -- row 4: keys that fold ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("key", "spelling"),
    [
        ("method", "Method"),
        ("method", "METHOD"),
        ("params", "paramſ"),
        ("params", "Params"),
        ("id", "ID"),
        ("jsonrpc", "JsonRpc"),
    ],
)
async def test_row_4_an_envelope_key_that_folds_to_a_protocol_key_is_refused(era: str, key: str, spelling: str) -> None:
    honest = call(era, "echo", {"text": "x"})
    async with running_site(guarded(), stateless_http=True) as site:
        await refused(site, honest.respelled(f'"{key}":', f'"{spelling}":'), 400, "SMCP123")
        await passed(site, honest)


COMPLETION = {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": "Be"}}


@pytest.mark.parametrize(
    ("request_", "key", "spelling"),
    [
        (initialize(), "protocolVersion", "protocol_version"),
        (initialize(), "clientInfo", "ClientInfo"),
        (initialize(), "version", "Version"),
        (legacy("completion/complete", COMPLETION), "type", "Type"),
        (modern("tools/list"), "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/clientinfo"),
        (call("legacy", "echo", {"text": "x"}).respelled('"name"', '"_meta":{"progressToken":1},"name"'),
         "progressToken", "progressTo\u212aen"),
    ],
)  # fmt: skip
async def test_row_4_nested_protocol_objects_are_held_to_their_spelling(
    request_: Request, key: str, spelling: str
) -> None:
    async with running_site(guarded(), stateless_http=True) as site:
        twin = request_.respelled(f'"{key}":', f'"{spelling}":"x","{key}":')
        await refused(site, twin, 400, "SMCP123")
        site.recorder.clear()
        await ask(site.address, request_)
        assert site.recorder.messages == [json.loads(request_.body)]


# -- row 5: duplicate keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("key", "first"),
    [
        ('"method":', '"method":"tools/list",'),
        ('"id":', '"id":9,'),
        ('"name":', '"name":"boom",'),
        ('"arguments":', '"arguments":{"text":"tulip4711"},'),
        ('"text":', '"text":"tulip4711",'),
        ('"text":', '"te\\u0078t":"tulip4711",'),
        ('"jsonrpc":', '"jsonrpc":"2.0",'),
    ],
)
async def test_row_5_a_key_that_comes_twice_is_refused_at_any_depth(era: str, key: str, first: str) -> None:
    honest = call(era, "echo", {"text": "x"})
    async with running_site(guarded(), stateless_http=True) as site:
        await refused(site, honest.respelled(key, first + key), 400, "SMCP112")
        await passed(site, honest)


# -- row 6: routing headers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [("boom",), ("echo", "boom"), ("boom", "echo"), ("ECHO",), ("echo,boom",), ("=?base64?Ym9vbQ==?=",), ()]
)
async def test_row_6_a_name_in_the_header_that_the_body_does_not_have_is_refused(names: tuple[str, ...]) -> None:
    honest = call("modern", "echo", {"text": "x"})
    forged = honest.without("mcp-name").adding(*(("mcp-name", name) for name in names))
    async with running_site(guarded(), stateless_http=True) as site:
        reply = await refused(site, forged, 400, "SMCP124")
        assert (reply.message["id"], reply.message["error"]["code"]) == (1, -32020)
        await passed(site, honest)
        await passed(site, honest.setting("mcp-name", "=?base64?ZWNobw==?="))


# -- row 7: DNS rebinding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "host",
    [
        "attacker.example:8000",
        "127.0.0.1.attacker.example:8000",
        "localhost.attacker.example",
        "attacker.example#localhost",
        "localhost@attacker.example",
        "0.0.0.0:8000",
        "[::]:8000",
        "2130706433:8000",
        "localhost:8000:9",
        "",
    ],
)
async def test_row_7_a_rebound_host_is_refused_whatever_the_method(method: str, host: str) -> None:
    hostile = ADD.named(host) if method == "POST" else Request(method=method, host=host, length=False)
    async with running_site(guarded(), stateless_http=True) as site:
        await refused(site, hostile, 421, "SMCP101")
        for honest in ("localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST:8000"):
            reply = await ask(site.address, ADD.named(honest))
            # The SDK compares names by case; its own refusal comes from behind the middleware.
            assert reply.status == 200 or honest.isupper()


@pytest.mark.parametrize(
    "origins",
    [
        ("http://attacker.example",),
        ("null",),
        ("",),
        ("http://localhost.attacker.example:80",),
        ("file://",),
        ("http://localhost:80", "http://attacker.example"),
        ("http://attacker.example", "http://localhost:80"),
        ("http://localhost:80, http://attacker.example",),
        ("chrome-extension://abcdef",),
        ("http://0.0.0.0:8000",),
    ],
)
async def test_row_7_a_foreign_origin_is_refused(origins: tuple[str, ...]) -> None:
    hostile = ADD.adding(*(("origin", origin) for origin in origins))
    async with running_site(guarded(), stateless_http=True) as site:
        await refused(site, hostile, 403, "SMCP102")
        await passed(site, ADD.adding(("origin", "http://localhost:80")))


# -- row 8: a browser reaches a local server through 0.0.0.0 --------------------------------------------------------


async def test_row_8_a_browsers_get_through_the_zero_address_is_refused() -> None:
    path = "/sse?transportType=stdio&command=touch&args=x"
    accept = (("accept", "text/event-stream"),)
    hostile = Request(headers=accept, method="GET", path=path, host="0.0.0.0:6277", length=False)
    async with running_site(guarded(), stateless_http=True) as site:
        await refused(site, hostile, 421, "SMCP101")
        await refused(site, hostile.named("localhost:6277").adding(("origin", "http://0.0.0.0:6277")), 403, "SMCP102")
        assert (await ask(site.address, hostile.named("localhost:6277"))).status == 404
        assert [seen.path for seen in site.recorder.seen] == ["/sse"]


# -- row 24: one client's answer in another's stream ----------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_row_24_clients_that_use_the_same_id_at_once_each_get_their_own_answer(era: str) -> None:
    answers: dict[int, Any] = {}

    async def client(site: Site, number: int) -> None:
        session = "" if era == "modern" else (await opened(site.address)).id
        kept = call(era, "add", {"a": number, "b": 1000}, id=0)
        for _ in range(5):
            reply = await ask(site.address, kept.setting("mcp-session-id", session) if session else kept)
            answers.setdefault(number, []).append(reply.message)

    async with running_site(guarded()) as site:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                for number in range(8):
                    group.start_soon(client, site, number)
    for number, messages in answers.items():
        assert [each["id"] for each in messages] == [0] * 5
        assert [each["result"]["structuredContent"]["result"] for each in messages] == [number + 1000] * 5


async def test_row_24_a_refusal_for_one_client_does_not_touch_anothers_call_of_the_same_id() -> None:
    async with running_site(guarded()) as site:
        first, second = await opened(site.address), await opened(site.address)
        async with streaming(site.address, call("legacy", "pace", id=0, session=first.id)) as wire:
            with anyio.fail_after(PATIENCE):
                await site.notes.began.wait()
            hostile = call("legacy", "echo", {"text": f"; cat /etc/passwd #{MARK}"}, id=0)
            assert (await second.ask(hostile)).message["result"]["isError"] is True
            site.notes.release.set()
            result = await wire.event()
            assert (result["id"], result["result"]["structuredContent"]) == (0, {"result": "paced"})


# -- row 26: disconnects and malformed params -----------------------------------------------------------------------

PARAMS = ("[]", "null", "7", '"tulip4711"', "{}", '{"name":null}', '{"name":{}}', '{"name":"add","arguments":[]}',
          '{"name":"add","arguments":"x"}', '{"name":"add","_meta":[]}', '{"name":"add","_meta":{"progressToken":{}}}',
          '{"name":""}', '{"arguments":{"a":1,"b":2}}')  # fmt: skip


@pytest.mark.parametrize("method", ["tools/call", "prompts/get", "resources/read", "completion/complete", "initialize"])
@pytest.mark.parametrize("era", ERAS)
async def test_row_26_malformed_params_always_get_an_answer_and_never_a_crash(
    era: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_site(guarded(), stateless_http=True) as site:
        for params in PARAMS:
            body = f'{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}'
            frame = modern(method, {"name": "add", "uri": "x:y"}) if era == "modern" else posted({})
            reply = await ask(site.address, frame.carrying(body))
            assert reply.status < 500, (params, reply)
            message = reply.message
            assert "error" in message or message["result"].get("isError"), (params, message)
        assert (await ask(site.address, ADD if era == "modern" else OLD_ADD)).status == 200
    assert "Exception in ASGI application" not in caplog.text


async def test_row_26_clients_that_vanish_at_any_point_do_not_hurt_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    raw = ADD.raw()
    async with running_site(guarded(), stateless_http=True) as site:
        for place in (1, 30, len(raw) - len(ADD.body) - 1, len(raw) - 1, len(raw)):
            async with wired(site.address) as wire:
                await wire.send(raw[:place])
                wire.hang_up()
            assert (await ask(site.address, OLD_ADD)).status == 200
    assert [record for record in caplog.records if record.exc_info] == []


# -- row 27: text that is meant to be slow --------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_row_27_a_text_built_to_be_slow_is_refused_or_answered_and_the_next_call_works(era: str) -> None:
    build = modern if era == "modern" else legacy
    slow = ["book://" + "a/" * 50_000, "book://" + "%2" * 40_000, "book://" + "(" * 100_000]
    async with running_site(guarded(), stateless_http=True) as site:
        for uri in slow:
            reply = await ask(site.address, build("resources/read", {"uri": uri}, id=1))
            assert reply.status == 431 or "error" in reply.message
        assert "result" in (await ask(site.address, build("resources/read", {"uri": "book://a"}))).message


@pytest.mark.parametrize("era", ERAS)
async def test_row_27_a_long_run_of_combining_marks_is_refused_before_it_is_normalised(era: str) -> None:
    async with running_site(guarded(), stateless_http=True) as site:
        reply = await ask(site.address, call(era, "echo", {"text": "e" + "\u0301\u0316" * 40_000}))
        assert reply.message["result"]["isError"] is True
        assert "SMCP60" in reply.text
        assert site.recorder.seen == []
        await passed(site, call(era, "echo", {"text": "e\u0301\u0316 a\u0308 \u0e01\u0e34\u0e48"}))


# -- row 33: an error larger than its cause -------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_row_33_thousands_of_schema_errors_get_one_short_answer_without_the_input(era: str) -> None:
    async with running_site(guarded(), stateless_http=True) as site:
        assert (await ask(site.address, modern("tools/list"))).status == 200
        site.recorder.clear()
        reply = await ask(site.address, call(era, "total", {"numbers": [MARK] * 20_000}))
        assert reply.message["result"]["isError"] is True
        assert "SMCP501" in reply.text
        assert len(reply.body) < 4096
        assert MARK not in reply.text
        assert site.recorder.seen == []
        result = await passed(site, call(era, "total", {"numbers": list(range(2000))}))
        assert result["structuredContent"] == {"result": sum(range(2000))}
