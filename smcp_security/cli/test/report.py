"""What `smcp test` prints: text for people, JSON for programs, JUnit for CI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import msgspec

from smcp_security.cli.test.coverage import Rule
from smcp_security.cli.test.trial import Verdict


class Played(msgspec.Struct, frozen=True):
    """One case that was played. `problem` is empty where the verdict is what was expected."""

    name: str
    line: int
    verdict: Verdict
    problem: str
    seconds: float


class Run(msgspec.Struct, frozen=True):
    """Everything that was played of one file of cases. `rules` is None where nobody asked what they cover."""

    policy: str
    file: str
    played: Sequence[Played]
    rules: Sequence[Rule] | None

    @property
    def failed(self) -> list[Played]:
        """Those that came out otherwise than expected."""
        return [each for each in self.played if each.problem]


def as_text(run: Run) -> str:
    """Failures with their line, what no case holds in place, and the count."""
    lines = [f"{run.file}:{each.line}: {_printable(each.name)}: {_printable(each.problem)}" for each in run.failed]
    passed = len(run.played) - len(run.failed)
    rules = run.rules or ()
    open_ = [rule.name for rule in rules if rule.covered is False]
    if open_:
        lines.append("no case would notice if these were missing:")
        lines += [f"  {name}" for name in open_]
    lines.append(f"{passed} of {len(run.played)} cases as expected" + _covered(run))
    return "\n".join(lines)


def _covered(run: Run) -> str:
    if run.rules is None:
        return ""
    told = f"; {sum(rule.covered is True for rule in run.rules)} of {len(run.rules)} rules of {run.policy} covered"
    untried = sum(rule.covered is None for rule in run.rules)
    return told + (f", {untried} not tried: too much to play; make several files of the cases" if untried else "")


def as_facts(run: Run) -> dict[str, Any]:
    """The same as JSON holds it."""
    rules = run.rules
    return {
        "version": 1,
        "policy": run.policy,
        "file": run.file,
        "cases": [
            {
                "name": each.name,
                "line": each.line,
                "passed": not each.problem,
                "problem": each.problem or None,
                "outcome": each.verdict.outcome,
                "codes": [finding.code for finding in each.verdict.findings],
            }
            for each in run.played
        ],
        "rules": None if rules is None else [{"path": rule.name, "covered": rule.covered} for rule in rules],
    }


def as_junit(run: Run) -> str:
    """JUnit XML, as CI servers read it: a case of the file is a test case."""
    suite = ElementTree.Element(
        "testsuite",
        {
            "name": _printable(f"smcp test {run.policy}"),
            "tests": str(len(run.played)),
            "failures": str(len(run.failed)),
            "errors": "0",
            "time": f"{sum(each.seconds for each in run.played):.6f}",
        },
    )
    for each in run.played:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {
                "classname": _printable(run.file),
                "name": _printable(each.name),
                "line": str(each.line),
                "time": f"{each.seconds:.6f}",
            },
        )
        if each.problem:
            ElementTree.SubElement(case, "failure", {"message": _printable(each.problem)})
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True)


def _printable(text: str) -> str:
    """XML has no place for most control characters, not even escaped."""
    return text if text.isprintable() else ascii(text)
