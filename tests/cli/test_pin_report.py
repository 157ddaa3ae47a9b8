"""What `smcp pin` prints, in three forms, and that nothing of a server is in it raw."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from smcp_security.pins.file import load_lock, read_lock
from smcp_security.policy import PinsPolicy
from tests.cli.pins import SEEN, URL, Shows, changed, pinned, showing
from tests.cli.terminal import smcp


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shows:
    """What every server shows from now on."""
    return showing(monkeypatch, tmp_path)


# -- what is shown ----------------------------------------------------------------------------------------------------

NASTY = "a\x1b[2J\u202e\U000e0041\u200bb`|<img src=x>\n## [x](http://evil.example)"


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
@pytest.mark.parametrize("place", ["name", "description", "server", "instructions"])
def test_nothing_of_a_server_is_shown_raw(shows: Shows, form: str, place: str) -> None:
    pinned()
    shows(
        {
            "name": changed(name=NASTY),
            "description": changed(description=NASTY),
            "server": replace(changed(title="x"), server={"name": NASTY, "version": NASTY}),
            "instructions": replace(SEEN, instructions=NASTY),
        }[place]
    )
    run = smcp("pin", "--check", URL, "--format", form)
    assert run.code == 1
    assert all(character.isprintable() or character == "\n" for character in run.out)
    assert not any(line.startswith("## ") for line in run.out.splitlines())


def test_in_markdown_a_text_of_the_server_cannot_leave_its_code_span(shows: Shows) -> None:
    pinned()
    shows(changed(name="x` ![](http://evil.example) @everyone `", description="` <script> `"))
    out = pinned("--check", "--format", "markdown").out
    outside = re.sub(r"`[^`]*`", "", out)
    assert "evil" in out
    for sign in ("evil", "@everyone", "script"):
        assert sign not in outside


def test_markdown_tells_risk_and_what_changed(shows: Shows) -> None:
    pinned()
    shows(changed(description="Adds three numbers."))
    out = pinned("--check", "--format", "markdown").out
    assert out.startswith("### MCP definitions: 1 difference\n")
    assert re.search(r"^- \*\*\w+\*\* tool `add`: ", out, re.MULTILINE)
    assert "  - after: `Adds three numbers.`" in out.splitlines()


def test_markdown_calls_the_instructions_by_no_name(shows: Shows) -> None:
    pinned()
    shows(replace(SEEN, instructions=None))
    assert "- **low** instructions: `the instructions removed`" in pinned("--check", "--format", "markdown").out


def test_json_holds_what_programs_ask_for(shows: Shows) -> None:
    facts = pinned("--format", "json").json
    assert facts == {
        "outcome": "pinned",
        "file": "smcp.lock",
        "digest": load_lock("smcp.lock").digest,
        "server": {"name": "sums", "version": "1"},
        "revision": "2026-07-28",
        "counts": {"tool": 1, "prompt": 1, "template": 1, "instructions": 1},
        "unreadable": [],
        "findings": [],
        "differences": [],
    }


def test_the_digest_that_is_printed_is_the_one_that_a_policy_takes(shows: Shows) -> None:
    digest = pinned("--format", "json").json["digest"]
    assert read_lock(PinsPolicy(file="smcp.lock", digest=digest)).digest == digest


def test_an_answer_that_no_client_can_read_is_told(shows: Shows) -> None:
    shows(replace(SEEN, odd=("tools/list",)))
    run = pinned()
    assert run.code == 0
    assert "tools/list: the answer does not fit its revision" in run.out
    assert json.loads(pinned("--check", "--format", "json").out)["unreadable"] == ["tools/list"]
    assert "- tools/list: the answer does not fit its revision" in pinned("--check", "--format", "markdown").out
