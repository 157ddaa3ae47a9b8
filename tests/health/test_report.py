"""What follows from the parts for the whole."""

from __future__ import annotations

from smcp_security.health.report import Answer, closed, health_of, part_of

FINE = Answer(True, "answers", 0.01)
AWAY = Answer(False, "away", 0.25)


def test_a_guard_whose_parts_all_work_is_ready() -> None:
    health = health_of([part_of("store", [(FINE, True)]), part_of("audit", [(FINE, False)])])
    assert (health.live, health.ready, health.status) == (True, True, "ready")


def test_a_part_that_denies_everything_makes_the_guard_unready_and_leaves_it_live() -> None:
    health = health_of([part_of("store", [(AWAY, True)]), part_of("audit", [(FINE, True)])])
    assert (health.live, health.ready, health.status) == (True, False, "unready")


def test_a_part_that_denies_nothing_leaves_the_guard_ready_and_says_so() -> None:
    health = health_of([part_of("store", [(AWAY, False)]), part_of("audit", [(FINE, True)])])
    assert (health.live, health.ready, health.status) == (True, True, "degraded")
    [store, _] = health.parts
    assert (store.ok, store.detail, store.denies) == (False, "away", False)


def test_a_part_with_several_sources_denies_once_none_of_them_is_left() -> None:
    one_left = part_of("keys", [(AWAY, True), (FINE, True)])
    assert (one_left.ok, one_left.denies, one_left.detail) == (False, False, "away")
    assert part_of("keys", [(AWAY, True), (AWAY, True)]).denies


def test_a_source_that_works_yet_keeps_its_part_from_denying() -> None:
    ailing = Answer(False, "old", 0.01, works=True)
    part = part_of("keys", [(ailing, True)])
    assert (part.ok, part.denies, health_of([part]).status) == (False, False, "degraded")


def test_a_part_takes_as_long_as_its_slowest_source() -> None:
    assert part_of("keys", [(FINE, True), (AWAY, True)]).seconds == 0.25


def test_a_closed_guard_is_neither_live_nor_ready() -> None:
    health = closed()
    assert (health.live, health.ready, health.status) == (False, False, "closed")
