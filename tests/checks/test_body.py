"""The body rung: asks for a bounded body, parses it, refuses what is too large or malformed."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks import body
from smcp_security.checks.rung import Context, Question, ReadBody
from smcp_security.decision import Outcome
from smcp_security.policy import ServerPolicy
from tests.envelopes import climb, codes, http

SOUND = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


def _judge(raw: bytes | None, *, method: str = "POST", **server: Any) -> Outcome:
    def answer(question: Question) -> object:
        assert question == ReadBody(server.get("max_body", 1024 * 1024))
        return raw

    return climb(body.build(ServerPolicy(**server))(Context(http=http(method=method))), answer)


def test_a_sound_body_becomes_the_message() -> None:
    outcome = _judge(SOUND)
    assert codes(outcome) == [] and outcome.edit is not None and outcome.edit.raw == SOUND


def test_bytes_handed_over_in_process_are_not_asked_for() -> None:
    outcome = climb(body.build(ServerPolicy())(Context(raw=SOUND)))
    assert outcome.edit is not None and outcome.edit.raw == SOUND


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
def test_a_request_without_a_body_is_asked_for_none(method: str) -> None:
    outcome = climb(body.build(ServerPolicy())(Context(http=http(method=method))))
    assert codes(outcome) == [] and outcome.edit is None


def test_a_client_that_hung_up_gets_no_verdict_on_its_body() -> None:
    assert codes(_judge(None)) == ["SMCP003"]


def test_a_body_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert codes(_judge(SOUND, max_body=len(SOUND))) == []
    assert codes(_judge(SOUND + b" ", max_body=len(SOUND))) == ["SMCP104"]


def test_the_limit_also_holds_in_process() -> None:
    rung = body.build(ServerPolicy(max_body=len(SOUND) - 1))
    assert codes(climb(rung(Context(raw=SOUND)))) == ["SMCP104"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "SMCP114"),
        (b"{", "SMCP114"),
        (b"[" + SOUND + b"]", "SMCP119"),
        (b"\xef\xbb\xbf" + SOUND, "SMCP113"),
        (SOUND.decode().encode("utf-16"), "SMCP113"),
        (b'{"a":1,"a":2}', "SMCP112"),
    ],
)
def test_a_malformed_body_is_refused_with_its_own_code(raw: bytes, code: str) -> None:
    outcome = _judge(raw)
    assert codes(outcome) == [code] and outcome.edit is None


def test_the_depth_of_the_policy_is_the_one_that_counts() -> None:
    assert codes(_judge(b'{"a":[[[1]]]}', max_depth=4)) == []
    assert codes(_judge(b'{"a":[[[1]]]}', max_depth=3)) == ["SMCP117"]
