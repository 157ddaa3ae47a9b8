"""What is expected of detection: groups of attack categories, each with its target. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks.detection_corpus import Row


@dataclass(frozen=True, slots=True)
class Group:
    """Categories with one target. `flagged`: a report counts as caught, because the default policy blocks none."""

    name: str
    categories: tuple[str, ...]
    target: float
    flagged: bool = False


GROUPS: Final = (
    Group("sql", ("sql_injection",), 95),
    Group("html", ("xss", "xxe", "ssi_injection"), 95),
    Group("path", ("path_traversal",), 95),
    Group("ssrf", ("ssrf",), 95),
    Group("template", ("ssti",), 95),
    Group("shell", ("shell_injection",), 90),
    Group("nosql", ("nosql_injection",), 90),
    Group("ldap", ("ldap_injection", "xpath_injection"), 90),
    Group("deserialisation", ("deserialization",), 90),
    Group("unicode", ("unicode_smuggling", "unicode_homoglyph"), 100),
    Group("prompt", ("prompt_injection",), 60, flagged=True),
    Group("descriptions", ("tool_poisoning",), 60, flagged=True),
)

APART: Final[Mapping[str, str]] = MappingProxyType({
    "tensor_trust": "attacks of a game among people; many are pressure or noise",
    "jailbreak": "persona texts without an instruction to override",
    "pii_leak": "personal data in results",
    "pii_leak_national_id": "personal data in results",
    "secret_leak": "secrets in results",
    "sensitive_path": "the bare name of a file, which only a path contract can judge",
})  # fmt: skip
"""Corpora and categories that are no target, and why."""

OF_THEIR_OWN: Final = ("sql", "shell", "code")
"""Contexts whose benign texts are hard by nature: what they hold is an attack anywhere else."""

BENIGN_TARGET: Final = 0.5
HARDEST_TARGET: Final = 2.0

_BY_CATEGORY: Final = {category: group for group in GROUPS for category in group.categories}


def group_of(row: Row) -> Group | None:
    """The target that an attack counts for; None for what is no target."""
    if row.corpus in APART or not row.attack:
        return None
    return _BY_CATEGORY.get(row.category)


def counted(rows: Sequence[Row]) -> list[Row]:
    """The benign rows that false positives are counted on: a local address is harmless text and rightly refused."""
    return [row for row in rows if not row.attack and row.context != "url_local"]
