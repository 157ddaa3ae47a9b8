"""`smcp pin`: its mistakes in one line each, and its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smcp_security.cli import pin
from smcp_security.cli.pin import reach
from smcp_security.cli.pin.faults import Unreached
from smcp_security.cli.pin.target import target_of, warnings_about
from smcp_security.codes import CODES
from smcp_security.policy import Policy
from tests.architecture.source import ROOT
from tests.cli.pins import URL, Shows, showing
from tests.cli.terminal import smcp


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shows:
    """What every server shows from now on."""
    return showing(monkeypatch, tmp_path)


# -- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "no server to connect to; expected a URL, or -- COMMAND"),
        (("--",), "no server to connect to"),
        ((URL, "--", "server"), "one server at a time: a URL without --, or -- and the command"),
        (("localhost:8000/mcp",), "'localhost:8000/mcp' is no URL; expected http://"),
        (("npx", "server"), "'npx' is no URL"),
        (("ftp://host/mcp",), "the URL cannot be used"),
        (("http:///mcp",), "the URL cannot be used"),
        (("http://host:99999/mcp",), "the URL cannot be used"),
        (("http://[::1/mcp",), "the URL cannot be used"),
        (("http://ho st/mcp",), "the URL cannot be used"),
        (("http://user:word@host/mcp",), "the URL holds a credential; give it as --header"),
        (("--header", "Authorization", URL), "--header number 1: expected 'Name: value'"),
        (("--header", "Na me: value", URL), "--header number 1: expected 'Name: value'"),
        (("--header", "X-Name: \N{SNOWMAN}", URL), "--header number 1: expected 'Name: value'"),
        (("--header", "X-A: 1", "--header", "x-a: 2", URL), "--header x-a: given twice"),
        (("--header", "Mcp-Session-Id: 1", URL), "--header Mcp-Session-Id: the client sets it"),
        (("--header", "X-A: 1", "--", "server"), "--header is for a URL"),
        (("--header", "Authorization: Bearer env:NOBODY_SET_THIS", URL), "the variable NOBODY_SET_THIS is not set"),
        (("--check", "--update", URL), "--check writes nothing"),
        (("--check", "--accept", URL), "--check writes nothing"),
        (("--era", "old", URL), "Invalid value for '--era'"),
        (("--timeout", "0", URL), "Invalid value for '--timeout'"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_says_what_was_expected(
    arguments: tuple[str, ...], complaint: str
) -> None:
    run = smcp("pin", *arguments)
    assert run.code == 2
    assert run.complaint.startswith("smcp pin: ")
    assert complaint in run.complaint
    assert "word" not in run.complaint


def test_a_command_keeps_its_own_options() -> None:
    target = target_of(("server", "--file", "x", "--"), (), parted=True)
    assert (target.url, target.command) == ("", ("server", "--file", "x", "--"))


def test_a_header_may_name_the_variable_that_holds_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "in the variable")
    headers = ("Authorization: Bearer env:A_TOKEN", "X-Api-Key: env:A_TOKEN", "X-Plain: env: no reference")
    target = target_of((URL,), headers, parted=False)
    assert target.headers == {
        "Authorization": "Bearer in the variable",
        "X-Api-Key": "in the variable",
        "X-Plain": "env: no reference",
    }
    assert warnings_about(target, headers) == []
    assert "variable" not in repr(target)


@pytest.mark.parametrize(
    ("url", "header", "warned"),
    [
        (URL, "Authorization: Bearer abc", "visible to others on this machine"),
        (URL, "X-Api-Key: abc", "visible to others on this machine"),
        ("http://mcp.example.com/mcp", "X-Plain: abc", "http without TLS"),
    ],
)
def test_what_is_careless_is_warned_about_without_its_value(url: str, header: str, warned: str) -> None:
    [warning] = warnings_about(target_of((url,), (header,), parted=False), (header,))
    assert warned in warning
    assert "abc" not in warning


@pytest.mark.parametrize("url", ["https://mcp.example.com/mcp", "http://localhost/mcp", "http://[::1]:80/mcp", URL])
def test_what_is_careful_is_not_warned_about(url: str) -> None:
    headers = ("X-Plain: abc",)
    assert warnings_about(target_of((url,), headers, parted=False), headers) == []


@pytest.mark.parametrize("missing", ["mcp", "httpx2"])
def test_a_missing_package_is_named_with_its_installation(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(reach, "find_spec", lambda name: None if name == missing else object())
    run = smcp("pin", URL)
    assert run.code == 2
    assert missing in run.complaint and "pip install 'smcp-security[mcp]'" in run.complaint


def test_a_server_that_cannot_be_visited_is_one_line(shows: Shows) -> None:
    shows(Unreached(f"{URL} cannot be reached: connection refused"))
    run = smcp("pin", URL)
    assert (run.code, run.complaint) == (2, f"smcp pin: {URL} cannot be reached: connection refused")


# -- the page ---------------------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "pins.md").read_text(encoding="utf-8")


def test_the_page_names_every_option() -> None:
    options = [name for each in pin.command.params for name in each.opts if name.startswith("--")]
    assert len(options) >= 8
    assert [name for name in options if name not in PAGE] == []


def test_the_policy_of_the_page_can_be_used(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(version: 1\n.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 1
    (tmp_path / "policy.yaml").write_text(blocks[0])
    pins = Policy.load(tmp_path / "policy.yaml").pins
    assert pins is not None and (pins.file, pins.drift) == ("/etc/smcp/smcp.lock", "block")


def test_the_codes_of_the_page_are_those_of_the_table() -> None:
    assert set(re.findall(r"SMCP\d+", PAGE)) == {"SMCP802", "SMCP803", "SMCP804"} <= set(CODES)
