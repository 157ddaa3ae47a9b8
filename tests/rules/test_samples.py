"""Every sample of every rule file: what a rule's `match` says is found by that rule, what `pass` says is left alone."""

from __future__ import annotations

import warnings
from re import compile as python_pattern
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.rulebook import DEFINED, Surface, load, read_rules
from smcp_security.rules.catalogue import RawRule

RULES = read_rules()
FILLER = "x" * 1_100
"""A second text that makes a message long: long ones are scanned by other automata than short ones."""


def found(rule: RawRule, sample: object, level: int, *more: str) -> dict[str, str]:
    """The rules that hit the sample where `rule` counts, with their categories."""
    texts = [str(sample), *more]
    if rule.surfaces == ("description",):
        hits = load(level, DEFINED).scan(texts, Surface.DESCRIPTION)
    else:
        hits = load(level).scan(texts)
    return {hit.rule.id: hit.rule.category for hit in hits if hit.leaf == 0}


MATCHES = [pytest.param(rule, sample, id=f"{rule.id}-{n}") for rule in RULES for n, sample in enumerate(rule.match)]
PASSES = [pytest.param(rule, sample, id=f"{rule.id}-{n}") for rule in RULES for n, sample in enumerate(rule.passing)]


@pytest.mark.parametrize(("rule", "sample"), MATCHES)
def test_what_a_rule_is_for_is_found_by_it(rule: RawRule, sample: object) -> None:
    """At the rule's own level, alone and in a long message."""
    level = max(2, rule.level)
    assert rule.id in found(rule, sample, level)
    assert rule.id in found(rule, sample, level, FILLER)


@pytest.mark.parametrize(("rule", "sample"), PASSES)
def test_what_looks_like_it_and_is_harmless_passes(rule: RawRule, sample: object) -> None:
    """No rule of the same category hits it."""
    level = max(2, rule.level)
    assert rule.category not in found(rule, sample, level).values()
    assert rule.category not in found(rule, sample, level, FILLER).values()


@pytest.mark.parametrize(("rule", "sample"), [(rule, rule.match[0]) for rule in RULES if rule.level == 3])
def test_a_rule_of_level_three_is_off_by_default(rule: RawRule, sample: object) -> None:
    """Level 2 is the default, and does not report what ordinary work looks like."""
    assert rule.id not in found(rule, sample, 2)
    assert rule.id in found(rule, sample, 3)


def in_python(atom: str) -> Any:
    """An atom as a pattern of Python's, to make texts from."""
    pieces = atom.split(r"\x{")
    translated = pieces[0]
    for piece in pieces[1:]:
        digits, _, rest = piece.partition("}")
        translated += f"\\U{int(digits, 16):08x}{rest}"
    with warnings.catch_warnings():
        # `[[` means the same in both; Python announces that it may not stay so.
        warnings.simplefilter("ignore", FutureWarning)
        return python_pattern(translated)


ESCAPED = python_pattern(r"\\.|\[(?!\^)(?:\\.|[^\]])*\]")
"""Escaped characters and plain classes, in which a dot or a star is itself."""

GAP = python_pattern(r"(?:\.|\[\^[^\]]*\])(?:[*+]|\{\d*,?(?:\d\d|\}))")

BY_ID = {rule.id: rule for rule in RULES}
ATOMS = {rule.id: [atom for detection in rule.detect for atom in detection.any] for rule in RULES if rule.detect}


@pytest.mark.parametrize("rule", list(ATOMS))
@settings(max_examples=20)
@given(data=st.data())
def test_a_text_is_judged_alike_in_a_short_and_a_long_message(rule: str, data: st.DataObject) -> None:
    """Long messages skip automata whose atoms cannot be in them: that must never skip one that could match."""
    text = data.draw(st.from_regex(in_python(data.draw(st.sampled_from(ATOMS[rule])))))
    assert found(BY_ID[rule], text, 3) == found(BY_ID[rule], text, 3, FILLER)


@pytest.mark.parametrize("rule", list(ATOMS))
def test_an_atom_has_no_gap(rule: str) -> None:
    """`.*`, `.{0,60}` or a repeated negated class make the automaton explode on hostile text."""
    assert [atom for atom in ATOMS[rule] if GAP.search(ESCAPED.sub("x", atom))] == []


@pytest.mark.parametrize("gap", ["a.*b", "a.+b", "a.{0,60}b", "`[^`]*`", "a[^b]+", "a[^b]{1,200}b"])
def test_a_gap_is_known_when_seen(gap: str) -> None:
    """The check above can fail."""
    assert GAP.search(ESCAPED.sub("x", gap))
