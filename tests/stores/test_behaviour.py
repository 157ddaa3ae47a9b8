"""One table of what every store does, run against memory, Valkey, the system's Redis, and the store with a fallback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from threading import Event, Thread
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smcp_security.checks.rung import AskStanding, Charge, Claim, Draw, Refusal, Release, Settle, Slot, Spend, Standing
from smcp_security.stores.memory import MemoryStore
from smcp_security.stores.shared import SharedStore
from smcp_security.stores.store import Store, open_remote
from tests.stores.conftest import PATIENCE
from tests.stores.keyserver import KeyServer

# Long enough that no test sees a unit come back.
AGES: Final = 100_000.0
_serial: Final = count()


def _never(state: str) -> None:
    raise AssertionError(f"the store is {state}")


@pytest.fixture(params=["memory", "valkey", "redis"])
def store(request: pytest.FixtureRequest, namespace: str) -> Iterator[Store]:
    """Each kind of store, empty."""
    if request.param == "memory":
        yield MemoryStore()
        return
    server: KeyServer = request.getfixturevalue("valkey" if request.param == "valkey" else "debian_redis")
    made = SharedStore(open_remote(server.url, namespace, PATIENCE), 4, _never)
    yield made
    made.close()


def _key() -> str:
    return f"k{next(_serial)}"


def _spend(
    store: Store, charges: Sequence[Charge] = (), draws: Sequence[Draw] = (), slots: Sequence[Slot] = ()
) -> Refusal | None:
    answer = store.answer(Spend(charges, False, draws, slots))
    assert answer is None or isinstance(answer, Refusal)
    return answer


def _charge(key: str, *, interval: float = AGES, burst: int = 1, cost: int = 1) -> Charge:
    return Charge(key, interval, burst, "shared", cost)


def _slot(key: str, holder: str, *, limit: int = 1, ttl: float = AGES) -> Slot:
    return Slot(key, limit, holder, ttl, "shared")


# -- rates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("burst", "costs", "accepted"),
    [
        (1, [1, 1], "+-"),
        (3, [1, 1, 1, 1], "+++-"),
        (10, [5, 5, 1], "++-"),
        (10, [5, 6, 5], "+-+"),
        (10, [11, 10], "-+"),
    ],
)
def test_a_burst_is_given_out_to_the_last_unit(store: Store, burst: int, costs: list[int], accepted: str) -> None:
    key = _key()
    given = ["-" if _spend(store, [_charge(key, burst=burst, cost=cost)]) else "+" for cost in costs]
    assert "".join(given) == accepted


def test_whoever_waits_as_long_as_the_refusal_says_is_served(store: Store) -> None:
    charge = _charge(_key(), interval=0.1)
    while (refusal := _spend(store, [charge])) is None:
        pass
    assert refusal.place == 0 and 0 < refusal.wait <= 0.1
    # The wait itself is what is tested.
    Event().wait(refusal.wait)
    assert _spend(store, [charge]) is None


def test_the_wait_is_the_time_until_enough_units_are_back(store: Store) -> None:
    key = _key()
    assert _spend(store, [_charge(key, burst=10, cost=10)]) is None
    refusal = _spend(store, [_charge(key, burst=10, cost=4)])
    assert refusal is not None and refusal.wait == pytest.approx(4 * AGES, abs=60)


def test_a_refused_charge_costs_the_others_nothing(store: Store) -> None:
    wide, narrow = _charge(_key(), burst=3), _charge(_key())
    assert _spend(store, [wide, narrow]) is None
    for _ in range(5):
        refusal = _spend(store, [wide, narrow])
        assert refusal is not None and refusal.place == 1
    assert [_spend(store, [wide]) is None for _ in range(3)] == [True, True, False]


def test_the_charge_that_has_to_wait_longest_is_named(store: Store) -> None:
    charges = [_charge(_key(), interval=interval) for interval in (AGES, 3 * AGES, 2 * AGES)]
    assert _spend(store, charges) is None
    refusal = _spend(store, charges)
    assert refusal is not None and refusal.place == 1 and refusal.wait == pytest.approx(3 * AGES, abs=60)


def test_two_charges_of_one_key_in_one_spend_count_twice(store: Store) -> None:
    charge = _charge(_key(), burst=2)
    assert _spend(store, [charge, charge]) is None
    assert _spend(store, [charge]) is not None


def test_nothing_to_spend_is_never_refused(store: Store) -> None:
    assert _spend(store) is None


@pytest.mark.parametrize("name", ["", "a" * 10_000, "\ud800", "{}", "\x00", "é|\n", "limit:*"])
def test_a_counter_may_have_any_name(store: Store, name: str) -> None:
    charge = _charge(_key() + name)
    assert _spend(store, [charge]) is None
    assert _spend(store, [charge]) is not None


# -- budgets -----------------------------------------------------------------------------------------------------------


def test_a_budget_is_given_out_to_the_last_unit(store: Store) -> None:
    key = _key()
    costs = [60, 40, 1]
    refusals = [_spend(store, draws=[Draw(key, 100, cost, 500.0)]) for cost in costs]
    assert refusals == [None, None, Refusal(0, 500.0)]


def test_a_draw_over_the_rest_takes_nothing_of_it(store: Store) -> None:
    key = _key()
    assert _spend(store, draws=[Draw(key, 100, 60, 500.0)]) is None
    assert _spend(store, draws=[Draw(key, 100, 41, 500.0)]) is not None
    assert _spend(store, draws=[Draw(key, 100, 40, 500.0)]) is None


def test_what_was_used_already_is_taken_even_where_it_does_not_fit(store: Store) -> None:
    key = _key()
    assert _spend(store, draws=[Draw(key, 100, 99, 500.0)]) is None
    assert store.answer(Settle([Draw(key, 100, 5_000, 500.0)])) is None
    refusal = _spend(store, draws=[Draw(key, 5_100, 2, 500.0)])
    assert refusal is not None
    assert _spend(store, draws=[Draw(key, 5_100, 1, 500.0)]) is None


def test_a_settled_budget_is_the_one_that_is_drawn_from(store: Store) -> None:
    key = _key()
    store.answer(Settle([Draw(key, 10, 10, 500.0)]))
    assert _spend(store, draws=[Draw(key, 10, 1, 500.0)]) is not None
    assert _spend(store, draws=[Draw(_key(), 10, 1, 500.0)]) is None


def test_settling_nothing_is_no_question(store: Store) -> None:
    assert store.answer(Settle(())) is None and store.answer(Release(())) is None


def test_a_large_budget_is_counted_exactly(store: Store) -> None:
    key, limit = _key(), 999_999_999_999_999
    assert _spend(store, draws=[Draw(key, limit, limit - 1, 500.0)]) is None
    assert [_spend(store, draws=[Draw(key, limit, 1, 500.0)]) is None for _ in range(2)] == [True, False]


# -- slots -------------------------------------------------------------------------------------------------------------


def test_as_many_slots_are_held_as_there_are(store: Store) -> None:
    key = _key()
    taken = [_spend(store, slots=[_slot(key, f"h{place}", limit=2)]) for place in range(3)]
    assert taken == [None, None, Refusal(0, 0.0)]


def test_a_slot_given_back_is_free_for_another(store: Store) -> None:
    key = _key()
    assert _spend(store, slots=[_slot(key, "a")]) is None
    store.answer(Release([_slot(key, "b")]))
    assert _spend(store, slots=[_slot(key, "c")]) is not None
    store.answer(Release([_slot(key, "a")]))
    assert _spend(store, slots=[_slot(key, "c")]) is None


def test_a_holder_that_asks_again_takes_no_second_slot(store: Store) -> None:
    key = _key()
    assert [_spend(store, slots=[_slot(key, "a", limit=2)]) for _ in range(3)] == [None] * 3
    assert _spend(store, slots=[_slot(key, "b", limit=2)]) is None
    assert _spend(store, slots=[_slot(key, "c", limit=2)]) is not None


def test_a_slot_that_nobody_renews_comes_back(store: Store) -> None:
    key = _key()
    assert _spend(store, slots=[_slot(key, "dead", ttl=0.02)]) is None
    # The time to live itself is what is tested.
    Event().wait(0.03)
    assert _spend(store, slots=[_slot(key, "b")]) is None


def _comes_free(store: Store, key: str) -> bool:
    for _ in range(200):
        if _spend(store, slots=[_slot(key, "b")]) is None:
            return True
        Event().wait(0.01)
    return False


def test_a_slot_whose_owner_is_gone_comes_back(store: Store) -> None:
    class Owner:
        pass

    key, owner = _key(), Owner()
    slot = _slot(key, "a", ttl=0.3)
    assert _spend(store, slots=[slot]) is None
    store.hold([slot], owner)
    del owner
    assert _comes_free(store, key)


def test_a_slot_that_is_held_outlives_its_time(store: Store) -> None:
    class Owner:
        pass

    key, owner = _key(), Owner()
    slot = _slot(key, "a", ttl=0.3)
    assert _spend(store, slots=[slot]) is None
    store.hold([slot], owner)
    Event().wait(0.7)
    assert _spend(store, slots=[_slot(key, "b")]) is not None
    store.answer(Release([slot]))
    # A renewal that is under way puts it there once more, and takes it away again.
    assert _comes_free(store, key)


# -- all or none -------------------------------------------------------------------------------------------------------


def test_charges_draws_and_slots_are_taken_together_or_not_at_all(store: Store) -> None:
    rate, budget, place = _key(), _key(), _key()
    charge, draw = _charge(rate, burst=2), Draw(budget, 2, 1, 500.0)
    assert _spend(store, slots=[_slot(place, "other")]) is None
    for _ in range(4):
        assert _spend(store, [charge], [draw], [_slot(place, "a")]) == Refusal(2, 0.0)
    store.answer(Release([_slot(place, "other")]))
    assert _spend(store, [charge], [draw], [_slot(place, "a")]) is None
    assert _spend(store, [charge], [draw], [_slot(place, "a")]) is None
    refusal = _spend(store, [charge], [draw], [_slot(place, "a")])
    assert refusal is not None and refusal.place == 0


class Model:
    """What a store should do, as plainly as it can be said. No time passes."""

    def __init__(self) -> None:
        self.units: dict[str, int] = {}
        self.used: dict[str, int] = {}
        self.held: dict[str, set[str]] = {}

    def spend(self, question: Spend) -> bool:
        """Whether it fits; if so it is taken."""
        units, used = dict(self.units), dict(self.used)
        held = {key: set(holders) for key, holders in self.held.items()}
        for charge in question.charges:
            units[charge.key] = units.get(charge.key, 0) + charge.cost
        for draw in question.draws:
            used[draw.key] = used.get(draw.key, 0) + draw.cost
        for slot in question.slots:
            held.setdefault(slot.key, set()).add(slot.holder)
        fits = (
            all(units[charge.key] <= charge.burst for charge in question.charges)
            and all(used[draw.key] <= draw.limit for draw in question.draws)
            and all(len(held[slot.key]) <= slot.limit for slot in question.slots)
        )
        if fits:
            self.units, self.used, self.held = units, used, held
        return fits


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_history_of_spends_is_what_the_model_says(store: Store, data: st.DataObject) -> None:
    case = f"{next(_serial)}:"
    charges = st.builds(
        lambda key, cost: _charge(case + key, burst=4, cost=cost), st.sampled_from("ab"), st.integers(1, 3)
    )
    draws = st.builds(lambda key, cost: Draw(case + key, 6, cost, 500.0), st.sampled_from("ab"), st.integers(0, 4))
    slots = st.builds(lambda key, who: _slot(case + key, who, limit=2), st.sampled_from("ab"), st.sampled_from("xyz"))
    spends = st.builds(
        lambda *parts: Spend(parts[0], False, parts[1], parts[2]),
        st.lists(charges, max_size=2),
        st.lists(draws, max_size=2),
        st.lists(slots, max_size=2),
    )
    model = Model()
    for question in data.draw(st.lists(spends, max_size=12)):
        assert (store.answer(question) is None) is model.spend(question)


# -- claims ------------------------------------------------------------------------------------------------------------


def test_the_first_to_claim_a_key_owns_it(store: Store) -> None:
    key = _key()
    assert store.answer(Claim(key, "ann", AGES)) == "ann"
    other = store.answer(Claim(key, "bob", AGES))
    assert other not in ("", "bob")
    assert store.answer(Claim(key, "ann", AGES)) == "ann"


def test_looking_at_a_claim_takes_nothing(store: Store) -> None:
    key = _key()
    assert store.answer(Claim(key, "", AGES)) == ""
    assert store.answer(Claim(key, "bob", AGES)) == "bob"
    assert store.answer(Claim(key, "", AGES)) != ""


def test_a_claim_lapses_when_its_owner_stays_away(store: Store) -> None:
    key = _key()
    assert store.answer(Claim(key, "ann", 0.02)) == "ann"
    # The time to live itself is what is tested.
    Event().wait(0.04)
    assert store.answer(Claim(key, "bob", AGES)) == "bob"


def test_of_many_claimants_at_once_one_wins(store: Store) -> None:
    key, answers = _key(), dict[str, object]()

    def claim(name: str) -> None:
        answers[name] = store.answer(Claim(key, name, AGES))

    threads = [Thread(target=claim, args=(f"caller{place}",)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer == name for name, answer in answers.items()) == 1


# -- revocation --------------------------------------------------------------------------------------------------------


def test_a_revoked_name_stands_until_it_is_restored(store: Store) -> None:
    assert store.standing_names() == frozenset()
    store.revoke("jti:https://as.example#1")
    store.revoke("sub:jwt:https://as.example#zoë \ud83d\ude00", 500.0)
    expected = {"jti:https://as.example#1", "sub:jwt:https://as.example#zoë \ud83d\ude00"}
    assert store.standing_names() == store.revoked() == expected
    assert store.restore("jti:https://as.example#1") and not store.restore("key:unknown")
    assert store.standing_names() == store.revoked() == expected - {"jti:https://as.example#1"}


def test_a_revocation_for_a_time_ends_with_it(store: Store) -> None:
    store.revoke("key:a", 0.02)
    store.revoke("key:b")
    # The time itself is what is tested.
    Event().wait(0.04)
    assert store.revoked() == {"key:b"}


def test_the_names_are_the_same_object_while_they_stay(store: Store) -> None:
    store.revoke("key:a")
    names = store.standing_names()
    assert store.standing_names() is names and store.standing_names_async() is names
    assert store.answer(AskStanding()) == Standing(names)


def test_a_store_that_is_closed_twice_stays_closed(store: Store) -> None:
    store.close()
    store.close()
