"""The bench of the search for handed out secrets measures answers that are clean and leaks that are found."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks import leaks
from smcp_security.redaction.sought import Sought, Value
from tests.envelopes import encoded, response


def test_clean_answers_and_leaks_are_measured_for_each_count() -> None:
    sought = Sought(leaks.values(2, Random(1)))
    rows = [*leaks.measure(sought, blocks=1, loops=1), *leaks.measure_leaks(sought)]
    assert len(rows) > 5
    assert {row.secrets for row in rows} == {2}
    assert "16 KB, a leak" in leaks.report(rows)


def test_a_search_that_misses_a_leak_is_not_measured() -> None:
    class Blind(Sought):
        def suspects(self, raw: bytes) -> bool:
            return False

    with pytest.raises(leaks.Missed):
        leaks.measure_leaks(Blind(leaks.values(1, Random(1))))


def test_a_clean_answer_that_is_touched_is_not_measured() -> None:
    sought = Sought([Value("a", b"a text of it")])
    with pytest.raises(leaks.Missed):
        leaks._clean(encoded(response(1, {"content": [{"type": "text", "text": "a text of it"}]})), sought)
