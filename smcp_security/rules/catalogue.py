"""The rule files as typed records: reads them, checks their shape, expands their fragments. Compiles no pattern.

Where they are read from is said in `documents.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal

import msgspec

from smcp_security.codes import Severity
from smcp_security.errors import RulesError
from smcp_security.rules.documents import documents_in

RANGES: Final[Mapping[str, frozenset[int]]] = {
    "bounds": frozenset(range(600, 610)) - {604, 605},
    "command": frozenset(range(610, 620)),
    "path": frozenset(range(620, 630)),
    "sql": frozenset(range(630, 640)),
    "ssrf": frozenset(range(640, 650)),
    "template": frozenset(range(650, 660)),
    "prompt": frozenset(range(660, 670)),
    "html": frozenset(range(670, 680)),
    "unicode": frozenset(range(680, 690)) - {685},
    "control": frozenset({685, 698, 699}),
    "nosql": frozenset({690, 691}),
    "ldap": frozenset({692, 693, 694}),
    "deserialisation": frozenset({695, 696, 697}),
    "secret": frozenset(range(901, 910)),
    "poisoning": frozenset(range(810, 830)),
}
"""The categories, and the numbers their rules have. A number never moves, so a category that came later has what was
free. A policy can name each of them but `poisoning`, which is about definitions alone."""

CATEGORIES: Final = tuple(RANGES)

Place = Literal["request", "answer", "result", "description"]
"""Where a rule counts; what each of them is, `rulebook.Surface` says."""

MIN_SAMPLES: Final = 5

CERTAIN: Final = 5
"""The score of a rule that decides alone. Weaker ones add up, per category and text, to the policy's threshold."""


class Detection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to recognise the technique: any of the atoms, and what must or must not stand near it.

    `any`, `near` and `unless` are RE2 patterns, case ignored. `within` is in bytes, on the given side of the atom.
    `count` is how many atoms one text must hold. `code` names what judges the text from the atom on, where no pattern
    can: `sql` is the grammar of `sql_grammar`. `start`: the atom counts only where the text starts.
    """

    any: tuple[str, ...]
    near: str = ""
    unless: str = ""
    within: int = 80
    side: Literal["before", "after", "around"] = "around"
    count: int = 1
    code: Literal["", "sql"] = ""
    start: bool = False


class Repeated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sample too long to be written out."""

    repeat: str
    times: int
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return self.before + self.repeat * self.times + self.after


class RawRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"passing": "pass"}):
    """One rule as its file has it. A rule without `detect` is found in code (the bounds of decoding).

    `score` says how sure a match is: `CERTAIN` alone is enough, 1 to 4 need others of the same category beside it.
    `match` and `pass` are samples for tests; a start does not read them.
    """

    id: str
    slug: str
    level: Literal[1, 2, 3]
    severity: Severity
    why: str
    remediation: str
    references: tuple[str, ...]
    match: tuple[str | Repeated, ...] = ()
    passing: tuple[str | Repeated, ...] = ()
    detect: tuple[Detection, ...] = ()
    score: Literal[1, 2, 3, 4, 5] = CERTAIN
    cwe: str = ""
    owasp: str = ""
    surfaces: tuple[Place, ...] = ("request", "answer")
    category: str = ""
    file: str = ""


class _RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: str
    rules: tuple[RawRule, ...]
    fragments: dict[str, str] = msgspec.field(default_factory=dict)


def read_rules(*, samples: bool = True) -> tuple[RawRule, ...]:
    """Every rule of the package, in order of its id. Raises `RulesError` with the file, the rule and what is wrong."""
    return rules_in(files("smcp_security.rules"), samples=samples)


def rules_in(folder: Traversable, *, samples: bool = True) -> tuple[RawRule, ...]:
    """The rules of the YAML files of a folder, or of its compiled file where there are none."""
    documents = documents_in(folder, None if samples else _cut)
    rules = _checked(rule for name, document in documents.items() for rule in _rules_of(name, document))
    if not samples:
        return without_samples(rules)
    for rule in rules:
        if len(rule.match) < MIN_SAMPLES or len(rule.passing) < MIN_SAMPLES:
            fault = f"a rule needs at least {MIN_SAMPLES} samples under `match` and {MIN_SAMPLES} under `pass`"
            raise RulesError(f"{rule.file}: {rule.id}: {fault}")
    return rules


def without_samples(rules: Iterable[RawRule]) -> tuple[RawRule, ...]:
    """The rules as a start reads them."""
    return tuple(msgspec.structs.replace(rule, match=(), passing=()) for rule in rules)


def canonical(rules: Iterable[RawRule]) -> bytes:
    """The rules as bytes that change when what one of them finds or says does."""
    return msgspec.json.encode(without_samples(rules), order="deterministic")


_SAMPLES: Final = re.compile(rb"(?m)^( +)(?:match|pass):\n(?:\1 +.*\n|[ \t]*\n)*")
"""The samples of a rule, in the layout of our files. In another they are read, and then left out."""


def _cut(content: bytes) -> bytes:
    # Reading them takes a third of the time that all of the rules do.
    return _SAMPLES.sub(b"", content)


def _rules_of(file: str, document: Any) -> list[RawRule]:
    try:
        raw = msgspec.convert(document, type=_RuleFile)
    except msgspec.ValidationError as error:
        raise RulesError(f"{file}: {error}") from error
    if raw.category not in RANGES:
        raise RulesError(f"{file}: unknown category {raw.category!r}; known are {', '.join(CATEGORIES)}")
    return [
        msgspec.structs.replace(
            rule,
            category=raw.category,
            file=file,
            detect=tuple(_expanded(detection, raw.fragments, rule, file) for detection in rule.detect),
        )
        for rule in raw.rules
    ]


def _expanded(detection: Detection, fragments: Mapping[str, str], rule: RawRule, file: str) -> Detection:
    """`<<name>>` in a pattern stands for the fragment of that name, which may use others in turn."""

    def expand(pattern: str) -> str:
        # As often as fragments can lie in each other, in whatever order the file has them.
        for _ in fragments:
            for name, fragment in fragments.items():
                pattern = pattern.replace(f"<<{name}>>", fragment)
        for left in pattern.split("<<")[1:]:
            name, closed, _ = left.partition(">>")
            if closed and name.isidentifier():
                raise RulesError(f"{file}: {rule.id}: the file defines no fragment {name!r}")
        return pattern

    return msgspec.structs.replace(
        detection,
        any=tuple(expand(pattern) for pattern in detection.any),
        near=expand(detection.near),
        unless=expand(detection.unless),
    )


def _checked(rules: Iterable[RawRule]) -> tuple[RawRule, ...]:
    seen: dict[str, RawRule] = {}
    slugs: set[str] = set()
    for rule in rules:
        fault = _fault(rule)
        if rule.id in seen:
            fault = f"the id is also used in {seen[rule.id].file}"
        elif rule.slug in slugs:
            fault = f"the slug {rule.slug!r} is used twice"
        if fault:
            raise RulesError(f"{rule.file}: {rule.id}: {fault}")
        seen[rule.id] = rule
        slugs.add(rule.slug)
    if not seen:
        raise RulesError("no rule was found: a scan without rules would call everything clean")
    return tuple(seen[key] for key in sorted(seen))


def _fault(rule: RawRule) -> str:
    numbers = RANGES[rule.category]
    if rule.id not in {f"SMCP{code}" for code in numbers}:
        return f"the id must be {_spelled(numbers)} in the category {rule.category}"
    if not rule.references or not rule.surfaces:
        return "`references` and `surfaces` must name at least one each"
    if rule.category != "bounds" and not rule.detect:
        return "`detect` is missing; only the bounds of inspection are found in code"
    if any(not found.any or "" in found.any or found.count < 1 or found.within < 1 for found in rule.detect):
        return "a detection needs patterns under `any`, and `count` and `within` of at least 1"
    return ""


def _spelled(numbers: frozenset[int]) -> str:
    """The codes as a reader wants them: runs by their ends."""
    starts = sorted(number for number in numbers if number - 1 not in numbers)
    ends = sorted(number for number in numbers if number + 1 not in numbers)
    runs = [
        f"SMCP{start}" if start == end else f"SMCP{start} to SMCP{end}" for start, end in zip(starts, ends, strict=True)
    ]
    return ", ".join(runs)
