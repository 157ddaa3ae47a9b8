"""The mechanics of the session machine: open exchanges, what was said on them, and what may be remembered of them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any, Final

import pytest
from hypothesis import strategies as st

from smcp_security import armed
from smcp_security.decision import Origin
from tests.adapters import traffic
from tests.adapters.exchange import Exchange, asking
from tests.adapters.sessions import LEAVE, Lab, Visit, dispatched
from tests.adapters.traffic import IDS, SHELL, SPOILT, TEXTS, VALUES, Attack, same
from tests.envelopes import encoded, legacy, response

WITHHELD: Final = -31502
SCHEMA: Final = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
EXAMPLES: Final = int(os.environ.get("SESSION_EXAMPLES", "120"))
"""How many histories a machine goes through; thousands for a long look."""
_LIKELY: Final = {"tools/list": ("tools", "tools"), "tools/call": ("task", "modern task")}
ENDS: Final = st.sampled_from([b"\n", b"\r\n", b"\r"])

Key = tuple[str, type, Any]


@pytest.fixture(scope="module", autouse=True)
def quick_frameworks() -> Iterator[None]:
    """Machines make frameworks and reload them by the hundred; compiling the rules takes a third of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(armed, "load", cache(armed.load))
        patch.setattr(logging.getLogger("smcp_security"), "disabled", True)
        patch.setattr(logging.getLogger("smcp_security.audit"), "disabled", True)
        yield


@dataclass(eq=False, repr=False)
class Open:
    """An exchange that has reached the server and is not over."""

    visit: Visit
    session: str
    request: dict[str, Any] | None
    media: str = ""
    said: bytes = b""
    truth: dict[bytes, str | None] = field(default_factory=dict)
    """What the client must see of each event's data; None if nothing."""

    def __repr__(self) -> str:
        return f"<{self.session or 'no session'} {self.media or 'silent'} {self.request}>"

    @property
    def id(self) -> Any:
        """The id that the client waits for."""
        return None if self.request is None else self.request["id"]

    def expect(self, payload: bytes, truth: str | None) -> None:
        """Note an event that was said whole, and what the client must see of it."""
        self.truth[payload] = truth
        self.said += b"data: " + payload + b"\n\n"

    def seen(self) -> list[str]:
        """The messages that the client has taken from its stream; an error in place of a result by `withheld`."""
        messages = [json.loads(data) for data in dispatched(self.visit.received)]
        return [withheld(each["id"]) if _is_withheld(each) else same(each) for each in messages]

    @property
    def key(self) -> Key:
        """The request among all of all sessions."""
        return self.session, type(self.id), self.id


class Model:
    """What is open and what may be remembered; every way to say something checks what the other side got."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.sessions: list[str] = []
        self.open: list[Open] = []
        self.asked: dict[Key, Origin] = {}
        self.answered: dict[Key, Origin] = {}
        self.learned: set[str] = set()
        self.questions: list[Key] = []
        self.count = 0

    # -- the client's side ---------------------------------------------------------------------------------------------

    def _ask(self, message: dict[str, Any], body: bytes, session: str, *, pieces: int = 1, odd: bool = False) -> Open:
        """An honest request: it arrives, and means the same."""
        visit = self.lab.send(traffic.posted(body, message, session, pieces=pieces, odd=odd))
        self._arrived(visit, message, session)
        opened = Open(visit, session, message)
        self.open.append(opened)
        return opened

    def _arrived(self, visit: Visit, message: Mapping[str, Any], session: str) -> None:
        call = visit.reached
        fields = dict(call.scope["headers"])
        assert same(json.loads(call.body)) == same(message)
        assert fields[b"content-length"] == str(len(call.body)).encode() and b"accept-encoding" not in fields
        assert fields.get(b"mcp-session-id", b"") == session.encode()

    def _accepted(self, message: Mapping[str, Any], body: bytes, session: str, *, hostile: bool = False) -> None:
        """A notification or response: 202 to the client. In place of a hostile one the server gets an error."""
        visit = self.lab.send(traffic.posted(body, message, session))
        if hostile:
            told = json.loads(visit.reached.body)
            assert "error" in told and same(told["id"]) == same(message["id"]) and SHELL not in str(told)
        else:
            self._arrived(visit, message, session)
        self._plain(visit, 202)

    def _plain(self, visit: Visit, status: int) -> None:
        """The server answers with a status and no body, and the client gets just that, once."""
        self.lab.say(visit, {"type": "http.response.start", "status": status, "headers": []})
        self.lab.say(visit, body_of(b"", False))
        self.lab.leave(visit)
        assert (visit.exchange.status, visit.exchange.body, visit.exchange.complete) == (status, b"", True)

    def _refused(self, exchange: Exchange, attack: Attack, id: Any) -> None:
        """The documented answer, once and whole, with the very id or none."""
        assert exchange.status == attack.status and exchange.complete and SHELL.encode() not in exchange.body
        if attack.status == 202:
            assert exchange.body == b""
            return
        value = exchange.value
        assert (same(value["id"]) == same(id)) if attack.echo else "id" not in value
        if attack.echo and not attack.error:
            assert value["result"]["isError"] is True
        else:
            assert not attack.error or value["error"]["code"] == attack.error

    def _end(self, session: str) -> None:
        """A DELETE that the server takes."""
        exchange = asking("DELETE", fields=[("host", "localhost"), ("mcp-session-id", session)])
        self._plain(self.lab.send(exchange), 200)
        self.sessions.remove(session)
        for key in [key for key in self.asked if key[0] == session]:
            self._settled(key)
        self.answered = {key: origin for key, origin in self.answered.items() if key[0] != session}

    # -- the server's side ---------------------------------------------------------------------------------------------

    def _waiting(self, media: str) -> list[Open]:
        """Requests without an answer whose response has begun as `media`, or not at all."""
        return [opened for opened in self.open if opened.request is not None and opened.media == media]

    def _streams(self) -> list[Open]:
        """Everything that has begun as a stream."""
        return [opened for opened in self.open if opened.media == "sse"]

    def _start(self, opened: Open, media: str, *fields: tuple[str, str], status: int = 200) -> None:
        opened.media = media
        kind = "application/json" if media == "json" else "text/event-stream; charset=utf-8"
        headers = [(name.encode(), value.encode()) for name, value in (("content-type", kind), *fields)]
        self.lab.say(opened.visit, {"type": "http.response.start", "status": status, "headers": headers})

    def _whole(self, opened: Open, body: bytes, pieces: int = 1) -> None:
        """The rest of a response, and its end: once and complete."""
        size = -(-len(body) // pieces) or 1
        for start in range(0, len(body), size):
            self.lab.say(opened.visit, body_of(body[start : start + size], True))
        self.lab.say(opened.visit, body_of(b"", False))
        self._over(opened)
        assert opened.visit.exchange.complete and opened.visit.exchange.status

    def _over(self, opened: Open, order: str = LEAVE) -> None:
        self.lab.leave(opened.visit, order)
        self.open.remove(opened)

    def _finish(self, opened: Open) -> None:
        """An end without an answer, such as a server gives that shuts a session down."""
        if not opened.media:
            self.lab.say(opened.visit, {"type": "http.response.start", "status": 500, "headers": []})
        self.lab.say(opened.visit, body_of(b"", False))
        self._over(opened)

    def _result(self, data: st.DataObject, session: str, id: Any, request: Mapping[str, Any] | None) -> dict[str, Any]:
        """Some result. A server may say anything: only a list teaches."""
        origin = self._traced(session, id, request)
        likely = _LIKELY.get("" if origin is None else origin.method, ())
        kind = data.draw(st.sampled_from([*likely, *likely, "plain", "tools", "task", "modern task"]))
        if kind == "plain":
            return {"content": data.draw(VALUES), "resultType": "complete"}
        if kind == "tools":
            self.count += 1
            if origin is not None and origin.method == "tools/list":
                self.learned.add(f"tool{self.count}")
            return {"tools": [{"name": f"tool{self.count}", "inputSchema": SCHEMA}]}
        task = data.draw(st.sampled_from(["t0", "t1"]))
        return {"resultType": "task", "taskId": task} if kind == "modern task" else {"task": {"taskId": task}}

    def _traced(self, session: str, id: Any, request: Mapping[str, Any] | None) -> Origin | None:
        """What an answer belongs to: the request of its own exchange, else the one of that session and typed id."""
        key = (session, type(id), id)
        before, origin = self.answered.get(key), self._closed(key)
        if EITHER in (before, origin):
            return None
        if request is not None and same(request["id"]) == same(id):
            return Origin(request["method"], target(request.get("params", {})))
        return origin if before in (None, origin) else None

    def _closed(self, key: Key) -> Origin | None:
        origin = self.asked.pop(key, None)
        if origin is not None:
            before = self.answered.get(key, origin)
            self.answered[key] = EITHER if EITHER in (before, origin) else origin if before == origin else AGAIN
        return origin

    def _settled(self, key: Key) -> None:
        """The request is answered by an error of ours, or its session is over: it may be forgotten now."""
        if kept(key) not in self.lab.framework._around.exchanges._asked._entries:
            self._closed(key)

    # -- streams -------------------------------------------------------------------------------------------------------

    def _say(self, data: st.DataObject, opened: Open, payload: bytes, truth: str | None) -> None:
        """One event in some spelling, of which the client must see `truth`."""
        end, lines = data.draw(ENDS), [b"data: " + line for line in payload.split(b"\n")]
        extras = data.draw(st.lists(st.sampled_from([b"event: message", b"id: 7", b"retry: 9", b": note"]), max_size=2))
        opened.truth[payload] = truth
        self._stream(data, opened, end.join([*extras, *lines, b"", b""]))

    def _stream(self, data: st.DataObject, opened: Open, raw: bytes) -> None:
        """Bytes of a stream, cut anywhere; the client has each event as soon as the server has said it."""
        cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=3)))
        for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            opened.said += raw[start:stop]
            self.lab.say(opened.visit, body_of(raw[start:stop], True))
            self._prompt(opened)

    def _prompt(self, opened: Open) -> None:
        told = (opened.truth[data] for data in dispatched(opened.said))
        assert opened.seen() == [truth for truth in told if truth is not None]

    def _stream_comment(self, data: st.DataObject, opened: Open) -> None:
        end = data.draw(ENDS)
        self._stream(data, opened, b": ping" + end + end)

    def _stream_notification(self, data: st.DataObject, opened: Open) -> None:
        value = legacy("notifications/message", {"level": "info", "data": data.draw(VALUES)}, id=None)
        lines = json.dumps(value, indent=data.draw(st.sampled_from([None, 1]))).encode()
        self._say(data, opened, lines, same(value))

    def _stream_question(self, data: st.DataObject, opened: Open) -> None:
        """The older era only: a server that asks back in the middle of a call."""
        if not opened.session:
            return
        id = data.draw(IDS)
        value = legacy("elicitation/create", {"message": data.draw(TEXTS), "requestedSchema": {}}, id=id)
        self.questions.append((opened.session, type(id), id))
        self._say(data, opened, encoded(value), same(value))

    def _stream_stray(self, data: st.DataObject, opened: Open) -> None:
        """An answer on the standing stream: to a request whose own stream was cut, or to none."""
        if opened.request is not None:
            return
        cut = [key[2] for key in self.asked if key[0] == opened.session]
        id = data.draw(st.sampled_from(cut) | IDS if cut else IDS)
        value = response(id, self._result(data, opened.session, id, None))
        self._say(data, opened, encoded(value), same(value))

    def _stream_spoilt(self, data: st.DataObject, opened: Open) -> None:
        """An event that cannot be judged: an error for who waits, nothing for who does not; and one answer only."""
        payload = data.draw(st.sampled_from(SPOILT))
        if opened.request is None:
            readable = payload in traffic.READABLE
            self._say(data, opened, payload, withheld(1) if readable else None)
            if readable:
                self._settled((opened.session, int, 1))
            return
        before = opened.seen()
        self.lab.say(opened.visit, body_of(b"data: " + payload + b"\n\n", True))
        honest = response(opened.id, {})
        self.lab.say(opened.visit, body_of(b"data: " + encoded(honest) + b"\n\n", False))
        self._over(opened)
        self._settled(opened.key)
        assert opened.seen() == [*before, withheld(opened.id)]


def _is_withheld(message: Mapping[str, Any]) -> bool:
    return "error" in message and message["error"]["code"] == WITHHELD


def withheld(id: Any) -> str:
    """What a client sees in place of a result that could not be judged."""
    return f"withheld {same(id)}"


def body_of(body: bytes, more: bool) -> dict[str, Any]:
    """A piece of a response."""
    return {"type": "http.response.body", "body": body, "more_body": more}


def target(params: Mapping[str, Any]) -> str:
    """The tool, prompt, resource or task that params name."""
    return str(params.get("name") or params.get("uri") or params.get("taskId") or "")


EITHER = Origin("")
"""What is known of an id that two open requests have."""
AGAIN = Origin("", "again")
"""What is known of an id that two requests had, one after the other."""


def kept(key: Key) -> tuple[str, str, Any]:
    """The key under which a request is remembered: a long id as its hash."""
    session, kind, id = key
    return session, kind.__name__, sha256(id.encode()).hexdigest() if kind is str and len(id) > 128 else id
