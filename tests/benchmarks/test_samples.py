"""What is said of durations: the calmest block speaks for the code, all of them for the machine."""

from __future__ import annotations

import pytest

from benchmarks.samples import Samples, markdown, percentile


def test_the_median_is_that_of_the_calmest_block() -> None:
    assert Samples([[9000, 9000, 9000], [1000, 2000, 8000]]).p50 == 2.0


def test_the_99th_percentile_is_that_of_the_calmest_block() -> None:
    samples = Samples([[1000] * 99 + [5000], [1000] * 90 + [9000] * 10])
    assert (samples.p99, samples.p99_of_all) == (1.0, 9.0)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 5), (0.9, 9), (0.99, 10), (1.0, 10)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share) == value


def test_a_table_has_as_many_cells_in_every_line() -> None:
    lines = markdown(("what", "ms"), [["one", "1.0"], ["another", "12.0"]]).splitlines()
    assert {line.count("|") for line in lines} == {3}
    assert len({len(line) for line in lines}) == 1
