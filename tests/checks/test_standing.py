"""Who was revoked in the meantime gets no answer and no event any more; others do, also while the store is away."""

from __future__ import annotations

import pytest

from smcp_security.checks import standing
from smcp_security.checks.rung import AskStanding, Context, Question, Standing
from smcp_security.decision import Caller
from smcp_security.drivers import drive
from smcp_security.errors import StoreAway

ANN = Caller("jwt:https://idp.example#ann", True, "jwt", issuer="https://idp.example", credential="t1")


def _codes(caller: Caller | None, *revoked: str) -> list[str]:
    def answer(question: Question) -> Standing:
        assert isinstance(question, AskStanding)
        return Standing(frozenset(revoked))

    return [item.code for item in drive(standing.build()(Context(caller=caller)), answer).findings]


@pytest.mark.parametrize("name", ["sub:jwt:https://idp.example#ann", "jti:https://idp.example#t1"])
def test_a_caller_revoked_while_a_call_ran_gets_no_answer(name: str) -> None:
    assert _codes(ANN, name) == ["SMCP205"]
    assert _codes(Caller("key:bob", True, "api-key", credential="k1"), name) == []


def test_an_answer_to_nobody_in_particular_asks_nothing() -> None:
    assert _codes(None, "sub:") == []


def test_what_was_let_through_goes_on_while_the_store_is_away() -> None:
    def away(_question: Question) -> Standing:
        raise StoreAway("gone")

    assert drive(standing.build()(Context(caller=ANN)), away).findings == ()
