"""How weak rules add up: those of one category that hit the same text count together. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from smcp_security.rulebook import Hit

Found = TypeVar("Found")


def weighed(
    found: Iterable[Found], hit_of: Callable[[Found], Hit], text_of: Callable[[Found], Hashable], threshold: int
) -> Iterator[tuple[Found, bool]]:
    """Each of some hits, and whether it is certain: the scores of its category in its text reach the threshold."""
    groups: dict[tuple[Hashable, str], list[Found]] = defaultdict(list)
    for item in found:
        groups[text_of(item), hit_of(item).rule.category].append(item)
    for items in groups.values():
        certain = sum(hit_of(item).rule.score for item in items) >= threshold
        for item in items:
            yield item, certain
