"""Every rule there is, in the order of the pages, and the codes that rules had once. A code is never used again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Final

from smcp_security.lint.registry import Rule

SECTIONS: Final = (
    "comments",
    "file",
    "yaml",
    "server",
    "identity",
    "roles",
    "access",
    "limits",
    "tools",
    "injection",
    "results",
    "vault",
    "audit",
    "lock_files",
    "lock_schemas",
    "lock_openness",
    "lock_names",
    "lock_descriptions",
    "client_programs",
    "client_reach",
    "client_environment",
    "client_trust",
    "contracts",
    "schemas",
    "wide_contracts",
    "detection_levels",
    "answers",
    "vault_grants",
)
"""Modules of `rules/`, in the order in which their rules run and are listed."""

RETIRED: Final[Mapping[str, str]] = MappingProxyType({})
"""Code of a rule that is no more -> its slug and why it went."""


@cache
def rules() -> Mapping[str, Rule]:
    """Code -> rule, of all modules, in their order."""
    found: dict[str, Rule] = {}
    for section in SECTIONS:
        module = import_module(f"smcp_security.lint.rules.{section}")
        for each in vars(module).values():
            if not isinstance(each, Rule):
                continue
            if each.code in found or each.code in RETIRED:
                raise ValueError(f"{each.code} {each.slug}: the code is taken; use the next free one of its range")
            found[each.code] = each
    return MappingProxyType(found)
