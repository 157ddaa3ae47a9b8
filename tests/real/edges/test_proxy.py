"""`smcp proxy` as a process: what it does with hostile peers, with signals, with secrets, and when it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.stdio.wire import PATIENCE, SERVER, SPY, UNPRIVILEGED, UNREADABLE, Client, call, text
from tests.architecture.source import ROOT

pytestmark = pytest.mark.real

PROXY = (sys.executable, "-m", "smcp_security.cli", "proxy")
HOSTILE = "; cat /etc/passwd"


@contextlib.contextmanager
def proxied(
    *arguments: str, options: tuple[str, ...] = (), stderr: Path | None = None, **environment: str
) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
    """A proxy in front of the server of the tests; it has ended with the block."""
    errors = os.open(os.devnull if stderr is None else stderr, os.O_WRONLY | os.O_CREAT)
    (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
    process = subprocess.Popen(
        [*PROXY, *options, "--", *SERVER, *arguments],
        stdin=in_read,
        stdout=out_write,
        stderr=errors,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )
    for fd in (in_read, out_write, errors):
        os.close(fd)
    client = Client(in_write, out_read)
    try:
        yield client, process
        if client.writes >= 0:
            client.hang_up()
        process.wait(PATIENCE)
    except AssertionError as error:
        # Why a proxy ended is on its stderr alone, which is gone with the test's folder.
        told = b"" if stderr is None else stderr.read_bytes()[-2000:]
        error.add_note(f"the proxy: exit code {process.poll()} at that moment, stderr {told!r}")
        raise
    finally:
        process.kill()
        process.wait()
        client.vanish()


@contextlib.contextmanager
def held(folder: Path) -> Iterator[tuple[str, int]]:
    """A named pipe and our end of it: it is at its end once nobody holds it open."""
    path = folder / "held"
    os.mkfifo(path)
    reads = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield str(path), reads
    finally:
        os.close(reads)


def _let_go(reads: int) -> bool:
    return bool(select.select([reads], [], [], PATIENCE)[0]) and os.read(reads, 1) == b""


def _memory(pid: int) -> int:
    """Kilobytes that a process has in memory."""
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True).stdout)


def test_a_line_of_100_megabytes_is_refused_once_and_never_held() -> None:
    with proxied() as (client, process):
        assert text(client.ask(call(1, "echo", text="before"))) == "before"
        before = _memory(process.pid)
        client.say(b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"')
        for _ in range(100):
            client.say(b"x" * 1_000_000)
        refused = client.hear()
        # Nothing of the rest is an answer: the next one is that of the next call.
        client.say(b'"}}}\n')
        assert text(client.ask(call(3, "echo", text="after"))) == "after"
        assert (refused["id"], refused["error"]["data"]["code"]) == (2, "SMCP104")
        assert _memory(process.pid) - before < 20_000


def test_a_flood_on_stderr_is_passed_on_and_holds_nobody_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with proxied(stderr=log) as (client, _):
        assert text(client.ask(call(1, "complain", lines=200_000))) == "complained"
    assert log.read_bytes().count(b"complaint\n") == 200_000


def test_a_client_that_does_not_read_stderr_still_gets_its_refusals() -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writes, b"x" * 4096)
    os.set_blocking(writes, True)
    try:
        with proxied(stderr=Path(f"/proc/self/fd/{writes}")) as (client, _):
            for id in range(50):
                assert client.ask(call(id, "echo", text=HOSTILE))["result"]["isError"] is True
    finally:
        os.close(reads)
        os.close(writes)


def test_stdout_has_nothing_but_messages_whatever_the_server_prints() -> None:
    with proxied() as (client, _):
        client.say(call(1, "garbage"), b"garbage\n", call(2, "torn"))
        client.hang_up()
        lines = list(iter(client.line, b""))
        assert [json.loads(line).get("id") for line in lines if json.loads(line)["jsonrpc"] == "2.0"] == [None, 1, 2]


def test_killed_outright_it_leaves_nothing_of_the_server_behind(tmp_path: Path) -> None:
    with held(tmp_path) as (path, reads), proxied(path) as (client, process):
        assert text(client.ask(call(1, "spawn"))) == "spawned"
        process.kill()
        assert _let_go(reads)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_server_and_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    with held(tmp_path) as (path, reads), proxied(path) as (client, process):
        assert text(client.ask(call(1, "spawn"))) == "spawned"
        process.send_signal(number)
        assert _let_go(reads)
        # Python turns SIGINT into an exception, and ends by the signal itself then.
        assert process.wait(PATIENCE) == 128 + number


def test_a_signal_while_it_starts_ends_it(tmp_path: Path) -> None:
    with proxied() as (_, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) in (-signal.SIGTERM, 128 + signal.SIGTERM)


def test_the_server_learns_none_of_our_secrets(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text('version: 1\naudit: {key: "env:AUDIT_KEY"}\n')
    environment = {
        "SMCP_POLICY": str(policy),
        "AUDIT_KEY": secrets.token_urlsafe(32),
        "SMCP_CREDENTIAL": "secret",
        "PLAIN": "yes",
    }
    with proxied(**environment) as (client, _):
        names = json.loads(text(client.ask(call(1, "environment"))))
    assert "PLAIN" in names
    assert [name for name in names if name.startswith("SMCP") or name == "AUDIT_KEY"] == []


def test_the_server_cannot_read_the_credential_where_the_proxy_has_it() -> None:
    done = subprocess.run(
        [*UNPRIVILEGED, *PROXY, "--", *SPY],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "SMCP_CREDENTIAL": "secret"},
    )
    assert (done.returncode, done.stdout) == (UNREADABLE, b"")


def test_the_credential_of_the_environment_says_who_calls_and_what_is_listed(tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    create = [sys.executable, "-m", "smcp_security.cli", "keys", "create", "--file", str(keys)]
    made = subprocess.run([*create, "--owner", "ann", "--role", "speaker"], capture_output=True, text=True, check=True)
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        f"version: 1\nidentity: {{api_keys: {{file: {keys}}}}}\nroles: {{speaker: {{allow: [{{tools: [echo]}}]}}}}\n"
    )
    options = ("--policy", str(policy))
    with proxied(options=options, SMCP_CREDENTIAL=made.stdout.splitlines()[-1]) as (client, _):
        listed = client.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert [tool["name"] for tool in listed["result"]["tools"]] == ["echo"]
        assert text(client.ask(call(2, "echo", text="hello"))) == "hello"
        assert client.ask(call(3, "die"))["error"]["data"]["code"] == "SMCP301"
    with proxied(options=options) as (client, _):
        refused = client.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert (refused["id"], refused["error"]["data"]["code"]) == (1, "SMCP201")


def test_messages_may_come_from_a_file(tmp_path: Path) -> None:
    messages = tmp_path / "messages"
    messages.write_text(json.dumps(call(1, "echo", text="from a file")) + "\n")
    with messages.open() as stdin:
        done = subprocess.run(
            [*PROXY, "--", *SERVER], stdin=stdin, capture_output=True, timeout=PATIENCE, cwd=ROOT, check=True
        )
    assert text(json.loads(done.stdout)) == "from a file"


def test_a_server_that_ends_at_once_gives_its_exit_code() -> None:
    command = ("sh", "-c", "exit 42")
    done = subprocess.run(
        [*PROXY, "--", *command], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (42, b"")


def test_a_proxy_in_front_of_a_proxy_still_serves() -> None:
    nested: tuple[Any, ...] = (*PROXY, "--", *PROXY, "--", *SERVER)
    said = json.dumps(call(1, "echo", text="twice")).encode() + b"\n"
    done = subprocess.run(nested, input=said, capture_output=True, timeout=PATIENCE, cwd=ROOT, check=True)
    assert text(json.loads(done.stdout)) == "twice"
