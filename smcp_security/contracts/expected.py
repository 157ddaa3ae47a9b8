"""Which categories of detection are content in an argument of a kind: SQL in an argument for SQL is no attack. Data.

`EXPECTED` is what such an argument holds by nature, for kinds that were only inferred; `JUDGED` adds what a contract
of the policy decides by itself, better than a pattern does. A category that is expected is reported, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NONE: Final[frozenset[str]] = frozenset()

_LANGUAGES: Final = frozenset({
    "command", "sql", "path", "ssrf", "template", "html", "nosql", "ldap", "deserialisation",
})  # fmt: skip
"""What source code and documents quote every day. Never content anywhere: hidden characters, control sequences,
secrets, the bounds of inspection, and what is addressed to a model."""

EXPECTED: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    "sql": frozenset({"sql"}),
    # A line for a shell passes other languages on: `psql -c "..."`, `awk '{print $1}'`, `cd ../x`. It is run here, so
    # addresses of the inside and pickled objects stay what they are.
    "command": frozenset({"command", "path", "sql", "template", "html", "nosql", "ldap"}),
    "code": _LANGUAGES,
    "document": _LANGUAGES,
    "html": frozenset({"html", "template"}),
    "template": frozenset({"template", "html"}),
    # The text searched for may be any language; nobody runs a pattern.
    "regex": frozenset({"sql", "path", "template", "html", "nosql", "ldap"}),
    # PromQL, JQL, XPath and the like; written as texts they look like the languages that have rules.
    "query": frozenset({"sql", "nosql", "ldap"}),
    # A file of the system is what some tools are for; climbing to one is not.
    "path": frozenset({"SMCP626"}),
    "nosql": frozenset({"nosql"}),
    "ldap": frozenset({"ldap"}),
})  # fmt: skip
"""Inferred kind -> categories, or single rules of one. A kind that is not here expects none."""

JUDGED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    dict.fromkeys(("argv_token", "date", "email", "identifier", "json", "regex", "text", "uuid"), _NONE)
    | {kind: EXPECTED[kind] for kind in ("sql", "command", "code")}
    | {
        "path": frozenset({"path"}),
        **dict.fromkeys(("url", "hostname", "cidr"), frozenset({"ssrf"})),
        # One of the policy's own texts.
        "enum": _LANGUAGES | {"prompt"},
        # These two refuse whatever runs, so what is left over is honest.
        "template": frozenset({"template"}),
        "html": frozenset({"html"}),
    }
)
"""Kind of a contract -> categories."""
