"""`smcp selftest` at real servers: both SDKs and eras, FastMCP, WSGI and Django."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Run, smcp
from tests.real.backends.processes import listening
from tests.toolbox.legacy import legacy_python
from tests.toolbox.shelf import ROOT

pytestmark = pytest.mark.real
APPS = "tests.real.edges.selftest_apps"
TOOL = ("--tool", "find_book")


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def _run(*arguments: str) -> Run:
    return smcp("selftest", *arguments, "--format", "json")


def _bad(run: Run) -> dict[str, list[str]]:
    """What did not hold, with its spellings."""
    return {
        row["slug"]: [trial["name"] for trial in row["trials"] if trial["status"] == row["status"]]
        for row in run.json["rows"]
        if row["status"] in ("got through", "twin refused")
    }


def _tried(run: Run) -> set[str]:
    return {row["slug"] for row in run.json["rows"] if row["trials"]}


# -- the official SDK -------------------------------------------------------------------------------------------------


def test_much_gets_through_a_bare_server_and_its_twins_all_pass() -> None:
    run = _run(f"{APPS}:bare")
    assert run.code == 1
    assert run.json["eras"] == ["2026-07-28", "2025-11-25"]
    bad = _bad(run)
    assert {"duplicate-key", "encoding", "number", "framing", "sql", "vault-handle"} <= set(bad)
    # What the SDK does by itself.
    assert not {"batch", "host", "origin", "routing-header", "revision", "large-body"} & set(bad)
    assert {row["status"] for row in run.json["rows"]} <= {"got through", "held", "not tried", "passed on"}


def test_behind_the_middleware_all_of_it_holds_in_both_eras() -> None:
    run = _run(f"{APPS}:guarded", "--flood")
    assert _bad(run) == {}
    assert run.code == 0
    assert {"session", "posted-response", "routing-name", "flood", "sql"} <= _tried(run)


@pytest.mark.parametrize("guarded", [False, True], ids=["bare", "guarded"])
def test_a_server_of_the_older_sdk_is_fired_at_in_its_own_era(guarded: bool) -> None:
    program = [legacy_python(), ROOT / "tests/real/edges/selftest_legacy.py", *(["guarded"] if guarded else [])]
    with listening(program, {**os.environ, "PYTHONPATH": str(ROOT)}) as port:
        run = _run(f"http://127.0.0.1:{port}/mcp", *TOOL)
    assert run.json["eras"] == ["2025-11-25"]
    if guarded:
        assert _bad(run) == {}
    else:
        assert {"duplicate-key", "depth", "compression", "command"} <= set(_bad(run))


# -- applications of the examples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("app", ["fastmcp_app:app", "fastapi_app:app"])
def test_the_examples_with_the_sdks_hold(app: str) -> None:
    run = _run(f"examples.{app}", "--era", "modern", *TOOL)
    assert _bad(run) == {}
    assert {"routing-header", "sql"} <= _tried(run)


@pytest.mark.parametrize("app", ["flask_app:app", "django_app:asgi"])
def test_the_examples_of_wsgi_and_django_hold(app: str) -> None:
    run = _run(f"examples.{app}", *TOOL)
    assert _bad(run) == {}
    assert run.json["eras"] == ["2025-11-25"]


def test_a_server_object_is_served_as_the_application_that_it_makes() -> None:
    run = _run(f"{APPS}:mcp", "--era", "modern")
    assert run.json["eras"] == ["2026-07-28"]
    assert "duplicate-key" in _bad(run)


# -- who calls --------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A key for the example of keys, whose key file is in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = smcp("keys", "create", "--file", "keys.yaml", "--owner", "ann", "--role", "reader")
    yield made.out.splitlines()[-1].strip()


def test_a_server_with_keys_holds_against_spoilt_ones_and_never_shows_the_right_one(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", key)
    header = ("--header", "Authorization: Bearer env:TOKEN")
    run = _run("examples.api_keys_app:app", *TOOL, "--token-in-query", "--era", "legacy", *header)
    assert _bad(run) == {}
    assert {"no-credential", "spoilt-credential", "credential-in-query"} <= _tried(run)
    assert key not in run.out + run.err


def test_without_a_key_it_is_told_that_one_is_wanted(key: str) -> None:
    run = smcp("selftest", "examples.api_keys_app:app")
    assert run.code == 2
    assert "it wants a credential" in run.complaint
    assert key not in run.err
