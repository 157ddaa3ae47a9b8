"""The transport of 2024-11-05 in any order of events: answers and refusals travel on the stream of their session,
between whole events, once, and on no other stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smcp_security import SMCPSecurityFramework
from tests.adapters.exchange import Exchange, asking, posting
from tests.adapters.session_model import ENDS, EXAMPLES, SCHEMA, body_of, quick_frameworks
from tests.adapters.sessions import CRASH, LEAVE, Lab, Visit, dispatched
from tests.adapters.traffic import CAP, IDS, NOTIFICATIONS, SHELL, TEXTS, VALUES, legacy_requests, same, spelt
from tests.envelopes import PLAIN, call, encoded, legacy, response

_rules_compiled_once = quick_frameworks
NAMES: Final = ("ann", "bob", "cid")
_BOUNDLESS: Final[dict[str, Any]] = {"limits": [], "server": {"flood": "off"}, "results": {"max_size": CAP}}
POLICIES: Final[tuple[dict[str, Any], ...]] = (
    _BOUNDLESS,
    {**_BOUNDLESS, "profile": "minimal"},
)
ATTACKS: Final = st.sampled_from(
    [
        ("tools/call", {"name": "echo", "arguments": {"command": SHELL}}),
        ("tools/call", {"name": 1}),
        ("prompts/get", {"name": "greet", "arguments": {"who": SHELL}}),
        ("resources/read", {"uri": f"note://{SHELL}"}),
        ("no/such", {}),
        ("tools/list", {"Cursor": "2"}),
    ]
)
UNREADABLE: Final = st.sampled_from([b"{", b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', b"\xff", b"[]", b""])


@dataclass(eq=False)
class Stream:
    """A session's GET stream: what its client must have seen, and the bytes of an event that are not said yet."""

    visit: Visit
    name: str
    expected: list[str] = field(default_factory=list)
    rest: bytes = b""
    coming: str = ""

    def seen(self) -> list[str]:
        """The messages that the client has taken; of a refusal only its id, and that it is one."""
        messages = [json.loads(data) for data in dispatched(self.visit.received)]
        return [refusal(each["id"]) if _is_refusal(each) else same(each) for each in messages]


def _is_refusal(message: Mapping[str, Any]) -> bool:
    return "SMCP" in json.dumps(message)


def _is_plain(id: str) -> bool:
    return 0 < len(id) <= 128 and id.isascii() and id.replace("-", "").replace("_", "").isalnum()


def refusal(id: Any) -> str:
    """What a client sees of a refusal."""
    return f"refused {same(id)}"


class LegacyStreams(RuleBasedStateMachine):
    """Clients of the older transport and a server, with hostile messages in between."""

    def __init__(self) -> None:
        super().__init__()
        self.lab = Lab(SMCPSecurityFramework(POLICIES[0]))
        self.streams: dict[str, Stream] = {}
        self.listing: dict[str, list[Any]] = {name: [] for name in NAMES}
        self.learned: set[str] = set()
        self.over: set[str] = set()
        """Sessions whose stream was ended for a message that nobody could read."""
        self.dead: list[Visit] = []
        """What is over is kept as long as a log or debugger might keep it: it must not count as open for that."""

    # -- clients -------------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), end=ENDS, parameter=st.sampled_from(["session_id", "sessionId"]))
    def open_stream(self, name: str, end: bytes, parameter: str) -> None:
        """A client connects; its stream begins with the address of its session."""
        if name in self.streams:
            return
        visit = self.lab.send(asking(path="/sse"))
        headers = [(b"content-type", b"text/event-stream")]
        self.lab.say(visit, {"type": "http.response.start", "status": 200, "headers": headers})
        endpoint = b"event: endpoint" + end + f"data: /messages/?{parameter}={name}".encode() + end + end
        for byte in endpoint:
            self.lab.say(visit, body_of(bytes([byte]), True))
        assert visit.received == endpoint
        self.streams[name] = Stream(visit, name)
        self.over.discard(name)
        self.listing[name] = []

    @rule(data=st.data(), name=st.sampled_from(NAMES), id=IDS, what=legacy_requests())
    def ask(self, data: st.DataObject, name: str, id: Any, what: Any) -> None:
        """An honest request is accepted; its answer will come on the stream."""
        message = legacy(what[0], what[1], id=id)
        self._arrives(data.draw(spelt(message)), message, name)
        if what[0] == "tools/list":
            self.listing[name].append(id)

    @rule(data=st.data(), name=st.sampled_from(NAMES), what=NOTIFICATIONS)
    def notify(self, data: st.DataObject, name: str, what: Any) -> None:
        """An honest notification."""
        message = legacy(*what, id=None)
        self._arrives(data.draw(spelt(message)), message, name)

    @precondition(lambda self: self.streams)
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        """A client goes away; the server notices, in one way or the other."""
        stream = self.streams.pop(data.draw(st.sampled_from(sorted(self.streams))))
        self.lab.hang_up(stream.visit)
        assert self.lab.listen(stream.visit) == "http.disconnect"
        self.lab.leave(stream.visit, data.draw(st.sampled_from([LEAVE, CRASH])))
        self.dead.append(stream.visit)

    # -- hostile clients -----------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), id=IDS, what=ATTACKS)
    def attack(self, name: str, id: Any, what: Any) -> None:
        """Refused on the session's own stream, or by a stand-in that the server answers with an error for that id."""
        self._refused(encoded(legacy(what[0], what[1], id=id)), name, id)

    @rule(name=st.sampled_from(NAMES))
    def notify_with_an_attack(self, name: str) -> None:
        """Nobody waits for an answer: accepted and dropped."""
        message = legacy("notifications/cancelled", {"requestId": 1, "reason": SHELL}, id=None)
        if self._too_late(encoded(message), name):
            return
        visit = self.lab.send(self._post(encoded(message), name))
        assert visit.call is None and (visit.exchange.status, visit.received) == (202, b"")

    @rule(name=st.sampled_from(NAMES), body=UNREADABLE)
    def send_nonsense(self, name: str, body: bytes) -> None:
        """Nobody knows who waits for what: the answer rides on the POST, and the stream ends."""
        if self._too_late(body, name):
            return
        visit = self.lab.send(self._post(body, name))
        assert visit.call is None and visit.exchange.status == 400 and "id" not in visit.exchange.value
        if (stream := self.streams.pop(name, None)) is not None:
            self.over.add(name)
            assert stream.visit.exchange.complete and stream.seen() == stream.expected
            assert not self.lab.say(stream.visit, body_of(b": more\n\n", True))
            self.lab.leave(stream.visit)

    @precondition(lambda self: self.learned)
    @rule(data=st.data(), name=st.sampled_from(NAMES), id=IDS)
    def call_with_wrong_arguments(self, data: st.DataObject, name: str, id: Any) -> None:
        """A schema that was listed on a stream holds for the calls of every session of that server."""
        if name not in self.streams:
            return
        tool = data.draw(st.sampled_from(sorted(self.learned)))
        self._refused(encoded(call(tool, {"n": [1]}, id=id)), name, id)
        right = call(tool, {"n": 1}, id=id)
        self._arrives(encoded(right), right, name)

    # -- the server ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self._silent())
    @rule(data=st.data(), id=IDS, kind=st.sampled_from(["answer", "list", "notification", "question"]))
    def begin_event(self, data: st.DataObject, id: Any, kind: str) -> None:
        """The server says the first part of an event, or all of it."""
        stream = data.draw(st.sampled_from(self._silent()))
        value = self._value(data, stream, id, kind)
        end = data.draw(ENDS)
        lines = [b"data: " + line for line in json.dumps(value, indent=1).encode().split(b"\n")]
        stream.rest, stream.coming = end.join([b"event: message", *lines, b"", b""]), same(value)
        self._go_on(stream, data.draw(st.integers(0, len(stream.rest))))

    @precondition(lambda self: self._silent())
    @rule(data=st.data(), id=IDS.filter(lambda id: len(str(id)) <= 128))
    def answer_too_largely(self, data: st.DataObject, id: Any) -> None:
        """An answer over the cap is withheld from who waits for it; the stream is for others too, and goes on.

        An id of more than 128 characters is not looked for in an answer that nobody holds whole.
        """
        stream = data.draw(st.sampled_from(self._silent()))
        message = legacy("ping", id=id)
        self._arrives(encoded(message), message, stream.name)
        event = b"data: " + encoded(response(id, {"text": "x" * CAP})) + b"\n\n"
        cut = data.draw(st.integers(CAP // 2, len(event)))
        for piece in (event[:cut], event[cut:]):
            self.lab.say(stream.visit, body_of(piece, True))
        stream.expected.append(refusal(id))

    @precondition(lambda self: len(self._silent()) < len(self.streams))
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """A further part of an event that was begun."""
        stream = data.draw(st.sampled_from([stream for stream in self.streams.values() if stream.coming]))
        self._go_on(stream, data.draw(st.integers(1, len(stream.rest))))

    @precondition(lambda self: self.streams)
    @rule(data=st.data())
    def end_stream(self, data: st.DataObject) -> None:
        """The server ends a stream; what was half said of an event is nothing."""
        stream = self.streams.pop(data.draw(st.sampled_from(sorted(self.streams))))
        self.lab.say(stream.visit, body_of(b"", False))
        self.lab.leave(stream.visit)
        assert stream.visit.exchange.complete and stream.seen() == stream.expected

    @rule(policy=st.sampled_from(POLICIES))
    def reload(self, policy: dict[str, Any]) -> None:
        """Another policy, in the middle of everything."""
        self.lab.framework.reload(policy)

    # -- what must always hold -----------------------------------------------------------------------------------------

    @invariant()
    def every_stream_has_its_own_messages(self) -> None:
        """All of them, in order, each once, and no task or stream is left of those that ended."""
        for stream in self.streams.values():
            assert stream.seen() == stream.expected, stream.name
        assert self.lab.running == len(self.streams)
        assert set(self.lab.edge._streams._open) >= set(self.streams)

    def teardown(self) -> None:
        """Everything ends, and nothing is left."""
        try:
            for stream in list(self.streams.values()):
                self.lab.say(stream.visit, body_of(b"", False))
                self.lab.leave(stream.visit)
            assert self.lab.running == 0
        finally:
            self.lab.close()
            self.lab.framework.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _silent(self) -> list[Stream]:
        """The streams on which no event is half said."""
        return [stream for stream in self.streams.values() if not stream.coming]

    def _post(self, body: bytes, name: str) -> Exchange:
        return posting(body, PLAIN, path="/messages/", query_string=f"session_id={name}".encode())

    def _too_late(self, body: bytes, name: str) -> bool:
        """Of a session that was ended nothing reaches the server, which may not know yet that nobody hears it."""
        if name in self.over:
            visit = self.lab.send(self._post(body, name))
            assert visit.call is None and (visit.exchange.status, visit.received) == (404, b"")
        return name in self.over

    def _arrives(self, body: bytes, message: Mapping[str, Any], name: str) -> None:
        if self._too_late(body, name):
            return
        visit = self.lab.send(self._post(body, name))
        assert same(json.loads(visit.reached.body)) == same(message)
        self._take(visit)

    def _take(self, visit: Visit) -> None:
        """The server takes what was posted."""
        self.lab.say(visit, {"type": "http.response.start", "status": 202, "headers": []})
        self.lab.say(visit, body_of(b"Accepted", False))
        self.lab.leave(visit)
        assert (visit.exchange.status, visit.received) == (202, b"Accepted")

    def _refused(self, body: bytes, name: str, id: Any) -> None:
        if self._too_late(body, name):
            return
        before = self.lab.arrived
        visit = self.lab.send(self._post(body, name))
        stream = self.streams.get(name)
        if stream is not None:
            assert self.lab.arrived == before and (visit.exchange.status, visit.received) == (202, b"")
            stream.expected.append(refusal(id))
            return
        if type(id) is str and not _is_plain(id):
            # Not even the id is fit to be passed on, so all that is left is the POST.
            assert self.lab.arrived == before
            assert visit.exchange.status >= 400 or same(visit.exchange.value["id"]) == same(id)
            return
        told = json.loads(visit.reached.body)
        assert same(told["id"]) == same(id) and told["method"] == "smcp/refused" and SHELL not in str(told)
        self._take(visit)

    def _value(self, data: st.DataObject, stream: Stream, id: Any, kind: str) -> dict[str, Any]:
        if kind == "notification":
            return legacy("notifications/message", {"level": "info", "data": data.draw(VALUES)}, id=None)
        if kind == "question":
            return legacy("elicitation/create", {"message": data.draw(TEXTS), "requestedSchema": {}}, id=id)
        if kind == "list" and self.listing[stream.name]:
            asked = self.listing[stream.name].pop(0)
            return response(asked, {"tools": [{"name": f"of {stream.name}", "inputSchema": SCHEMA}]})
        return response(id, {"content": data.draw(VALUES)})

    def _go_on(self, stream: Stream, count: int) -> None:
        self.lab.say(stream.visit, body_of(stream.rest[:count], True))
        stream.rest = stream.rest[count:]
        if stream.rest in (b"", b"\n") and stream.coming:
            # The LF of a last CRLF ends nothing that the CR before it has not ended.
            self._whole(stream)

    def _whole(self, stream: Stream) -> None:
        if stream.rest:
            self.lab.say(stream.visit, body_of(stream.rest, True))
        stream.expected.append(stream.coming)
        value = json.loads(stream.coming)
        if "tools" in (value.get("result") or {}):
            self.learned.add(value["result"]["tools"][0]["name"])
        stream.rest, stream.coming = b"", ""


LegacyStreams.TestCase.settings = settings(
    max_examples=EXAMPLES // 2, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLegacyStreams = LegacyStreams.TestCase


@pytest.mark.parametrize("ending", [LEAVE, CRASH])
def test_a_stream_whose_app_is_gone_is_not_open(ending: str) -> None:
    machine = LegacyStreams()
    machine.open_stream("ann", b"\n", "session_id")
    machine.attack("ann", 1, ("no/such", {}))
    stream = machine.streams["ann"]
    assert stream.seen() == [refusal(1)]
    machine.lab.leave(stream.visit, ending)
    del machine.streams["ann"]
    # Now there is nobody to tell but the server.
    machine.attack("ann", 2, ("no/such", {}))
    assert stream.seen() == [refusal(1)]
    machine.teardown()
