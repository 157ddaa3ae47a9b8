"""The compiled rules on RE2: texts -> hits. Pure but for `load`: no I/O, no clock, no logging, no `re` over texts.

All texts are joined and passed through a few automata that hold atoms: short patterns without gaps, because an
automaton is linear to run but not free to build (`a.{0,60}b` cost 300 ms on a hostile 100 KB). What stands near an
atom, and how often, is judged in code, only where an atom was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

import re2

from smcp_security.decision import Severity
from smcp_security.decoding import BASE64_SIGNAL
from smcp_security.errors import RulesError, ScanUnproven
from smcp_security.rules.catalogue import CATEGORIES, Detection, RawRule, canonical, read_rules
from smcp_security.text import Derived, Joined, derive, has_escapes

__all__ = ["CATEGORIES", "Hit", "Rule", "Rulebook", "Surface", "load", "read_rules"]

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

SHORT: Final = 1024
"""Bytes up to which one automaton over everything is faster than several; so short a text builds little of it."""

_ENCODED: Final = -1
"""Stands for the Base64 signal among the numbers of signatures."""

_SENTINEL: Final = "\0smcp-scan-reached-the-end"

_PARTS: Final[Mapping[str, str]] = {
    "command": "shell",
    "sql": "quotes",
    "nosql": "quotes",
    "html": "markup",
    "template": "markup",
    "prompt": "markup",
    "deserialisation": "markup",
    "path": "places",
    "ssrf": "places",
    "secret": "places",
    "unicode": "marks",
}
"""Which automaton the atoms of a category go into, but for those that begin with a word or a line."""

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "words": (),
    "quotes": tuple("'\"`;()[]{}=|@&$<>%*"),
    "places": (),
    "shell": tuple(";&|$`<>{%/(+"),
    "markup": tuple("<{[=#@%!*?_$(`|"),
    "marks": ("\x1b", "\x08", "\x7f", "%", "\\x"),
}
"""The automata, and what a text must hold for each: a pass takes 1.4 ns a byte, so three instead of six matter.

One automaton over everything takes one pass, but the states of independent atoms multiply: on 100 KB of text that it
has not seen it cost 40 to 120 ms, these six together 9.
"""


class Surface(StrEnum):
    """What the text is. ANSWER: what a client sends as an answer (roots, sampling, elicitation, `inputResponses`)."""

    REQUEST = "request"
    ANSWER = "answer"


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


@dataclass(frozen=True, slots=True)
class _Sweep:
    """One automaton over many atoms. `owners` are the signatures the atoms belong to; the sentinel comes after them.

    `needs`: every text that an atom matches holds one of these, or, if `wide`, is not ASCII; empty: no such list.
    """

    automaton: Any
    owners: tuple[int, ...]
    needs: tuple[str, ...] = ()
    wide: bool = False

    def applies(self, text: str) -> bool:
        if not self.needs or (self.wide and not text.isascii()):
            return True
        # One character is found a hundred times as fast as two: a piece is looked for only where its first is.
        return any(piece[0] in text and piece in text for piece in self.needs)


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


@dataclass(slots=True)
class _Limits:
    """What is left of the bounds of one scan."""

    fragments: int = MAX_FRAGMENTS
    hits: int = MAX_HITS


class Rulebook:
    """Rules ready to scan with. Immutable after construction: threads and forks may share it."""

    __slots__ = ("_signatures", "_sweeps", "_whole_sweep", "rules", "version")

    def __init__(self, rules: Sequence[RawRule]) -> None:
        """Raises `RulesError` for a pattern that RE2 does not take."""
        if not {raw.id for raw in rules} >= _BOUNDS:
            raise RulesError(
                f"the rules {', '.join(sorted(_BOUNDS))} must all be there: a scan reports its bounds as these"
            )
        self.version: str = sha256(canonical(rules)).hexdigest()
        self.rules: Mapping[str, Rule] = MappingProxyType({raw.id: _rule(raw) for raw in rules})
        detections = [(raw, detection) for raw in rules for detection in raw.detect]
        self._signatures = tuple(_signature(self.rules[raw.id], raw, detection) for raw, detection in detections)
        parts: dict[str, list[tuple[int, str]]] = {name: [] for name in _NEEDS}
        parts["places"].append((_ENCODED, BASE64_SIGNAL))
        for number, (raw, detection) in enumerate(detections):
            for atom in detection.any:
                parts[_part(raw.category, atom)].append((number, atom))
        self._sweeps = tuple(_sweep(atoms, _NEEDS[name], name == "marks") for name, atoms in parts.items() if atoms)
        self._whole_sweep = _sweep([atom for atoms in parts.values() for atom in atoms])

    def scan(self, texts: Sequence[str], surface: Surface = Surface.REQUEST) -> tuple[Hit, ...]:
        """What the rules find in `texts`: at most one hit for each rule and text, at most about `MAX_HITS` in all.

        Raises `ScanUnproven` if an automaton did not find the sentinel that ends every scan.
        """
        joined = Joined(texts, _SENTINEL)
        found = self._found(joined)
        encoded = _ENCODED in found
        escaped = has_escapes(joined)
        if not found and not escaped and joined.text.isascii():
            return ()
        hits = {(hit.rule.id, hit.leaf): hit for hit in self._hits(joined, found, surface)}
        if escaped or encoded or not joined.text.isascii():
            for hit in self._decoded(derive(joined, escaped, encoded), texts, surface):
                hits.setdefault((hit.rule.id, hit.leaf), hit)
        return tuple(hits.values())

    def _found(self, joined: Joined) -> set[int]:
        """The signatures with an atom somewhere in the texts. RE2 reports a failed scan like one that found nothing."""
        found: set[int] = set()
        for sweep in (self._whole_sweep,) if len(joined.data) <= SHORT else self._sweeps:
            if sweep.applies(joined.text):
                matched: list[int] | None = sweep.automaton.Match(joined.data)
                if not matched or len(sweep.owners) not in matched:
                    raise ScanUnproven("an automaton of the rulebook did not prove that it ran; the message is denied")
                found.update(sweep.owners[atom] for atom in matched if atom < len(sweep.owners))
        return found

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
            forms = Joined([form.text for form in derived.forms], _SENTINEL)
            for hit in self._hits(forms, self._found(forms), surface):
                yield self._whole(hit.rule.id, derived.forms[hit.leaf].leaf, texts)

    def _whole(self, code: str, leaf: int, texts: Sequence[str]) -> Hit:
        return Hit(self.rules[code], leaf, 0, len(texts[leaf]), decoded=True)

    def _hits(self, joined: Joined, found: set[int], surface: Surface) -> Iterator[Hit]:
        """The hits in some texts, one for each rule and text. What runs into a bound ends in `FRAGMENT_FLOOD`."""
        limits = _Limits()
        seen: set[tuple[str, int]] = set()
        for number in sorted(found - {_ENCODED}):
            signature = self._signatures[number]
            if surface not in signature.rule.surfaces:
                continue
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
        limits.fragments -= 1 + (end - start) // 64
        # Overlapping fragments count, so the search goes on one byte further, not behind the fragment.
        position = start + 1
        # An atom may take in the line break before its text, never the text before that.
        if start < place.leaf_start - 1:
            continue
        counts[leaf] += 1
        if counts[leaf] >= signature.count and _stands(signature, data, place):
            yield place
            position = max(position, place.leaf_end)


def load(level: int = 2) -> Rulebook:
    """The package's rules of this level and below, compiled.

    Raises `RulesError` naming the file, the rule and what is wrong: start-up stops.
    """
    if level not in (1, 2, 3):
        raise RulesError(f"rules have the levels 1, 2 and 3, not {level!r}")
    return Rulebook([rule for rule in read_rules() if rule.level <= level])


def _options(megabytes: int) -> Any:
    """RE2's options. An automaton that fills its memory starts anew, so traffic of all kinds stays within it."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = megabytes << 20
    return options


_SWEEP_OPTIONS: Final = _options(16)
_PATTERN_OPTIONS: Final = _options(2)


def _part(category: str, atom: str) -> str:
    """The automaton an atom goes into. Fewer would be slow to build, more would be slow to run (see `_NEEDS`)."""
    if atom[0].isalnum() or atom.startswith((r"\b", "(?m:^)", "(?:(?m:^)")):
        return "words"
    return _PARTS[category]


def _sweep(atoms: Sequence[tuple[int, str]], needs: tuple[str, ...] = (), wide: bool = False) -> _Sweep:
    automaton = re2.Set.SearchSet(_SWEEP_OPTIONS)
    for _, atom in atoms:
        automaton.Add(atom)
    automaton.Add(re2.escape(_SENTINEL))
    try:
        automaton.Compile()
    except re2.error as error:
        raise RulesError("the rules do not fit into one automaton; shorten the patterns") from error
    return _Sweep(automaton, tuple(number for number, _ in atoms), needs, wide)


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
    )


def _signature(rule: Rule, raw: RawRule, detection: Detection) -> _Signature:
    return _Signature(
        rule,
        _compiled(raw, "|".join(f"(?:{atom})" for atom in detection.any)),
        _compiled(raw, detection.near) if detection.near else None,
        _compiled(raw, detection.unless) if detection.unless else None,
        detection.within,
        detection.side != "after",
        detection.side != "before",
        detection.count,
    )


def _stands(signature: _Signature, data: bytes, place: _Place) -> bool:
    """Whether what must stand near the fragment does, and what must not does not."""
    if signature.near is None and signature.unless is None:
        return True
    start = max(place.leaf_start, place.start - signature.within) if signature.before else place.start + 1
    end = min(place.leaf_end, place.end + signature.within) if signature.after else place.start
    window = data[start:end]
    if signature.unless is not None and signature.unless.search(window) is not None:
        return False
    return signature.near is None or signature.near.search(window) is not None
