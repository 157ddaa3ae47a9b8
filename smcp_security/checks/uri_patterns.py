"""Globs and templates of resource URIs as automata: which URIs they stand for, and whether two of them meet. Pure.

`*` of a glob is any run of characters but `/`. Of a template, `{x}` is one segment, `{+x}` and `{x*}` any run of
characters, `{/x}` a slash and a segment, `{/x*}` any number of those, `{.x}` a dot and a segment, `{?x}` and `{&x}`
a query or none. What expands to a fragment or a path parameter (`{#x}`, `{;x}`) stands for nothing: no URI has those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import msgspec

_TOKEN: Final = re.compile("%[0-9A-F]{2}|.", re.DOTALL)
_EXPRESSION: Final = re.compile(r"\{([+#./;?&]?)([A-Za-z0-9_][A-Za-z0-9_.,:*%-]*)\}", re.ASCII)

_MOST_SETS: Final = 500

ANY: Final[frozenset[str]] = frozenset()
SEGMENT: Final = frozenset("/")
PART: Final = frozenset("/?")

# One step: exactly that token or, where it is empty, every token but the excluded ones.
Step: TypeAlias = tuple[str, frozenset[str], int]


def tokens(text: str) -> list[str]:
    """Characters, an escape such as %20 being one."""
    return _TOKEN.findall(text)


class Pattern(msgspec.Struct, frozen=True):
    """A nondeterministic automaton. States are numbers from 0 on; the last one accepts."""

    steps: tuple[tuple[Step, ...], ...]
    leaps: tuple[frozenset[int], ...]
    alphabet: frozenset[str]
    # What was found out about sets of states; never more than a few hundred, and callers' texts add no tokens.
    known: dict[frozenset[int], dict[str, frozenset[int]]] = msgspec.field(default_factory=dict)

    @property
    def start(self) -> frozenset[int]:
        """The states before the first token."""
        return self.leaps[0]

    def after(self, states: Iterable[int], token: str) -> frozenset[int]:
        """The states after one more token."""
        reached: set[int] = set()
        for state in states:
            for exact, excluded, end in self.steps[state]:
                if exact == token or (not exact and token not in excluded):
                    reached |= self.leaps[end]
        return frozenset(reached)

    def then(self, states: frozenset[int], token: str) -> frozenset[int]:
        """`after`, remembered."""
        row = self.known.get(states)
        if row is None:
            if len(self.known) >= _MOST_SETS:
                self.known.clear()
            row = self.known.setdefault(states, {})
        found = row.get(token)
        if found is None:
            found = row[token] = self.after(states, token)
        return found

    def accepts(self, states: frozenset[int]) -> bool:
        """Whether the pattern may end there."""
        return len(self.steps) - 1 in states

    def matches(self, parts: Iterable[str]) -> bool:
        """Whether the pattern stands for the text of these tokens."""
        states = self.start
        for token in parts:
            if not states:
                return False
            states = self.then(states, token)
        return self.accepts(states)


class _Builder:
    """Builds an automaton from left to right."""

    def __init__(self) -> None:
        self.steps: list[list[Step]] = [[]]
        self.jumps: list[tuple[int, int]] = []

    @property
    def last(self) -> int:
        return len(self.steps) - 1

    def text(self, text: str) -> None:
        for token in tokens(text):
            self.steps[-1].append((token, ANY, len(self.steps)))
            self.steps.append([])

    def run(self, excluded: frozenset[str]) -> None:
        """Any number of tokens."""
        self.steps.append([("", excluded, len(self.steps))])
        self.jumps.append((self.last - 1, self.last))

    def some(self, excluded: frozenset[str]) -> None:
        """One token or more."""
        self.steps[-1].append(("", excluded, len(self.steps)))
        self.steps.append([("", excluded, len(self.steps))])

    def loop(self, begin: int) -> None:
        """Back to a state, any number of times; or past it altogether."""
        self.jumps += [(self.last, begin), (begin, self.last)]

    def fork(self) -> int:
        """A state of its own, so that a loop to it repeats nothing that stands before it."""
        self.jumps.append((self.last, self.last + 1))
        self.steps.append([])
        return self.last

    def done(self) -> Pattern:
        self.fork()
        leaps = tuple(self._reached(state) for state in range(len(self.steps)))
        alphabet = frozenset(exact for steps in self.steps for exact, _, _ in steps if exact)
        return Pattern(tuple(map(tuple, self.steps)), leaps, alphabet)

    def _reached(self, state: int) -> frozenset[int]:
        found = [state]
        for each in found:
            found += [end for begin, end in self.jumps if begin == each and end not in found]
        return frozenset(found)


def compile_glob(glob: str) -> Pattern:
    """The pattern of a glob; it agrees with `policy.globs.matches`."""
    return _compiled([(glob, "")], True)


def compile_template(template: str, *, stars: bool = False) -> Pattern | None:
    """The pattern of a URI template (RFC 6570), None if it is not well-formed. `stars`: `*` in its text is a glob."""
    parts = list(_parts(template))
    if any("{" in text or "}" in text for text, _ in parts):
        return None
    return _compiled(parts, stars)


def _parts(template: str) -> Iterator[tuple[str, str]]:
    """Each text with the expression behind it; the last one has none."""
    at = 0
    for found in _EXPRESSION.finditer(template):
        yield template[at : found.start()], found[1] + found[2]
        at = found.end()
    yield template[at:], ""


def _compiled(parts: Iterable[tuple[str, str]], stars: bool) -> Pattern:
    building = _Builder()
    for text, expression in parts:
        head, *rest = text.split("*") if stars else [text]
        building.text(head)
        for piece in rest:
            building.run(SEGMENT)
            building.text(piece)
        if expression:
            _expand(building, expression)
    return building.done()


def _expand(building: _Builder, expression: str) -> None:
    operator, exploded = expression[0], expression.endswith("*")
    if operator in "#;":
        return
    if operator in "?&":
        begin = building.fork()
        building.text(operator)
        building.run(SEGMENT)
        building.fork()
        building.jumps.append((begin, building.last))
    elif operator == "/" and exploded:
        begin = building.fork()
        building.text("/")
        building.some(PART)
        building.fork()
        building.loop(begin)
    elif operator == "+" or (exploded and operator != "."):
        building.some(ANY)
    else:
        building.text(operator if operator in "./" else "")
        building.some(PART)
