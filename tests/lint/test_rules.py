"""Every rule finds its bad twin and passes its good one; every page says what it must."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from smcp_security.lint.catalogue import RETIRED, SECTIONS, rules
from smcp_security.lint.registry import Rule
from smcp_security.lint.vain import REACH
from tests.architecture.source import PACKAGE, ROOT
from tests.lint.twins import FOLDERS, HERE, findings, twin

EVERY: Final = list(rules().values())
_IDS: Final = [f"{rule.code}-{rule.slug}" for rule in EVERY]
_HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)

each_rule = pytest.mark.parametrize("rule", EVERY, ids=_IDS)


@each_rule
def test_a_rule_finds_its_bad_twin_and_passes_its_good_one(rule: Rule) -> None:
    bad = findings(twin(rule, "bad").read_text(encoding="utf-8"), also=rule.code)
    good = findings(twin(rule, "good").read_text(encoding="utf-8"), also=rule.code)
    assert rule.code in [finding.code for finding in bad]
    assert [(finding.code, finding.message) for finding in good] == []


@each_rule
def test_the_examples_of_a_page_are_what_the_page_says(rule: Rule) -> None:
    page = rule.page
    assert rule.code in [finding.code for finding in findings(page.bad, also=rule.code)]
    assert [(finding.code, finding.message) for finding in findings(page.good, also=rule.code)] == []


@each_rule
def test_a_page_is_made_of_sentences_and_leads_somewhere(rule: Rule) -> None:
    page = rule.page
    assert [text for text in (page.what, page.why, page.fix) if not text.endswith(".")] == []
    assert [each for each in page.see if not _leads_somewhere(each)] == []


def _leads_somewhere(reference: str) -> bool:
    if reference.startswith("https://"):
        return True
    name, _, anchor = reference.partition("#")
    if name == "docs/lint.md" and not (ROOT / name).exists():
        return False
    headings = _HEADING.findall((ROOT / name).read_text(encoding="utf-8"))
    anchors = {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return not anchor or anchor in anchors


@each_rule
def test_a_finding_of_a_rule_points_into_the_file_and_says_what_to_do(rule: Rule) -> None:
    text = twin(rule, "bad").read_text(encoding="utf-8")
    lines = text.splitlines()
    for finding in (each for each in findings(text, also=rule.code) if each.code == rule.code):
        assert 1 <= finding.span.line <= len(lines)
        assert 1 <= finding.span.column <= len(lines[finding.span.line - 1]) + 1
        assert (finding.span.end_line, finding.span.end_column) >= finding.span[:2]
        assert len(finding.message.split()) > 3
        assert not finding.message.endswith(".")


@each_rule
def test_a_rule_that_says_it_mends_offers_a_fix(rule: Rule) -> None:
    text = twin(rule, "bad").read_text(encoding="utf-8")
    offered = {each.fix.safe for each in findings(text, also=rule.code) if each.code == rule.code and each.fix}
    assert rule.code in ("POL001",) or offered == {"no": set(), "safe": {True}, "unsafe": {False}}[rule.fixes]


def test_no_two_rules_share_a_slug_or_a_retired_code() -> None:
    slugs = [rule.slug for rule in EVERY]
    assert sorted({slug for slug in slugs if slugs.count(slug) > 1}) == []
    assert rules().keys() & RETIRED.keys() == set()


def test_every_module_of_rules_is_listed_and_has_rules() -> None:
    files = {path.stem for path in (PACKAGE / "lint" / "rules").glob("*.py")} - {"__init__"}
    assert files == set(SECTIONS)
    assert {rule.look.__module__.rpartition(".")[2] for rule in EVERY} == set(SECTIONS)


def test_every_twin_belongs_to_a_rule() -> None:
    files = [path for folder in set(FOLDERS.values()) for path in (HERE / folder).glob("*")]
    assert sorted({path.name.partition(".")[0] for path in files} - rules().keys()) == []


def test_everything_that_the_loader_warns_of_has_a_rule() -> None:
    """A file of rules that wraps `reach` names each of its functions once."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in Path(PACKAGE / "lint" / "rules").glob("*.py"))
    named = re.findall(r'vain\("([a-z_.]+)", document\)', text)
    assert sorted(named) == sorted(REACH)
