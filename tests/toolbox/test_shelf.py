"""What is kept between runs is whole, and what cannot be had is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toolbox import shelf
from tests.toolbox.shelf import Missing, installed, run


@pytest.fixture(autouse=True)
def _empty_shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shelf, "_HOME", tmp_path)


def test_a_tool_is_installed_once_for_the_same_contents() -> None:
    calls: list[Path] = []
    assert installed("tool", "1.0", calls.append) == installed("tool", "1.0", calls.append)
    assert len(calls) == 1


def test_other_contents_are_installed_into_a_folder_of_their_own() -> None:
    calls: list[Path] = []
    assert installed("tool", "1.0", calls.append) != installed("tool", "2.0", calls.append)
    assert len(calls) == 2


def test_an_installation_that_failed_is_tried_again() -> None:
    def fails(_: Path) -> None:
        raise Missing("tool")

    with pytest.raises(Missing):
        installed("tool", "1.0", fails)
    calls: list[Path] = []
    installed("tool", "1.0", calls.append)
    assert calls


def test_a_command_that_is_not_there_is_named_as_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="the tool: no-such-command did not run"):
        run("the tool", ["no-such-command"], folder=tmp_path)


def test_a_command_that_fails_is_missing_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="the tool: sh ended with 3: no room"):
        run("the tool", ["sh", "-c", "echo no room >&2; exit 3"], folder=tmp_path)


def test_a_command_that_succeeds_says_nothing(tmp_path: Path) -> None:
    run("the tool", ["true"], folder=tmp_path)
