"""A session is its caller's: whoever else uses it is told that it does not exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import sessions
from smcp_security.checks.http import Http, read_headers
from smcp_security.checks.rung import Claim, Context, Pure, Question, Rung
from smcp_security.checks.sessions import session_claim
from smcp_security.decision import Caller, Outcome
from smcp_security.errors import StoreAway
from smcp_security.policy import Policy
from tests.checks.issuer import NOW, codes, issuer, judge, policy

ANN = Caller("jwt:https://idp.example.com#ann", True)
BOB = Caller("jwt:https://idp.example.com#bob", True)


class _Claims:
    """A store of claims, which can be away."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.asked: list[Claim] = []
        self.away = False

    def __call__(self, question: Question) -> str:
        assert isinstance(question, Claim)
        self.asked.append(question)
        if self.away:
            raise StoreAway("redis: refused")
        if not question.begin:
            return self.owners.get(question.key, "")
        return self.owners.setdefault(question.key, question.value)


def _rung() -> Rung:
    return sessions.build(policy(jwt=[issuer()], required=False))


def _use(rung: Rung, store: _Claims, caller: Caller | None, session: str = "s1", *, now: float = NOW) -> Outcome:
    return judge(rung, Context(now=now, session=session, unwatched=True, caller=caller), store)  # type: ignore[arg-type]


def test_a_session_is_its_first_callers_and_nobody_elses() -> None:
    rung, store = _rung(), _Claims()
    assert codes(_use(rung, store, ANN)) == []
    for other in (BOB, None, Caller("anonymous", True), Caller("", True)):
        refused = _use(rung, store, other)
        assert codes(refused) == ["SMCP210"] and "s1" not in repr(refused)
    assert codes(_use(rung, store, ANN)) == []
    assert codes(_use(rung, store, BOB, "s2")) == []
    assert codes(_use(rung, store, ANN, "s2")) == ["SMCP210"]


def test_a_session_of_nobody_stays_nobodys() -> None:
    rung, store = _rung(), _Claims()
    assert codes(_use(rung, store, None)) == []
    assert codes(_use(rung, store, ANN)) == ["SMCP210"]
    assert codes(_use(rung, store, None)) == []


def _over_http(query: str = "", header: str = "") -> Http:
    fields = [(b"mcp-session-id", header.encode())] if header else []
    return Http("POST", "/mcp", read_headers(fields), "192.0.2.7", query)


def _http(rung: Rung, store: _Claims, caller: Caller, *, query: str = "", header: str = "") -> list[str]:
    context = Context(now=NOW, http=_over_http(query, header), session=header, caller=caller)
    return codes(judge(rung, context, store))  # type: ignore[arg-type]


def test_over_http_a_session_that_nobody_began_is_nobodys_and_claims_no_room() -> None:
    rung, store = _rung(), _Claims()
    assert _http(rung, store, ANN, header="s1") == ["SMCP210"] and store.owners == {}
    store(session_claim("s1", ANN))
    assert _http(rung, store, ANN, header="s1") == [] and _http(rung, store, BOB, header="s1") == ["SMCP210"]


@pytest.mark.parametrize(
    "query", ["session_id=s1", "a=1&sessionId=s1", "session%5Fid=s1", "session_id=&session_id=%73%31"]
)
def test_a_session_in_the_query_is_bound_like_one_in_the_header(query: str) -> None:
    rung, store = _rung(), _Claims()
    for session, caller in (("s1", ANN), ("s2", BOB)):
        store(session_claim(session, caller))
    assert _http(rung, store, ANN, query=query) == [] and _http(rung, store, BOB, query=query) == ["SMCP210"]
    assert _http(rung, store, BOB, query=query, header="s2") == ["SMCP210"]
    assert _http(rung, store, BOB, query="session_id=s2&sessionId=S2", header="s2") == []


@given(st.text(max_size=40))
def test_no_query_breaks_the_look_for_a_session(query: str) -> None:
    assert _http(_rung(), _Claims(), ANN, query=query) in ([], ["SMCP210"])


def test_a_message_without_a_session_asks_nothing() -> None:
    store = _Claims()
    assert codes(_use(_rung(), store, ANN, "")) == [] and store.asked == []


def test_without_identity_no_session_is_bound() -> None:
    rung = sessions.build(Policy())
    assert type(rung) is Pure and codes(_use(rung, _Claims(), None)) == []


def test_an_edge_can_claim_a_session_before_anybody_else() -> None:
    rung, store = _rung(), _Claims()
    store(session_claim("s1", ANN))
    assert codes(_use(rung, store, BOB)) == ["SMCP210"] and codes(_use(rung, store, ANN)) == []


def test_neither_the_session_nor_its_caller_stands_in_the_claim() -> None:
    claim = session_claim("s1", ANN)
    assert "s1" not in repr(claim) and "ann" not in repr(claim)
    assert claim.ttl == 86_400 and claim.key.startswith("session:") and len(claim.value) == 64


@pytest.mark.parametrize(
    "spelling",
    [
        "00AB12CD34EF56780123456789ABCDEF",
        "00ab12cd-34ef-5678-0123-456789abcdef",
        "{00ab12cd-34ef-5678-0123-456789abcdef}",
        "(00ab12cd-34ef-5678-0123-456789abcdef)",
        "urn:uuid:00ab12cd-34ef-5678-0123-456789abcdef",
        "0-0-a-b-12cd34ef56780123456789abcdef",
        "0xab12cd34ef56780123456789abcdef",
        "+0ab12cd34ef56780123456789abcdef",
        " 0ab12cd34ef56780123456789abcdef",
        "0_ab12cd34ef56780123456789abcdef",
        "\u0660\u0660ab12cd34ef56780123456789abcdef",
    ],
)
def test_no_other_spelling_of_a_session_is_another_session(spelling: str) -> None:
    rung, store = _rung(), _Claims()
    plain = "00ab12cd34ef56780123456789abcdef"
    assert codes(_use(rung, store, ANN, plain)) == codes(_use(rung, store, ANN, spelling)) == []
    assert codes(_use(rung, store, BOB, spelling)) == ["SMCP210"]
    assert codes(_use(rung, store, BOB, plain[:-1] + "e")) == []


def test_an_id_that_is_no_uuid_counts_in_any_case() -> None:
    rung, store = _rung(), _Claims()
    assert codes(_use(rung, store, ANN, "Session-Aa")) == []
    assert codes(_use(rung, store, BOB, "session-aA")) == ["SMCP210"]
    assert codes(_use(rung, store, BOB, "session-ab")) == []


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=9), st.text(max_size=9))
def test_no_two_sessions_or_callers_share_a_claim(one: str, other: str, ann: str, bob: str) -> None:
    first, second = session_claim(one, Caller(ann, True)), session_claim(other, Caller(bob, True))
    assert (first.key == second.key) is (one.lower() == other.lower()) and (first.value == second.value) is (ann == bob)
    assert first.value != session_claim(one, None).value


@pytest.mark.parametrize(("later", "times"), [(0, 1), (4.9, 1), (5, 2), (-1, 2)])
def test_a_session_that_was_claimed_is_not_asked_about_for_five_seconds(later: float, times: int) -> None:
    rung, store = _rung(), _Claims()
    for now in (NOW, NOW + later):
        assert codes(_use(rung, store, ANN, now=now)) == []
    assert len(store.asked) == times


def test_what_is_remembered_of_one_caller_helps_no_other() -> None:
    rung, store = _rung(), _Claims()
    for _ in range(3):
        assert codes(_use(rung, store, ANN)) == []
        assert codes(_use(rung, store, BOB)) == ["SMCP210"]


def test_a_long_session_id_is_bound_and_not_remembered() -> None:
    rung, store = _rung(), _Claims()
    for _ in range(2):
        assert codes(_use(rung, store, ANN, "s" * 257)) == []
    assert len(store.asked) == 2
    assert codes(_use(rung, store, BOB, "s" * 257)) == ["SMCP210"]


def test_no_session_is_used_while_its_owner_is_not_known() -> None:
    rung, store = _rung(), _Claims()
    assert codes(_use(rung, store, ANN)) == []
    store.away = True
    assert codes(_use(rung, store, ANN, now=NOW + 4)) == []
    assert codes(_use(rung, store, BOB, now=NOW + 4)) == ["SMCP206"]
    late = _use(rung, store, ANN, now=NOW + 5)
    assert codes(late) == ["SMCP206"] and late.findings[0].retry_after > 0
    store.away = False
    assert codes(_use(rung, store, ANN, now=NOW + 5)) == []
