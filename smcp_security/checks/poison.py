"""What definitions say to the model that they should not: the rules for definitions over the whole of each. Pure.

Not the description alone is looked at: names of parameters, defaults, examples and values of enums reach the model
too. Weak rules add up over one definition, wherever in it they hit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from smcp_security.checks.legible import revealed
from smcp_security.decision import Action, Finding
from smcp_security.fields import fields_of, places
from smcp_security.leaves import Path
from smcp_security.pointer import pointer
from smcp_security.rulebook import DEFINED, FRAGMENT_FLOOD, Rule, Rulebook, Surface, load
from smcp_security.rules.catalogue import CERTAIN

MOST_APART: Final = 64
"""Definitions of one list that are looked at one by one, where all of them together ran into a bound."""

_ROOT: Final = "d"
_SET: Final = ("\n", "  ", "\t", "\r", "*")
"""Signs of a text that is broken into lines or set in bold."""

_BLANK: Final = 16

_LEAST: Final = 4
"""Rules that say less in all are not worth a report: many honest definitions want their tool to be called first."""

_WEAKER: Final[Mapping[str, int]] = {"SMCP669": 2}
"""What is odd in a result is common in a definition: to say for how long something holds."""

_TOGETHER: Final = {"poisoning": "prompt"}
"""Both are about words to a model, so what they find adds up."""

_SHOWN: Final = frozenset(
    "name title description inputSchema outputSchema annotations icons src _meta arguments required properties items "
    "enum const default examples anyOf oneOf allOf not if then else $defs definitions additionalProperties pattern "
    "patternProperties prefixItems $comment format type uri uriTemplate mimeType execution instructions serverInfo "
    "version websiteUrl capabilities readOnlyHint destructiveHint idempotentHint openWorldHint".split()
)
"""What may be shown of the way to a text: all else the server made up."""


Excluded: TypeAlias = Callable[[int, str], bool]
"""Whether a rule, by its code, does not count for the definition at a place."""


def _nothing(place: int, rule: str) -> bool:
    return False


class Suspicion(NamedTuple):
    """A rule that holds somewhere in a definition. `certain`: with the others there it is enough to act on."""

    rule: Rule
    path: Path
    certain: bool

    def finding(self, where: Path = (), *, drops: bool = False) -> Finding:
        """The finding of it, in a definition at `where` of the message."""
        shown = pointer(where) + pointer(part if isinstance(part, int) or part in _SHOWN else "*" for part in self.path)
        rule = self.rule
        action = Action.BLOCK if drops and self.certain else Action.REPORT
        return Finding(rule.id, rule.slug, rule.severity, shown, action, rule.remediation)


class Judge:
    """Looks definitions over. A definition is an entry of a list, or the text of the server's instructions."""

    __slots__ = ("_defined", "_general", "_threshold")

    def __init__(self, defined: Rulebook, threshold: int = CERTAIN, general: Rulebook | None = None) -> None:
        """`defined` has the rules for definitions alone, `general` those for every text of a server."""
        self._defined = defined
        self._general = general
        self._threshold = threshold

    @classmethod
    def at(cls, level: int = 2, threshold: int = CERTAIN) -> Judge:
        """A judge with the package's rules of this level and below. Raises `RulesError`."""
        return cls(load(level, DEFINED), threshold, load(level))

    def __call__(self, definition: Any) -> tuple[Finding, ...]:
        """The findings in one definition, with pointers into it; BLOCK is what a policy would act on."""
        return tuple(each.finding(drops=True) for each in self.suspicions([definition])[0])

    def suspicions(self, definitions: Sequence[Any], excluded: Excluded = _nothing) -> list[tuple[Suspicion, ...]]:
        """What speaks against each of the definitions, in their order, but for what is `excluded`."""
        hits = self._hits(definitions)
        flood = next((rule for rule, _ in hits if rule.id == FRAGMENT_FLOOD), None)
        if flood is not None and len(definitions) > 1:
            return self._apart(definitions, flood, excluded)
        by_definition: dict[int, list[tuple[Rule, Path]]] = defaultdict(list)
        for rule, path in hits:
            if not excluded(place := _place(path), rule.id):
                by_definition[place].append((rule, path[1:]))
        return [self._weighed(by_definition.get(place, ())) for place in range(len(definitions))]

    def _apart(self, definitions: Sequence[Any], flood: Rule, excluded: Excluded) -> list[tuple[Suspicion, ...]]:
        """Each by itself, so that none of them hides behind another; what is too much to look at is suspect."""
        found = [
            self.suspicions([definition], _only(place, excluded))[0]
            for place, definition in enumerate(definitions[:MOST_APART])
        ]
        return found + [(Suspicion(flood, (), certain=True),)] * (len(definitions) - len(found))

    def _hits(self, definitions: Sequence[Any]) -> list[tuple[Rule, Path]]:
        value = {_ROOT: list(definitions)}
        texts = fields_of(value).texts
        found: dict[tuple[str, int], Rule] = {}
        # As they came, and as they go on once what nobody sees is taken out of them.
        for reading in (texts, revealed(texts)):
            if reading is None:
                continue
            found |= {(rule.id, leaf): rule for rule, leaf in self._defined_in(reading)}
            if self._general is not None:
                found |= {(hit.rule.id, hit.leaf): hit.rule for hit in self._general.scan(reading, Surface.RESULT)}
        if not found:
            return []
        paths = places(value, {leaf for _, leaf in found})
        return [(rule, paths[leaf][0][1:]) for (_, leaf), rule in found.items()]

    def _defined_in(self, texts: Sequence[str]) -> Iterator[tuple[Rule, int]]:
        flowing = [_flowing(text) for text in texts]
        set_apart = [
            leaf for leaf, text in enumerate(texts) if text is not flowing[leaf] and _matters(text, flowing[leaf])
        ]
        readings = [*flowing, *(texts[leaf] for leaf in set_apart)]
        for hit in self._defined.scan(readings, Surface.DESCRIPTION):
            yield hit.rule, hit.leaf if hit.leaf < len(texts) else set_apart[hit.leaf - len(texts)]

    def _weighed(self, hits: Iterable[tuple[Rule, Path]]) -> tuple[Suspicion, ...]:
        """The hits of one definition that say enough, together with the others of their kind."""
        hits = list(hits)
        scores: dict[str, dict[str, int]] = defaultdict(dict)
        for rule, _ in hits:
            scores[_kind(rule)][rule.id] = _WEAKER.get(rule.id, rule.score)
        sums = {kind: sum(of_rules.values()) for kind, of_rules in scores.items()}
        return tuple(
            Suspicion(rule, path, certain=sums[_kind(rule)] >= self._threshold)
            for rule, path in hits
            if sums[_kind(rule)] >= _LEAST
        )


def _flowing(text: str) -> str:
    """The text as its reader takes it: docstrings break lines where they end, and stars make words bold."""
    if text.isascii() and not any(sign in text for sign in _SET):
        return text
    return " ".join(text.replace("*", "").split())


def _matters(text: str, flowing: str) -> bool:
    """Whether it matters how the text is set: much of it is blank, or a block ends in it."""
    return len(text) - len(flowing) >= _BLANK or "</" in text or "[/" in text


def _only(place: int, excluded: Excluded) -> Excluded:
    return lambda _, rule: excluded(place, rule)


def _kind(rule: Rule) -> str:
    return _TOGETHER.get(rule.category, rule.category)


def _place(path: Path) -> int:
    return path[0] if path and isinstance(path[0], int) else 0
