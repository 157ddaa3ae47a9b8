"""What came of a run, in every format: kept as files, valid by their schemas, safe to print."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from smcp_security.lint.finding import Finding, Severity, Span
from smcp_security.lint.report import github, junit, sarif, text
from smcp_security.lint.report import json as machine
from smcp_security.lint.run import Report
from tests.architecture.source import PACKAGE
from tests.lint.snapshots import CREDENTIAL, FOLDER, FORMATS, NAME, rendered, report
from tests.lint.twins import read

HERE = Path(__file__).parent


@cache
def whole() -> Report:
    """The report of the snapshots."""
    return report()


def with_message(message: str, file: str = NAME, line: str = "version: 1") -> Report:
    """A report with one finding that says this."""
    document = read(line + "\n", file)
    finding = replace(whole().findings[0], message=message, file=file, span=Span(1, 1, 1, 8), at="")
    return Report((finding,), {file: document}, (), 0, whole().ran)


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_is_what_it_was(name: str) -> None:
    assert rendered(name) == (FOLDER / name).read_text(encoding="utf-8"), "python -m tests.lint.snapshots --write"


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_shows_a_credential(name: str) -> None:
    shown = rendered(name)
    assert CREDENTIAL not in shown
    assert "POL002" in shown


def test_the_sarif_is_valid_by_the_official_schema() -> None:
    """The schema is the one that Microsoft's jest-sarif 1.0.0-beta.0 (MIT) carries: SARIF 2.1.0-rtm.5."""
    schema = json.loads((HERE / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(json.loads(sarif.render(whole())))] == []
    assert not validator.is_valid({"version": "2.1.0"})


def test_every_sarif_result_has_its_rule_with_a_page_and_a_fingerprint() -> None:
    run = json.loads(sarif.render(whole()))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["helpUri"] and rule["help"]["markdown"] and rule["properties"]["security-severity"]
        assert len(result["partialFingerprints"]["smcpFinding/v1"]) == 32
    assert run["invocations"][0]["executionSuccessful"] is False


@pytest.mark.parametrize(
    ("file", "uri"),
    [("a b/p%.yaml", "a%20b/p%25.yaml"), ("/srv/p.yaml", "file:///srv/p.yaml"), ("./p.yaml", "p.yaml")],
)
def test_a_file_is_named_in_sarif_as_an_address(file: str, uri: str) -> None:
    run = json.loads(sarif.render(with_message("x", file)))["runs"][0]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_the_json_is_valid_by_the_schema_in_the_package() -> None:
    schema = json.loads((PACKAGE / "lint" / "report" / "findings.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    value: Any = json.loads(machine.render(whole()))
    assert [error.message for error in validator.iter_errors(value)] == []
    assert not validator.is_valid({**value, "format": 2})


@pytest.mark.parametrize(
    ("message", "escaped"),
    [
        ("50% off", "50%25 off"),
        ("two\nlines\r", "two%0Alines%0D"),
        ("a: b, c", "a: b, c"),
        ("::error::x", "::error::x"),
    ],
)
def test_a_message_cannot_end_an_annotation(message: str, escaped: str) -> None:
    line = github.render(with_message(message))
    assert line.count("\n") == 0
    assert line.endswith(f"::{escaped}")


def test_a_file_name_cannot_add_a_property_to_an_annotation() -> None:
    line = github.render(with_message("x", "a,line=9:\n%.yaml"))
    assert line.startswith("::warning file=a%2Cline=9%3A%0A%25.yaml,line=1,")


@pytest.mark.parametrize("message", ["<b>&amp;\"'", "two\nlines", "bell \x07 and \x00", "half \ud800", "]]>"])
def test_whatever_a_message_says_the_junit_file_is_xml(message: str) -> None:
    root = ElementTree.fromstring(junit.render(with_message(message)).encode("utf-8"))
    failure = root.find("./testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message", "").startswith(message[:4])


def test_a_clean_file_is_a_case_that_passes() -> None:
    clean = Report((), {"p.yaml": read("version: 1\n")}, (), 0, whole().ran)
    root = ElementTree.fromstring(junit.render(clean))
    assert (root.get("tests"), root.get("failures")) == ("1", "0")
    assert root.find("./testsuite/testcase/failure") is None


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "\u202e", "\u2066", "\x07"])
def test_no_line_of_a_file_reaches_the_terminal_as_a_command(hostile: str) -> None:
    shown = text.render(with_message("x", f"p{hostile}.yaml", line=f"# {hostile}"))
    assert hostile not in shown


def test_a_caret_stands_below_what_it_means() -> None:
    lines = (FOLDER / "report.txt").read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if "POL003" in line)
    source, carets = lines[at + 1], lines[at + 2]
    assert source[carets.index("^") : carets.rindex("^") + 1] == "no"


def test_a_long_line_is_cut_around_its_caret() -> None:
    document = read("version: 1\n# " + "x" * 500 + "\n" + "workers: 1\n", "p.yaml")
    finding = Finding(
        code="POL999", slug="long-line", severity=Severity.LOW, confidence=whole().findings[0].confidence, message="x",
        file="p.yaml", span=Span(2, 300, 2, 310),
    )  # fmt: skip
    shown = text.render(Report((finding,), {"p.yaml": document}, (), 0, whole().ran))
    source, carets = shown.splitlines()[1:3]
    assert len(source) < 150
    assert source.count("...") == 2
    assert carets.count("^") == 10


def test_colours_are_the_only_difference_on_a_terminal() -> None:
    import re

    plain = re.sub(r"\x1b\[[0-9;]*m", "", rendered("report.ansi.txt"))
    assert plain == rendered("report.txt")
    assert "\x1b" not in rendered("report.txt")
