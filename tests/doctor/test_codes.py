"""The table of what can be found: each code is told in full, stands on the page, and is given by some test."""

from __future__ import annotations

import pytest

from smcp_security.doctor.codes import CODES, Code
from tests.architecture.source import ROOT, modules


@pytest.mark.parametrize("row", CODES.values(), ids=lambda row: row.code)
def test_a_row_is_a_sentence_of_meaning_and_one_of_what_to_do(row: Code) -> None:
    assert row.level in ("error", "warning")
    assert all(text[0].isupper() or text.startswith(("server.", "@")) for text in (row.meaning, row.remedy))
    assert row.meaning.endswith(".") and row.remedy.endswith(".")
    assert len({each.slug for each in CODES.values()}) == len(CODES)


@pytest.mark.parametrize("row", CODES.values(), ids=lambda row: row.code)
def test_the_page_says_the_same_as_the_table(row: Code) -> None:
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert f"| {row.code} | {row.slug} | {row.level} | {row.meaning} | {row.remedy} |" in page


@pytest.mark.parametrize("code", CODES)
def test_some_test_makes_each_of_them_happen(code: str) -> None:
    folders = (ROOT / "tests" / "doctor", ROOT / "tests" / "cli")
    files = [path for folder in folders for path in modules(folder) if "doctor" in path.as_posix()]
    assert any(code in path.read_text(encoding="utf-8") for path in files if path.name != "test_codes.py")
