"""However an exchange ends: the place of its call is free at once, and what was delivered is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.asgi import App, Receive, Scope, Send
from tests.adapters.exchange import Exchange, Server, asking, posting
from tests.envelopes import PLAIN, call, encoded, legacy, response

pytestmark = pytest.mark.anyio

LARGE = "x" * 4_000
REPORT = encoded(legacy("notifications/message", {"level": "info", "data": LARGE}, id=None))
ANSWER = encoded(response(5, {"content": []}))
RESULT = encoded(response(5, {"content": [{"type": "text", "text": LARGE}]}))
POLICY: dict[str, Any] = {
    "limits": [],
    "server": {"flood": "off"},
    "results": {"max_size": 10_000},
    "concurrency": [{"per": "address", "max": 1}],
    "budgets": [{"per": "address", "tokens": "500/day"}],
}


@pytest.fixture
def security() -> Iterator[SMCPSecurityFramework]:
    """One call at once, and a budget that one large message uses up."""
    with SMCPSecurityFramework(POLICY) as framework:
        yield framework


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


async def _say(send: Send, body: bytes, media: bytes = b"text/event-stream", *, more: bool = True) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", media)]})
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _refusals(security: SMCPSecurityFramework) -> list[str]:
    """The codes of a call that comes now; none where it passes."""
    decision = await security.process_request(call("echo"), {"ip_address": "127.0.0.1"})
    return [item.code for item in decision.findings]


class _Crash(Exception):
    """The app's own."""


@pytest.mark.parametrize("said", [b"", _event(REPORT)])
async def test_an_app_that_raises_holds_no_place_and_pays_for_what_it_said(
    security: SMCPSecurityFramework, said: bytes
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if said:
            await _say(send, said)
        raise _Crash

    # Kept, as a tracker of errors keeps it: its traceback holds the exchange.
    with pytest.raises(_Crash) as kept:
        await posting(call("echo", id=5)).through(SMCPMiddleware(app, framework=security))
    assert await _refusals(security) == (["SMCP403"] if said else []) and kept.value is not None


async def test_an_exchange_that_is_cancelled_holds_no_place_and_pays(security: SMCPSecurityFramework) -> None:
    said = anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _say(send, _event(REPORT))
        said.set()
        await anyio.sleep_forever()

    exchange = posting(call("echo", id=5))
    middleware = SMCPMiddleware(app, framework=security)
    async with anyio.create_task_group() as group:
        group.start_soon(middleware, exchange.scope, exchange.receive, exchange.send)
        await said.wait()
        assert await _refusals(security) == ["SMCP404"]
        group.cancel_scope.cancel()
    assert await _refusals(security) == ["SMCP403"]


async def test_an_app_that_says_nothing_holds_no_place(security: SMCPSecurityFramework) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """It returns at once."""

    await posting(call("echo", id=5)).through(SMCPMiddleware(app, framework=security))
    assert await _refusals(security) == []


async def test_a_place_is_free_before_the_last_byte_is_sent(security: SMCPSecurityFramework) -> None:
    found: list[list[str]] = []
    exchange = posting(call("echo", id=5))

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and not message["more_body"]:
            found.append(await _refusals(security))

    await SMCPMiddleware(Server(ANSWER), framework=security)(exchange.scope, exchange.receive, send)
    assert found == [[]]


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("application/json", RESULT),
        ("text/event-stream", _event(RESULT)),
        ("application/json", RESULT.replace(b"xxx", b"xxxxxxxxxxx")),
        ("text/event-stream", _event(RESULT.replace(b"xxx", b"xxxxxxxxxxx"))),
        ("text/plain", RESULT),
    ],
    ids=["json", "event", "json over the cap", "event over the cap", "what nobody judges"],
)
async def test_whatever_is_said_in_answer_is_counted(security: SMCPSecurityFramework, media: str, body: bytes) -> None:
    await posting(call("echo", id=5)).through(SMCPMiddleware(Server(body, media, pieces=3), framework=security))
    assert await _refusals(security) == ["SMCP403"]


async def test_what_is_over_the_cap_and_only_reported_is_counted() -> None:
    with SMCPSecurityFramework({**POLICY, "mode": {"results": "monitor"}}) as security:
        server = Server(RESULT.replace(b"xxx", b"xxxxxxxxxxx"))
        exchange = await posting(call("echo", id=5)).through(SMCPMiddleware(server, framework=security))
        assert exchange.body == server.answer and await _refusals(security) == ["SMCP403"]


async def test_a_small_answer_leaves_the_budget_for_others(security: SMCPSecurityFramework) -> None:
    await posting(call("echo", id=5)).through(SMCPMiddleware(Server(ANSWER), framework=security))
    assert await _refusals(security) == []


class _Site:
    """The transport of 2024-11-05: a POST is accepted, and answered on the stream as soon as the test says so."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.say, self.end = anyio.Event(), anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await receive()
            await send({"type": "http.response.start", "status": 202, "headers": []})
            await send({"type": "http.response.body", "body": b"Accepted"})
            return
        await _say(send, b"event: endpoint\ndata: /messages/?session_id=ann\n\n")
        await self.say.wait()
        await send({"type": "http.response.body", "body": _event(self.answer), "more_body": True})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b""})


def _posted(id: int) -> Exchange:
    return posting(encoded(call("echo", id=id)), PLAIN, path="/messages/", query_string=b"session_id=ann")


@pytest.mark.parametrize(("answer", "codes"), [(ANSWER, []), (RESULT, ["SMCP403"])], ids=["small", "large"])
async def test_a_call_that_is_answered_on_the_stream_holds_its_place_till_then_and_pays(
    security: SMCPSecurityFramework, answer: bytes, codes: list[str]
) -> None:
    site = _Site(answer)
    middleware = SMCPMiddleware(site, framework=security)
    stream = asking(path="/sse")
    async with anyio.create_task_group() as group:
        group.start_soon(stream.through, middleware)
        await anyio.wait_all_tasks_blocked()
        assert (await _posted(5).through(middleware)).status == 202
        assert await _refusals(security) == ["SMCP404"]
        site.say.set()
        await anyio.wait_all_tasks_blocked()
        assert await _refusals(security) == codes and answer in stream.body
        site.end.set()


async def test_an_answer_to_what_nobody_asked_pays_for_nobody_and_frees_no_place(
    security: SMCPSecurityFramework,
) -> None:
    site = _Site(RESULT)
    middleware = SMCPMiddleware(site, framework=security)
    async with anyio.create_task_group() as group:
        group.start_soon(asking(path="/sse").through, middleware)
        await anyio.wait_all_tasks_blocked()
        await _posted(6).through(middleware)
        site.say.set()
        await anyio.wait_all_tasks_blocked()
        assert await _refusals(security) == ["SMCP404"]
        site.end.set()


@pytest.mark.parametrize("session", [True, False])
async def test_a_stream_that_was_cut_is_paid_where_it_is_resumed(
    security: SMCPSecurityFramework, session: bool
) -> None:
    fields = [("mcp-session-id", "s")] if session else []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        resumed = scope["method"] == "GET"
        await _say(send, _event(RESULT) if resumed else b": it goes on elsewhere\n\n", more=False)

    middleware: App = SMCPMiddleware(app, framework=security)
    exchange = posting(call("echo", id=5))
    exchange.scope["headers"] += [(name.encode(), value.encode()) for name, value in fields]
    await exchange.through(middleware)
    # Without a session nothing can be resumed, and the call is over.
    assert await _refusals(security) == (["SMCP404"] if session else [])
    await asking(fields=[("host", "127.0.0.1:8000"), *fields]).through(middleware)
    if session:
        assert await _refusals(security) == ["SMCP403"]


@pytest.mark.parametrize("mode", ["enforce", "monitor"])
@pytest.mark.parametrize("answer", [ANSWER, RESULT.replace(b"xxx", b"xxxxxxxxxxx")], ids=["small", "over the cap"])
async def test_an_answer_on_its_own_stream_frees_the_place_at_once_in_a_session_too(mode: str, answer: bytes) -> None:
    with SMCPSecurityFramework({**POLICY, "budgets": [], "mode": {"results": mode}}) as security:
        exchange = posting(call("echo", id=5))
        exchange.scope["headers"].append((b"mcp-session-id", b"s"))
        await exchange.through(SMCPMiddleware(Server(_event(answer), "text/event-stream"), framework=security))
        assert exchange.complete and await _refusals(security) == []


async def test_an_app_that_is_refused_its_scope_holds_no_place(
    security: SMCPSecurityFramework, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise _Crash

    middleware = SMCPMiddleware(Server(ANSWER), framework=security)
    with monkeypatch.context() as patched:
        patched.setattr("smcp_security.adapters.asgi.introduce", broken)
        with pytest.raises(_Crash):
            await posting(call("echo", id=5)).through(middleware)
    assert await _refusals(security) == []
