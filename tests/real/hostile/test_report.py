"""The document of hostile traffic is what its rows say."""

from __future__ import annotations

from tests.real.hostile.report import DOCUMENT, document


def test_the_document_of_hostile_traffic_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run: python -m tests.real.hostile.report"
