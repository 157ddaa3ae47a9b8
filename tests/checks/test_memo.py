"""The bounded memory: it never grows past its bound, and it never makes anything up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.memo import Memo


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=80))
def test_it_holds_what_was_put_last_and_no_more_than_its_bound(most: int, steps: list[tuple[int, bool]]) -> None:
    memo: Memo[int, int] = Memo(most)
    truth: dict[int, int] = {}
    for turn, (key, put) in enumerate(steps):
        if put:
            memo.put(key, turn)
            truth[key] = turn
            assert memo.get(key) == turn
        assert memo.get(key) in (None, truth.get(key))
        assert len(memo) <= max(2, most)


def test_what_is_used_outlives_what_is_not() -> None:
    memo: Memo[int, str] = Memo(10)
    memo.put(0, "used")
    for key in range(1, 100):
        memo.put(key, "new")
        assert memo.get(0) == "used"
    assert memo.get(1) is None and memo.get(99) == "new"


def test_threads_share_it_and_get_only_what_was_put() -> None:
    memo: Memo[int, int] = Memo(64)

    def work(start: int) -> bool:
        for key in range(start, start + 5_000):
            memo.put(key % 200, key % 200)
            if memo.get((key * 7) % 200) not in (None, (key * 7) % 200):
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(0, 4_000, 1_000)))
    assert len(memo) <= 64 + 4
