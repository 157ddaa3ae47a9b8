"""What several frameworks of one process show together: the worst of each, and every loss once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from smcp_security.observers import Subject, Watched


def sinks_of(subjects: Iterable[Subject]) -> list[Watched]:
    """Their sinks, each once: a reload takes over the one in force."""
    return list({id(subject.sink): subject.sink for subject in subjects}.values())


def away(subjects: Iterable[Subject]) -> bool:
    """Whether a store does not answer."""
    return any(subject.away() for subject in subjects)


def healthy(subjects: Iterable[Subject]) -> bool:
    """Whether every audit reaches its file."""
    return all(sink.healthy for sink in sinks_of(subjects))


def waiting(subjects: Iterable[Subject]) -> int:
    """Audit records that wait for the disk."""
    return sum(sink.waiting for sink in sinks_of(subjects))


def lags(subjects: Iterable[Subject]) -> Mapping[str, int]:
    """Bytes not yet sent, by destination."""
    found: dict[str, int] = {}
    for sink in sinks_of(subjects):
        for destination, lag in sink.lags().items():
            found[destination] = max(lag, found.get(destination, 0))
    return found


class Losses:
    """How many records each sink has lost by the last look."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        # With the sink itself, so that no other one gets its id.
        self._seen: dict[int, tuple[Watched, int]] = {}

    def since(self, sinks: Sequence[Watched]) -> int:
        """Records lost since the last look, at which those that are no more were seen for the last time."""
        fresh, seen = 0, {}
        for sink in sinks:
            lost, (_, before) = sink.lost, self._seen.get(id(sink), (sink, 0))
            fresh += max(0, lost - before)
            seen[id(sink)] = sink, lost
        self._seen = seen
        return fresh
