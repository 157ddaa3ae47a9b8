"""The document of edges is what the table says."""

from __future__ import annotations

import pytest

from tests.acceptance.report import DOCUMENT, document


@pytest.fixture(scope="module")
def page() -> str:
    """The document as the table says it now."""
    return document()


def test_the_document_of_edges_is_current(page: str) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == page, "run: python -m tests.acceptance.report --write"


def test_the_document_says_why_a_decorator_cannot_enforce_facts_of_the_wire(page: str) -> None:
    lines = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("| ")]
    place = lines[0].index("decorator")
    cells = {line[1]: line[place] for line in lines if len(line) == len(lines[0])}
    assert [cells[row][:4] for row in ("3", "4", "5", "6")] == ["no (", "no (", "no (", "no ("]
    assert cells["10"] == "all"
