"""`smcp selftest`: what cannot be served is told, what was started ends, whatever ends the run; and TLS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.terminal import smcp
from tests.keys.issuer import certificate
from tests.real.edges.pin_stand import listing, standing
from tests.toolbox.shelf import ROOT

pytestmark = pytest.mark.real
APPS = "tests.real.edges.selftest_apps"
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("app", "complaint"),
    [
        ("nobody.here:app", "it raises ModuleNotFoundError nobody"),
        (f"{APPS}:nothing", "there is no 'nothing'"),
        (f"{APPS}:number", "it is of type int; expected an ASGI or WSGI application"),
        (f"{APPS}:failing", "the application does not start"),
        (f"{APPS}:leaving()", "its process ended before it listened"),
    ],
)
def test_an_application_that_cannot_be_served_is_one_line(app: str, complaint: str) -> None:
    run = smcp("selftest", app)
    assert run.code == 2
    assert complaint in run.complaint


def test_an_application_that_never_answers_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "note"
    monkeypatch.setenv("SELFTEST_NOTE", str(note))
    run = smcp("selftest", f"{APPS}:clinging()", "--timeout", "0.2")
    assert "does not answer" in run.complaint
    _gone(note)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_application_ends_with_the_run_whatever_ends_that(number: signal.Signals, tmp_path: Path) -> None:
    note = tmp_path / "note"
    command = [sys.executable, "-m", "smcp_security.cli", "selftest", f"{APPS}:clinging()", "--timeout", "600"]
    with subprocess.Popen(command, env={**os.environ, "SELFTEST_NOTE": str(note)}, stderr=subprocess.DEVNULL) as run:
        _until(lambda: note.exists() and bool(note.read_text()))
        run.send_signal(number)
        run.wait(PATIENCE)
    _gone(note)


def _gone(note: Path) -> None:
    for process in map(int, note.read_text().split()):
        _until(lambda process=process: not _lives(process))


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return _answers(process) and not Path("/proc/self").exists()
    return state != "Z"


def _answers(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


# -- over TLS ---------------------------------------------------------------------------------------------------------


def test_a_server_over_tls_is_fired_at_once_its_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = certificate(tmp_path, "localhost")
    with standing(listing(lambda params: {"tools": []}), tls=chain) as url:
        refused = smcp("selftest", url)
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        trusted = smcp("selftest", url, "--era", "legacy", "--format", "json", "--timeout", "1")
    assert refused.code == 2
    assert "shows a certificate that this machine does not trust" in refused.complaint
    assert trusted.json["eras"] == ["2025-11-25"]
    assert trusted.code == 1


def test_tls_where_none_is_spoken_is_one_line() -> None:
    with standing(listing(lambda params: {"tools": []})) as url:
        run = smcp("selftest", url.replace("http:", "https:"))
    assert "cannot speak TLS; is it http:// instead of https://?" in run.complaint
