"""Texts -> spans to be masked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from smcp_security.redaction.catalogue import INTERNALS, SECRETS, read_masks
from smcp_security.redaction.naming import PASSWORD, says, spoken
from smcp_security.redaction.scan import LONGEST_NAMED, Scanner
from smcp_security.redaction.values import credential
from smcp_security.sweeps import SENTINEL
from smcp_security.text import Joined


class Span(msgspec.Struct, frozen=True):
    """What is to be masked: characters `start` to `end` of text `leaf`. `mask` is what it is, such as github-token;
    `kind` the kind of results.redact that it belongs to."""

    leaf: int
    start: int
    end: int
    mask: str
    kind: str


class Redactor:
    """The rules of some kinds, compiled. Immutable: threads and forks may share it."""

    def __init__(self, kinds: Collection[str], *, internals: bool = False) -> None:
        """`internals`: what errors must not tell is asked for too. Raises `RulesError` for a rule that is unfit."""
        self.kinds = frozenset(kinds)
        self._scanner = _scanner(self.kinds)
        self._internals = _scanner(frozenset({INTERNALS})) if internals else None

    def find(self, texts: Sequence[str], names: Sequence[str]) -> list[Span]:
        """What is to be masked, in order of leaf and start, without overlaps.

        `names` is the name of the field that each text is the value of, "" for none. Raises `SpanFlood` for more than
        can be judged in reasonable time, and `ScanUnproven` if an automaton did not prove that it ran.
        """
        if self._scanner is None or not texts:
            return []
        scanner = self._scanner
        joined = Joined(texts, SENTINEL)
        named, secret = self._named(texts, names)
        found = scanner.spans(joined, named)
        spans = [_Place(each.start, each.end, each.order, *scanner.masks[each.order]) for each in found]
        spans += [_of_field(joined, texts[leaf], leaf, name, len(scanner.masks)) for leaf, name in secret]
        return _merged(joined, spans) if spans else []

    def internals(self, texts: Sequence[str]) -> list[Span]:
        """Stack traces, paths of code, SQL and echoed input in errors."""
        if self._internals is None or not texts:
            return []
        joined = Joined(texts, SENTINEL)
        found = self._internals.spans(joined, {})
        spans = [_Place(each.start, each.end, each.order, *self._internals.masks[each.order]) for each in found]
        return _merged(joined, spans) if spans else []

    def _named(
        self, texts: Sequence[str], names: Sequence[str]
    ) -> tuple[dict[int, tuple[int, ...]], list[tuple[int, str]]]:
        """What the names of fields say: which rules they are context of, and which values are secrets."""
        assert self._scanner is not None
        of_name = self._scanner.of_name
        secrets = SECRETS in self.kinds
        rules = {name: of_name(spoken(name)) for name in set(names) if name}
        telling = {name for name, numbers in rules.items() if numbers or (secrets and says(name))}
        named: dict[int, tuple[int, ...]] = {}
        secret = _paired(texts, names) if secrets and not _VALUES.isdisjoint(rules) else []
        if not telling:
            return named, secret
        for leaf, name in enumerate(names):
            if name not in telling or len(texts[leaf]) > LONGEST_NAMED:
                continue
            if rules[name]:
                named[leaf] = rules[name]
            said = says(name) if secrets else ""
            if said and credential(texts[leaf].strip(), said, quoted=True):
                secret.append((leaf, said))
        return named, secret


_VALUES: Final = frozenset({"value", "val"})
_NAMES: Final = frozenset({"name", "key", "variable", "field"})


def _paired(texts: Sequence[str], names: Sequence[str]) -> list[tuple[int, str]]:
    """Values beside the name of what they are: {"name": "DB_PASSWORD", "value": ...}."""
    paired = []
    for leaf, name in enumerate(names):
        # The key of the value stands between the two.
        if name in _VALUES and leaf > 1 and names[leaf - 2] in _NAMES and len(texts[leaf]) <= LONGEST_NAMED:
            said = says(texts[leaf - 2])
            if said and credential(texts[leaf].strip(), said, quoted=True):
                paired.append((leaf, said))
    return paired


class _Place(msgspec.Struct, frozen=True):
    """A span in bytes of the joined texts, on its way to be one of a text."""

    start: int
    end: int
    order: int
    mask: str
    kind: str


@lru_cache(maxsize=16)
def _scanner(kinds: frozenset[str]) -> Scanner | None:
    """The package's rules of these kinds; they do not change while it runs, so a reload need not compile them again."""
    rules = [rule for rule in read_masks() if rule.kind in kinds]
    return Scanner(rules) if rules else None


def _of_field(joined: Joined, text: str, leaf: int, said: str, order: int) -> _Place:
    low, high = joined.bounds(leaf)
    data = joined.data[low:high]
    start = len(data) - len(data.lstrip())
    return _Place(low + start, low + len(data.rstrip()), order, "password" if said == PASSWORD else "secret", SECRETS)


def _merged(joined: Joined, places: list[_Place]) -> list[Span]:
    """The places as spans of their texts; where some overlap, one over all of them, called what the first rule says.

    A secret stays one: what is kept of personal data must not let it through.
    """
    places.sort(key=lambda place: (place.start, place.end))
    whole: list[_Place] = []
    for place in places:
        if whole and place.start < whole[-1].end:
            last = whole[-1]
            first = min(last, place, key=lambda each: (each.kind != SECRETS, each.order))
            whole[-1] = msgspec.structs.replace(first, start=last.start, end=max(last.end, place.end))
        else:
            whole.append(place)
    return _in_characters(joined, whole)


def _in_characters(joined: Joined, places: list[_Place]) -> list[Span]:
    """Bytes as characters, counted on from span to span, so that many in one long text stay linear."""
    spans = []
    current = at = counted = -1
    for place in places:
        leaf = joined.leaf_at(place.start)
        if leaf != current:
            current, at, counted = leaf, joined.bounds(leaf)[0], 0
        start = counted + len(joined.data[at : place.start].decode("utf-8", "ignore"))
        end = start + len(joined.data[place.start : place.end].decode("utf-8", "ignore"))
        at, counted = place.end, end
        spans.append(Span(leaf, start, end, place.mask, place.kind))
    return spans
