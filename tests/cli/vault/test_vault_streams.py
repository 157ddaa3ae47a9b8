"""`smcp vault` as processes: bytes through pipes, streams that break or are closed, and several operators at once."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.cli.vaults import VALUE, Desk

pytestmark = pytest.mark.real


def started(desk: Desk, *arguments: str, **streams: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "smcp_security.cli", "vault", *arguments, "--file", str(desk.file)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **streams)  # type: ignore[call-overload, no-any-return]


def test_bytes_that_are_no_text_come_out_of_a_pipe_as_they_are(desk: Desk) -> None:
    value = bytes(range(256)) + b"\n"
    with started(desk, "set", "it", "--exact", stdin=subprocess.PIPE) as run:
        run.communicate(value)
    assert run.returncode == 0
    with started(desk, "get", "it", stdout=subprocess.PIPE) as run:
        assert run.communicate() == (value, b"")


def test_output_that_cannot_be_written_is_one_line(desk: Desk, tmp_path: Path) -> None:
    fresh = Desk(tmp_path / "fresh")
    fresh.folder.mkdir()
    for where, arguments in ((desk, ["get", "github"]), (desk, ["list"]), (fresh, ["init", "--new-key"])):
        with open("/dev/full", "wb") as full, started(where, *arguments, stdout=full) as run:
            _, said = run.communicate()
        assert (run.returncode, said.count(b"\n"), b"cannot be written" in said) == (2, 1, True), said
    assert list(fresh.folder.iterdir()) == []


def test_a_reader_that_goes_away_is_no_traceback(desk: Desk) -> None:
    desk.put("long", "x" * 65536)
    with started(desk, "get", "long", stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        said = run.stderr.read()
    assert (run.returncode, said) == (141, b"")


def shell(desk: Desk, redirect: str, *arguments: str) -> tuple[int, bytes]:
    """Exit code and stderr of a command whose shell closed one of its streams."""
    command = [sys.executable, "-m", "smcp_security.cli", "vault", *arguments, "--file", str(desk.file)]
    run = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirect}', "sh", *command], input=VALUE.encode(), stderr=subprocess.PIPE,
        check=False,
    )  # fmt: skip
    return run.returncode, run.stderr


def test_a_stream_that_is_closed_is_one_line(desk: Desk, tmp_path: Path) -> None:
    code, said = shell(desk, "0<&-", "set", "it")
    assert (code, said.count(b"\n"), b"stdin is closed" in said) == (2, 1, True)
    code, said = shell(desk, "1>&-", "get", "github")
    assert (code, said.count(b"\n"), b"--out" in said) == (2, 1, True)
    assert shell(desk, "1>&-", "set", "it")[0] == 0


def test_a_fresh_key_that_nobody_can_see_makes_no_vault(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    code, said = shell(desk, "1>&-", "init", "--new-key")
    assert (code, b"--key-out" in said) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_two_operators_at_once_lose_nothing(desk: Desk) -> None:
    runs = [started(desk, "set", f"name{count}", stdin=subprocess.PIPE) for count in range(4)]
    for run in runs:
        run.communicate(VALUE.encode())
    assert [run.returncode for run in runs] == [0] * 4
    assert {fact["name"] for fact in desk.facts()} == {"github", *(f"name{count}" for count in range(4))}
    desk.done("verify")


def test_a_command_that_is_interrupted_while_it_reads_stores_nothing(desk: Desk) -> None:
    before = desk.file.read_bytes()
    read, write = os.pipe()
    with started(desk, "set", "it", stdin=read) as run:
        os.write(write, b"x" * 1024)
        # Once it is gone, the command is in the middle of reading: the end has not come.
        while run.poll() is None and _unread(read):
            os.sched_yield()
        run.send_signal(signal.SIGINT)
        assert run.stderr is not None
        said = run.stderr.read()
    os.close(read)
    os.close(write)
    assert (run.returncode, b"Traceback" in said) == (130, False)
    assert desk.file.read_bytes() == before


def _unread(descriptor: int) -> bool:
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0] > 0
