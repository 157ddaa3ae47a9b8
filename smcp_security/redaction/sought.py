"""Values that must not come back, found in texts as they are and in the encodings that hide them. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, NoReturn, TypeAlias

import msgspec
import re2

from smcp_security.decoding import in_utf8
from smcp_security.errors import ScanUnproven, SMCPError
from smcp_security.redaction.disguises import Way, octets_of, reduced, spelled, windows
from smcp_security.redaction.pieces import pieces_of
from smcp_security.redaction.redactor import Span
from smcp_security.text import Joined

MASK: Final = "vault-secret"

GROUP: Final = 512
"""Pieces in one automaton: more of them outgrow what it may remember, and it starts over and over."""

MAX_HITS: Final = 1_000
"""Windows looked into in one scan. What holds more is withheld, like what holds more spans."""

MAX_SPELLINGS: Final = 64
"""Patterns compiled for one scan, at a millisecond or two each: more than keys in lines need."""

_OVERLAPPING: Final = 256
_Place: TypeAlias = tuple[int, int, str, str]
"""Start, end, name and piece."""
_SENTINEL: Final = b"\0the-scan-reached-the-end"
_LONGEST_BETWEEN: Final = 24
_BETWEEN_PIECES: Final = re.compile(rb"(?:\s|\\+[nrt])*|[A-Za-z0-9+/_=%-]{1,8}")
"""What stands between two pieces of a value and says nothing: a line break, in any spelling."""


class LeakFlood(SMCPError):
    """A text holds more of what is looked for than can be judged in reasonable time. It is withheld."""

    code = "leak_flood"


class Value:
    """One value to look for. `name` is the operator's, for the audit.

    No struct or dataclass: what prints or encodes those by their fields must not show a value.
    """

    __slots__ = ("name", "octets")

    def __init__(self, name: str, octets: bytes) -> None:
        self.name, self.octets = name, octets

    def __repr__(self) -> str:
        return f"Value({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and (self.name, self.octets) == (other.name, other.octets)

    def __hash__(self) -> int:
        return hash((self.name, self.octets))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a value of the vault is not to be pickled or copied")


class Sought:
    """Some values, compiled. Immutable but for what it has seen clean: threads and forks may share it."""

    __slots__ = ("_before", "_clean", "_compiled", "values")

    def __init__(self, values: Sequence[Value], before: Sought | None = None) -> None:
        """`before`: what is compiled of it is used again, so that one value more does not cost all of them anew."""
        self.values = tuple(dict.fromkeys(values))
        self._before: tuple[_Group, ...] = () if before is None else before._compiled or before._before
        self._compiled: tuple[_Group, ...] | None = None
        self._clean: bytes | None = None

    @property
    def _groups(self) -> tuple[_Group, ...]:
        """The automata, built by the first search: whoever hands a value out need not wait for them."""
        compiled = self._compiled
        if compiled is None:
            # Two threads at once build the same.
            self._compiled = compiled = _groups(self.values, self._before)
            self._before = ()
        return compiled

    def plus(self, values: Sequence[Value]) -> Sought:
        """These and some more; what is compiled is used again."""
        return Sought((*self.values, *values), self)

    def find(self, texts: Sequence[str], names: Sequence[str]) -> list[Span]:
        """Where they stand, in order of leaf and start, without overlaps. The kind of a span is the value's name.

        Raises `LeakFlood`, and `ScanUnproven` if an automaton did not prove that it ran.
        """
        if not texts or not self._groups:
            return []
        joined = Joined(texts)
        candidates = self._candidates(joined.data)
        if not candidates:
            return []
        places = _plain_places(joined.data, candidates)
        # Most leaks are plain: finding those needs no pattern.
        counts = Counter(place[2:] for place in places)
        left = [each for each, hits in candidates.items()
                if each.way is not Way.SIGNS or hits > counts[each.name, each.text]]  # fmt: skip
        if len(left) > MAX_SPELLINGS:
            raise LeakFlood("more secrets of the vault may stand in one message than are looked at; it is withheld")
        places += _spelled_places(joined.data, left)
        return _in_characters(joined, _merged(joined, sorted(places)))

    def names_of(self, text: str) -> tuple[str, ...]:
        """The names of the values that stand in a text, for the audit."""
        return tuple(sorted({span.kind for span in self.find([text], [""])}))

    def suspects(self, raw: bytes) -> bool:
        """Whether one of them may stand in the bytes of a message, in any spelling."""
        if raw is self._clean:
            return False
        if self._candidates(raw):
            return True
        # Of one message, which a later look at the same bytes asks for. Two threads at once only look once more.
        self._clean = raw
        return False

    def stands_in(self, raw: bytes) -> bool:
        """Whether one of them still stands in the bytes of a message, as it is or as JSON writes it."""
        return self.suspects(raw) and any(each.pattern.search(raw) is not None for each in self._candidates(raw))

    def _candidates(self, data: bytes) -> Counter[_Spelling]:
        """What may stand in the data, and how often."""
        plain = reduced(data) + _SENTINEL
        found: Counter[_Spelling] = Counter()
        for group in self._groups:
            found.update(group.candidates(data, plain))
        return found


class _Spelling(msgspec.Struct, frozen=True):
    """A piece of a value in one of the ways to spell it."""

    name: str
    text: str
    octets: bytes
    way: Way

    @property
    def pattern(self) -> Any:
        """What says where it stands; compiled when it is first asked for."""
        return spelled(self.text, self.octets, self.way)


class _Group:
    """The pieces of some values in one automaton."""

    __slots__ = ("_automaton", "_exact", "_hard", "_in_hex", "_sizes", "pieces", "values")

    def __init__(self, values: tuple[Value, ...]) -> None:
        self.values = values
        self._exact: dict[bytes, list[_Spelling]] = {}
        self._in_hex: dict[bytes, list[_Spelling]] = {}
        self._hard: dict[_Spelling, None] = {}
        self.pieces = 0
        for value in values:
            self._add(value)
        self._sizes = sorted({len(window) for window in (*self._exact, *self._in_hex)}, reverse=True)
        self._automaton = _automaton(self._exact, self._in_hex)

    def _add(self, value: Value) -> None:
        for text in pieces_of(value.octets):
            octets = octets_of(text, value.octets)
            self.pieces += 1
            for way, window in windows(text, octets):
                spelling = _Spelling(value.name, text, octets, way)
                if not window:
                    self._hard[spelling] = None
                    continue
                table = self._in_hex if way in (Way.HEX, Way.MARKED_HEX) else self._exact
                table.setdefault(window.encode(), []).append(spelling)

    def candidates(self, data: bytes, plain: bytes) -> Iterator[_Spelling]:
        """What may stand in the data, `plain` being what it is reduced to and the sentinel."""
        end, at, hits = len(plain) - len(_SENTINEL), 0, 0
        while True:
            match = self._automaton.search(plain, at)
            if match is None:
                raise ScanUnproven("the search for secrets of the vault did not prove that it ran")
            place = match.start()
            if place == end:
                break
            yield from self._at(plain, place)
            hits += 1
            if hits > MAX_HITS:
                raise LeakFlood("more looks like secrets of the vault than one message may hold; it is withheld")
            at = place + 1 if hits < _OVERLAPPING else match.end()
        for spelling in self._hard:
            if spelling.pattern.search(data) is not None:
                # Nobody has counted how often.
                yield from repeat(spelling, MAX_HITS)

    def _at(self, plain: bytes, place: int) -> Iterator[_Spelling]:
        for size in self._sizes:
            window = plain[place : place + size]
            yield from self._exact.get(window, ())
            yield from self._in_hex.get(window.lower(), ())


def _automaton(exact: Iterable[bytes], digits: Iterable[bytes]) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = 128 << 20
    ways = [window.decode() for window in sorted(exact)]
    ways += sorted("".join(f"[{sign}{sign.upper()}]" if sign.isalpha() else sign for sign in window.decode())
                   for window in digits)  # fmt: skip
    return re2.compile("|".join((*ways, re2.escape(_SENTINEL.decode()))), options)


def _groups(values: tuple[Value, ...], before: Sequence[_Group]) -> tuple[_Group, ...]:
    """The values in groups: those of before that are still whole, and the others, merged by size like the digits of
    a counter, so that each value is compiled a few times in all."""
    left = dict.fromkeys(values)
    # One value that is not asked for any more is no reason to compile hundreds of others anew.
    kept = [group for group in before if 2 * sum(value in left for value in group.values) > len(group.values)]
    for group in kept:
        for value in group.values:
            left.pop(value, None)
    groups = kept + [_Group(part) for part in _parts(tuple(left))]
    groups.sort(key=lambda group: group.pieces, reverse=True)
    while len(groups) > 1:
        large, small = groups[-2:]
        if large.pieces > 2 * small.pieces or large.pieces + small.pieces > GROUP:
            break
        groups[-2:] = [_Group(large.values + small.values)]
        groups.sort(key=lambda group: group.pieces, reverse=True)
    return tuple(groups)


def _parts(values: Sequence[Value]) -> Iterator[tuple[Value, ...]]:
    part: list[Value] = []
    size = 0
    for value in values:
        count = len(pieces_of(value.octets))
        if part and size + count > GROUP:
            yield tuple(part)
            part, size = [], 0
        part.append(value)
        size += count
    if part:
        yield tuple(part)


def _plain_places(data: bytes, candidates: Iterable[_Spelling]) -> list[_Place]:
    """Where they stand as they are."""
    places: list[_Place] = []
    for spelling in candidates:
        if spelling.way is Way.SIGNS:
            literal = in_utf8(spelling.text)
            at = data.find(literal)
            while at >= 0:
                places.append((at, at + len(literal), spelling.name, spelling.text))
                at = data.find(literal, at + len(literal))
    return places


def _spelled_places(data: bytes, candidates: Iterable[_Spelling]) -> list[_Place]:
    """Where they stand in any spelling. Raises `LeakFlood` where that is too often."""
    places: list[_Place] = []
    for spelling in candidates:
        for match in spelling.pattern.finditer(data):
            places.append((*match.span(), spelling.name, spelling.text))
            if len(places) > MAX_HITS:
                raise LeakFlood("secrets of the vault stand in a message too often; it is withheld")
    return places


def _merged(joined: Joined, places: Sequence[_Place]) -> list[_Place]:
    """The places in order: one where some overlap, or where they are the pieces of one value."""
    whole: list[_Place] = []
    for place in places:
        if whole and _belongs(joined, whole[-1], place):
            start, end, names, _ = whole[-1]
            both = names if place[2] in names.split(", ") else f"{names}, {place[2]}"
            whole[-1] = (start, max(end, place[1]), both, place[3])
        else:
            whole.append(place)
    return whole


def _belongs(joined: Joined, before: _Place, place: _Place) -> bool:
    end, start = before[1], place[0]
    if start <= end:
        return True
    if start - end > _LONGEST_BETWEEN or before[2:3] != place[2:3] or before[3] == place[3]:
        return False
    same = joined.leaf_at(before[0]) == joined.leaf_at(start)
    return same and _BETWEEN_PIECES.fullmatch(joined.data[end:start]) is not None


def _in_characters(joined: Joined, places: Sequence[_Place]) -> list[Span]:
    """Bytes as characters, counted on from span to span, so that many in one long text stay linear."""
    spans = []
    current = at = counted = -1
    for low, high, name, _ in places:
        leaf = joined.leaf_at(low)
        if leaf != current:
            current, at, counted = leaf, joined.bounds(leaf)[0], 0
        start = counted + len(joined.data[at:low].decode("utf-8", "ignore"))
        end = start + len(joined.data[low:high].decode("utf-8", "ignore"))
        at, counted = high, end
        spans.append(Span(leaf, start, end, MASK, name))
    return spans
