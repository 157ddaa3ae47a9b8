"""How the suite's results are counted, on made-up ones."""

from __future__ import annotations

import pytest

from tests.conformance.suite import HURRIED, Check, Verdict


def _verdict(*statuses: str, id: str = "check") -> Verdict:
    return Verdict(frozenset({"scenario"}), tuple(Check("scenario", id, "Case", status) for status in statuses))


@pytest.mark.parametrize("statuses", [("SUCCESS",), ("SUCCESS", "INFO", "SKIPPED", "WARNING")])
def test_a_scenario_with_no_failure_is_satisfied(statuses: tuple[str, ...]) -> None:
    assert _verdict(*statuses).satisfied == {"scenario"}


@pytest.mark.parametrize("statuses", [(), ("FAILURE",), ("SUCCESS", "FAILURE"), ("SKIPPED",), ("INFO",)])
def test_a_scenario_that_failed_or_checked_nothing_is_not(statuses: tuple[str, ...]) -> None:
    assert _verdict(*statuses).satisfied == frozenset()


def test_whatever_is_neither_passed_nor_told_counts_as_not_passed() -> None:
    verdict = _verdict("SUCCESS", "INFO", "FAILURE", "WARNING", "SKIPPED")
    assert [check.status for check in verdict.not_passed] == ["FAILURE", "WARNING", "SKIPPED"]
    assert (verdict.passed, verdict.failed) == (1, 1)


def test_only_checks_with_a_short_limit_ask_for_another_run() -> None:
    short = min(HURRIED)
    assert _verdict("FAILURE", id=short).hurried and _verdict("WARNING", id=short).hurried
    assert not _verdict("SUCCESS", id=short).hurried
    assert not _verdict("FAILURE").hurried
