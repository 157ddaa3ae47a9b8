"""The server's process: what it is started with, why it cannot be, and how it is ended."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from smcp_security import Policy
from smcp_security.adapters.stdio import child as module
from smcp_security.adapters.stdio.child import Child, NotStarted
from smcp_security.adapters.stdio.variables import surroundings
from tests.adapters.stdio.wire import SERVER

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("no-such-server-here", "--token", "secret"), "no such program; give its path, or a name on PATH"),
        ((str(Path(__file__)),), "this user may not run it; expected an executable file"),
        ((str(Path(__file__).parent),), "this user may not run it; expected an executable file"),
        (("cat", "secret\0"), "a NUL byte in an argument; leave it out"),
    ],
)
def test_a_command_that_cannot_be_started_is_named_with_the_reason(command: tuple[str, ...], why: str) -> None:
    with pytest.raises(NotStarted) as error:
        Child(command, ENVIRONMENT)
    assert str(error.value) == f"{command[0]!r} cannot be started: {why}"


def test_a_file_that_is_no_program_is_named_with_the_reason(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF nothing")
    program.chmod(0o755)
    with pytest.raises(NotStarted, match="Exec format error; expected an executable file"):
        Child((str(program),), ENVIRONMENT)


def test_what_is_ours_stays_out_of_the_servers_environment() -> None:
    policy = Policy.from_dict(
        {
            "version": 1,
            "server": {"resource": "https://mcp.example/mcp"},
            "identity": {
                "jwt": [{"issuer": "https://issuer.example", "secret": "env:SHARED", "algorithms": ["HS256"]}]
            },
            "store": "env:STORE",
        }
    )
    given = dict.fromkeys(
        ("SMCP_CREDENTIAL", "SMCP_POLICY", "SMCP_SERVER__HOSTS", "SHARED", "STORE", "PATH", "ENV"), "x"
    )
    assert sorted(surroundings(given, policy)) == ["ENV", "PATH"]


def test_it_is_ended_with_its_guard_and_afterwards_signals_reach_nobody() -> None:
    server = Child(SERVER, ENVIRONMENT)
    assert server.code() is None
    server.end()
    assert server.code() == 128 + signal.SIGKILL
    server.signal(signal.SIGKILL)
    server.end()


def test_without_a_shell_there_is_no_guard_and_all_else_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GUARD", ("/no/shell/here",))
    server = Child((sys.executable, "-S", "-c", "raise SystemExit(5)"), ENVIRONMENT)
    assert os.waitid(os.P_PID, server._process.pid, os.WEXITED | os.WNOWAIT) is not None
    assert server.code() == 5
    server.end()
