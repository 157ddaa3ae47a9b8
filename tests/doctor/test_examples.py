"""Every runnable example that is an application or a server object passes the check that the project recommends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT
from tests.toolbox.legacy import legacy_python

pytestmark = pytest.mark.real
_NAMED = re.compile(r"^(app|application|asgi|wsgi|mcp|server)(?:: \w+|, \w+)? = ", re.MULTILINE)
_ORDER = ("app", "application", "asgi", "wsgi", "mcp", "server")


def _target(path: Path) -> str:
    """The application of an example, or its server object; empty for what is neither."""
    names = set(_NAMED.findall(path.read_text(encoding="utf-8")))
    return next((f"examples.{path.stem}:{name}" for name in _ORDER if name in names), "")


_TARGETS = [target for path in sorted((ROOT / "examples").glob("*.py")) if (target := _target(path))]
_OPTIONS = {
    # What they need is not there: an issuer, a store.
    "examples.oidc_app:app": ["--offline"],
    "examples.redis_app:app": ["--offline"],
    # Run by `smcp proxy`, which judges in front of it.
    "examples.notes_server:mcp": ["--ignore", "DOC041"],
    "examples.ticket_server:mcp": ["--ignore", "DOC041"],
    # For `runserver`, which answers without a list of hosts then.
    "examples.django_app:wsgi": ["--ignore", "DOC022"],
}


def _doctor(*arguments: str, folder: Path, python: str | Path = sys.executable) -> tuple[int, dict[str, Any]]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SMCP_", "DJANGO_"))}
    result = subprocess.run(
        [python, "-m", "smcp_security.cli", "doctor", *arguments, "--format", "json"],
        cwd=folder, env={**environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.stderr == "", result.stderr
    return result.returncode, json.loads(result.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys and the vault that some of the examples ask for."""
    made = tmp_path_factory.mktemp("site")
    _smcp(made, "keys", "create", "--file", "keys.yaml", "--owner", "ann", "--role", "reader")
    _smcp(made, "vault", "init", "--file", "vault.smcp", "--key-out", "vault.key")
    vault = ("--file", "vault.smcp", "--key", "file:vault.key")
    _smcp(made, "vault", "set", "webhook", *vault, given="a-value-for-the-webhook")
    _smcp(made, "vault", "set", "billing", "--tenant", "acme", *vault, given="a-value-for-billing")
    return made


def _smcp(folder: Path, *arguments: str, given: str = "") -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "smcp_security.cli", *arguments]
    subprocess.run(command, cwd=folder, env=environ, input=given, text=True, capture_output=True, check=True)


def test_there_are_examples_to_look_at() -> None:
    assert len(_TARGETS) >= 8


@pytest.mark.parametrize("target", _TARGETS)
def test_an_example_has_no_finding(target: str, folder: Path) -> None:
    code, report = _doctor(target, "--strict", *_OPTIONS.get(target, []), folder=folder)
    assert (code, report["findings"]) == (0, [])
    assert report["servers"] + report["routes"] + report["unseen"] != []


LEGACY = """
import json
from mcp.server.fastmcp import FastMCP
from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.sdk.secure import secure
from tests.doctor.looks import found, look

framework = SMCPSecurityFramework()

def make():
    mcp = FastMCP("library")

    @mcp.tool()
    def find_book(title: str) -> str:
        return title

    return mcp

if __name__ == "__main__":
    guarded = lambda app: SMCPMiddleware(app, framework=framework)
    looks = {
        "guarded": guarded(make().streamable_http_app()),
        "guarded, old transport": guarded(make().sse_app()),
        "bare": make().streamable_http_app(),
        "bare, old transport": make().sse_app(),
        "hooked": secure(make(), framework=framework).streamable_http_app(),
        "server": make(),
        "secured server": secure(make(), framework=framework),
    }
    print(json.dumps({name: found(look(app)) for name, app in looks.items()}))

mcp = make()
app = SMCPMiddleware(mcp.streamable_http_app(), framework=framework)
"""
EXPECTED = {
    "guarded": [],
    "guarded, old transport": [],
    "bare": [["DOC001", "/mcp"]],
    "bare, old transport": [["DOC001", "/sse"], ["DOC001", "/messages"]],
    "hooked": [["DOC002", "/mcp"]],
    "server": [["DOC041", "here:app"]],
    "secured server": [],
}


@pytest.fixture(scope="module")
def site(folder: Path) -> Path:
    """The folder, with a server of the SDK of old in it."""
    (folder / "legacy_site.py").write_text(LEGACY)
    return folder


def test_servers_of_the_sdk_of_old_are_known_too(site: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [legacy_python(), site / "legacy_site.py"]
    result = subprocess.run(command, cwd=site, env=environ, capture_output=True, text=True, check=False)
    assert json.loads(result.stdout) == EXPECTED, result.stderr


def test_an_application_of_the_sdk_of_old_is_started_and_passes(site: Path) -> None:
    code, report = _doctor("legacy_site:app", folder=site, python=legacy_python())
    assert (code, report["findings"]) == (0, [])
    assert [(route["path"], route["guarded"]) for route in report["routes"]] == [("/mcp", True)]
