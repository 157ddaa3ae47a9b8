"""`smcp selftest`: weak servers that look as if they held, and sound ones that look as if they did not."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from smcp_security.cli.selftest.came import Kind, read
from smcp_security.cli.selftest.identity_rows import IDENTITY_ROWS
from smcp_security.cli.selftest.meeting import Met
from smcp_security.cli.selftest.play import Range, Result, Status, Wanted
from smcp_security.cli.selftest.report import Account, as_facts, as_sarif
from smcp_security.cli.selftest.shot import PATH, Shot, Voice
from smcp_security.cli.selftest.wire import Heard, Place, Unreachable
from tests.cli.selftests import saying
from tests.cli.test_selftest import REFUSED, SERVED, Scripted

TOOL = {
    "name": "find",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
    "annotations": {"readOnlyHint": True},
}
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
BEARER = (("Authorization", "Bearer grey-heron"),)


def _played(answer: Any, voice: Voice | None = None, wanted: Wanted | None = None) -> dict[str, Result]:
    met = Met((voice or Voice(modern=True),), (TOOL,))
    run = Range(Scripted(answer), met, wanted or Wanted(), lambda slug: None).run()
    return {each.row.slug: each for each in run}


def _sent(shot: Shot, name: str) -> list[str]:
    lines = shot.raw("127.0.0.1:8000", "/mcp").partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return [line.partition(": ")[2] for line in lines if line.partition(": ")[0].lower() == name]


# -- a weak server does not pass for one that holds -------------------------------------------------------------------


@pytest.mark.parametrize("row", ["host", "origin"])
@pytest.mark.parametrize("compares", [str.startswith, str.endswith])
def test_who_compares_a_part_of_a_name_is_found_out(row: str, compares: Any) -> None:
    def answer(shot: Shot) -> Heard:
        names = [name.removeprefix("http://").removesuffix(":8000") for name in _sent(shot, row)]
        return SERVED if all(compares(name, "127.0.0.1") for name in names) else REFUSED

    results = _played(answer)
    assert results[row].status is Status.THROUGH
    assert {each.name for each in results[row].of_that_status} <= {
        f"{row.capitalize()} that begins with the own", f"{row.capitalize()} that ends with the own",
    }  # fmt: skip


def test_who_takes_any_session_of_the_right_look_is_found_out() -> None:
    def answer(shot: Shot) -> Heard:
        sessions = _sent(shot, "mcp-session-id")
        try:
            return SERVED if len(sessions) == 1 and uuid.UUID(sessions[0]) else REFUSED
        except ValueError:
            return REFUSED

    voice = Voice(modern=False, session="8c6f1f0ad1714ee0b0e5c7a9d3f2ebfd")
    assert _played(answer, voice)["session"].status is Status.THROUGH


@pytest.mark.parametrize("copy", [0, -1])
def test_who_takes_either_of_two_lengths_is_found_out(copy: int) -> None:
    def answer(shot: Shot) -> Heard:
        lengths = _sent(shot, "content-length")
        body = shot.body[: int(lengths[copy])]
        return SERVED if len(lengths) == 2 and body.strip().endswith(b"}") else REFUSED

    framing = _played(answer)["framing"]
    assert [each.name for each in framing.of_that_status] == ["two lengths"]


def test_who_asks_for_a_credential_at_one_spelling_of_the_path_is_found_out() -> None:
    def answer(shot: Shot) -> Heard:
        if shot.host != "(own)":
            return REFUSED
        return SERVED if shot.path != PATH or BEARER[0] in shot.fields else REFUSED

    results = _played(answer, Voice(modern=True, credential=BEARER))
    assert results["path-spelling"].status is Status.HELD
    assert results["no-credential"].status is Status.THROUGH


@pytest.mark.parametrize(
    "told",
    [
        "<urlopen error [Errno 111] Connection refused>",
        "connect ECONNREFUSED 169.254.169.254:80",
        "The connection was refused",
        "[Errno 13] Permission denied: '../../../../etc/shadow'",
        "sh: 1: notes: Permission denied",
        'near "OR": invalid syntax',
        'invalid input syntax for type integer: "x"',
        "[Errno 22] Invalid argument: 'notes'",
        "the server at 169.254.169.254 answered: HTTP 403 Forbidden",
    ],
)
def test_what_a_system_behind_the_tool_says_is_no_refusal_of_the_server(told: str) -> None:
    def said(text: str) -> Kind:
        result = {"content": [{"type": "text", "text": text}], "isError": True}
        return read(Heard(200, {}, {"result": result}, empty=False)).kind

    assert said(told) is Kind.OWN_ERROR
    assert said(f"that path is not allowed; {told}") is Kind.REFUSED


def test_a_handler_that_raised_and_an_answer_that_broke_off_are_no_refusals() -> None:
    assert read(Heard(200, {}, {"error": {"code": 0, "message": "recursion"}}, empty=False)).kind is Kind.FAILED
    assert read(Heard(200, {}, ending="hung up")).kind is Kind.FAILED


@pytest.mark.parametrize("left", [0, 30, 250])
def test_a_run_that_a_rate_limit_cut_short_is_not_one_that_held(left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    shots: list[Shot] = []

    def answer(shot: Shot) -> Heard:
        shots.append(shot)
        return Heard(429, {"retry-after": "600"}) if len(shots) > left else (REFUSED, SERVED)[len(shots) % 2 == 0]

    results = list(_played(answer).values())
    cut = [each for each in results if each.cut_short]
    account = Account("http://127.0.0.1/mcp", ("2026-07-28",), results)
    assert cut and all(each.status in (Status.NOT_TRIED, Status.TWIN) for each in cut)
    assert set(map(id, cut)) <= set(map(id, account.bad))
    assert not as_facts(account)["held"]
    assert "too fast (HTTP 429)" in as_sarif(account)


# -- a server that dies is told, wherever it dies ---------------------------------------------------------------------


@pytest.mark.parametrize(("flood", "counts"), [(False, range(161, 180)), (True, (500, 1_000))])
def test_a_server_that_dies_is_told_whichever_shot_it_died_of(flood: bool, counts: Sequence[int]) -> None:
    for count in counts:
        shots: list[Shot] = []

        def answer(shot: Shot, shots: list[Shot] = shots, count: int = count) -> Heard:
            shots.append(shot)
            if len(shots) > count:
                raise Unreachable("gone")
            return SERVED

        results = _played(answer, wanted=Wanted(flood=flood))
        assert len(shots) > count
        lost = [each for each in results.values() if "could not be reached any more" in each.why]
        assert lost and lost[0].status is Status.THROUGH


# -- and a sound one is not accused -----------------------------------------------------------------------------------


def test_another_credential_that_is_enough_by_itself_is_left_out_too() -> None:
    both = (*BEARER, ("X-Api-Key", "k-blue-tit"), ("X-Trace", "7"))

    def answer(shot: Shot) -> Heard:
        return SERVED if not {BEARER[0], both[1]}.isdisjoint(shot.fields) else REFUSED

    row = IDENTITY_ROWS[0]
    bare = next(row.trials(Voice(modern=True, credential=both))).attack
    assert ("X-Trace", "7") in bare.fields and answer(bare) is REFUSED
    assert _played(answer, Voice(modern=True, credential=both))["no-credential"].status is Status.HELD


def test_a_page_of_the_site_at_another_path_is_no_mcp_server() -> None:
    page = Heard(200, {"content-type": "text/html"}, None, empty=False)
    assert _played(lambda shot: SERVED if shot.path == PATH else page)["path-spelling"].status is Status.HELD
    assert _played(lambda shot: SERVED)["path-spelling"].status is Status.THROUGH


@pytest.mark.parametrize(
    ("said", "kind"),
    [(b"", Kind.STREAM), (b": hello\r\n\r\n", Kind.STREAM), (b'data: {"id":1,"result":{}}\r\n\r\n', Kind.SERVED)],
)
def test_a_standing_stream_counts_only_for_what_it_answers(said: bytes, kind: Kind, monkeypatch: Any) -> None:
    monkeypatch.setattr("smcp_security.cli.selftest.wire._SOON", 0.2)
    with saying(EVENTS + said) as url:
        came = read(Place(url, 10.0).fire(Voice(modern=False).plain().by("GET")))
    assert came.kind is kind
