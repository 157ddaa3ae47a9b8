"""Sizes and rates as an operator writes them, parsed once into plain numbers. Pure; imports nothing of the package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

SIZE_MAX: Final = 64 * 1024 * 1024
"""Bytes. A message is held in memory as bytes and again as values, so one caller can cost several times this."""

SIZE_PATTERN: Final = r"^[0-9]{1,8} ?(B|KB|MB|KiB|MiB)$"
SIZE_EXPECTED: Final = "expected a size: bytes as a number, or 512KiB, 1MiB, 2MB; above 0 and at most 64MiB"
_BYTES: Final = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE: Final = re.compile(SIZE_PATTERN, re.ASCII)

VOLUME_MIN: Final = 4 * 1024
VOLUME_MAX: Final = 1024**4
"""Bytes of a file on disk. Below the least every few records would be a file of their own."""

VOLUME_PATTERN: Final = r"^[0-9]{1,8} ?(B|KB|MB|GB|KiB|MiB|GiB)$"
VOLUME_EXPECTED: Final = "expected a size: bytes as a number, or 64MiB, 1GiB, 10GB; at least 4KiB and at most 1024GiB"
_VOLUME: Final = re.compile(VOLUME_PATTERN, re.ASCII)

RATE_PATTERN: Final = r"^[1-9][0-9]{0,6}/([1-9][0-9]{0,4}s|s|m|h|d|second|minute|hour|day)$"
RATE_EXPECTED: Final = "expected a rate such as 10/second, 100/minute, 5/hour, 50/day or 10/30s"
_SECONDS: Final = {
    "s": 1, "second": 1, "m": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400,
}  # fmt: skip
_NAMES: Final = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}
_RATE: Final = re.compile(RATE_PATTERN, re.ASCII)
COUNT_MAX: Final = 9_999_999
_PERIOD_MAX: Final = 99_999


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` events in `period` seconds. The period is a float because time is; it always holds whole seconds."""

    count: int
    period: float

    def __post_init__(self) -> None:
        """Refuses what no rate string could say, so that every Rate can be written back.

        Raises:
            ValueError: count outside 1..9,999,999, or period not a whole number of seconds in 1..99,999.
        """
        if not 1 <= self.count <= COUNT_MAX or self.period != int(self.period) or not 1 <= self.period <= _PERIOD_MAX:
            raise ValueError(RATE_EXPECTED)

    def __str__(self) -> str:
        seconds = int(self.period)
        return f"{self.count}/{_NAMES.get(seconds, f'{seconds}s')}"


def parse_size(value: object) -> int:
    """Bytes of `value`, a positive int or text such as `512KiB` (1024) or `2MB` (1000).

    Raises:
        ValueError: anything else, or more than 64 MiB.
    """
    size = _size(value, _SIZE)
    if not 0 < size <= SIZE_MAX:
        raise ValueError(SIZE_EXPECTED)
    return size


def parse_volume(value: object) -> int:
    """Bytes of `value`, an int or text such as `64MiB` (1024) or `10GB` (1000).

    Raises:
        ValueError: anything else, less than 4 KiB or more than 1024 GiB.
    """
    volume = _size(value, _VOLUME)
    if not VOLUME_MIN <= volume <= VOLUME_MAX:
        raise ValueError(VOLUME_EXPECTED)
    return volume


def _size(value: object, pattern: re.Pattern[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        return 0
    digits = value.rstrip("BKMGi ")
    return int(digits) * _BYTES[value[len(digits) :].strip()]


def parse_rate(value: object) -> Rate:
    """The rate that `value` says: a Rate, or text `COUNT/UNIT`, UNIT a second, minute, hour, day or `30s`.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, Rate):
        return value
    if not isinstance(value, str) or _RATE.fullmatch(value) is None:
        raise ValueError(RATE_EXPECTED)
    count, _, unit = value.partition("/")
    return Rate(int(count), float(_SECONDS[unit] if unit in _SECONDS else int(unit[:-1])))


DURATION_PATTERN: Final = r"^[0-9]{1,6}(s|m|h|d)$"
DURATION_EXPECTED: Final = "expected a time: seconds as a whole number, or 30s, 5m, 24h, 7d"
_DURATION: Final = re.compile(DURATION_PATTERN, re.ASCII)


def parse_duration(value: object) -> int:
    """Seconds of `value`, a whole number of at least 0 or text such as `24h`.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if not isinstance(value, str) or _DURATION.fullmatch(value) is None:
        raise ValueError(DURATION_EXPECTED)
    return int(value[:-1]) * _SECONDS[value[-1]]


ALLOWANCE_PATTERN: Final = r"^[1-9][0-9]{0,14}/(day|month)$"
ALLOWANCE_EXPECTED: Final = "expected a count per day or month such as 2000000/day"
_ALLOWANCE: Final = re.compile(ALLOWANCE_PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class Allowance:
    """`count` of something in each calendar `span`, "day" or "month" (UTC)."""

    count: int
    span: str

    def __str__(self) -> str:
        return f"{self.count}/{self.span}"


def parse_allowance(value: object) -> Allowance:
    """The allowance that `value` says: an Allowance, or text `COUNT/day` or `COUNT/month`.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, Allowance):
        return value
    if not isinstance(value, str) or _ALLOWANCE.fullmatch(value) is None:
        raise ValueError(ALLOWANCE_EXPECTED)
    count, _, span = value.partition("/")
    return Allowance(int(count), span)
