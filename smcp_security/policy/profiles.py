"""The three profiles: what a key is worth when the policy does not name it. Data only; imports nothing of the package.

A profile moves how much detection runs and what it does, never transport, identity or parsing.

Why the actions are as they are. `block` is for categories whose rules name a technique with next to no honest use
in an argument: a shell substitution behind a separator, a tautology, a metadata address, a pickle, an escape sequence
that rewrites a terminal. What is content where it stands is none of that: in an argument for code, a query or a
document, its own language is only reported (see contracts and `infer`). Hence `html` can block: an article or a
component carries tags and handlers, a title, a name or a path does not. `prompt` is about *text*, and honest text is
full of it in any place: an issue that quotes "ignore previous instructions", a mail about phishing. Blocking it breaks
note-taking, ticket and mail tools on the first day, so `standard` reports it and `maximum` blocks it. `minimal` is for
servers whose arguments nobody has described: it also reports `html`, `template` and `nosql`, since tags, `{{ name }}`
and `$ne` are everyday syntax of web pages, workflow files and database tools.

Results: credentials are masked in every profile, since no model has a use for one. Addresses and numbers of people are
what many tools are for, so only `maximum` masks them unasked. `minimal` leaves errors as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

CATEGORIES: Final = (
    "command", "sql", "path", "ssrf", "template", "html", "nosql", "ldap", "deserialisation", "prompt", "unicode",
    "control", "secret", "bounds",
)  # fmt: skip
"""The categories of detection rules that `injection.action` may name."""

STANDARD: Final = "standard"

_BLOCK_ALL: Final = MappingProxyType(dict.fromkeys(CATEGORIES, "block"))
_STANDARD_ACTIONS: Final = MappingProxyType({**_BLOCK_ALL, "prompt": "annotate"})
_MINIMAL_ACTIONS: Final = MappingProxyType(
    {**_STANDARD_ACTIONS, "html": "annotate", "template": "annotate", "nosql": "annotate"}
)

PROFILES: Final[Mapping[str, Mapping[tuple[str, ...], Any]]] = MappingProxyType(
    {
        "minimal": MappingProxyType({
            ("unlisted_tools",): "allow",
            ("injection", "level"): 1,
            ("injection", "action"): _MINIMAL_ACTIONS,
            ("arguments", "unknown_schema"): "allow",
            ("audit", "on_failure"): "continue",
            ("results", "redact"): ("secrets",),
            ("results", "injection"): "annotate",
            ("results", "errors"): "pass",
            ("results", "descriptions"): "annotate",
        }),
        "standard": MappingProxyType({
            ("unlisted_tools",): "allow",
            ("injection", "level"): 2,
            ("injection", "action"): _STANDARD_ACTIONS,
            ("arguments", "unknown_schema"): "allow",
            ("audit", "on_failure"): "continue",
            ("results", "redact"): ("secrets",),
            ("results", "injection"): "annotate",
            ("results", "errors"): "mask",
            ("results", "descriptions"): "annotate",
        }),
        "maximum": MappingProxyType({
            ("unlisted_tools",): "deny",
            ("injection", "level"): 3,
            ("injection", "action"): _BLOCK_ALL,
            ("arguments", "unknown_schema"): "deny",
            ("audit", "on_failure"): "deny",
            ("results", "redact"): ("secrets", "email", "phone", "card", "iban", "national_id"),
            ("results", "injection"): "block",
            ("results", "errors"): "hide",
            ("results", "descriptions"): "drop",
        }),
    }
)  # fmt: skip
"""Profile -> (section, key) or (key,) -> default. Every other key has the same default in all three."""


def with_defaults(policy: dict[str, Any]) -> dict[str, Any]:
    """A copy of the raw `policy` in which the keys it leaves out have the values of its profile.

    What is not well-formed (an unknown profile, a section that is no mapping) is left for validation to refuse.
    """
    profile = policy.get("profile", STANDARD)
    defaults = PROFILES.get(profile) if isinstance(profile, str) else None
    filled = dict(policy)
    for (section, *inside), value in (defaults or {}).items():
        if not inside:
            filled.setdefault(section, value)
            continue
        key, given = inside[0], filled.get(section, {})
        if isinstance(given, dict):
            filled[section] = {**given, key: _merged(value, given[key]) if key in given else _plain(value)}
    return filled


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, MappingProxyType) else value


def _merged(default: Any, given: Any) -> Any:
    return {**default, **given} if isinstance(default, MappingProxyType) and isinstance(given, dict) else given
