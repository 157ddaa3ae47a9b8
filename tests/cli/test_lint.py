"""`smcp lint`: options, streams and exit codes. What the rules find is tested beside the rules."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from smcp_security.lint import run as running
from smcp_security.lint.catalogue import rules
from tests.architecture.source import ROOT
from tests.cli.terminal import Run, smcp

BAD = "version: 1\nserver: {flood: off}\nidentity: {api_keys: {file: keys.yaml}}\n"
LOW = 'version: 1\ntools: {a: {arguments: {x: {kind: enum, values: [no, "a"]}}}}\n'
GOOD = "version: 1\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy with one finding, of medium severity."""
    path = tmp_path / "policy.yaml"
    path.write_text(BAD)
    return path


def lint(*arguments: object, stdin: str = "") -> Run:
    """`smcp lint` with these arguments."""
    return smcp("lint", *map(str, arguments), stdin=stdin.encode())


def test_a_finding_has_its_place_its_line_and_a_caret(policy: Path) -> None:
    result = lint(policy)
    assert (result.code, result.err) == (1, "")
    head, line, caret, *_, last = result.out.splitlines()
    assert head.startswith(f"{policy}:2:17: POL105 flood-guard-off (medium): server.flood: ")
    assert (line, caret) == ("    2 | server: {flood: off}", "      |                 ^^^")
    assert last == "1 finding (1 medium) in 1 file"


def test_a_clean_policy_leaves_with_zero(policy: Path) -> None:
    policy.write_text(GOOD)
    assert (lint(policy).code, lint(policy).out) == (0, "no findings in 1 file\n")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_of_the_project_are_clean(path: Path) -> None:
    result = lint(path)
    assert result.code == 0, result.out
    assert result.out.startswith("no findings in 1 file")


def test_stdin_is_a_dash() -> None:
    result = lint("-", stdin=BAD)
    assert result.code == 1
    assert result.out.startswith("stdin:2:17: POL105")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 1),
        (["--fail-on", "medium"], 1),
        (["--fail-on", "high"], 0),
        (["--fail-on", "never"], 0),
        (["--min-severity", "high"], 0),
        (["--ignore", "POL1"], 0),
        (["--ignore", "any-host,flood-guard-off"], 0),
        (["--select", "POL101", "--select", "pol2"], 0),
        (["--select", "flood-guard-off"], 1),
    ],
)
def test_what_counts_is_chosen_by_options(policy: Path, options: list[str], code: int) -> None:
    assert lint(policy, *options).code == code


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "expected a file, a folder, or - for stdin"),
        (["-", "-"], "- is given twice"),
        (["-", "--fix"], "--fix cannot write stdin"),
        (["-", "--unsafe-fixes"], "--fix cannot write stdin"),
        (["x", "--ignore", "all"], "no rule is left to run"),
        (["x", "--select", "flod-guard-off"], "no rule 'flod-guard-off'; did you mean flood-guard-off?"),
        (["x", "--format", "xml"], "'xml' is not one of"),
        (["x", "--statistics", "--format", "json"], "--statistics is text"),
        (["x", "--baseline", "/none"], "--baseline /none: No such file"),
        (["x", "--tools", "/none"], "/none: no such file"),
        (["--explain", "POL998"], "no rule 'POL998'"),
    ],
)
def test_a_mistake_in_the_command_is_one_line_and_exit_code_two(arguments: list[str], complaint: str) -> None:
    result = lint(*arguments)
    assert result.code == 2
    assert complaint in result.complaint


def test_an_input_that_cannot_be_read_ends_with_two_after_the_others_were_looked_at(policy: Path) -> None:
    result = lint(policy, policy.with_name("none.yaml"))
    assert result.code == 2
    assert "POL105" in result.out
    assert "none.yaml: no such file" in result.err


@pytest.mark.parametrize("form", ["json", "sarif", "github", "junit"])
def test_a_program_is_told_of_what_could_not_be_read(form: str) -> None:
    result = lint("/none.yaml", "--format", form)
    assert result.code == 2
    assert "none.yaml" in result.out


def test_no_rule_can_crash_unseen(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rules()["POL105"]

    def crash(*_: object) -> None:
        raise ZeroDivisionError("of a secret")

    monkeypatch.setattr(running, "_finding", crash)
    result = lint(policy)
    assert result.code == 2
    assert f"the rule {rule.code} {rule.slug} crashed on {policy} (ZeroDivisionError" in result.complaint
    assert "of a secret" not in result.complaint


def test_fixes_are_shown_and_then_written(policy: Path) -> None:
    policy.write_text(LOW)
    shown = lint(policy, "--fix", "--diff")
    assert (shown.code, policy.read_text()) == (1, LOW)
    assert '+tools: {a: {arguments: {x: {kind: enum, values: ["no", "a"]}}}}' in shown.out
    fixed = lint(policy, "--fix")
    assert fixed.code == 0
    assert fixed.err == f"smcp lint: {policy}: 1 finding mended\n"
    assert '["no", "a"]' in policy.read_text()
    assert lint(policy, "--fix", "--diff").out == ""


def test_a_baseline_is_written_and_leaves_out_what_it_knows(policy: Path) -> None:
    known = policy.with_name("known.json")
    assert lint(policy, "--write-baseline", known).code == 0
    result = lint(policy, "--baseline", known)
    assert (result.code, result.out) == (0, "no findings in 1 file; 1 ignored\n")
    policy.write_text(BAD + "limits: []\n")
    assert [each["code"] for each in lint(policy, "--baseline", known, "--format", "json").json["findings"]] == [
        "POL307"
    ]


def test_statistics_are_a_line_for_each_rule(policy: Path) -> None:
    result = lint(policy, "--statistics")
    assert result.out.splitlines()[0] == "    1  POL105  flood-guard-off  medium"


def test_the_strict_persona_finds_more(policy: Path) -> None:
    policy.write_text("version: 1\naudit: {file: audit.jsonl}\n")
    assert lint(policy).code == 0
    assert "POL903" in lint(policy, "--persona", "strict").out
    assert "POL903" in lint(policy, "--select", "audit-without-key").out


def test_what_the_server_has_is_known_from_a_list_of_tools(policy: Path) -> None:
    policy.write_text("version: 1\ntools: {fnd_book: {infer: false}}\n")
    tools = policy.with_name("tools.json")
    tools.write_text('{"tools": [{"name": "find_book", "inputSchema": {"type": "object"}}]}')
    assert lint(policy).code == 0
    assert (
        f"POL406 unknown-tool-entry (medium): tools.fnd_book: {tools} has no such tool"
        in lint(policy, "--tools", tools).out
    )


def test_many_files_are_counted_on_stderr(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"{number}.yaml").write_text("a: 1\n")
    result = lint(tmp_path)
    assert (result.code, result.out, result.err) == (0, "no findings in 0 files\n", "smcp lint: 500 files\n")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["lint", "--explain"], "POL105"),
        (["lint", "--explain"], "pol105"),
        (["lint", "--explain"], "flood-guard-off"),
        (["explain"], "pol105"),
    ],
)
def test_the_page_of_a_rule_is_printed(command: list[str], name: str) -> None:
    result = smcp(*command, name)
    page = rules()["POL105"].page
    words = " ".join(result.out.split())
    assert result.code == 0
    assert result.out.startswith("POL105 flood-guard-off\n")
    assert [part for part in (page.what, page.why, page.fix, *page.see) if part not in words] == []


def test_all_rules_are_listed() -> None:
    lines = lint("--explain", "all").out.splitlines()
    assert [line.split()[0] for line in lines] == list(rules())
    assert [each["code"] for each in json.loads(lint("--explain", "all", "--format", "json").out)] == list(rules())


def test_a_baseline_that_is_written_anew_forgets_nothing(policy: Path) -> None:
    known = policy.with_name("known.json")
    assert lint(policy, "--write-baseline", known).code == 0
    assert lint(policy, "--baseline", known, "--write-baseline", known).code == 0
    assert lint(policy, "--baseline", known).code == 0


def test_a_baseline_is_not_written_over_a_policy(policy: Path) -> None:
    result = lint(policy, "--write-baseline", policy)
    assert (result.code, policy.read_text()) == (2, BAD)
    assert "is there and no baseline" in result.complaint


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "junit"])
def test_a_name_that_is_no_text_stops_nothing(tmp_path: Path, form: str) -> None:
    folder = os.fsencode(tmp_path)
    try:
        for name, text in ((b"a\xff\x1b]0;.yaml", BAD), (b"b\xff\x1b]0;.yaml", "version: 1\nmode: \x00\n")):
            Path(os.fsdecode(os.path.join(folder, name))).write_text(text)
    except OSError:
        # macOS takes no such name.
        (tmp_path / "a.yaml").write_text(BAD)
        (tmp_path / "b.yaml").write_text("version: 1\nmode: \x00\n")
    result = lint(tmp_path, "--format", form)
    assert result.code == 2
    assert "POL105" in result.out
    assert "binary data" in result.out + result.err
    assert "\x1b" not in result.out + result.err
