"""`smcp pin` and its lock file: what it writes, when, and what it finds in one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from smcp_security.cli.pin.visit import Seen
from smcp_security.pins.file import load_lock
from tests.cli.pins import POISON, PROMPT, SEEN, TEMPLATE, TOOL, URL, Shows, changed, pinned, showing
from tests.cli.terminal import smcp


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shows:
    """What every server shows from now on."""
    return showing(monkeypatch, tmp_path)


# -- the first pin ----------------------------------------------------------------------------------------------------


def test_the_first_pin_writes_everything_and_says_what_it_is_worth(shows: Shows) -> None:
    run = pinned()
    assert run.code == 0
    assert "smcp.lock: pinned 1 tool, 1 prompt, 1 template and the instructions of sums 1" in run.out
    assert "trust on first use" in run.out
    lock = load_lock("smcp.lock")
    assert f"digest: {lock.digest}" in run.out.splitlines()
    assert lock.tools["add"].definition == TOOL
    assert (set(lock.prompts), set(lock.templates)) == ({"greet"}, {"note://{id}"})
    assert lock.instructions is not None and lock.instructions.definition == "Be exact."


def test_the_same_again_leaves_the_file_as_it_is(shows: Shows) -> None:
    pinned()
    before = Path("smcp.lock").stat()
    run = pinned()
    assert run.code == 0
    assert "shows the very definitions that were pinned" in run.out
    assert Path("smcp.lock").stat().st_ino == before.st_ino


def test_a_poisoned_definition_is_shown_and_not_pinned(shows: Shows) -> None:
    shows(changed(description=POISON))
    run = pinned()
    assert run.code == 1
    assert re.search(r"^tool add: SMCP8[12]\d ", run.out, re.MULTILINE)
    assert "Nothing was written" in run.out
    assert not Path("smcp.lock").exists()


def test_a_poisoned_definition_that_somebody_has_read_is_pinned(shows: Shows) -> None:
    shows(changed(description=POISON))
    run = pinned("--accept")
    assert run.code == 0
    assert load_lock("smcp.lock").tools["add"].definition["description"] == POISON


def test_a_poisoned_definition_that_is_pinned_is_not_told_again(shows: Shows) -> None:
    shows(changed(description=POISON))
    pinned("--accept")
    run = pinned("--check")
    assert run.code == 0
    assert "SMCP8" not in run.out


def test_two_definitions_of_one_name_cannot_be_pinned(shows: Shows) -> None:
    shows(replace(SEEN, tools=[TOOL, {**TOOL, "description": "Subtracts."}]))
    run = smcp("pin", URL)
    assert run.code == 2
    assert run.complaint == (
        'smcp pin: the server\'s definitions cannot be pinned: tool "add": listed twice, and not the same'
    )


def test_a_name_that_looks_like_another_is_shown_for_what_it_is_and_not_pinned(shows: Shows) -> None:
    pinned()
    shows(replace(SEEN, tools=[TOOL, {**TOOL, "name": "\u0430dd"}]))
    for form in ("text", "markdown"):
        run = pinned("--update", "--format", form)
        assert run.code == 1
        assert "SMCP805 shadowing-name" in run.out and "\\u0430dd" in run.out
        assert "\u0430" not in run.out
    assert set(load_lock("smcp.lock").tools) == {"add"}


def test_a_name_that_is_only_similar_is_told_and_pinned(shows: Shows) -> None:
    shows(replace(SEEN, tools=[{**TOOL, "name": "search_orders"}, {**TOOL, "name": "serch_orders"}]))
    run = pinned()
    assert run.code == 0
    assert "tool serch_orders: SMCP805 shadowing-name (medium) at /name" in run.out.splitlines()


def test_names_that_differ_on_purpose_are_not_told(shows: Shows) -> None:
    names = ("get_user", "get_users", "step_1", "step_2", "read_file", "write_file")
    shows(replace(SEEN, tools=[{**TOOL, "name": name} for name in names]))
    assert pinned("--format", "json").json["findings"] == []


def test_one_definition_that_is_listed_twice_is_pinned_once(shows: Shows) -> None:
    shows(replace(SEEN, tools=[TOOL, TOOL]))
    assert pinned("--format", "json").json["counts"]["tool"] == 1


def test_a_definition_without_a_name_cannot_be_pinned(shows: Shows) -> None:
    shows(replace(SEEN, tools=[{"description": "nameless"}]))
    run = smcp("pin", URL)
    assert run.code == 2
    assert "the server's definitions cannot be pinned: tool 0: no name" in run.complaint


def test_a_server_without_any_definition_can_be_pinned(shows: Shows) -> None:
    shows(Seen("2025-11-25", {}, None))
    run = pinned()
    assert run.code == 0
    assert "pinned nothing of the server (2025-11-25)" in run.out


def test_a_folder_that_is_not_there_is_one_line(shows: Shows) -> None:
    run = smcp("pin", "--file", "nowhere/smcp.lock", URL)
    assert run.code == 2
    assert "nowhere/smcp.lock" in run.complaint


# -- a lock that is there ---------------------------------------------------------------------------------------------


def test_a_lock_is_never_overwritten_silently(shows: Shows) -> None:
    pinned()
    before = Path("smcp.lock").read_bytes()
    shows(changed(description="Adds three numbers."))
    run = pinned()
    assert run.code == 1
    assert "  - Adds two numbers." in run.out.splitlines()
    assert "  + Adds three numbers." in run.out.splitlines()
    assert "smcp pin --update" in run.out
    assert Path("smcp.lock").read_bytes() == before


def test_an_update_shows_what_it_accepts_and_writes_it(shows: Shows) -> None:
    pinned()
    shows(changed(description="Adds three numbers."))
    run = pinned("--update")
    assert run.code == 0
    assert "  + Adds three numbers." in run.out.splitlines()
    lock = load_lock("smcp.lock")
    assert f"digest: {lock.digest}" in run.out.splitlines()
    assert lock.tools["add"].definition["description"] == "Adds three numbers."


def test_an_update_to_a_poisoned_definition_needs_a_reader(shows: Shows) -> None:
    pinned()
    before = Path("smcp.lock").read_bytes()
    shows(changed(description=POISON))
    assert pinned("--update").code == 1
    assert Path("smcp.lock").read_bytes() == before
    assert pinned("--update", "--accept").code == 0
    assert Path("smcp.lock").read_bytes() != before


def test_a_damaged_lock_is_refused_before_anything_is_asked(shows: Shows) -> None:
    pinned()
    path = Path("smcp.lock")
    path.write_text(path.read_text().replace("Adds two", "Adds ten"))
    shows(AssertionError("the server was visited"))
    for options in (("--check",), (), ("--update",)):
        run = smcp("pin", *options, URL)
        assert run.code == 2
        assert 'tools "add": its digest does not fit its definition' in run.complaint


# -- the check --------------------------------------------------------------------------------------------------------


def test_the_check_of_the_same_definitions_passes(shows: Shows) -> None:
    pinned()
    run = pinned("--check")
    assert run.code == 0
    assert f"digest: {load_lock('smcp.lock').digest}" in run.out.splitlines()


@pytest.mark.parametrize(
    "seen",
    [
        changed(description="Adds three numbers."),
        changed(annotations={"readOnlyHint": True}),
        changed(**{"x-unknown": {"kept": False}}),
        replace(SEEN, tools=[]),
        replace(SEEN, tools=[TOOL, {**TOOL, "name": "subtract"}]),
        replace(SEEN, prompts=[{**PROMPT, "description": "Another."}]),
        replace(SEEN, templates=[{**TEMPLATE, "mimeType": "text/plain"}]),
        replace(SEEN, instructions="Be quick."),
        replace(SEEN, instructions=None),
    ],
)
def test_the_check_finds_every_difference_and_writes_nothing(shows: Shows, seen: Seen) -> None:
    pinned()
    before = Path("smcp.lock").read_bytes()
    shows(seen)
    run = smcp("pin", "--check", URL, "--format", "json")
    assert run.code == 1
    assert run.json["outcome"] == "differs"
    assert run.json["differences"]
    assert Path("smcp.lock").read_bytes() == before


def test_the_check_needs_a_lock_to_compare_with(shows: Shows) -> None:
    run = smcp("pin", "--check", URL)
    assert run.code == 2
    assert "smcp.lock: no such file; write it with `smcp pin`" in run.complaint


def test_a_lock_can_be_checked_without_a_server(shows: Shows) -> None:
    pinned()
    run = smcp("pin", "--check")
    assert (run.code, run.err) == (0, "")
    assert "whole: 1 tool, 1 prompt, 1 template and the instructions of sums 1; compared with no server" in run.out


def test_a_lock_that_others_may_write_is_refused(shows: Shows) -> None:
    pinned()
    Path("smcp.lock").chmod(0o664)
    run = smcp("pin", "--check", URL)
    assert run.code == 2
    assert "chmod go-w smcp.lock" in run.complaint


def test_the_gravest_difference_comes_first(shows: Shows) -> None:
    pinned()
    shows(replace(changed(title="Adder", description=POISON), prompts=[]))
    run = smcp("pin", "--check", URL, "--format", "json")
    risks = [each["risk"] for each in run.json["differences"]]
    assert risks[0] == "critical"
    assert risks == sorted(risks, key=["critical", "high", "medium", "low", "info"].index)
