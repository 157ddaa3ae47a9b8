from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smcp_security.keys.replacement import replace_file, sweep_drafts


def test_a_new_file_is_its_makers_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(str(path), b"data")
    assert path.read_bytes() == b"data"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_keeps_its_mode_and_lends_it_to_one_that_is_like_it(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.touch(0o640)
    path.chmod(0o640)
    replace_file(str(path), b"data")
    replace_file(str(other), b"data", like=str(path))
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, other)] == [0o640, 0o640]


def test_data_is_on_the_disk_before_the_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def noted(step: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def do(what: Any, *more: Any) -> Any:
            folder = step == "fsync" and stat.S_ISDIR(os.fstat(what).st_mode)
            steps.append(f"{step} of the folder" if folder else step)
            return real(what, *more)

        return do

    for step in ("fsync", "replace"):
        monkeypatch.setattr(os, step, noted(step, getattr(os, step)))
    replace_file(str(tmp_path / "file"), b"data")
    assert steps == ["fsync", "replace", "fsync of the folder"]


def test_a_relative_name_has_its_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.0123456789ab.new").touch()
    sweep_drafts("file")
    replace_file("file", b"data")
    assert os.listdir(tmp_path) == ["file"]


def test_sweeping_a_folder_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    sweep_drafts(str(tmp_path / "none" / "file"))


def test_what_is_in_place_is_told_and_no_error_where_its_folder_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = os.fsync

    def sync(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(file)

    monkeypatch.setattr(os, "fsync", sync)
    replace_file(str(tmp_path / "file"), b"data")
    assert (tmp_path / "file").read_bytes() == b"data"
    assert f"{tmp_path / 'file'}: its folder cannot be synced" in caplog.text
