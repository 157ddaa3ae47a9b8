"""The page about conformance is what the run gives."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.conformance.expected import NEWEST, OLDER, SETS
from tests.conformance.measured import Measured, Set
from tests.conformance.report import rendered, written


@pytest.mark.real
def test_the_page_shows_what_the_run_gives(newest: Mapping[Set, Measured], older: Mapping[Set, Measured]) -> None:
    # `python -m tests.conformance.report --write` brings it up to date.
    assert written() == rendered({NEWEST: newest, OLDER: older})


def test_the_page_names_every_refusal_with_its_reason() -> None:
    page = written()
    for refusal in (refusal for expected in SETS for refusal in expected.refusals):
        assert refusal.why in page and f"`{refusal.code}`" in page
