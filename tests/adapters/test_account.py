"""What became of an exchange, as every edge tells it: its ending, and of what class a failure was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.asgi import Receive, Scope, Send
from smcp_security.adapters.stdio.conversation import Conversation
from smcp_security.adapters.stdio.lines import Line
from smcp_security.adapters.wsgi import SMCPMiddleware as OfWsgi
from smcp_security.contexts import RequestContext
from smcp_security.observers import Ending
from tests.adapters import exchange, wsgi_exchange
from tests.envelopes import call, encoded
from tests.watched import POLICY, Arrange, Watcher, arranging

pytestmark = pytest.mark.anyio

ANSWERS: list[tuple[dict[str, Any], str, str]] = [
    ({"result": {"content": []}}, "complete", ""),
    ({"result": {"content": [], "isError": True}}, "tool-error", "tool"),
    ({"error": {"code": -32602, "message": "no such tool"}}, "error", "-32602"),
]
ASKED = call("echo", {"text": "hello"})


@pytest.fixture(scope="module")
def plain() -> Iterator[SMCPSecurityFramework]:
    """One framework for all; what a test puts into it is taken out again."""
    with SMCPSecurityFramework(POLICY) as framework:
        yield framework


@pytest.fixture
def arrange(plain: SMCPSecurityFramework) -> Iterator[Arrange]:
    with arranging(plain) as arranged:
        yield arranged


def ended(watcher: Watcher) -> Ending:
    [(_, ending)] = watcher.endings
    return ending


def answering(answer: dict[str, Any], media: str) -> Any:
    """An ASGI app that answers so, as JSON or as the event of a stream."""
    raw = encoded({"jsonrpc": "2.0", "id": ASKED["id"], **answer})
    body = b"data: " + raw + b"\n\n" if media == "text/event-stream" else raw

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", media.encode())]})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(("answer", "result", "error"), ANSWERS)
async def test_over_http_the_answer_itself_says_what_failed(
    arrange: Arrange, answer: dict[str, Any], result: str, error: str, media: str
) -> None:
    watcher = Watcher()
    app = SMCPMiddleware(answering(answer, media), framework=arrange(watcher))
    await exchange.posting(ASKED).through(app)
    told = ended(watcher)
    assert (told.result, told.error, told.status) == (result, error, 200)


async def test_an_app_that_raises_is_told_by_the_type_of_its_error_alone(arrange: Arrange) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("secret-text-of-a-message")

    watcher = Watcher()
    with pytest.raises(LookupError):
        await exchange.posting(ASKED).through(SMCPMiddleware(app, framework=arrange(watcher)))
    assert (ended(watcher).result, ended(watcher).error) == ("broken", "LookupError")


def test_a_wsgi_app_that_raises_is_told_in_the_same_way(arrange: Arrange) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        raise LookupError("secret-text-of-a-message")

    watcher = Watcher()
    with pytest.raises(LookupError):
        wsgi_exchange.Exchange().begin(OfWsgi(app, framework=arrange(watcher)), wsgi_exchange.posting(ASKED)).finish()
    assert (ended(watcher).result, ended(watcher).error) == ("broken", "LookupError")


@pytest.mark.parametrize(("answer", "result", "error"), ANSWERS)
def test_on_stdio_the_answer_itself_says_what_failed(
    arrange: Arrange, answer: dict[str, Any], result: str, error: str
) -> None:
    watcher = Watcher()
    talk = Conversation(arrange(watcher), RequestContext(ip_address="stdio"))
    talk.from_client(Line(encoded(ASKED)))
    talk.from_server(Line(json.dumps({"jsonrpc": "2.0", "id": ASKED["id"], **answer}).encode()))
    assert (ended(watcher).result, ended(watcher).error) == (result, error)


def test_what_a_server_says_of_its_own_accord_ends_no_call(arrange: Arrange) -> None:
    watcher = Watcher()
    talk = Conversation(arrange(watcher), RequestContext(ip_address="stdio"))
    talk.from_client(Line(encoded(ASKED)))
    talk.from_server(Line(encoded({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": 7}})))
    assert watcher.endings == []
    talk.hung_up()
    assert ended(watcher).result == "cancelled"
