"""Whether a file is still the one that was read."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from smcp_security.health.freshness import Original


def test_a_file_that_nobody_touched_has_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\n")
    assert not Original(str(file)).changed


def test_a_file_with_other_words_in_it_has_changed_until_the_old_ones_are_back(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\n")
    original = Original(str(file))
    file.write_text("version: 1\nmode: monitor\n")
    assert original.changed
    file.write_text("version: 1\n")
    assert not original.changed


def test_a_copy_put_in_its_place_is_the_same_file(tmp_path: Path) -> None:
    file, copy = tmp_path / "policy.yaml", tmp_path / "draft"
    file.write_text("version: 1\n")
    original = Original(str(file))
    copy.write_text("version: 1\n")
    os.replace(copy, file)
    assert not original.changed


def test_a_file_that_is_gone_or_is_a_folder_now_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\n")
    original = Original(str(file))
    file.unlink()
    assert original.changed
    file.mkdir()
    assert original.changed


def test_a_pipe_in_its_place_holds_up_nobody(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\n")
    original = Original(str(file))
    file.unlink()
    os.mkfifo(file)
    assert original.changed


def test_a_file_is_held_to_what_was_read_and_not_to_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "smcp.lock"
    file.write_text("now")
    assert Original(str(file), sha256(b"before").hexdigest()).changed
    assert not Original(str(file), sha256(b"now").hexdigest()).changed


def test_a_relative_name_stays_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        original = Original("policy.yaml")
    finally:
        os.chdir(before)
    assert not original.changed
