"""Every finding code that code or documents name is defined, once, and every defined code is used."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from smcp_security.codes import CODES
from smcp_security.rulebook import load
from tests.architecture.source import PACKAGE, modules, name, project_files

_CODE = re.compile(r"\bSMCP\d{3}\b")
_TABLE = PACKAGE / "codes.py"
_MOST_LEVELS = 3


def _mentions(paths: Iterable[Path]) -> dict[str, str]:
    """Code -> a file that names it."""
    return {code: name(path) for path in paths for code in _CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_that_the_package_or_a_document_names_is_defined() -> None:
    documents = [path for path in project_files() if path.suffix in (".md", ".yaml")]
    known = CODES.keys() | load(_MOST_LEVELS).rules.keys()
    mentioned = _mentions([*modules(), *documents])
    assert {code: path for code, path in mentioned.items() if code not in known} == {}


def test_every_code_of_the_table_is_given_by_some_code() -> None:
    given = _mentions(path for path in modules() if path != _TABLE)
    assert sorted(CODES.keys() - given.keys()) == []


def test_no_code_is_both_in_the_table_and_a_rule() -> None:
    assert sorted(CODES.keys() & load(_MOST_LEVELS).rules.keys()) == []


def test_no_two_codes_share_a_slug() -> None:
    slugs = [row.slug for row in CODES.values()] + [rule.slug for rule in load(_MOST_LEVELS).rules.values()]
    assert sorted(slug for slug in set(slugs) if slugs.count(slug) > 1) == []


def test_every_code_says_what_it_means_and_what_to_do() -> None:
    assert [
        code for code, row in CODES.items() if not (row.meaning.endswith(".") and row.remediation.endswith("."))
    ] == []
