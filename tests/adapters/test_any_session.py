"""Sessions, streams, tasks, attacks, cuts and reloads in any order: what is honest passes unchanged and answered once,
what is hostile never arrives, nothing crosses sessions or id types, and nothing is kept that has ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smcp_security import SMCPSecurityFramework
from smcp_security.decision import Origin
from smcp_security.errors import PolicyError
from tests.adapters import traffic
from tests.adapters.exchange import asking
from tests.adapters.session_model import (
    EITHER,
    EXAMPLES,
    WITHHELD,
    Model,
    Open,
    body_of,
    kept,
    quick_frameworks,
    target,
    withheld,
)
from tests.adapters.sessions import CRASH, Lab, Visit
from tests.adapters.traffic import ATTACKS, CAP, IDS, SHELL, SPOILT, same
from tests.envelopes import PLAIN, call, encoded, legacy, response

_rules_compiled_once = quick_frameworks
_BOUNDLESS: Final[dict[str, Any]] = {"limits": [], "server": {"flood": "off"}, "results": {"max_size": CAP}}
POLICIES: Final = (
    _BOUNDLESS,
    {**_BOUNDLESS, "profile": "minimal"},
    {**_BOUNDLESS, "injection": {"level": 3}},
    {**_BOUNDLESS, "limits": [{"per": "caller", "rate": "9000000/second", "burst": 9_000_000}]},
)


class Sessions(Model, RuleBasedStateMachine):
    """Everything that clients, servers and operators do, in any order."""

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        Model.__init__(self, Lab(SMCPSecurityFramework(POLICIES[0])))

    # -- what clients do -----------------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """There is always a session to speak of."""
        self.open_session(1, "json")

    @rule(id=IDS, media=st.sampled_from(["json", "sse"]))
    def open_session(self, id: Any, media: str) -> None:
        """The handshake, answered with a session id."""
        info = {"protocolVersion": traffic.REVISION, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        message = legacy("initialize", info, id=id)
        opened = self._ask(message, encoded(message), "")
        self.count += 1
        session = f"session-{self.count}"
        self._start(opened, media, ("mcp-session-id", session))
        answer = encoded(response(id, {"protocolVersion": traffic.REVISION}))
        self._whole(opened, answer if media == "json" else b"data: " + answer + b"\n\n")
        assert opened.visit.exchange.headers["mcp-session-id"] == session
        self.sessions.append(session)

    @rule(data=st.data(), id=IDS, what=traffic.legacy_requests(), pieces=st.integers(1, 4), odd=st.booleans())
    def ask(self, data: st.DataObject, id: Any, what: Any, pieces: int, odd: bool) -> None:
        """A request in a session, with an id that is not on its way there."""
        session = data.draw(st.sampled_from(self.sessions))
        if any(opened.key == (session, type(id), id) for opened in self.open):
            return
        message = legacy(what[0], what[1], id=id)
        opened = self._ask(message, data.draw(traffic.spelt(message)), session, pieces=pieces, odd=odd)
        asked = Origin(what[0], target(what[1]))
        # Two open requests of one id: whose answer a standing stream brings, nobody can tell.
        self.asked[opened.key] = asked if self.asked.get(opened.key, asked) == asked else EITHER
        if data.draw(st.booleans()):
            self._answer(data, opened)

    @rule(data=st.data(), message=traffic.modern_requests(), pieces=st.integers(1, 4), odd=st.booleans())
    def ask_modern(self, data: st.DataObject, message: dict[str, Any], pieces: int, odd: bool) -> None:
        """A request that stands alone; another one with the same id may be on its way."""
        opened = self._ask(message, data.draw(traffic.spelt(message)), "", pieces=pieces, odd=odd)
        if data.draw(st.booleans()):
            self._answer(data, opened)

    @rule(data=st.data(), what=traffic.NOTIFICATIONS)
    def notify(self, data: st.DataObject, what: Any) -> None:
        """A notification, a cancellation among them."""
        session = data.draw(st.sampled_from(self.sessions))
        message = legacy(*what, id=None)
        self._accepted(message, data.draw(traffic.spelt(message)), session)

    @rule(data=st.data(), id=IDS, hostile=st.booleans(), failed=st.booleans())
    def answer_the_server(self, data: st.DataObject, id: Any, hostile: bool, failed: bool) -> None:
        """A response to a question of the server: open, answered before, or never asked."""
        session = data.draw(st.sampled_from(self.sessions))
        key = data.draw(st.sampled_from([*self.questions, (session, type(id), id)]))
        if key[0] not in self.sessions:
            return
        error = {"jsonrpc": "2.0", "id": key[2], "error": {"code": -1, "message": "no"}}
        message = error if failed else response(key[2], {"action": "accept", "content": {"day": "monday"}})
        if hostile:
            message = response(key[2], {"action": "accept", "content": {"day": SHELL}})
        self._accepted(message, encoded(message), key[0], hostile=hostile)

    @rule(data=st.data())
    def open_stream(self, data: st.DataObject) -> None:
        """The standing stream of a session, be it new or resumed."""
        session = data.draw(st.sampled_from(self.sessions))
        resumed = data.draw(st.booleans())
        fields = [("host", "localhost"), ("accept", "text/event-stream"), ("mcp-session-id", session)]
        exchange = asking(fields=[*fields, *([("last-event-id", "7")] if resumed else [])])
        opened = Open(self.lab.send(exchange), session, None)
        assert opened.visit.reached.body == b""
        self.open.append(opened)
        self._start(opened, "sse")

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        """The client goes away; the server may still have something to say."""
        opened = data.draw(st.sampled_from(self.open))
        self.lab.hang_up(opened.visit)
        assert self.lab.listen(opened.visit) == "http.disconnect"
        if opened.media == "sse" and data.draw(st.booleans()):
            self.lab.say(opened.visit, body_of(b": ping\n\n", True))
        self._over(opened, data.draw(st.sampled_from(["leave", CRASH])))

    @rule(data=st.data(), what=traffic.legacy_requests())
    def hang_up_within_the_body(self, data: st.DataObject, what: Any) -> None:
        """Half a message is none: nothing is called, nothing is answered."""
        session = data.draw(st.sampled_from(self.sessions))
        message = legacy(*what)
        exchange, before = traffic.posted(encoded(message), message, session, pieces=2), self.lab.arrived
        exchange.incoming[1] = {"type": "http.disconnect"}
        visit = self.lab.send(exchange)
        assert visit.task.done() and self.lab.arrived == before and exchange.sent == []

    @precondition(lambda self: len(self.sessions) > 1)
    @rule(data=st.data())
    def end_session(self, data: st.DataObject) -> None:
        """A DELETE: the session's streams end, and nothing of it is kept."""
        session = data.draw(st.sampled_from(self.sessions))
        for opened in [opened for opened in self.open if opened.session == session]:
            self._finish(opened)
        self._end(session)

    # -- what hostile clients do ---------------------------------------------------------------------------------------

    @rule(data=st.data(), id=IDS, attack=st.sampled_from(ATTACKS), inside=st.booleans())
    def attack(self, data: st.DataObject, id: Any, attack: traffic.Attack, inside: bool) -> None:
        """A message that must not arrive, in the middle of everything."""
        session = data.draw(st.sampled_from(self.sessions))
        before = self.lab.arrived
        visit = self.lab.send(attack.build(id, [("mcp-session-id", session)] if inside else []))
        assert self.lab.arrived == before and visit.call is None and visit.task.done()
        self._refused(visit.exchange, attack, id)

    @rule(id=IDS)
    def ask_at_a_forgotten_path(self, id: Any) -> None:
        """MCP where the policy does not expect it."""
        before = self.lab.arrived
        visit = self.lab.send(traffic.posting(encoded(legacy("tools/list", id=id)), list(PLAIN), path="/forgotten"))
        assert self.lab.arrived == before and visit.exchange.status == 403

    @precondition(lambda self: self.learned)
    @rule(data=st.data(), id=IDS)
    def call_with_wrong_arguments(self, data: st.DataObject, id: Any) -> None:
        """A tool whose schema was seen: what fits goes on, what does not is refused."""
        tool = data.draw(st.sampled_from(sorted(self.learned)))
        wrong = call(tool, {"n": [1]}, era="modern", id=id)
        visit = self.lab.send(traffic.posted(encoded(wrong), wrong, ""))
        assert visit.call is None and visit.exchange.value["result"]["isError"] is True
        right = call(tool, {"n": 1}, era="modern", id=id)
        self._finish(self._ask(right, encoded(right), ""))

    # -- what the server does ------------------------------------------------------------------------------------------

    @precondition(lambda self: self._waiting(""))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """The answer to any request that waits."""
        self._answer(data, data.draw(st.sampled_from(self._waiting(""))))

    def _answer(self, data: st.DataObject, opened: Open) -> None:
        """The answer to a request as JSON, in pieces."""
        status, pieces = data.draw(st.sampled_from([200, 200, 404])), data.draw(st.integers(1, 3))
        value = response(opened.id, self._result(data, opened.session, opened.id, opened.request))
        self._start(opened, "json", status=status)
        self._whole(opened, data.draw(traffic.spelt(value)), pieces)
        assert same(opened.visit.exchange.value) == same(value) and opened.visit.exchange.status == status

    @precondition(lambda self: self._waiting(""))
    @rule(data=st.data(), kind=st.sampled_from(["spoilt", "large", "encoded"]))
    def answer_badly(self, data: st.DataObject, kind: str) -> None:
        """An answer that cannot be judged is withheld, once, with the id of the call."""
        opened = data.draw(st.sampled_from(self._waiting("")))
        body = traffic.LARGE if kind == "large" else data.draw(st.sampled_from(SPOILT))
        self._start(opened, "json", *([("content-encoding", "gzip")] if kind == "encoded" else []))
        self.lab.say(opened.visit, body_of(body, kind != "spoilt"))
        assert not self.lab.say(opened.visit, body_of(b"more", False))
        self._over(opened)
        value = opened.visit.exchange.value
        assert same(value["id"]) == same(opened.id) and value["error"]["code"] == WITHHELD
        self._settled(opened.key)

    @precondition(lambda self: self._waiting(""))
    @rule(data=st.data(), mark=st.sampled_from([b"", b"\xef\xbb\xbf"]))
    def begin_stream(self, data: st.DataObject, mark: bytes) -> None:
        """The answer to a request will be a stream."""
        opened = data.draw(st.sampled_from(self._waiting("")))
        self._start(opened, "sse")
        self._stream(data, opened, mark)

    @precondition(lambda self: self._streams())
    @rule(data=st.data(), kind=st.sampled_from(["comment", "notification", "question", "stray", "spoilt"]))
    def stream_event(self, data: st.DataObject, kind: str) -> None:
        """Something in the middle of a stream."""
        opened = data.draw(st.sampled_from(self._streams()))
        getattr(self, f"_stream_{kind}")(data, opened)

    @precondition(lambda self: self._waiting("sse"))
    @rule(data=st.data())
    def end_stream(self, data: st.DataObject) -> None:
        """The answer at last, and the end of the stream."""
        opened = data.draw(st.sampled_from(self._waiting("sse")))
        value = response(opened.id, self._result(data, opened.session, opened.id, opened.request))
        self._say(data, opened, encoded(value), same(value))
        self._whole(opened, b"")
        assert opened.seen()[-1] == same(value)

    @precondition(lambda self: self._streams())
    @rule(data=st.data())
    def overrun_stream(self, data: st.DataObject) -> None:
        """An event over the cap: the error for who waits; the stream ends unless it is known that others go on."""
        opened = data.draw(st.sampled_from(self._streams()))
        before, id = opened.seen(), 1 if opened.request is None else opened.id
        known = opened.request is None and (opened.session, int, 1) in self.asked
        self.lab.say(opened.visit, body_of(b"data: " + traffic.LARGE + b"\n\n", True))
        assert opened.seen() == [*before, withheld(id)]
        if known:
            opened.expect(traffic.LARGE, withheld(id))
        else:
            assert not self.lab.say(opened.visit, body_of(b": more\n\n", False))
            self._over(opened)
        self._settled((opened.session, type(id), id))

    # -- the operator --------------------------------------------------------------------------------------------------

    @rule(policy=st.sampled_from(POLICIES))
    def reload(self, policy: dict[str, Any]) -> None:
        """Another policy, in the middle of everything."""
        self.lab.framework.reload(policy)

    @rule()
    def reload_nonsense(self) -> None:
        """A policy that cannot be used changes nothing."""
        before = self.lab.framework.policy
        with pytest.raises(PolicyError):
            self.lab.framework.reload({"no": "policy"})
        assert self.lab.framework.policy is before

    # -- what must always hold -----------------------------------------------------------------------------------------

    @invariant()
    def only_what_is_open_runs(self) -> None:
        """Each exchange is one task, and one that is over is none."""
        assert self.lab.running == len(self.open)

    @invariant()
    def only_what_is_open_is_remembered(self) -> None:
        """Questions of both directions by session and typed id, lessons by their list."""
        exchanges = self.lab.framework._around.exchanges
        assert dict(exchanges._asked._entries) == {kept(key): origin for key, origin in self.asked.items()}
        assert dict(exchanges._answered._entries) == {kept(key): origin for key, origin in self.answered.items()}
        assert {tool for _, tool, _ in self.lab.framework._armed.definitions._learned} == self.learned

    def teardown(self) -> None:
        """Everything ends, and nothing is left."""
        try:
            for opened in list(self.open):
                self._finish(opened)
            assert self.lab.running == 0
            for session in list(self.sessions):
                self._end(session)
            self.only_what_is_open_is_remembered()
            assert len(self.lab.edge._streams._open) == 0
        finally:
            self.lab.close()
            self.lab.framework.close()


Sessions.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSessions = Sessions.TestCase


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A middleware around a server that waits for orders."""
    with SMCPSecurityFramework(POLICIES[0]) as framework:
        lab = Lab(framework)
        yield lab
        lab.close()


def _asked(lab: Lab, id: Any) -> Open:
    message = call("echo", {}, id=id)
    return Open(lab.send(traffic.posted(encoded(message), message, "ann")), "ann", message)


def _answered(lab: Lab, visit: Visit, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json")]
    lab.say(visit, {"type": "http.response.start", "status": status, "headers": headers})
    lab.say(visit, body_of(body, False))
    lab.leave(visit)


def _remembered(lab: Lab) -> int:
    return len(lab.framework._around.exchanges._asked._entries)


def test_a_withheld_answer_closes_its_request(lab: Lab) -> None:
    opened = _asked(lab, 1)
    assert _remembered(lab) == 1
    _answered(lab, opened.visit, 200, SPOILT[0])
    assert opened.visit.exchange.value["id"] == 1 and _remembered(lab) == 0


def test_nothing_is_remembered_of_a_session_that_was_ended(lab: Lab) -> None:
    cut = _asked(lab, 1)
    lab.hang_up(cut.visit)
    assert lab.listen(cut.visit) == "http.disconnect"
    lab.leave(cut.visit)
    # A session that goes on may still get its answer, on a stream that is resumed.
    assert _remembered(lab) == 1
    _answered(lab, lab.send(asking("DELETE", fields=[("host", "localhost"), ("mcp-session-id", "ann")])), 200, b"")
    assert _remembered(lab) == 0


def test_a_posted_response_never_closes_the_request_of_the_same_id(lab: Lab) -> None:
    opened = _asked(lab, 1)
    message = response(1, {"action": "accept"})
    visit = lab.send(traffic.posted(encoded(message), message, "ann"))
    # A server whose reply to an answer cannot be read.
    _answered(lab, visit, 202, b"{")
    kept_open = _remembered(lab)
    _answered(lab, opened.visit, 200, encoded(response(1, {})))
    assert (visit.exchange.status, kept_open, _remembered(lab)) == (502, 1, 0)


def test_an_event_over_the_cap_closes_only_the_request_that_is_told(lab: Lab) -> None:
    first, second = _asked(lab, 1), _asked(lab, 2)
    headers = [(b"content-type", b"text/event-stream")]
    lab.say(second.visit, {"type": "http.response.start", "status": 200, "headers": headers})
    # It says that it answers 1, but it comes where 2 is answered.
    lab.say(second.visit, body_of(b"data: " + traffic.LARGE + b"\n\n", True))
    lab.leave(second.visit)
    left = _remembered(lab)
    _answered(lab, first.visit, 200, encoded(response(1, {})))
    assert (second.seen(), left, _remembered(lab)) == ([withheld(2)], 1, 0)
