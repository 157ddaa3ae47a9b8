"""What is wrong with a list of definitions, or with what a server says of itself; remembered by its bytes. Pure.

The same lists are sent again and again. Pointers of findings lead into what was judged: who asks knows where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from smcp_security.checks.memo import Memo
from smcp_security.checks.poison import Excluded, Judge
from smcp_security.checks.shadows import shadows
from smcp_security.decision import Action, Finding, finding
from smcp_security.pins.canonical import Unpinnable
from smcp_security.pins.lock import Lock
from smcp_security.policy import Exclusion
from smcp_security.revisions import fold
from smcp_security.strict_json import serialise

INSTRUCTIONS: Final = "instructions"
MOST_TOLD: Final = 20

_CHOSEN: Final = frozenset({"tool", "prompt"})
"""These are chosen by their names; resources are called after files, which are often nearly the same."""

_PINNED: Final = frozenset({"tool", "prompt", "template", INSTRUCTIONS})
_REMEMBERED: Final = 256


class Shape(NamedTuple):
    """A list of definitions: the member that holds it, what a lock calls its entries, what names one of them."""

    key: str
    kind: str
    name: str


class Verdict(NamedTuple):
    """What is wrong with some definitions: findings with pointers into the list, and the places to leave out."""

    findings: tuple[Finding, ...] = ()
    dropped: frozenset[int] = frozenset()


class Examination:
    """Judges lists and greetings, and remembers what came of it."""

    __slots__ = ("_exclusions", "_judge", "_known", "_lock", "_memo")

    def __init__(self, judge: Judge, lock: Lock, exclusions: Sequence[Exclusion]) -> None:
        self._judge = judge
        self._lock = lock
        # A pointer leads into arguments; there are none here.
        self._exclusions = tuple(item for item in exclusions if item.pointer is None)
        self._known = {kind: tuple(lock.of(kind)) for kind in _CHOSEN}
        self._memo: Memo[tuple[str, date, bytes], Verdict] = Memo(_REMEMBERED)

    def today(self, now: float) -> date:
        """The day (UTC), where exclusions end on one."""
        return datetime.fromtimestamp(now, UTC).date() if self._exclusions else date.min

    def listed(self, shape: Shape, entries: list[Any], today: date) -> Verdict:
        """What is wrong with the entries of a list."""
        key = (shape.kind, today, sha256(serialise(entries)).digest())
        verdict = self._memo.get(key)
        if verdict is None:
            verdict = self._list(shape, entries, today)
            self._memo.put(key, verdict)
        return verdict

    def greeting(self, result: Mapping[str, Any], today: date) -> Verdict:
        """What is wrong with what a server says of itself; the dropped are its instructions, by place in the result."""
        key = ("", today, sha256(serialise(result)).digest())
        verdict = self._memo.get(key)
        if verdict is None:
            verdict = self._greeting(result, today)
            self._memo.put(key, verdict)
        return verdict

    def _list(self, shape: Shape, entries: list[Any], today: date) -> Verdict:
        findings, dropped = list[Finding](), set[int]()
        names = [_name(entry, shape.name) for entry in entries]
        excluded = self._excluded(names if shape.kind == "tool" else (), today)
        for place, found in enumerate(self._judge.suspicions(entries, excluded)):
            findings += (each.finding((place,)) for each in found)
            if any(each.certain for each in found) and not self._approved(shape.kind, entries[place]):
                dropped.add(place)
        for place, twin in self._shadows(shape.kind, names):
            findings.append(finding("SMCP805", f"/{place}/name", action=Action.REPORT))
            if twin and not self._approved(shape.kind, entries[place]):
                dropped.add(place)
        return Verdict(fewer(findings), frozenset(dropped))

    def _shadows(self, kind: str, names: Sequence[str | None]) -> Iterator[tuple[int, bool]]:
        if kind in _CHOSEN:
            places = [place for place, name in enumerate(names) if name is not None]
            for shadow in shadows([name for name in names if name is not None], self._known[kind]):
                yield places[shadow.place], shadow.twin

    def _greeting(self, result: Mapping[str, Any], today: date) -> Verdict:
        # What a lenient reader takes for them, too.
        places = {place: key for place, key in enumerate(result) if fold(key) == INSTRUCTIONS}
        rest = {key: member for place, (key, member) in enumerate(result.items()) if place not in places}
        said = [result[key] for key in places.values()]
        *of_said, of_rest = self._judge.suspicions([*said, rest], self._excluded((), today))
        findings, dropped = list[Finding](), set[int]()
        for (place, key), found in zip(places.items(), of_said, strict=True):
            findings += (each.finding((key if key == INSTRUCTIONS else "*",)) for each in found)
            if any(each.certain for each in found) and not self._approved(INSTRUCTIONS, result[key]):
                dropped.add(place)
        findings += (each.finding() for each in of_rest)
        return Verdict(fewer(findings), frozenset(dropped))

    def _excluded(self, tools: Sequence[str | None], today: date) -> Excluded:
        """What the policy's exclusions take for honest, by the place of a tool."""
        valid = [item for item in self._exclusions if not item.expired(today)]

        def excluded(place: int, rule: str) -> bool:
            tool = tools[place] if place < len(tools) else None
            return any(item.covers(rule, tool, "") for item in valid)

        return excluded

    def _approved(self, kind: str, definition: Any) -> bool:
        """Whether somebody has read the very same definition and pinned it."""
        try:
            return kind in _PINNED and self._lock.approves(kind, definition)
        except Unpinnable:
            return False


def _name(entry: Any, key: str) -> str | None:
    name = entry.get(key) if type(entry) is dict else None
    return name if type(name) is str else None


def fewer(findings: list[Finding]) -> tuple[Finding, ...]:
    """The first of the findings; the last of them says how many more there are."""
    more = len(findings) - MOST_TOLD
    if more <= 0:
        return tuple(findings)
    last = findings[MOST_TOLD - 1]
    return (*findings[: MOST_TOLD - 1], replace(last, hint=f"{last.hint}; {more} more findings"))
