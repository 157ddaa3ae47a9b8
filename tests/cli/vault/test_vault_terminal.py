"""`smcp vault` at a terminal: what is asked, what is typed and never shown, and what an interruption leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from smcp_security.cli.vault.secret import LONGEST_LINE
from smcp_security.vault.key_text import new_key
from tests.cli.screen import Screen
from tests.cli.vaults import VALUE, Desk

pytestmark = pytest.mark.real

WORDS = " ".join(("correct", "pony", "stapler", "bicycle", "91"))


def screen(desk: Desk, *arguments: str, stdout: int | None = None) -> Screen:
    return Screen("vault", *arguments, "--file", str(desk.file), stdout=stdout)


def test_a_value_is_typed_twice_and_never_shown(desk: Desk) -> None:
    with screen(desk, "set", "it") as seen:
        seen.answer("Value of it: ", "typed-by-hand\n")
        seen.answer("confirmation: ", "typed-by-hnad\n")
        seen.answer("Value of it: ", "typed-by-hand\n")
        seen.answer("confirmation: ", "typed-by-hand\n")
        assert seen.end() == 0
    assert "by-h" not in seen.text
    assert desk.done("get", "it").out == "typed-by-hand"


def test_a_prompt_that_is_not_answered_stores_nothing(desk: Desk) -> None:
    before = desk.file.read_bytes()
    with screen(desk, "set", "it") as seen:
        assert seen.interrupt("Value of it: ", "half-of-it") == 130
    assert ("Traceback" in seen.text, "half-of" in seen.text) == (False, False)
    with screen(desk, "set", "it") as seen:
        seen.answer("Value of it: ", "\x04")
        assert seen.end() == 130
    assert desk.file.read_bytes() == before


def test_a_value_that_a_terminal_would_cut_off_is_refused(desk: Desk) -> None:
    for length, code in ((LONGEST_LINE - 1, 0), (LONGEST_LINE, 2), (5000, 2)):
        with screen(desk, "set", "it") as seen:
            for question in ("Value of it: ", "confirmation: "):
                seen.answer(question, "x" * length + "\n")
            assert seen.end() == code
    assert desk.facts()[-1]["size"] == LONGEST_LINE - 1


def test_nobody_types_a_value_for_a_vault_that_cannot_be_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_VAULT_KEY", new_key())
    with screen(desk, "set", "it") as seen:
        assert seen.end() == 2
    assert "Value of it" not in seen.text


def test_a_terminal_is_shown_a_value_only_when_it_was_agreed(desk: Desk) -> None:
    with screen(desk, "get", "github") as seen:
        seen.answer("[y/N]: ", "n\n")
        assert seen.end() == 1
    assert VALUE not in seen.text
    with screen(desk, "get", "github") as seen:
        seen.answer("[y/N]: ", "y\n")
        assert seen.end() == 0
    assert VALUE in seen.text
    with screen(desk, "get", "github", "--reveal") as seen:
        assert seen.end() == 0
    assert seen.text.splitlines() == [VALUE]


def test_a_terminal_obeys_nothing_of_a_value(desk: Desk) -> None:
    desk.put("colours", "\x1b[2J\x1b]0;owned\x07 value\nsecond line")
    with screen(desk, "get", "colours", "--reveal") as seen:
        assert seen.end() == 0
    assert "\x1b" not in seen.text
    assert seen.text.splitlines()[:2] == ["\\x1b[2J\\x1b]0;owned\\x07 value", "second line"]


def test_a_value_that_goes_elsewhere_is_not_asked_about(desk: Desk, tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as out, screen(desk, "get", "github", stdout=out.fileno()) as seen:
        assert seen.end() == 0
    assert (seen.text, (tmp_path / "out").read_text()) == ("", VALUE)


def test_nothing_is_removed_before_somebody_agrees(desk: Desk) -> None:
    with screen(desk, "rm", "github") as seen:
        seen.answer("[y/N]: ", "\n")
        assert seen.end() == 1
    with screen(desk, "rm", "github") as seen:
        assert seen.interrupt("[y/N]: ") == 130
    assert len(desk.facts()) == 1
    with screen(desk, "rm", "github") as seen:
        seen.answer("[y/N]: ", "y\n")
        assert seen.end() == 0
    assert desk.facts() == []


def test_a_passphrase_is_asked_twice_for_a_new_vault_and_then_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with screen(desk, "init", "--passphrase") as seen:
        seen.answer("Passphrase: ", f"{WORDS}\n")
        seen.answer("confirmation: ", f"{WORDS}\n")
        assert seen.end() == 0
    assert "pony" not in seen.text
    for words, code in ((WORDS, 0), (f"{WORDS}2", 2)):
        with screen(desk, "list", "--passphrase") as seen:
            seen.answer("Passphrase: ", f"{words}\n")
            assert seen.end() == code
        assert "pony" not in seen.text


def test_a_vault_opens_with_a_passphrase_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORDS", WORDS)
    desk, option = Desk(tmp_path), ("--key", "passphrase:env:WORDS")
    desk.done("init", *option)
    desk.put("github", VALUE, *option)
    assert desk.done("get", "github", *option).out == VALUE
    monkeypatch.setenv("WORDS", f"{WORDS}2")
    assert desk.run("get", "github", *option).code == 2


def test_a_passphrase_that_is_weak_or_of_no_use_is_refused(desk: Desk, tmp_path: Path) -> None:
    fresh = Desk(tmp_path / "fresh")
    fresh.folder.mkdir()
    with screen(fresh, "init", "--passphrase") as seen:
        for question in ("Passphrase: ", "confirmation: "):
            seen.answer(question, "p4ssword\n")
        assert seen.end() == 2
    assert ("--passphrase: expected" in seen.text, "p4ss" in seen.text) == (True, False)
    assert list(fresh.folder.iterdir()) == []
    with screen(desk, "list", "--passphrase") as seen:
        assert seen.end() == 2
    assert "made without a passphrase" in seen.text


def test_a_terminal_sees_the_progress_of_long_work_and_a_pipe_does_not(desk: Desk) -> None:
    with screen(desk, "rewrap") as seen:
        assert seen.end() == 0
    assert "rewrap  [" in seen.text
    assert desk.done("rewrap").err.count("\n") == 1
