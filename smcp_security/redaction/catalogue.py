"""The rules of masks as typed records: reads the files, checks their shape, expands fragments. Compiles no pattern.

Their samples stand in `tests/redaction/samples`, because a start should not read what only tests need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal

import msgspec

from smcp_security.errors import RulesError
from smcp_security.rules.documents import documents_in

SECRETS: Final = "secrets"
INTERNALS: Final = "internals"
KINDS: Final = ("secrets", "email", "phone", "card", "iban", "national_id", "ip", "internals")
"""The kinds of `results.redact`, and what errors must not tell."""


class MaskRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form of what is masked.

    `any` are RE2 atoms that find a candidate: a short opener and unbounded classes, because counted ones over a common
    opener are what an automaton is slow to build. `opens` is what tells that there may be one, where that is not the
    atoms up to their first unbounded class. `form` is an RE2 pattern that the candidate must begin with; its
    first group, or else the whole of it, is the span. `read` names a reader in code in place of a form, `check` what
    judges the span. `near`: words (case ignored) that must stand within so many bytes of it, or in its field's name.
    `unless` is an RE2 pattern that the span must not match. `entropy`: bits a character that it has at least.
    """

    mask: str
    kind: Literal["secrets", "email", "phone", "card", "iban", "national_id", "ip", "internals"]
    why: str
    references: tuple[str, ...]
    any: tuple[str, ...]
    opens: tuple[str, ...] = ()
    form: str = ""
    read: str = ""
    check: str = ""
    near: str = ""
    within: int = 40
    unless: str = ""
    entropy: float = 0.0
    part: str = ""
    reach: int = 400
    file: str = ""


class _RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    part: str
    rules: tuple[MaskRule, ...]
    fragments: dict[str, str] = msgspec.field(default_factory=dict)


# They do not change while the package runs, and whoever asks gets the same frozen records.
@lru_cache(maxsize=1)
def read_masks() -> tuple[MaskRule, ...]:
    """Every rule of the package, in the order in which they win.

    Raises `RulesError` with the file and what is wrong.
    """
    return masks_in(files("smcp_security.redaction") / "rules")


def masks_in(folder: Traversable) -> tuple[MaskRule, ...]:
    """The rules of the YAML files of a folder, or of its compiled file where there are none."""
    rules = tuple(rule for name, document in documents_in(folder).items() for rule in _rules_of(name, document))
    if not rules:
        raise RulesError("no rule of masks was found: a scan without rules would mask nothing")
    return _checked(rules)


def _rules_of(file: str, document: Any) -> list[MaskRule]:
    try:
        raw = msgspec.convert(document, type=_RuleFile)
    except msgspec.ValidationError as error:
        raise RulesError(f"{file}: {error}") from error
    return [_expanded(rule, raw, file) for rule in raw.rules]


def _expanded(rule: MaskRule, raw: _RuleFile, file: str) -> MaskRule:
    """`<<name>>` in a pattern stands for the fragment of that name."""

    def expand(pattern: str) -> str:
        for name, fragment in raw.fragments.items():
            pattern = pattern.replace(f"<<{name}>>", fragment)
        if "<<" in pattern:
            raise RulesError(f"{file}: {rule.mask}: {pattern!r} names a fragment that the file does not define")
        return pattern

    return msgspec.structs.replace(
        rule,
        any=tuple(expand(pattern) for pattern in rule.any),
        opens=tuple(expand(pattern) for pattern in rule.opens),
        form=expand(rule.form),
        near=expand(rule.near),
        unless=expand(rule.unless),
        part=rule.part or raw.part,
        file=file,
    )


def _checked(rules: Iterable[MaskRule]) -> tuple[MaskRule, ...]:
    kinds: dict[str, str] = {}
    for rule in rules:
        fault = _fault(rule, kinds)
        if fault:
            raise RulesError(f"{rule.file}: {rule.mask}: {fault}")
        kinds[rule.mask] = rule.kind
    return tuple(rules)


def _fault(rule: MaskRule, kinds: Mapping[str, str]) -> str:
    if kinds.get(rule.mask, rule.kind) != rule.kind:
        return "the same mask has another kind elsewhere"
    if not rule.any or "" in rule.any:
        return "`any` needs patterns"
    if rule.form and rule.read:
        return "`form` and `read` are two ways to say where the span is: name one"
    if not rule.references or not rule.why:
        return "`why` and `references` must be there"
    if not 1 <= rule.within <= 200 or not 1 <= rule.reach <= 32_768:
        return "`within` is from 1 to 200 and `reach` from 1 to 32,768 bytes"
    return ""
