"""The official suite against an SDK server, bare and behind the default policy: the middleware must not show."""

from __future__ import annotations

import pytest

from tests.conformance.expected import SETS, Expected
from tests.conformance.measured import Measured, Set

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("expected", SETS, ids=[f"{each.sdk}-{each.shape}-{each.revision}" for each in SETS]),
]


@pytest.fixture
def measured(request: pytest.FixtureRequest, expected: Expected) -> Measured:
    runs: dict[Set, Measured] = request.getfixturevalue(expected.sdk)
    return runs[expected.set]


def test_the_required_scenarios_pass_as_far_as_the_server_itself_gets(expected: Expected, measured: Measured) -> None:
    assert len(measured.bare.required) == expected.required
    assert len(measured.bare.satisfied) == expected.satisfied
    assert measured.protected.satisfied == measured.bare.satisfied


def test_bare_and_protected_results_are_equal_check_by_check(expected: Expected, measured: Measured) -> None:
    changed = set(measured.bare.checks) ^ set(measured.protected.checks)
    assert not changed and measured.bare.checks == measured.protected.checks


def test_all_that_does_not_pass_is_known_by_name(expected: Expected, measured: Measured) -> None:
    for verdict in (measured.bare, measured.protected):
        assert frozenset(verdict.not_passed) == expected.not_passed
        assert verdict.passed == expected.passed


def test_the_middleware_refuses_exactly_what_is_expected(expected: Expected, measured: Measured) -> None:
    refusals = measured.refusals
    assert refusals.denied == expected.denied
    assert not refusals.reported and refusals.lost == 0


def test_every_exchange_of_a_run_was_judged(expected: Expected, measured: Measured) -> None:
    assert measured.refusals.decided == measured.exchanges > 100


def test_no_client_gets_another_answer_than_from_the_bare_server(expected: Expected, measured: Measured) -> None:
    assert measured.differences == ()
