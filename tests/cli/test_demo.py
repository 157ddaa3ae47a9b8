"""`smcp demo`: what it claims is measured, and it says so when something does not hold."""

from __future__ import annotations

import asyncio
import base64
import logging
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smcp_security.cli import demo
from smcp_security.cli.demo import house, play, report
from smcp_security.cli.demo.acts import Act
from smcp_security.cli.demo.courier import FORMS, KEY
from smcp_security.cli.demo.guest import Got, Guest, Post, modern
from smcp_security.cli.demo.play import Played, Scene, Whereabouts
from smcp_security.cli.demo.traces import Search, Traces, search
from tests.cli.terminal import Run, smcp

WIDEST = 110


async def _nothing(guest: Guest) -> Got:
    return Got("nothing")


CALL = Act("modern", "a call", _nothing)
ATTACK = Act("legacy", "an attack", _nothing, code="SMCP63", proof="secret")
DONE = Got("pot", "the secret pot", done=True)
REFUSED = Got("tool error", "no")
LEAK = Act("legacy", "a leak", _nothing, code="SMCP705", proof="secret", outcome="masked", kept="pot")
PULL = Act("modern", "a rug pull", _nothing, code="SMCP802", proof="secret", outcome="dropped", kept="pot")
POISON = Act("modern", "a poison", _nothing, code="SMCP81", proof="secret", outcome="reported")
CLEANED = Got("pot", "the [redacted] pot", done=True)


def _scene(act: Act, got: Got, *, reached: bool, code: str = "") -> Scene:
    return Scene(act, got, 200, reached, code, "slug" if code else "", 41.7)


@pytest.mark.parametrize(
    ("scene", "held"),
    [
        (_scene(CALL, DONE, reached=True), True),
        (_scene(CALL, DONE, reached=False), False),
        (_scene(CALL, REFUSED, reached=True), False),
        (_scene(CALL, REFUSED, reached=False, code="SMCP402"), False),
        (_scene(ATTACK, REFUSED, reached=False, code="SMCP631"), True),
        (_scene(ATTACK, REFUSED, reached=False, code="SMCP402"), False),
        (_scene(ATTACK, REFUSED, reached=True, code="SMCP631"), False),
        (_scene(ATTACK, REFUSED, reached=False), False),
        (_scene(ATTACK, DONE, reached=False, code="SMCP631"), False),
        (_scene(LEAK, CLEANED, reached=True, code="SMCP705"), True),
        (_scene(LEAK, CLEANED, reached=False, code="SMCP705"), False),
        (_scene(LEAK, CLEANED, reached=True), False),
        (_scene(LEAK, DONE, reached=True, code="SMCP705"), False),
        (_scene(LEAK, REFUSED, reached=True, code="SMCP705"), False),
        (_scene(LEAK, replace(CLEANED, data='{"result": "secret"}'), reached=True, code="SMCP705"), False),
        (_scene(PULL, CLEANED, reached=True, code="SMCP802"), True),
        (_scene(PULL, DONE, reached=True, code="SMCP802"), False),
        (_scene(PULL, CLEANED, reached=True, code="SMCP803"), False),
        (_scene(POISON, DONE, reached=True, code="SMCP811"), True),
        (_scene(POISON, DONE, reached=True), False),
        (_scene(POISON, CLEANED, reached=True, code="SMCP811"), False),
    ],
)
def test_an_expectation_holds_only_if_client_server_and_code_agree(scene: Scene, held: bool) -> None:
    assert scene.held is held


def test_an_attack_worked_only_if_its_proof_came_out() -> None:
    assert _scene(ATTACK, DONE, reached=True).worked
    assert not _scene(ATTACK, Got("none", "none", done=True), reached=True).worked


def _went(found: int, *, used: int = 2) -> Whereabouts:
    return Whereabouts(used, used, (Search("wire", 1_000, found), Search("log", 1_000, 0)))


KEPT, SPILT = _went(0), _went(3)


def _played(*guarded: Scene, kept: Whereabouts = KEPT, spilt: Whereabouts = SPILT) -> Played:
    return Played(guarded, [_scene(scene.act, DONE, reached=True) for scene in guarded], kept, spilt, 1.25)


@pytest.mark.parametrize(
    ("kept", "spilt", "held"),
    [
        (KEPT, SPILT, True),
        (_went(1), SPILT, False),
        (KEPT, _went(0), False),
        (_went(0, used=0), SPILT, False),
        (_went(0, used=1), SPILT, False),
    ],
    ids=["inside", "found", "a search that never finds", "never used", "refused by the service"],
)
def test_a_secret_stayed_inside_only_if_it_was_used_and_the_search_can_find(
    kept: Whereabouts, spilt: Whereabouts, held: bool
) -> None:
    played = _played(_scene(CALL, DONE, reached=True), kept=kept, spilt=spilt)
    assert played.held is held
    assert report.facts(played)["secret"]["held"] is held
    assert ("NOT AS EXPECTED" in report.text(played)) is not held


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_the_search_knows_every_disguise_that_the_careless_tool_uses(form: str, before: str) -> None:
    said = FORMS[form](KEY)
    assert search("wire", f"{before}{said}{before}".encode(), KEY).found == 1
    assert search("wire", f"{before}{said[:20]}".encode(), KEY).found == 0


@pytest.mark.parametrize(
    "said",
    [
        KEY[::-1], KEY.encode().hex(), KEY.encode().hex().upper(), base64.b64encode(b"ab?" + KEY.encode()).decode(),
        base64.urlsafe_b64encode(b"a?>" + KEY.encode() + b"?").decode(), "".join(f"\\u{ord(each):04x}" for each in KEY),
    ],
)  # fmt: skip
def test_the_search_knows_other_spellings_too(said: str) -> None:
    assert search("wire", said.encode(), KEY).found == 1


def test_what_is_logged_while_overhearing_is_kept_and_nothing_after() -> None:
    traces, root = Traces(), logging.getLogger()
    before = (root.handlers, root.level, logging.root.manager.disable)
    with traces.overhearing():
        logging.getLogger("shop").debug("the key is %s", KEY)
    logging.getLogger("shop").debug("later")
    assert traces.log == f"the key is {KEY}\n".encode()
    assert (root.handlers, root.level, logging.root.manager.disable) == before


def test_the_table_marks_what_did_not_go_as_expected() -> None:
    good, bad = _scene(CALL, DONE, reached=True), _scene(ATTACK, DONE, reached=True)
    lines = report.text(_played(good, bad)).splitlines()
    assert [line.split()[0] for line in lines if line.endswith("NOT AS EXPECTED")] == ["legacy"]
    assert lines[-1].startswith("1 of 1 calls succeeded, 0 of 1 attacks refused (the bare server took 1 of them)")


def test_the_table_shows_what_the_bare_server_gave_away() -> None:
    text = report.text(
        _played(_scene(CALL, DONE, reached=True), _scene(ATTACK, REFUSED, reached=False, code="SMCP631"))
    )
    assert "  an attack: the secret pot" in text.splitlines()
    assert "NOT AS EXPECTED" not in text


def test_a_message_is_spoiled_only_where_it_says_so() -> None:
    assert b'"Name":"q"' in modern("q").respelled('"name":"q"', '"Name":"q"').body
    with pytest.raises(ValueError, match="does not say"):
        Post(b"{}", {}).respelled("name", "Name")


@pytest.mark.parametrize("missing", ["mcp", "uvicorn"])
def test_a_missing_package_is_named_with_its_installation(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None if name == missing else object())
    result = smcp("demo")
    assert result.code == 2
    assert missing in result.complaint and "pip install 'smcp-security[mcp,server]'" in result.complaint


def test_a_machine_without_a_port_to_give_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(audit: Path | None) -> Played:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(play, "perform", full)
    result = smcp("demo")
    assert (result.code, result.complaint) == (
        2,
        "smcp demo: a loopback port or a temporary folder cannot be had: Too many open files",
    )


def test_ctrl_c_ends_the_demo_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(audit: Path | None) -> Played:
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    monkeypatch.setattr(play, "perform", interrupted)
    # Whoever runs the tests in the background may have left the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = smcp("demo")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (result.code, result.err.strip()) == (130, "smcp: interrupted")


# -- the whole, with sockets ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shown() -> Run:
    """The demo as a user sees it."""
    return smcp("demo")


@pytest.fixture(scope="module")
def facts() -> Any:
    """The demo as a program sees it."""
    result = smcp("demo", "--format", "json")
    assert (result.code, result.err) == (0, "")
    return result.json


@pytest.mark.real
def test_the_demo_holds_and_says_so_in_its_last_line(shown: Run) -> None:
    assert (shown.code, shown.err) == (0, "")
    *_, caught, last = shown.out.splitlines()
    assert "8 of 8 bad answers masked, dropped or reported" in caught
    assert "21 of 21 calls succeeded, 19 of 19 attacks refused" in last


@pytest.mark.real
def test_no_line_of_the_demo_is_too_wide_for_a_terminal(shown: Run) -> None:
    assert max(map(len, shown.out.splitlines())) <= WIDEST
    assert shown.out.isascii()


@pytest.mark.real
def test_every_attack_is_refused_before_the_server_sees_it(facts: Any) -> None:
    attacks = [act for act in facts["acts"] if act["expected"] == "refused"]
    assert len({act["sent"] for act in attacks}) == 19
    assert [act for act in attacks if act["server_saw"] or not act["code"] or not act["held"]] == []


@pytest.mark.real
def test_honest_calls_of_both_eras_pass_on_both_servers(facts: Any) -> None:
    calls = [act for act in facts["acts"] if act["expected"] == "passes"]
    assert [call["era"] for call in calls[:10]] == ["modern"] * 5 + ["legacy"] * 5
    assert len(calls) == 21
    assert [call for call in calls if call["code"] or call["got"] != call["bare"]["got"]] == []


@pytest.mark.real
def test_the_attacks_in_arguments_are_real_ones(facts: Any) -> None:
    """On the bare server the official client gets what it must not get."""
    taken = {act["sent"] for act in facts["acts"] if act["expected"] == "refused" and act["bare"]["took_it"]}
    assert taken >= {
        "SQL: a condition always true",
        "SQL: UNION with another table",
        "path: read above the folder",
        "path: write above the folder",
        "text in invisible characters",
        "the same key twice",
        "a route nobody listed",
    }


@pytest.mark.real
def test_what_the_server_leaks_or_turns_into_does_not_come_through_unseen(facts: Any) -> None:
    caught = [act for act in facts["acts"] if act["expected"] in ("masked", "dropped", "reported")]
    assert [(act["era"], act["expected"], act["sent"]) for act in caught] == [
        ("modern", "masked", "a token in an event stream"),
        ("legacy", "masked", "a token in an event stream"),
        ("modern", "reported", "a poisoned description"),
        ("modern", "masked", "a tool tells its secret"),
        ("legacy", "masked", "... in Base64"),
        ("modern", "masked", "... in percent escapes"),
        ("legacy", "masked", "... as JSON inside of JSON"),
        ("modern", "dropped", "a rug pull: tools/list"),
    ]
    assert [act for act in caught if not act["server_saw"] or not act["held"] or not act["bare"]["took_it"]] == []


@pytest.mark.real
def test_a_secret_of_the_vault_is_used_and_found_in_no_message_and_no_log(facts: Any) -> None:
    secret = facts["secret"]
    assert secret["held"] and secret["used"] == secret["bare"]["used"] == 2
    assert secret["found"] == {"wire": 0, "log": 0, "audit": 0}
    assert min(secret["bytes"].values()) > 1_000
    assert secret["bare"]["found"]["wire"] >= len(FORMS)
    # One for each call of both tools, also of the careless one.
    assert secret["audit_records"] == 2 + len(FORMS)
    used = [act for act in facts["acts"] if act["sent"].startswith("book_courier")]
    assert [(act["era"], act["got"]) for act in used] == [
        ("modern", "order 2: the courier comes at 9:30"),
        ("legacy", "order 2: the courier comes at 9:30"),
    ]


@pytest.mark.real
def test_the_call_after_a_rug_pull_is_refused_until_the_rug_is_back(facts: Any) -> None:
    acts = {act["sent"]: act for act in facts["acts"]}
    refused = acts["a rug pull: order_total"]
    assert (refused["code"], refused["server_saw"], refused["bare"]["took_it"]) == ("SMCP802", False, True)
    for sent in ("order_total, as pinned", "search_orders, as pinned", "order_total, the rug is back"):
        assert (acts[sent]["code"], acts[sent]["held"]) == (None, True)


@pytest.mark.real
def test_the_environment_does_not_change_what_the_demo_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_POLICY", "nowhere.yaml")
    monkeypatch.setenv("SMCP_INJECTION__LEVEL", "nonsense")
    assert smcp("demo").code == 0


@pytest.mark.real
def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert smcp("demo").code == 0


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A middleware that lets everything through."""
    monkeypatch.setattr(house, "SMCPMiddleware", lambda app, framework: app)
    yield


@pytest.mark.real
@pytest.mark.usefixtures("unguarded")
def test_without_the_middleware_the_demo_fails() -> None:
    result = smcp("demo", "--format", "json")
    assert (result.code, result.json["held"]) == (1, False)
    held = {act["sent"] for act in result.json["acts"] if act["expected"] != "passes" and act["held"]}
    assert held == set()


@pytest.mark.real
def test_an_audit_that_is_kept_can_be_verified_as_the_demo_says(tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    last = smcp("demo", "--audit", str(file)).out.splitlines()[-1]
    assert last.endswith(f"smcp audit verify {file}")
    assert smcp("audit", "verify", str(file)).code == 0
    again = smcp("demo", "--audit", str(file))
    assert again.code == 2 and "is there already" in again.complaint


@pytest.mark.real
def test_the_demo_leaves_no_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert smcp("demo").code == 0
    assert list(tmp_path.iterdir()) == []
