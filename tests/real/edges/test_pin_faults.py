"""What `smcp pin` says of servers that are none, or none that it can work with; and that no command outlives it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smcp_security.cli.pin import visit
from smcp_security.cli.pin.exchange import Exchange
from smcp_security.pins.file import load_lock
from tests.cli.terminal import smcp
from tests.keys.issuer import certificate
from tests.real.edges.pin_stand import TOOL, Answer, Message, Reply, listing, standing
from tests.toolbox.shelf import ROOT

pytestmark = pytest.mark.real
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def _always(*arguments: Any, **named: Any) -> Reply:
    return lambda message, headers: Answer(*arguments, **named)


def _complaint(reply: Reply, *options: str) -> str:
    with standing(reply) as url:
        run = smcp("pin", *options, url)
    assert run.code == 2
    assert not Path("smcp.lock").exists()
    return run.complaint


# -- what came, as it came --------------------------------------------------------------------------------------------


def test_keys_that_no_sdk_knows_are_pinned_from_every_page() -> None:
    tools = [{**TOOL, "name": f"tool_{place}", "x-vendor": {"deep": [1.5, None]}} for place in range(5)]

    def page(params: Message) -> Message:
        start = int(params.get("cursor", "0"))
        more = {"nextCursor": str(start + 2)} if start + 2 < len(tools) else {}
        return {"tools": tools[start : start + 2], **more}

    with standing(listing(page)) as url:
        run = smcp("pin", url)
    assert (run.code, run.err) == (0, "")
    assert [entry.definition for entry in load_lock("smcp.lock").tools.values()] == tools


def test_tools_that_the_client_would_not_read_are_pinned_and_told() -> None:
    odd = {"name": "odd", "description": "No schema."}
    with standing(listing(lambda params: {"tools": [TOOL, odd]})) as url:
        run = smcp("pin", url)
    assert run.code == 0
    assert "tools/list: the answer does not fit its revision" in run.out
    assert load_lock("smcp.lock").tools["odd"].definition == odd


def test_a_header_reaches_the_server_with_what_the_variable_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_TOKEN", "a-token")
    honest = listing(lambda params: {"tools": [TOOL]})

    def guarded(message: Message, headers: dict[str, str]) -> Answer:
        return honest(message, headers) if headers.get("authorization") == "Bearer a-token" else Answer(status=401)

    with standing(guarded) as url:
        assert smcp("pin", "--header", "Authorization: Bearer env:THE_TOKEN", url).code == 0
        refused = smcp("pin", "--check", url)
    assert refused.code == 2
    assert refused.complaint == (
        f"smcp pin: {url} answered HTTP 401: it wants a credential; give one it knows as --header 'Authorization: "
        "Bearer env:VARIABLE'"
    )


# -- servers that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Answer(status=403), "answered HTTP 403: it refuses this credential, or wants one"),
        (Answer(status=404), "answered HTTP 404: it has nothing at this path"),
        (Answer(status=405), "answered HTTP 405: it takes no POST at this path"),
        (Answer(status=500), "answered HTTP 500: it refuses (internal server error)"),
        (Answer(status=302, headers={"location": "https://elsewhere.example/"}), "sends elsewhere (HTTP 302)"),
        (Answer(b"<p>Hello", kind="text/html"), "answered with text/html, not with JSON"),
        (Answer(b"nothing"), "expected an MCP server"),
        (Answer(b"{}"), "expected an MCP server"),
        (Answer(gzip.compress(b"{}"), headers={"content-encoding": "gzip"}), "the server compresses its answers"),
    ],
)
def test_a_server_that_is_none_is_one_line(answer: Answer, complaint: str) -> None:
    said = _complaint(lambda message, headers: answer)
    assert complaint in said
    assert "elsewhere.example" not in said and "Hello" not in said


def test_a_result_that_is_no_greeting_is_one_line() -> None:
    said = _complaint(lambda message, headers: Answer(_result(message, {"hello": "there"})))
    assert "answers, but not as an MCP server does" in said


def test_pages_without_an_end_are_one_line() -> None:
    assert "the pages of tools/list do not end" in _complaint(
        listing(lambda params: {"tools": [], "nextCursor": "again"})
    )


def test_more_tools_than_a_model_can_use_are_one_line_on_one_page_too() -> None:
    tools = [{**TOOL, "name": f"tool_{place}"} for place in range(visit.MOST_ENTRIES + 1)]
    assert "shows more than 5000 entries" in _complaint(listing(lambda params: {"tools": tools}))


def test_a_list_that_the_server_cannot_make_is_one_line() -> None:
    honest = listing(lambda params: {"tools": [TOOL]})

    def failing(message: Message, headers: dict[str, str]) -> Answer:
        if message.get("method") != "tools/list":
            return honest(message, headers)
        error = {"code": -32603, "message": "secret \x1b[2J"}
        return Answer(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode())

    said = _complaint(failing)
    assert said.endswith("answered tools/list with error -32603; see the server's log")
    assert "secret" not in said


def test_a_list_that_is_none_is_one_line() -> None:
    assert "holds no list of definitions under tools" in _complaint(listing(lambda params: {"tools": {"a": 1}}))


def test_an_answer_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "Exchange", lambda: Exchange(left=20_000))
    tools = [{**TOOL, "description": "x" * 30_000}]
    assert "the server sent more than" in _complaint(listing(lambda params: {"tools": tools}))


def test_a_port_where_nobody_listens_is_one_line() -> None:
    run = smcp("pin", "http://127.0.0.1:1/mcp")
    assert run.code == 2
    assert run.complaint == (
        "smcp pin: http://127.0.0.1:1/mcp cannot be reached: connection refused; is the server running there?"
    )


def test_tls_where_none_is_spoken_is_one_line() -> None:
    with standing(_always(status=404)) as url:
        run = smcp("pin", url.replace("http:", "https:"))
    assert run.code == 2
    assert "cannot speak TLS; is it http:// instead of https://?" in run.complaint


def test_a_certificate_that_nobody_trusts_is_one_line_until_somebody_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = certificate(tmp_path, "localhost")
    with standing(listing(lambda params: {"tools": [TOOL]}), tls=chain) as url:
        refused = smcp("pin", url)
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        trusted = smcp("pin", url)
    assert refused.code == 2
    assert "shows a certificate that this machine does not trust: self-signed certificate" in refused.complaint
    assert (trusted.code, trusted.err) == (0, "")


def test_a_query_of_the_url_is_not_shown() -> None:
    run = smcp("pin", "http://127.0.0.1:1/mcp?token=secret")
    assert run.code == 2
    assert "secret" not in run.complaint


def _result(message: Message, value: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": value}).encode()


# -- commands ---------------------------------------------------------------------------------------------------------

SILENT = "echo $$ > pid; cat > /dev/null"
STUBBORN = f"trap '' TERM; {SILENT}; sleep 600"


def _shell(script: str) -> tuple[str, ...]:
    return "--", "/bin/sh", "-c", script


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (("--", "no-such-server-here", "secret"), "'no-such-server-here' cannot be started: no such program"),
        (("--", str(ROOT / "README.md")), "this user may not run it; expected an executable file"),
        (_shell("exit 1"), "ended, or closed its output, before it had shown its definitions; it wrote nothing"),
        (_shell(r"printf 'no \033[2J licence' >&2"), r"its last words: no \u001b[2J licence"),
    ],
)
def test_a_command_that_is_no_server_is_one_line(command: tuple[str, ...], complaint: str) -> None:
    run = smcp("pin", *command)
    assert run.code == 2
    assert complaint in run.complaint
    assert "secret" not in run.complaint


@pytest.mark.parametrize("script", [SILENT, STUBBORN, f"echo not JSON; {SILENT}"])
def test_a_command_that_says_nothing_is_ended(script: str) -> None:
    run = smcp("pin", "--timeout", "1", *_shell(script))
    assert run.code == 2
    assert "did not answer as an MCP server within 1 seconds" in run.complaint
    assert _has_ended(int(Path("pid").read_text()))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`smcp pin` in a process of its own, at a server that says nothing."""
    os.mkfifo(tmp_path / "pid")
    command = [sys.executable, "-m", "smcp_security.cli", "pin", *_shell(SILENT)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_too(running: subprocess.Popen[str], number: int) -> None:
    # The other end of a pipe: this waits until the server runs.
    pid = int(Path("pid").read_text())
    running.send_signal(number)
    _, said = running.communicate(timeout=PATIENCE)
    assert (running.returncode, said.strip()) == (130, "smcp: interrupted")
    assert _has_ended(pid)


def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
