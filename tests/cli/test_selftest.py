"""`smcp selftest`: what gets through a server that believes everything, what the middleware holds, and what is said."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from smcp_security import SMCPMiddleware
from smcp_security.cli.selftest import wire
from smcp_security.cli.selftest.came import Came, Kind, read
from smcp_security.cli.selftest.content_rows import CONTENT_ROWS
from smcp_security.cli.selftest.harmless import Harmless, found
from smcp_security.cli.selftest.identity_rows import IDENTITY_ROWS, QUERY_ROW
from smcp_security.cli.selftest.meeting import Met, meet
from smcp_security.cli.selftest.play import FLOOD_ROW, NAME_ROW, Range, Result, Status, Tried, Wanted
from smcp_security.cli.selftest.report import Account, as_facts, as_sarif, as_text
from smcp_security.cli.selftest.shot import MODERN, Shot, Voice
from smcp_security.cli.selftest.wire import Heard, Place, Unreachable
from smcp_security.cli.selftest.wire_rows import WIRE_ROWS
from tests.architecture.source import ROOT
from tests.cli.selftests import listening, saying, trusting
from tests.cli.terminal import Run, smcp

ALL = (*WIRE_ROWS, *IDENTITY_ROWS, QUERY_ROW, FLOOD_ROW, NAME_ROW, *CONTENT_ROWS)
SARIF = ROOT / "tests/lint/sarif-2.1.0-rtm.5.json"
WIDEST = 120
BAD = "\x1b[31mthe tool's own words"


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    """A server that believes everything, with nothing in front."""
    with listening(trusting) as url:
        yield url


@pytest.fixture(scope="module")
def bare_run(bare: str) -> Run:
    """What became of it."""
    return smcp("selftest", bare, "--format", "json", "--era", "modern")


@pytest.fixture(scope="module")
def guarded_run() -> Run:
    """The same server behind the middleware, on its defaults but for the pace."""
    policy = {"version": 1, "server": {"flood": "off"}}
    with listening(SMCPMiddleware(trusting, policy=policy)) as url:
        return smcp("selftest", url, "--format", "json", "--era", "modern")


def _states(run: Run) -> dict[str, str]:
    return {row["slug"]: row["status"] for row in run.json["rows"]}


# -- the whole table --------------------------------------------------------------------------------------------------


def test_a_server_that_believes_everything_holds_next_to_nothing(bare_run: Run) -> None:
    states = _states(bare_run)
    assert bare_run.code == 1
    assert not bare_run.json["held"]
    through = {slug for slug, state in states.items() if state == "got through"}
    assert {"duplicate-key", "host", "origin", "batch", "routing-header", "sql", "vault-handle"} <= through
    assert len(through) > 25


def test_the_twins_of_a_server_that_believes_everything_all_pass(bare_run: Run) -> None:
    twins = [trial["twin"]["kind"] for row in bare_run.json["rows"] for trial in row["trials"]]
    assert len(twins) > 80
    assert set(twins) == {"served"}


def test_behind_the_middleware_nothing_gets_through_and_every_twin_passes(guarded_run: Run) -> None:
    rows = guarded_run.json["rows"]
    assert guarded_run.code == 0
    bad = [row for row in rows if row["status"] in ("got through", "twin refused")]
    assert bad == []
    held = {row["slug"] for row in rows if row["status"] == "held"}
    tried = (*WIRE_ROWS, NAME_ROW, *CONTENT_ROWS)
    assert held >= {row.slug for row in tried if not getattr(row, "lenient", False)} - {"session"}


def test_what_the_middleware_holds_is_told_by_the_codes_of_its_findings(guarded_run: Run) -> None:
    codes = {
        row["slug"]: {trial["attack"]["code"] for trial in row["trials"]}
        for row in guarded_run.json["rows"]
        if row["trials"]
    }
    assert codes["duplicate-key"] == {"SMCP112"}
    assert codes["host"] == {"SMCP101"}
    assert codes["vault-handle"] == {"SMCP901"}


def test_what_most_policies_only_report_counts_when_asked_to_be_strict() -> None:
    row = next(row for row in CONTENT_ROWS if row.lenient)
    tried = Tried("x", "modern", Came(Kind.SERVED), Came(Kind.SERVED), Status.PASSED_ON)
    account = Account("x", (MODERN,), [Result(row, (tried,))])
    assert account.bad == []
    assert [each.row for each in replace(account, strict=True).bad] == [row]


# -- a range out of a script ------------------------------------------------------------------------------------------


class Scripted(Place):
    """A place where a function answers."""

    def __init__(self, answer: Any) -> None:
        super().__init__("http://127.0.0.1/mcp", 1.0)
        object.__setattr__(self, "_answer", answer)

    __slots__ = ("_answer",)

    def fire(self, shot: Shot) -> Heard:
        heard: Heard = self._answer(shot)
        return heard


SERVED = Heard(200, {}, {"id": 1, "result": {}}, empty=False)
REFUSED = Heard(400, {}, {"error": {"code": -32600}}, empty=False)


def _results(answer: Any, wanted: Wanted | None = None, voice: Voice | None = None) -> list[Result]:
    met = Met((voice or Voice(modern=True),), ())
    return list(Range(Scripted(answer), met, wanted or Wanted(), lambda slug: None).run())


def test_a_server_that_refuses_everybody_is_told_by_the_refused_twins() -> None:
    results = _results(lambda shot: REFUSED)
    states = {each.row.slug: each.status for each in results if each.tried}
    assert set(states.values()) == {Status.TWIN}
    assert Account("x", ("y",), results).bad


def test_a_server_that_dies_of_an_attack_is_told_and_nothing_else_is_tried() -> None:
    shots: list[Shot] = []

    def answer(shot: Shot) -> Heard:
        shots.append(shot)
        if len(shots) > 5:
            raise Unreachable("gone")
        return REFUSED if len(shots) % 2 else SERVED

    first, second, *others = _results(answer)
    assert first.status is Status.THROUGH
    assert len(shots) == 6
    assert {each.status for each in (second, *others)} == {Status.NOT_TRIED}
    assert "could not be reached any more after SLF101" in others[0].why


def test_a_rate_limit_is_waited_for_and_not_taken_for_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    paced = Heard(429, {"retry-after": "2"}, empty=True)
    answers = iter([paced, REFUSED])
    results = _results(lambda shot: next(answers, SERVED))
    assert waited == [2.0]
    assert results[0].tried[0].status is Status.HELD


def test_a_rate_limit_that_does_not_end_leaves_rows_untried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    results = _results(lambda shot: Heard(429, {"retry-after": "50"}))
    assert {each.status for each in results} == {Status.NOT_TRIED}
    assert "rate limit" in results[0].why


@pytest.mark.parametrize("burst", [3, None])
def test_a_flood_is_held_by_who_says_that_it_is_too_fast(burst: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    count = iter(range(10**6))
    before: list[int] = []

    def answer(shot: Shot) -> Heard:
        number = next(count)
        before.append(number)
        return Heard(429, {}) if burst is not None and number % 50 == 0 and number else SERVED

    flood = next(each for each in _results(answer, Wanted(flood=True)) if each.row.slug == "flood")
    assert flood.status is (Status.THROUGH if burst is None else Status.HELD)


def test_a_credential_in_the_url_is_tried_only_by_wish() -> None:
    voice = Voice(modern=True, credential=(("Authorization", "Bearer grey-heron"),))
    paths: list[str] = []

    def answer(shot: Shot) -> Heard:
        paths.append(shot.path)
        return SERVED if ("Authorization", "Bearer grey-heron") in shot.fields else REFUSED

    spared = _results(answer, voice=voice)
    assert not any("grey-heron" in path for path in paths)
    assert "--token-in-query" in next(each.why for each in spared if each.row is QUERY_ROW)
    tried = _results(answer, Wanted(query=True), voice)
    assert any("grey-heron" in path for path in paths)
    states = {each.row.slug: each.status for each in (*spared, *tried) if each.row.group == "identity" and each.tried}
    assert states == dict.fromkeys(("no-credential", "spoilt-credential", "credential-in-query"), Status.HELD)


def test_a_sentence_that_a_contract_refuses_has_a_plain_word_for_its_twin() -> None:
    def answer(shot: Shot) -> Heard:
        if b'"name":"find"' not in shot.body:
            return SERVED
        text = json.loads(shot.body)["params"]["arguments"]["text"]
        told = [{"type": "text", "text": "Refused: SMCP516 not-an-identifier"}]
        refused = {"result": {"content": told, "isError": True}}
        if ("mcp-name", "find") not in shot.fields or ("mcp-name", "selftest.other") in shot.fields:
            return REFUSED
        return SERVED if text == "notes" else Heard(200, {}, refused, empty=False)

    tool = {"name": "find", "inputSchema": {"properties": {"text": {"type": "string"}}}}
    met = Met((Voice(modern=True),), (tool,))
    results = list(Range(Scripted(answer), met, Wanted(tool="find"), lambda slug: None).run())
    assert {each.status for each in results if each.row.group == "content"} == {Status.HELD}


def test_a_tool_that_answers_no_plain_word_is_not_fired_at() -> None:
    def answer(shot: Shot) -> Heard:
        return REFUSED if b'"tools/call"' in shot.body else SERVED

    tool = {**_tool({"text": TEXT}), "name": BAD}
    met = Met((Voice(modern=True),), (tool,))
    results = list(Range(Scripted(answer), met, Wanted(), lambda slug: None).run())
    content = [each for each in results if each.row.group == "content"]
    assert {each.status for each in content} == {Status.NOT_TRIED}
    assert "answers no plain word" in content[0].why
    assert content[0].why.isprintable()


# -- what an answer means ---------------------------------------------------------------------------------------------


def _result(text: str, *, wrong: bool = True) -> Any:
    return {"result": {"content": [{"type": "text", "text": text}], "isError": wrong}}


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        (Heard(200, {}, {"result": {}}, empty=False), Kind.SERVED),
        (Heard(200, {}, _result("SMCP610 is refused", wrong=False), empty=False), Kind.SERVED),
        (Heard(200, {}, _result("no such book"), empty=False), Kind.OWN_ERROR),
        (Heard(200, {}, _result("that path is not allowed"), empty=False), Kind.REFUSED),
        (Heard(200, {}, _result("SMCP610"), empty=False), Kind.REFUSED),
        (Heard(200, {}, {"error": {"code": -32602}}, empty=False), Kind.REFUSED),
        (Heard(200, {}, {"error": {"code": -32603}}, empty=False), Kind.FAILED),
        (Heard(200, {}, {"error": {"code": -31500, "data": {"code": "SMCP001"}}}, empty=False), Kind.REFUSED),
        (Heard(200, {}, {"error": {"code": -31429, "data": {"code": "SMCP402"}}}, empty=False), Kind.PACED),
        (Heard(200, {}, "<html>", empty=False), Kind.STRANGE),
        (Heard(200, {}, {"error": "no"}, empty=False), Kind.STRANGE),
        (Heard(202), Kind.ACCEPTED),
        (Heard(307), Kind.MOVED),
        (Heard(404), Kind.REFUSED),
        (Heard(429), Kind.PACED),
        (Heard(429, {}, {"error": {"data": {"retryAfterMs": 10**400}}}, empty=False), Kind.PACED),
        (Heard(500), Kind.FAILED),
        (Heard(501), Kind.REFUSED),
        (Heard(200, ending="silent"), Kind.SILENT),
        (Heard(ending="silent"), Kind.SILENT),
        (Heard(ending="hung up"), Kind.GONE),
        (Heard(200, {}, [1], empty=False), Kind.STRANGE),
        (Heard(200, {}, {"result": {"isError": True, "content": [1, {"text": 2}]}}, empty=False), Kind.OWN_ERROR),
    ],
)
def test_an_answer_means_what_its_status_and_error_say(heard: Heard, kind: Kind) -> None:
    assert read(heard).kind is kind


def test_only_what_gives_an_attacker_nothing_counts_as_held() -> None:
    held = {kind for kind in Kind if Came(kind).held}
    assert held == {Kind.REFUSED, Kind.MOVED, Kind.GONE, Kind.STREAM}


def test_a_code_in_an_answer_is_shown_only_if_it_is_one() -> None:
    said = {"error": {"code": -31422, "data": {"code": BAD}}}
    assert read(Heard(400, {}, said, empty=False)).shown == "refused (HTTP 400 -31422)"
    assert read(Heard(400, {}, {"error": {"code": BAD}}, empty=False)).shown == "refused (HTTP 400)"


# -- the wire ---------------------------------------------------------------------------------------------------------


def _fire(url: str, timeout: float = 10.0) -> Heard:
    return Place(url, timeout).fire(Voice(modern=True).plain())


EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def test_an_answer_is_found_among_the_events_of_a_stream() -> None:
    note = b'data: {"jsonrpc":"2.0","method":"notifications/message"}\r\n\r\n'
    with saying(
        EVENTS + b": hello\r\n\r\n" + note + b'id: 1\r\ndata: {"id":1,\r\ndata: "result":{"a":1}}\r\n\r\n'
    ) as url:
        assert read(_fire(url)).result == {"a": 1}


@pytest.mark.parametrize("said", [EVENTS, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"])
def test_an_answer_that_never_comes_is_not_waited_for_without_end(said: bytes) -> None:
    with saying(said) as url:
        assert read(_fire(url, 0.1)).kind is Kind.SILENT


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n", b"HTTP/1.1 200 OK\r\nx" + b"y" * 70_000])
def test_what_is_no_answer_of_http_is_taken_for_a_hang_up(said: bytes) -> None:
    with saying(said) as url:
        assert read(_fire(url)).kind is Kind.GONE


def test_no_more_of_an_answer_is_read_than_anybody_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST", 1_000)
    with saying(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000) as url:
        assert read(_fire(url)).kind is Kind.STRANGE


def test_a_name_that_leads_to_another_machine_is_fired_at_only_when_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(socket.socket):
        def getpeername(self) -> Any:
            return ("192.0.2.7", 80)

    def connected(address: Any, timeout: float) -> socket.socket:
        connection = Elsewhere()
        connection.connect(("127.0.0.1", address[1]))
        return connection

    monkeypatch.setattr(socket, "create_connection", connected)
    for anywhere in (False, True):
        with saying(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n ") as url:
            place = Place(url.replace("127.0.0.1", "deep.localhost"), 10.0, anywhere)
            if anywhere:
                assert read(place.fire(Voice(modern=True).plain())).kind is Kind.ACCEPTED
            else:
                with pytest.raises(Unreachable, match="leads to another machine"):
                    place.fire(Voice(modern=True).plain())


def test_a_shot_is_written_as_it_stands_and_no_header_is_added_in_its_place() -> None:
    shot = Shot(b"{}", (("a", "1"), ("A", "2")), host=None).at("{path}%0A?b=2")
    assert shot.raw("own", "/mcp", "c=3") == (
        b"POST /mcp%0A?b=2&c=3 HTTP/1.1\r\na: 1\r\nA: 2\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize("name", ["b\u00fccher", "a\r\nX-Role: root", " padded ", "=?x?=", "\ud800"])
def test_a_tool_of_any_name_is_called_without_a_header_of_its_own(name: str) -> None:
    shot = Voice(modern=True).call(name, {})
    mirrored = dict(shot.fields)["mcp-name"]
    assert mirrored.startswith("=?base64?")
    head = shot.raw("h", "/mcp").partition(b"\r\n\r\n")[0]
    assert b"X-Role" not in head


# -- before it begins -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Missing argument"),
        (("https://mcp.example.com/mcp",), "https://mcp.example.com/mcp is not on this machine"),
        (("http://192.0.2.1/mcp",), "name it twice: --target-confirmed with the same URL"),
        (("http://0.0.0.0:8000/mcp",), "is not on this machine"),
        (("http://localhost.example.com/mcp",), "is not on this machine"),
        (
            ("https://mcp.example.com/mcp", "--target-confirmed", "https://mcp.example.com/"),
            "it must be the same text",
        ),
        (("package.main:app", "--target-confirmed", "x"), "--target-confirmed is for a URL"),
        (("http://127.0.0.1/mcp", "--path", "/mcp"), "--path is for MODULE:APP"),
        (("package.main:app", "--path", "mcp"), "--path: expected the path of the MCP endpoint"),
        (("package.main:app", "--path", "/a b"), "--path: expected the path of the MCP endpoint"),
        (("package",), "'package' is neither a URL nor MODULE:APP"),
        (("http://user:word@127.0.0.1/mcp",), "the URL holds a credential"),
        (("http://127.0.0.1/mcp", "--header", "Host: x"), "--header Host: the client sets it"),
        (("http://127.0.0.1/mcp", "--argument", "text"), "--argument is one of the tool that --tool names"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_says_what_was_expected(
    arguments: tuple[str, ...], complaint: str
) -> None:
    run = smcp("selftest", *arguments)
    assert run.code == 2
    assert complaint in run.complaint


def test_a_target_that_is_elsewhere_is_fired_at_when_it_is_named_twice() -> None:
    with saying(b"", b"") as url:
        anywhere = url.replace("127.0.0.1", "0.0.0.0")
        run = smcp("selftest", anywhere, "--target-confirmed", anywhere)
    assert f"{anywhere} does not answer" in run.complaint


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n ", "it wants a credential"),
        (b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n ", "give the path of the MCP endpoint"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "answers, but not as an MCP server does"),
        (b"", "does not answer; is it an HTTP server"),
    ],
)
def test_a_server_that_cannot_be_met_is_told_with_what_to_do(said: bytes, complaint: str) -> None:
    with saying(said, said) as url:
        run = smcp("selftest", url)
    assert run.code == 2
    assert complaint in run.complaint


def test_where_nobody_listens_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    run = smcp("selftest", f"http://127.0.0.1:{port}/mcp")
    assert run.code == 2
    assert "cannot be reached (connection refused)" in run.complaint


def test_a_session_of_the_older_era_is_kept_by_every_request() -> None:
    about = {"protocolVersion": "2025-06-18", "serverInfo": {}}
    opened = Heard(200, {"mcp-session-id": "s-1"}, {"result": about}, empty=False)
    answers = iter([Heard(400), opened, Heard(202)])
    met = meet(Scripted(lambda shot: next(answers, SERVED)), (), "auto")
    fields = dict(met.voices[0].plain().fields)
    assert fields["mcp-session-id"] == "s-1"
    assert fields["mcp-protocol-version"] == "2025-06-18"


def test_a_session_that_was_guessed_is_tried_where_there_are_sessions() -> None:
    voice = Voice(modern=False, session="abc-1")
    row = next(row for row in WIRE_ROWS if row.slug == "session")
    guessed = {value for trial in row.trials(voice) for name, value in trial.attack.fields if name == "mcp-session-id"}
    assert guessed == {"abc-1", "bcd-2"}
    assert list(row.trials(Voice(modern=False))) == []


# -- the harmless tool ------------------------------------------------------------------------------------------------


def _tool(properties: Any, *, reads: bool = True, **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, **more}
    return {"name": "find", "inputSchema": schema, "annotations": {"readOnlyHint": reads}}


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([_tool({"text": TEXT})], Harmless("find", "text")),
        ([_tool({"kind": {"type": "string", "enum": ["a"]}, "query": TEXT}, required=["kind", "query"])],
         Harmless("find", "query", {"kind": "a"})),
        ([_tool({"text": {"anyOf": [TEXT, {"type": "null"}]}, "n": {"type": "integer", "minimum": 3}},
                required=["n"])], Harmless("find", "text", {"n": 3})),
        ([_tool({"text": {"type": ["string", "null"]}})], Harmless("find", "text")),
        ([_tool({"text": TEXT}, reads=False)], "no tool is known to be harmless"),
        ([_tool({"text": {"type": "string", "maxLength": 9}})], "no tool is known to be harmless"),
        ([_tool({"text": {"type": "string", "maxLength": "x"}})], "no tool is known to be harmless"),
        ([_tool({"text": {"type": "string", "pattern": "^a$"}})], "no tool is known to be harmless"),
        ([_tool({"text": {"anyOf": [{"anyOf": [TEXT]}]}})], "no tool is known to be harmless"),
        ([_tool([]), 1, {}, {"name": "a", "inputSchema": 1, "annotations": {"readOnlyHint": True}}],
         "no tool is known to be harmless"),
        ([_tool({"text": TEXT}) | {"annotations": {"readOnlyHint": True, "destructiveHint": True}}],
         "no tool is known to be harmless"),
    ],
)  # fmt: skip
def test_only_a_tool_that_says_it_reads_is_called_with_any_text(tools: list[Any], expected: Harmless | str) -> None:
    use = found(tools)
    assert use == expected if isinstance(expected, Harmless) else str(use).startswith(expected)


def test_a_tool_that_is_named_is_called_whatever_it_says() -> None:
    tools = [_tool({"text": TEXT, "place": {"type": "string", "maxLength": 9}}, reads=False)]
    assert found(tools, "find") == Harmless("find", "text")
    assert found(tools, "find", "place") == Harmless("find", "place")
    assert "no such argument" in str(found(tools, "find", "nothing"))
    assert "lists no tool 'other'" in str(found(tools, "other"))


def test_without_a_harmless_tool_no_tool_is_called() -> None:
    bodies: list[bytes] = []

    def answer(shot: Shot) -> Heard:
        bodies.append(shot.body)
        return SERVED

    met = Met((Voice(modern=True),), (_tool({"text": TEXT}, reads=False),))
    results = list(Range(Scripted(answer), met, Wanted(), lambda slug: None).run())
    assert not any(b'"find"' in body for body in bodies)
    assert next(each.why for each in results if each.row.slug == "sql").startswith("no tool is known to be harmless")


# -- reports ----------------------------------------------------------------------------------------------------------


def _account() -> Account:
    words = Heard(200, {}, _result(BAD), empty=False)
    voice = Voice(modern=True, credential=(("X-Key", "grey-heron"),))
    return Account("http://127.0.0.1/mcp", (MODERN,), _results(lambda shot: words, voice=voice))


def test_nothing_that_a_server_says_and_no_credential_is_printed() -> None:
    account = _account()
    for text in (as_text(account), json.dumps(as_facts(account)), as_sarif(account)):
        assert "own words" not in text
        assert "grey-heron" not in text


def test_the_table_is_no_wider_than_a_screen_and_says_how_many_held() -> None:
    lines = as_text(_account()).splitlines()
    assert max(map(len, lines)) <= WIDEST
    assert lines[0] == "http://127.0.0.1/mcp speaks 2026-07-28"
    assert "GOT THROUGH" in lines[-1]


def test_what_did_not_hold_is_valid_sarif_with_a_place_and_a_fingerprint() -> None:
    account = _account()
    report = json.loads(as_sarif(account))
    jsonschema.validate(report, json.loads(SARIF.read_text()))
    run = report["runs"][0]
    assert [each["ruleId"] for each in run["results"]] == [each.row.code for each in account.bad]
    assert run["results"][0]["level"] == "error"
    assert len({each["partialFingerprints"]["smcpSelftest/v1"] for each in run["results"]}) == len(account.bad)


def test_an_application_is_placed_in_its_file_and_a_server_at_its_url() -> None:
    for target, uri in (("package.main:app", "package/main.py"), ("http://127.0.0.1/mcp", "http://127.0.0.1/mcp")):
        result = json.loads(as_sarif(replace(_account(), target=target)))["runs"][0]["results"][0]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_a_run_that_holds_is_sarif_without_results() -> None:
    account = replace(_account(), results=())
    report = json.loads(as_sarif(account))
    jsonschema.validate(report, json.loads(SARIF.read_text()))
    assert report["runs"][0]["results"] == []


# -- the table itself -------------------------------------------------------------------------------------------------


def test_every_row_has_a_code_of_its_own_and_a_place_on_its_page() -> None:
    codes = [row.code for row in ALL]
    assert len(set(codes)) == len(codes)
    page = Path(ROOT / "docs/selftest.md").read_text(encoding="utf-8")
    assert [row.code for row in ALL if f"| {row.code} | `{row.slug}` |" not in page] == []


@pytest.mark.parametrize("voice", [Voice(modern=True), Voice(modern=False)], ids=["modern", "legacy"])
def test_every_attack_differs_from_its_twin(voice: Voice) -> None:
    for row in WIRE_ROWS:
        for trial in row.trials(voice):
            attack = trial.attack.raw("h", "/mcp"), trial.attack.body
            twin = trial.twin.raw("h", "/mcp"), trial.twin.body
            assert len(attack[0]) != len(twin[0]) or attack != twin, f"{row.slug}: {trial.name}"
            assert b"tools/call" not in trial.twin.body
