"""Targets and the errors of code that is not ours: one line, with type and place and nothing of the text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from smcp_security.doctor.loading import Unloadable, load, own_error, parse_target, told
from smcp_security.errors import KeyFileError

MODULE = """
made = []
class Box: app = "inner"
box = Box()
app = "outer"
def create(): made.append(1); return "made"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that can be imported as `written`."""
    (tmp_path / "written.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("written", None)


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("target", "thing"), [("written:app", "outer"), ("written:box.app", "inner"), ("written:create()", "made")]
)
def test_an_object_an_attribute_and_a_factory_are_loaded(target: str, thing: str) -> None:
    assert load(parse_target(target))[0] == thing


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("pkg/main.py:app", "names a file"),
        ("main.py", "names a file"),
        ("", "names no module"),
        (":app", "names no module"),
        ("a b:app", "names no module"),
        ("main:", "names nothing in a module"),
        ("main:1", "names nothing in a module"),
        ("main:create(1)", "names nothing in a module"),
    ],
)
def test_what_is_no_target_is_told_with_the_form_of_one(target: str, problem: str) -> None:
    with pytest.raises(Unloadable) as raised:
        parse_target(target)
    assert problem in str(raised.value) and "MODULE:APP" in str(raised.value)


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize("target", ["written", "written:application"])
def test_a_wrong_name_is_answered_with_the_one_that_was_meant(target: str) -> None:
    with pytest.raises(Unloadable, match="did you mean written:app"):
        load(parse_target(target))


def test_an_error_is_told_by_type_and_place_alone() -> None:
    with pytest.raises(ValueError) as raised:
        raise ValueError("the password is tulip4711")
    assert told(raised.value).startswith("ValueError at ")
    assert Path(__file__).name in told(raised.value) and "tulip" not in told(raised.value)


def test_a_missing_module_is_told_by_its_name() -> None:
    with pytest.raises(ModuleNotFoundError) as raised:
        load(parse_target("nowhere_at_all:app"))
    assert told(raised.value).startswith("ModuleNotFoundError nowhere_at_all")


def test_an_error_of_ours_is_found_behind_others() -> None:
    ours, other = KeyFileError("keys.yaml: no such file"), RuntimeError("x")
    other.__cause__ = ours
    assert own_error(ExceptionGroup("several", [ValueError("y"), other])) is ours
    other.__cause__, ours.__cause__ = ours, other
    assert own_error(RuntimeError("x")) is None and own_error(other) is ours
