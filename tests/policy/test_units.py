"""Sizes and rates as operators write them."""

from __future__ import annotations

import pytest

from smcp_security.policy.units import SIZE_MAX, VOLUME_MAX, Rate, parse_rate, parse_size, parse_volume


@pytest.mark.parametrize(
    ("written", "size"),
    [(1, 1), (SIZE_MAX, SIZE_MAX), ("512KiB", 524288), ("1MiB", 1048576), ("2MB", 2000000), ("3 KB", 3000), ("7B", 7)],
)
def test_a_size_is_read_as_bytes(written: object, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize(
    "written", [0, -1, SIZE_MAX + 1, "65MiB", "0KB", True, 1.0, "1", "1mib", "1 GB", "-1KB", "1_0KB", "", None, "١KB"]
)
def test_what_is_no_size_or_out_of_bounds_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a size"):
        parse_size(written)


@pytest.mark.parametrize(
    ("written", "volume"), [(4096, 4096), ("4KiB", 4096), ("1GiB", 1024**3), ("10 GB", 10**10), ("1024GiB", VOLUME_MAX)]
)
def test_a_volume_is_read_as_bytes_and_may_be_as_large_as_a_disk(written: object, volume: int) -> None:
    assert parse_volume(written) == volume


@pytest.mark.parametrize("written", [0, 4095, "4095B", "1025GiB", VOLUME_MAX + 1, "1TiB", True, None, "", "1gib"])
def test_what_is_no_volume_or_out_of_bounds_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="at least 4KiB and at most 1024GiB"):
        parse_volume(written)


@pytest.mark.parametrize(
    ("written", "count", "period"),
    [("10/second", 10, 1), ("100/minute", 100, 60), ("5/hour", 5, 3600), ("1/day", 1, 86400), ("10/30s", 10, 30),
     ("2/s", 2, 1), ("2/m", 2, 60), ("2/h", 2, 3600), ("2/d", 2, 86400)],
)  # fmt: skip
def test_a_rate_is_a_count_and_seconds(written: str, count: int, period: int) -> None:
    assert parse_rate(written) == Rate(count, float(period))


@pytest.mark.parametrize(
    "written", ["10", "0/second", "10/fortnight", "10/0s", "-1/s", "1.5/s", 10, None, "10/ s", "+1/s"]
)
def test_what_is_no_rate_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a rate"):
        parse_rate(written)


@pytest.mark.parametrize("rate", [Rate(1, 1.0), Rate(600, 60.0), Rate(9_999_999, 86400.0), Rate(3, 30.0)])
def test_a_rate_is_written_so_that_it_reads_back(rate: Rate) -> None:
    assert parse_rate(str(rate)) == rate


@pytest.mark.parametrize(("count", "period"), [(0, 1.0), (10_000_000, 1.0), (1, 0.5), (1, 0.0), (1, 100_000.0)])
def test_a_rate_that_no_text_could_say_cannot_be_made(count: int, period: float) -> None:
    with pytest.raises(ValueError, match="expected a rate"):
        Rate(count, period)
