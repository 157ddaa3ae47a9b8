"""Rules of masks on RE2: texts -> spans in bytes. Pure: no I/O, no clock, no logging, no `re` over texts.

One pass of a few automata tells which rules can match at all. A rule that woke looks for its candidates, and whether
one is what it seems is judged on a short window: by a pattern, a checksum, the words beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import re2

from smcp_security.errors import RulesError, ScanUnproven, SMCPError
from smcp_security.redaction.catalogue import INTERNALS, SECRETS, MaskRule
from smcp_security.redaction.judging import CHECKS, entropy_of, placeholder
from smcp_security.redaction.readers import READERS, Reader
from smcp_security.sweeps import SENTINEL
from smcp_security.text import Joined

FREE_FRAGMENTS: Final = 800
BYTES_PER_FRAGMENT: Final = 400
BYTES_PER_PERSON: Final = 16
"""Candidates looked at in one message: so many, and one more for so many bytes; of personal data more, since there are
lists of people. Each costs about 6 us."""

SHORT: Final = 24 * 1024
LONG: Final = 384 * 1024
"""Bytes up to which, and from which on, two automata are faster than one for each part: so short a text builds little
of them, and on so long a one the passes cost more than what is built."""

MASKED: Final = "[redacted:"
"""How a mask begins: what stands there was masked before."""

_LONGEST_MASK: Final = 80

BEFORE: Final = 64
"""Bytes before a candidate that a judge sees."""

LONGEST_NAMED: Final = 512
"""Bytes of a value that the name of its field is context for: a number or a token, no prose."""


class SpanFlood(SMCPError):
    """More candidates than can be looked at in reasonable time. The result is withheld, never passed half masked."""

    code = "span_flood"


@dataclass(frozen=True, slots=True)
class Found:
    """A span in bytes of the joined texts. `order` is the place of its rule: the first wins where spans overlap."""

    start: int
    end: int
    order: int


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One rule ready to run. `near`: it is looked for around the words that open it, not where it is opened.

    `sized`: its reader asks how long the candidate is.
    """

    finder: Any
    sized: bool
    near: bool
    within: int
    reach: int
    insides: bool
    read: Reader


@dataclass(slots=True)
class _Fragments:
    """What is left of the bound of one scan."""

    left: int

    def take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise SpanFlood("more candidates for masking than are looked at in one message; the result is withheld")


@dataclass(frozen=True, slots=True)
class _Sweep:
    """One automaton over the openers of some rules, the sentinel among them, and which of them opens which rule.

    No set of patterns: that remembers what it has met, so that on text full of openers its states multiply (137 ms on
    100 KB). Which rules an opener belongs to is asked where one stands.
    """

    opener: Any
    which: Any
    owners: tuple[int, ...]

    def places(self, joined: Joined, fragments: _Fragments) -> list[tuple[int, int]]:
        """Where rules are opened. Raises `ScanUnproven` if the sentinel that ends the data was not reached."""
        places: list[tuple[int, int]] = []
        end = len(joined.data) - len(_SENTINEL)
        for match in self.opener.finditer(joined.data):
            place = match.span()
            if place[0] == end:
                return places
            fragments.take()
            places.append(place)
        raise ScanUnproven("an automaton of the masks did not prove that it ran; the result is withheld")

    def opened(self, window: bytes) -> Sequence[int]:
        """The rules that are opened where the window begins."""
        if self.which is None:
            return self.owners
        matched: list[int] = self.which.Match(window) or []
        return [self.owners[number] for number in matched] if len(matched) < 2 else self._several(matched)

    def _several(self, matched: list[int]) -> list[int]:
        return sorted({self.owners[number] for number in matched})


class Scanner:
    """Some rules, compiled. Immutable: threads and forks may share it."""

    __slots__ = ("_parts", "_per", "_rules", "_short", "_words", "masks")

    def __init__(self, rules: Sequence[MaskRule]) -> None:
        """Raises `RulesError` for a pattern that RE2 does not take, or a name that stands for no code."""
        self.masks = tuple((rule.mask, rule.kind) for rule in rules)
        self._rules = tuple(_compiled(rule) for rule in rules)
        listed = any(rule.kind not in (SECRETS, INTERNALS) for rule in rules)
        self._per = BYTES_PER_PERSON if listed else BYTES_PER_FRAGMENT
        self._parts = _sweeps(rules, [rule.part for rule in rules])
        self._short = _sweeps(rules, [rule.kind == SECRETS for rule in rules])
        self._words = _words(rules)

    def spans(self, joined: Joined, named: Mapping[int, tuple[int, ...]]) -> set[Found]:
        """What the rules find. `named` says for which texts the name of the field is the context of which rules.

        Raises `SpanFlood` and `ScanUnproven`.
        """
        found: set[Found] = set()
        fragments = _Fragments(FREE_FRAGMENTS + len(joined.data) // self._per)
        sweeps = self._parts if SHORT < len(joined.data) < LONG else self._short
        opened = [(sweep, sweep.places(joined, fragments)) for sweep in sweeps]
        masked = MASKED.encode() in joined.data
        ends: dict[int, int] = {}
        for sweep, places in opened:
            for start, end in places:
                if masked and _in_mask(joined.data, start):
                    continue
                for number in sweep.opened(joined.data[start : start + _WINDOW]):
                    # What a rule has found is not looked at again for each of its lines.
                    if start >= ends.get(number, 0):
                        ends[number] = self._at(number, joined, start, end, fragments, found)
        for leaf, numbers in named.items():
            for number in numbers:
                self._around(number, joined, *joined.bounds(leaf), fragments, found)
        return found

    def of_name(self, name: str) -> tuple[int, ...]:
        """The rules whose words stand in the name of a field."""
        if self._words is None:
            return ()
        words, owners = self._words
        matched: list[int] = words.Match(name.encode("utf-8", "replace")) or []
        return tuple(sorted({owners[number] for number in matched}))

    def _at(self, number: int, joined: Joined, start: int, end: int, fragments: _Fragments, found: set[Found]) -> int:
        """What one rule makes of a place where it is opened: the end of what it found, or 0."""
        rule = self._rules[number]
        low, high = joined.bounds(joined.leaf_at(end - 1))
        if rule.near:
            self._around(number, joined, max(low, start - rule.within), min(high, end + rule.within), fragments, found)
            return 0
        start = max(start, low)
        if rule.sized:
            match = rule.finder.match(joined.data, start, min(high, start + rule.reach))
            if match is None:
                return 0
            end = match.end()
        return _judged(rule, number, joined.data, (low, start, end, high), found)

    def _around(
        self, number: int, joined: Joined, low: int, high: int, fragments: _Fragments, found: set[Found]
    ) -> None:
        """What one rule finds between two places of one text."""
        rule = self._rules[number]
        leaf = joined.bounds(joined.leaf_at(low))
        for match in rule.finder.finditer(joined.data, low, high):
            fragments.take()
            if _in_mask(joined.data, match.start(), _MASK_OF_NUMBERS):
                continue
            _judged(rule, number, joined.data, (leaf[0], *match.span(), leaf[1]), found)


def opened(atom: str) -> str:
    r"""The atom, where it begins at a word's edge also behind an escape: JSON in a text has `\n` before a token."""
    if atom.startswith(r"(?i:\b"):
        return rf"(?i:{_EDGE}{atom[6:]}"
    return _EDGE + atom[2:] if atom.startswith(r"\b") else atom


_EDGE: Final = r"(?:\b|\\(?:[nrt]|u00[0-9A-Fa-f][0-9A-Fa-f])|%[0-9A-F][0-9A-F])"


def _openers(rule: MaskRule) -> tuple[str, ...]:
    """What tells that the rule may match: the words that must stand near, or its atoms up to what may repeat."""
    if rule.near:
        return (f"(?i:{rule.near})",)
    return tuple(
        opened(opener) for opener in rule.opens or (_UNBOUNDED.split(atom, maxsplit=1)[0] for atom in rule.any)
    )


_UNBOUNDED: Final = re.compile(r"\[(?:[^\]\\]|\\.)*\][+*]")
_WINDOW: Final = 64
"""Bytes that say which rules are opened."""

_SENTINEL: Final = SENTINEL.encode()


def _judged(rule: _Compiled, number: int, data: bytes, place: tuple[int, int, int, int], found: set[Found]) -> int:
    low, start, end, high = place
    start += _escape(data, start, end)
    before = data[max(low, start - BEFORE) : start].decode("latin-1")
    here = data[start : min(high, start + rule.reach)].decode("latin-1")
    span = rule.read(_ESCAPED.sub("\n", _whole(before)), _whole(here), end - start)
    if span is None or span[0] >= span[1] or start + span[0] < low:
        return 0
    # Beside a mask nothing is judged: what stands there was judged when the text was still whole. Only insides may
    # have masks in them.
    first = max(0, span[0])
    mask = _MASK.match(here, first) if rule.insides else _MASK.search(here, first)
    if mask is not None and mask.start() <= span[1]:
        return 0
    found.add(Found(start + span[0], start + span[1], number))
    return start + span[1]


_ESCAPED: Final = re.compile(r"(?:\\[nrt]|\\u00[0-9A-Fa-f]{2}|%[0-9A-F]{2})\Z")
"""What ends before a candidate is an escape: its letter is no letter of a word."""


def _whole(text: str) -> str:
    """The text with a word for each mask, so that it is judged as it was before: nothing new ends or begins at one."""
    return _MASK.sub(lambda mask: "X" * (len(mask.group()) - 1) + "0", text) if MASKED in text else text


_MASK: Final = re.compile(r"\[redacted:[a-z0-9-]{1,64}\]")


def _in_mask(data: bytes, place: int, behind: Any = None) -> bool:
    """Whether the place lies in a mask, or next behind one: what stands there may have begun in what was masked.

    `behind`: a pattern for the mask with more that may lie between.
    """
    start = data.rfind(MASKED.encode(), max(0, place - _LONGEST_MASK), place)
    mask = None if start < 0 else (behind or _MASK_OF_BYTES).match(data, start)
    return mask is not None and place <= mask.end()


_MASK_OF_BYTES: Final = re.compile(rb"\[redacted:[a-z0-9-]{1,64}\]")
_MASK_OF_NUMBERS: Final = re.compile(rb"\[redacted:[a-z0-9-]{1,64}\][ ()./+-]{0,2}")
"""The same, before a number that only words tell: what it began with may be masked."""


def _escape(data: bytes, start: int, end: int) -> int:
    """How long the escape is that `opened` let stand before the candidate."""
    first = data[start : start + 1]
    if first == b"\\" and end - start > 2:
        return 6 if data[start + 1 : start + 2] == b"u" else 2
    return 3 if first == b"%" and end - start > 3 else 0


def _compiled(rule: MaskRule) -> _Compiled:
    finder = _pattern(rule, "|".join(f"(?:{opened(atom)})" for atom in rule.any))
    return _Compiled(
        finder,
        rule.opens != rule.any and not rule.form,
        bool(rule.near),
        rule.within,
        rule.reach,
        rule.kind == INTERNALS,
        _reader(rule),
    )


def _reader(rule: MaskRule) -> Reader:
    if rule.read:
        if rule.read not in READERS:
            raise RulesError(f"{rule.file}: {rule.mask}: no reader is called {rule.read!r}")
        return READERS[rule.read]
    if rule.check and rule.check not in CHECKS:
        raise RulesError(f"{rule.file}: {rule.mask}: no check is called {rule.check!r}")
    form = _pattern(rule, rule.form, capture=True) if rule.form else None
    return _Formed(
        form,
        _pattern(rule, rule.unless) if rule.unless else None,
        CHECKS[rule.check] if rule.check else None,
        rule.entropy,
        secret=rule.kind == "secrets",
    ).read


@dataclass(frozen=True, slots=True)
class _Formed:
    """The reader of a rule that says by patterns where its span is."""

    form: Any
    unless: Any
    check: Callable[[str, str, str], bool] | None
    entropy: float
    secret: bool

    def read(self, before: str, here: str, size: int) -> tuple[int, int] | None:
        """The span in `here`, which begins with a candidate of that size; or None."""
        start, end = 0, size
        if self.form is not None:
            match = self.form.match(here.encode("latin-1"))
            if match is None:
                return None
            start, end = match.span(1 if self.form.groups else 0)
        value = here[start:end]
        if self.unless is not None and self.unless.search(value.encode("latin-1")) is not None:
            return None
        if self.secret and placeholder(value):
            return None
        if self.entropy and entropy_of(value) < self.entropy:
            return None
        if self.check is not None and not self.check(value, before + here[:start], here[end : end + BEFORE]):
            return None
        return start, end


def _options(*, capture: bool = False, latin: bool = False) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = not capture
    options.max_mem = 8 << 20
    if latin:
        options.encoding = re2.Options.Encoding.LATIN1
    return options


_FINDS: Final = _options()
_FORMS: Final = _options(capture=True, latin=True)


def _pattern(rule: MaskRule, pattern: str, *, capture: bool = False) -> Any:
    try:
        compiled = re2.compile(pattern.encode("latin-1") if capture else pattern, _FORMS if capture else _FINDS)
    except (re2.error, UnicodeEncodeError) as error:
        raise RulesError(f"{rule.file}: {rule.mask}: {pattern!r} is no RE2 pattern: {error}") from error
    if compiled.search(b"") is not None:
        raise RulesError(f"{rule.file}: {rule.mask}: {pattern!r} matches the empty text, so it would match every text")
    return compiled


def _sweeps(rules: Sequence[MaskRule], groups: Sequence[object]) -> tuple[_Sweep, ...]:
    """An automaton for each group of rules."""
    parted: dict[object, list[tuple[int, str]]] = {}
    for number, (rule, group) in enumerate(zip(rules, groups, strict=True)):
        parted.setdefault(group, []).extend((number, opener) for opener in _openers(rule))
    return tuple(_sweep(rules, openers) for openers in parted.values())


def _sweep(rules: Sequence[MaskRule], openers: Sequence[tuple[int, str]]) -> _Sweep:
    # What begins alike stands together: the automaton has a third of the states.
    edge = "|".join(opener.removeprefix(_EDGE) for _, opener in openers if opener.startswith(_EDGE))
    rest = "|".join(f"(?:{opener})" for _, opener in openers if not opener.startswith(_EDGE))
    whole = "|".join(filter(None, (f"{_EDGE}(?:{edge})" if edge else "", rest, re2.escape(SENTINEL))))
    owners = tuple(owner for owner, _ in openers)
    several = len(set(owners)) > 1
    return _Sweep(
        _pattern(rules[owners[0]], whole),
        _set(openers, search=False) if several else None,
        owners if several else owners[:1],
    )


def _words(rules: Sequence[MaskRule]) -> tuple[Any, tuple[int, ...]] | None:
    words = [(number, f"(?i:{rule.near})") for number, rule in enumerate(rules) if rule.near]
    return (_set(words, search=True), tuple(number for number, _ in words)) if words else None


def _set(patterns: Sequence[tuple[int, str]], *, search: bool) -> Any:
    """Several patterns that are asked at once, of short texts alone."""
    patterned = re2.Set.SearchSet(_FINDS) if search else re2.Set.MatchSet(_FINDS)
    for _, pattern in patterns:
        patterned.Add(pattern)
    try:
        patterned.Compile()
    except re2.error as error:
        raise RulesError("the rules of masks do not fit into one automaton; shorten the patterns") from error
    return patterned
