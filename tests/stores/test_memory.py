"""Rates by GCRA: known answers, the promise of burst + rate * t, all or none, bounded keys, threads."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.rung import Charge, Claim, Draw, Refusal, Release, Settle, Slot, Spend
from smcp_security.errors import StoreAway
from smcp_security.stores.counters import Slots
from smcp_security.stores.memory import MemoryStore


def _charge(key: str = "k", *, interval: float = 1.0, burst: int = 1, cost: int = 1, shared: str = "shared") -> Charge:
    return Charge(key, interval, burst, shared, cost)


def _spend(store: MemoryStore, now: float, *charges: Charge) -> Refusal | None:
    return store.spend(Spend(charges), now)


@pytest.mark.parametrize(
    ("charge", "arrivals", "accepted"),
    [
        (_charge(), [0, 0, 0.5, 1, 1.5, 2], "+--+-+"),
        (_charge(burst=3), [0, 0, 0, 0, 1, 1, 2, 3], "+++-+-++"),
        (_charge(burst=2, interval=0.5), [0, 0, 0, 0.49, 0.5, 0.5, 10, 10, 10], "++--+-++-"),
        (_charge(burst=10, cost=5), [0, 0, 0, 4, 5], "++--+"),
        (_charge(burst=10, cost=11), [0, 100], "--"),
        (_charge(burst=1, interval=60.0), [0, 59.9, 60, 119, 120], "+-+-+"),
        (_charge(burst=600, interval=0.1), [0] * 601, "+" * 600 + "-"),
    ],
)
def test_the_rate_algorithm_gives_known_answers(charge: Charge, arrivals: list[float], accepted: str) -> None:
    store = MemoryStore()
    given = ["-" if _spend(store, 1000.0 + arrival, charge) else "+" for arrival in arrivals]
    assert "".join(given) == accepted


def test_the_wait_that_a_refusal_names_is_exactly_enough() -> None:
    store, charge = MemoryStore(), _charge(burst=2, interval=3.0)
    assert _spend(store, 10.0, charge) is None and _spend(store, 10.0, charge) is None
    refusal = _spend(store, 11.0, charge)
    assert refusal is not None and refusal.wait == pytest.approx(2.0)
    assert _spend(store, 11.0 + refusal.wait - 0.01, charge) is not None
    assert _spend(store, 11.0 + refusal.wait, charge) is None


@given(
    st.lists(st.tuples(st.floats(0, 5), st.sampled_from("abc"), st.integers(1, 3)), max_size=60),
    st.integers(1, 8),
    st.floats(0.01, 3),
)
def test_no_key_ever_gets_more_than_burst_and_rate_allow(
    steps: list[tuple[float, str, int]], burst: int, interval: float
) -> None:
    store, now, units = MemoryStore(), 50.0, dict.fromkeys("abc", 0)
    for pause, key, cost in steps:
        now += pause
        if _spend(store, now, _charge(key, burst=burst, interval=interval, cost=cost)) is None:
            units[key] += cost
    allowed = burst + (now - 50.0) / interval
    assert all(taken <= allowed + 1e-6 for taken in units.values())


@given(st.lists(st.floats(0, 5), max_size=40), st.integers(1, 8), st.floats(0.01, 3))
def test_whoever_keeps_to_the_rate_is_never_refused(pauses: list[float], burst: int, interval: float) -> None:
    store, now, charge = MemoryStore(), 50.0, _charge(burst=burst, interval=interval)
    for pause in pauses:
        now += interval + pause
        assert _spend(store, now, charge) is None


def test_several_charges_are_made_together_or_not_at_all() -> None:
    store = MemoryStore()
    wide, narrow = _charge("wide", burst=3), _charge("narrow", burst=1, interval=100.0)
    assert _spend(store, 1.0, wide, narrow) is None
    for _ in range(10):
        refusal = _spend(store, 1.0, wide, narrow)
        assert refusal is not None and refusal.place == 1 and refusal.wait == pytest.approx(100.0)
    # Ten refusals cost the first counter nothing.
    assert _spend(store, 1.0, wide) is None and _spend(store, 1.0, wide) is None
    assert _spend(store, 1.0, wide) is not None


def test_the_longest_wait_of_several_is_named() -> None:
    store = MemoryStore()
    charges = [_charge("a", interval=5.0), _charge("b", interval=50.0), _charge("c", interval=10.0)]
    assert _spend(store, 1.0, *charges) is None
    refusal = _spend(store, 1.0, *charges)
    assert refusal is not None and refusal.place == 1 and refusal.wait == pytest.approx(50.0)


def test_two_charges_of_one_key_count_twice() -> None:
    store = MemoryStore()
    twice = [_charge("a", burst=2), _charge("a", burst=2)]
    assert _spend(store, 1.0, *twice) is None
    assert _spend(store, 1.0, _charge("a", burst=2)) is not None


def test_keys_do_not_know_each_other() -> None:
    store = MemoryStore()
    assert [_spend(store, 1.0, _charge(key)) for key in "abc"] == [None, None, None]
    assert _spend(store, 1.0, _charge("b")) is not None


def test_no_charge_at_all_is_no_refusal() -> None:
    assert _spend(MemoryStore(), 1.0) is None


def test_filling_the_store_never_resets_a_busy_key() -> None:
    store, victim = MemoryStore(max_keys=50), _charge("victim", interval=1000.0)
    assert _spend(store, 1.0, victim) is None
    for place in range(500):
        _spend(store, 1.0 + place / 100, _charge(f"flood{place}", interval=1000.0))
    assert _spend(store, 10.0, victim) is not None


def test_newcomers_of_a_full_store_share_one_bucket() -> None:
    store = MemoryStore(max_keys=3)
    for key in "abc":
        _spend(store, 1.0, _charge(key, interval=1000.0))
    assert _spend(store, 1.0, _charge("d")) is None
    assert _spend(store, 1.0, _charge("e")) is not None
    # The twin: where there is room, each has its own.
    roomy = MemoryStore(max_keys=10)
    assert _spend(roomy, 1.0, _charge("d")) is None and _spend(roomy, 1.0, _charge("e")) is None


def test_the_number_of_keys_is_bounded() -> None:
    store = MemoryStore(max_keys=20)
    for place in range(1000):
        _spend(store, 1.0, _charge(f"k{place}", interval=1000.0))
    assert len(store._rates.idle_at) <= 21


def test_idle_keys_make_room_for_new_ones() -> None:
    store = MemoryStore(max_keys=3)
    for key in "abc":
        _spend(store, 1.0, _charge(key))
    assert _spend(store, 100.0, _charge("d")) is None
    assert _spend(store, 100.0, _charge("e")) is None
    assert "a" not in store._rates.idle_at


def _hammer(store: MemoryStore, charges: Sequence[Charge], threads: int, tries: int) -> int:
    """How many spends were taken when `threads` threads try at once."""
    taken: list[int] = []
    start = Barrier(threads)

    def run() -> None:
        start.wait()
        taken.append(sum(store.spend(Spend(charges), 5.0) is None for _ in range(tries)))

    workers = [Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(taken)


def test_eight_threads_on_one_key_never_get_one_too_many() -> None:
    charge = _charge(burst=500, interval=1000.0)
    assert _hammer(MemoryStore(), [charge], 8, 200) == 500
    several = [charge, _charge("other", burst=700, interval=1000.0)]
    assert _hammer(MemoryStore(), several, 8, 200) == 500


def test_a_lock_that_was_held_at_the_fork_is_replaced() -> None:
    store = MemoryStore()
    store._lock.acquire()
    store.reset_lock()
    assert _spend(store, 1.0, _charge()) is None


# -- on a clock of the test's own, and full ----------------------------------------------------------------------------


class Clock:
    """Time that the test makes."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _draw(key: str, cost: int = 1, *, limit: int = 10, ends: float = 100.0) -> Draw:
    return Draw(key, limit, cost, ends, "shared")


def _slot(key: str, holder: str, *, limit: int = 1, ttl: float = 30.0) -> Slot:
    return Slot(key, limit, holder, ttl, "shared")


def test_a_budget_begins_anew_after_its_window() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    assert store.spend(Spend(draws=[_draw("k", 10)])) is None
    clock.now += 99.0
    assert store.spend(Spend(draws=[_draw("k")])) == Refusal(0, 100.0)
    clock.now += 200.0
    assert store.spend(Spend(draws=[_draw("k")])) is None


def test_filling_the_store_never_resets_a_budget() -> None:
    clock = Clock()
    store = MemoryStore(max_keys=20, clock=clock)
    assert store.spend(Spend(draws=[_draw("victim", 10)])) is None
    for place in range(300):
        clock.now += 0.1
        store.spend(Spend(draws=[_draw(f"flood{place}")]))
    assert store.spend(Spend(draws=[_draw("victim")])) is not None
    assert len(store._budgets) <= 21


def test_newcomers_of_a_full_store_share_one_budget_and_settle_it() -> None:
    store = MemoryStore(max_keys=2)
    assert store.spend(Spend(draws=[_draw("a"), _draw("b")])) is None
    assert store.spend(Spend(draws=[_draw("c", 4)])) is None
    store.answer(Settle([_draw("d", 6)]))
    assert store.spend(Spend(draws=[_draw("e")])) is not None
    assert store.spend(Spend(draws=[_draw("a")])) is None


def test_budgets_whose_window_is_over_make_room() -> None:
    clock = Clock()
    store = MemoryStore(max_keys=2, clock=clock)
    assert store.spend(Spend(draws=[_draw("a"), _draw("b")])) is None
    clock.now += 200.0
    assert store.spend(Spend(draws=[_draw("c", 10)])) is None
    assert store.spend(Spend(draws=[_draw("d", 10)])) is None


def test_newcomers_of_a_full_store_share_slots_and_give_them_back() -> None:
    store = MemoryStore(max_keys=2)
    assert store.spend(Spend(slots=[_slot("a", "1"), _slot("b", "2")])) is None
    assert store.spend(Spend(slots=[_slot("c", "3")])) is None
    assert store.spend(Spend(slots=[_slot("d", "4")])) is not None
    store.answer(Release([_slot("c", "3")]))
    assert store.spend(Spend(slots=[_slot("d", "4")])) is None


def test_slots_that_lapsed_make_room() -> None:
    clock = Clock()
    store = MemoryStore(max_keys=2, clock=clock)
    assert store.spend(Spend(slots=[_slot("a", "1"), _slot("b", "2")])) is None
    clock.now += 31.0
    assert store.spend(Spend(slots=[_slot("c", "3"), _slot("d", "4")])) is None
    assert len(store._slots) <= 2


def test_a_slot_that_is_held_does_not_lapse_in_memory() -> None:
    clock, owner = Clock(), Clock()
    store = MemoryStore(clock=clock)
    assert store.spend(Spend(slots=[_slot("a", "1")])) is None
    store.hold([_slot("a", "1")], owner)
    clock.now += 1000.0
    assert store.spend(Spend(slots=[_slot("a", "2")])) == Refusal(0, 0.0)
    del owner
    assert store.spend(Spend(slots=[_slot("a", "2")])) is None


def test_a_store_full_of_claims_refuses_another_and_keeps_those() -> None:
    clock = Clock()
    store = MemoryStore(max_keys=3, clock=clock)
    for key in "abc":
        assert store.answer(Claim(key, "ann", 60.0)) == "ann"
    with pytest.raises(StoreAway):
        store.answer(Claim("d", "bob", 60.0))
    assert store.answer(Claim("d", "", 60.0)) == ""
    assert store.answer(Claim("a", "ann", 60.0)) == "ann" and store.answer(Claim("a", "bob", 60.0)) == "ann"
    clock.now += 61.0
    assert store.answer(Claim("d", "bob", 60.0)) == "bob"


def test_a_claim_lives_on_while_its_owner_comes_back() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    for _ in range(5):
        assert store.answer(Claim("k", "ann", 60.0)) == "ann"
        clock.now += 50.0
    assert store.answer(Claim("k", "bob", 60.0)) == "ann"
    clock.now += 60.0
    assert store.answer(Claim("k", "bob", 60.0)) == "bob"


def test_a_revocation_that_ends_is_a_change_of_the_names() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    store.revoke("key:a", 10.0)
    names = store.standing_names()
    clock.now += 9.0
    assert store.standing_names() is names
    clock.now += 1.0
    assert store.standing_names() == frozenset()


def test_a_child_after_a_fork_holds_no_slot_of_its_parent() -> None:
    store, owner = MemoryStore(), Clock()
    assert store.spend(Spend(slots=[_slot("a", "1")])) is None
    store.hold([_slot("a", "1")], owner)
    store._lock.acquire()
    store.reset_lock()
    assert store.spend(Spend(slots=[_slot("a", "2")])) is None
    store.answer(Release([_slot("a", "2")]))
    assert len(store._slots) == 0


def test_a_slot_that_is_held_no_more_lapses_with_its_time_or_is_given_back_before() -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])
    owner, slot = Slots(1), _slot("k", "first", ttl=30.0)
    for ends in (29.0, 30.0):
        assert store.answer(Spend(slots=[slot])) is None
        store.hold([slot], owner)
        now[0] += 1000.0
        store.lapse([slot])
        now[0] += ends
        assert (store.answer(Spend(slots=[_slot("k", "second")])) is None) is (ends == 30.0)
        store.answer(Release([slot, _slot("k", "second")]))


def test_many_revoked_names_are_looked_through_only_when_one_lapses() -> None:
    clocked: list[float] = []

    def clock() -> float:
        clocked.append(0.0)
        return now[0]

    now = [0.0]
    store = MemoryStore(clock=clock)
    for number in range(50):
        store.revoke(f"key:{number}", 10.0 + number)
    names = store.standing_names()
    assert len(names) == 50 and store.standing_names() is names
    now[0] = 20.0
    assert len(store.standing_names()) == 39 and "key:11" in store.standing_names()
    now[0] = 1e9
    assert store.standing_names() == frozenset()
    clocked.clear()
    store.revoke("key:ever")
    assert store.standing_names() == {"key:ever"} and clocked == []
