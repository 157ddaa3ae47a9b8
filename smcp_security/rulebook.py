"""The compiled rules on RE2: texts -> hits. Pure but for `load`: no I/O, no clock, no logging, no `re` over texts.

All texts are joined and passed through a few automata that hold atoms: short patterns without gaps, because an
automaton is linear to run but not free to build (`a.{0,60}b` cost 300 ms on a hostile 100 KB). What stands near an
atom, and how often, is judged in code, only where an atom was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

import re2

from smcp_security.codes import Severity
from smcp_security.errors import RulesError
from smcp_security.rules.catalogue import CATEGORIES, CERTAIN, Detection, RawRule, canonical, read_rules
from smcp_security.sql_grammar.shape import goes_on_as_sql
from smcp_security.sweeps import ESCAPED, PACKED, SENTINEL, TEXT_START, TEXT_START_ATOM, Sweeps, options
from smcp_security.text import Derived, Joined, derive

__all__ = ["CATEGORIES", "DEFINED", "SENT", "Hit", "Rule", "Rulebook", "Surface", "load", "read_rules"]

COMBINING_MARKS: Final = "SMCP600"
DECODE_BUDGET: Final = "SMCP601"
DECODE_DEPTH: Final = "SMCP602"
FRAGMENT_FLOOD: Final = "SMCP603"
_BOUNDS: Final = {COMBINING_MARKS, DECODE_BUDGET, DECODE_DEPTH, FRAGMENT_FLOOD}

MAX_FRAGMENTS: Final = 800
"""Atoms looked at in one message; each costs about 5 us. Ordinary text of 256 KB holds a few dozen."""

MAX_HITS: Final = 64
"""Hits reported for one message. Further ones are one finding of their own, so that hits which a policy only reports
cannot crowd out one that it blocks."""

MAX_RULES: Final = 16
"""Different rules reported for one message, for the same reason; each costs a pass over the texts."""

_BEFORE: Final = 512
_BEHIND: Final = 400
"""Bytes that a judge in code sees of the text around a fragment."""

_JUDGED: Final = 5
"""Fragments that one counts for which is judged in code."""

_JUDGES: Final[Mapping[str, Callable[[str, str], bool] | None]] = {"": None, "sql": goes_on_as_sql}
"""What a detection's `code` stands for."""


class Surface(StrEnum):
    """What the text is. ANSWER: what a client sends as an answer (roots, sampling, elicitation, `inputResponses`).

    RESULT: what a server says (results, prompts, resources, its questions, log messages). DESCRIPTION: definitions and
    the server's instructions.
    """

    REQUEST = "request"
    ANSWER = "answer"
    RESULT = "result"
    DESCRIPTION = "description"


SENT: Final = frozenset({Surface.REQUEST, Surface.ANSWER})
"""What comes from clients. Every rule for results is one for this too, so its automata serve both."""

DEFINED: Final = frozenset({Surface.DESCRIPTION})
"""What describes a server to a model."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One technique of attack. `why`, `remediation` and `references` are for `smcp explain`."""

    id: str
    slug: str
    category: str
    level: int
    severity: Severity
    why: str
    remediation: str
    references: tuple[str, ...]
    cwe: str
    owasp: str
    surfaces: frozenset[Surface]
    score: int = CERTAIN


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched. `leaf` is an index into the texts given.

    `start` and `end` are offsets into that text as it was sent, or the whole text if `decoded`.
    """

    rule: Rule
    leaf: int
    start: int
    end: int
    decoded: bool


@dataclass(frozen=True, slots=True)
class _Signature:
    """One detection of a rule, compiled: `pattern` is any of its atoms."""

    rule: Rule
    pattern: Any
    near: Any
    unless: Any
    within: int
    before: bool
    after: bool
    count: int
    judge: Callable[[str, str], bool] | None


@dataclass(frozen=True, slots=True)
class _Place:
    """One fragment of the joined texts, in bytes, with the bounds of its text."""

    leaf: int
    start: int
    end: int
    leaf_start: int
    leaf_end: int

    def offsets(self, data: bytes) -> tuple[int, int]:
        """The fragment's bounds in its text, in characters."""
        # An atom may take in the line break before or after the text.
        start, end = max(self.start, self.leaf_start), min(self.end, self.leaf_end)
        before = data[self.leaf_start : start].decode("utf-8", "ignore")
        return len(before), len(before) + len(data[start:end].decode("utf-8", "ignore"))

    def around(self, data: bytes) -> tuple[str, str]:
        """What stands before the fragment in its text, and the text from there on; both bounded."""
        start = max(self.start, self.leaf_start)
        before = data[max(self.leaf_start, start - _BEFORE) : start]
        behind = data[start : min(self.leaf_end, start + _BEHIND)]
        return before.decode("utf-8", "ignore"), behind.decode("utf-8", "ignore")


@dataclass(slots=True)
class _Limits:
    """What is left of the bounds of one scan."""

    fragments: int = MAX_FRAGMENTS
    hits: int = MAX_HITS


class Rulebook:
    """Rules ready to scan with. Immutable after construction: threads and forks may share it.

    `rules` and `version` are of all rules given, also of those that count on no surface of this one.
    """

    __slots__ = ("_owners", "_signatures", "_sweeps", "rules", "version")

    def __init__(self, rules: Sequence[RawRule], surfaces: frozenset[Surface] = SENT) -> None:
        """Only rules that count on one of the `surfaces` are compiled.

        Raises `RulesError` for a pattern that RE2 does not take.
        """
        if not {raw.id for raw in rules} >= _BOUNDS:
            raise RulesError(
                f"the rules {', '.join(sorted(_BOUNDS))} must all be there: a scan reports its bounds as these"
            )
        self.version: str = sha256(canonical(rules)).hexdigest()
        self.rules: Mapping[str, Rule] = MappingProxyType({raw.id: _rule(raw) for raw in rules})
        counting = [raw for raw in rules if not surfaces.isdisjoint(self.rules[raw.id].surfaces)]
        left_out = {surface for raw in rules if raw not in counting for surface in self.rules[raw.id].surfaces}
        detections = [(raw, detection) for raw in counting for detection in raw.detect]
        self._signatures = tuple(_signature(self.rules[raw.id], raw, detection) for raw, detection in detections)
        self._owners = {
            surface: frozenset(
                number for number, signature in enumerate(self._signatures) if surface in signature.rule.surfaces
            )
            for surface in Surface
            if surface not in left_out
        }
        sweeps = Sweeps(
            [
                (number, raw.category, atom)
                for number, (raw, detection) in enumerate(detections)
                for atom in _atoms(detection)
            ]
        )
        self._sweeps = {surface: sweeps.only(owners) for surface, owners in self._owners.items()}

    def scan(self, texts: Sequence[str], surface: Surface = Surface.REQUEST) -> tuple[Hit, ...]:
        """What the rules find in `texts`: at most one hit for each rule and text, at most about `MAX_HITS` in all.

        Raises `ScanUnproven` if an automaton did not find the sentinel that ends every scan, `ValueError` for a surface
        that this rulebook is not for.
        """
        if surface not in self._sweeps:
            raise ValueError(f"the rulebook was compiled without the rules for {surface}")
        joined = Joined(texts, SENTINEL)
        found = self._sweeps[surface].found(joined)
        if not found and joined.text.isascii():
            return ()
        encoded, escaped = PACKED in found, ESCAPED in found
        hits = {(hit.rule.id, hit.leaf): hit for hit in self._hits(joined, found, surface)}
        if escaped or encoded or not joined.text.isascii():
            for hit in self._decoded(derive(joined, escaped, encoded), texts, surface):
                hits.setdefault((hit.rule.id, hit.leaf), hit)
        return tuple(hits.values())

    def _decoded(self, derived: Derived, texts: Sequence[str], surface: Surface) -> Iterator[Hit]:
        """The hits in other readings of the texts, and the bounds that were reached in making them."""
        for code, leaves in (
            (COMBINING_MARKS, derived.marks),
            (DECODE_BUDGET, derived.exhausted),
            (DECODE_DEPTH, derived.too_deep),
        ):
            for leaf in leaves[:MAX_HITS]:
                yield self._whole(code, leaf, texts)
        if derived.forms:
            forms = Joined([form.text for form in derived.forms], SENTINEL)
            for hit in self._hits(forms, self._sweeps[surface].found(forms), surface):
                leaf = derived.forms[hit.leaf].leaf
                # Source code spells control characters with a backslash, which no terminal and no log reads.
                if hit.rule.category != "control" or "\\" not in texts[leaf]:
                    yield self._whole(hit.rule.id, leaf, texts)

    def _whole(self, code: str, leaf: int, texts: Sequence[str]) -> Hit:
        return Hit(self.rules[code], leaf, 0, len(texts[leaf]), decoded=True)

    def _hits(self, joined: Joined, found: set[int], surface: Surface) -> Iterator[Hit]:
        """The hits in some texts, one for each rule and text. What runs into a bound ends in `FRAGMENT_FLOOD`."""
        limits = _Limits()
        seen: set[tuple[str, int]] = set()
        for number in sorted(found & self._owners[surface]):
            signature = self._signatures[number]
            for place in _places(signature, joined, limits):
                key = (signature.rule.id, place.leaf)
                if key not in seen:
                    seen.add(key)
                    limits.hits -= 1
                    yield Hit(signature.rule, place.leaf, *place.offsets(joined.data), decoded=False)
            if limits.fragments < 0 or limits.hits < 0 or len({rule for rule, _ in seen}) > MAX_RULES:
                yield Hit(self.rules[FRAGMENT_FLOOD], 0, 0, len(joined.texts[0]), decoded=False)
                return


def _places(signature: _Signature, joined: Joined, limits: _Limits) -> Iterator[_Place]:
    """Where the signature holds: the first such place of each text."""
    data = joined.data
    position = 0
    counts: Counter[int] = Counter()
    if signature.near is not None and signature.near.search(data) is None:
        return
    while limits.fragments >= 0 and limits.hits >= 0:
        match = signature.pattern.search(data, position)
        if match is None:
            return
        start, end = match.span()
        leaf = joined.leaf_at(end - 1)
        place = _Place(leaf, start, end, *joined.bounds(leaf))
        limits.fragments -= (1 if signature.judge is None else _JUDGED) + (end - start) // 64
        # Overlapping fragments count, so the search goes on one byte further, not behind the fragment.
        position = start + 1
        # An atom may take in what stands before its text, never the text before that.
        if start < place.leaf_start - len(TEXT_START):
            continue
        counts[leaf] += 1
        if counts[leaf] >= signature.count and _stands(signature, data, place):
            yield place
            position = max(position, place.leaf_end)


def load(level: int = 2, surfaces: frozenset[Surface] = SENT) -> Rulebook:
    """The package's rules of this level and below, compiled for the surfaces: fewer rules are fewer automata to run.

    Raises `RulesError` naming the file, the rule and what is wrong: start-up stops.
    """
    if level not in (1, 2, 3):
        raise RulesError(f"rules have the levels 1, 2 and 3, not {level!r}")
    return _loaded(level, surfaces)


# Immutable, and those of the package do not change while it runs: a reload of the policy need not read them again.
@lru_cache(maxsize=9)
def _loaded(level: int, surfaces: frozenset[Surface]) -> Rulebook:
    return Rulebook([rule for rule in _of_the_package() if rule.level <= level], surfaces)


@lru_cache(maxsize=1)
def _of_the_package() -> tuple[RawRule, ...]:
    return read_rules(samples=False)


_PATTERN_OPTIONS: Final = options(2)


def _compiled(raw: RawRule, pattern: str) -> Any:
    try:
        compiled = re2.compile(pattern, _PATTERN_OPTIONS)
    except re2.error as error:
        raise RulesError(f"{raw.file}: {raw.id}: {pattern!r} is no RE2 pattern: {error}") from error
    if compiled.search(b"") is not None:
        raise RulesError(f"{raw.file}: {raw.id}: {pattern!r} matches the empty text, so it would match every text")
    return compiled


def _rule(raw: RawRule) -> Rule:
    return Rule(
        raw.id,
        raw.slug,
        raw.category,
        raw.level,
        raw.severity,
        raw.why,
        raw.remediation,
        raw.references,
        raw.cwe,
        raw.owasp,
        frozenset(Surface(name) for name in raw.surfaces),
        raw.score,
    )


def _atoms(detection: Detection) -> tuple[str, ...]:
    return tuple(f"{TEXT_START_ATOM}(?:{atom})" for atom in detection.any) if detection.start else detection.any


def _signature(rule: Rule, raw: RawRule, detection: Detection) -> _Signature:
    return _Signature(
        rule,
        _compiled(raw, "|".join(f"(?:{atom})" for atom in _atoms(detection))),
        _compiled(raw, detection.near) if detection.near else None,
        _compiled(raw, detection.unless) if detection.unless else None,
        detection.within,
        detection.side != "after",
        detection.side != "before",
        detection.count,
        _JUDGES[detection.code],
    )


def _stands(signature: _Signature, data: bytes, place: _Place) -> bool:
    """Whether what must stand near the fragment does, and what must not does not."""
    if signature.near is not None or signature.unless is not None:
        start = max(place.leaf_start, place.start - signature.within) if signature.before else place.start + 1
        end = min(place.leaf_end, place.end + signature.within) if signature.after else place.start
        window = data[start:end]
        if signature.unless is not None and signature.unless.search(window) is not None:
            return False
        if signature.near is not None and signature.near.search(window) is None:
            return False
    return signature.judge is None or signature.judge(*place.around(data))
