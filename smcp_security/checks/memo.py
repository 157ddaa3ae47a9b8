"""A bounded memory of what was found out before. Pure: it never looks at a clock, what it holds carries its own end."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """The most recent entries. Two generations: a full young one becomes the old one, and the old one is dropped.

    Nothing is iterated and nothing is counted down, so that threads may share it without a lock: what two of them do
    at once can lose an entry, never make one up.
    """

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, most: int) -> None:
        """`most` is the largest number of entries."""
        self._half = max(1, most // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, key: K) -> V | None:
        """What is remembered for `key`; it then counts as recent."""
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Remember `value`, and forget the oldest half if there is no room."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = value
