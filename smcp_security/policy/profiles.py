"""The three profiles: what a key is worth when the policy does not name it. Data only; imports nothing of the package.

A profile moves how much detection runs and what it does, never transport, identity or parsing.

Why the actions are as they are. `block` is for categories whose rules name a technique with next to no honest use
in an argument: a shell substitution behind a separator, a tautology, a metadata address, a pickle. Two categories are
about *text*, and honest text is full of them: `prompt` (an issue that quotes "ignore previous instructions", a
mail about phishing) and `html` (source code, articles and templates carry tags and handlers; the harm happens where
the text is shown, which this server may never do). Blocking them breaks note-taking, ticket and code tools on the first
day, so `standard` reports them with the audit and `maximum` blocks them. `minimal` also reports `template` and
`nosql`: `{{ name }}` and `$ne` are everyday syntax of workflow files and of database tools themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

CATEGORIES: Final = (
    "command", "sql", "path", "ssrf", "template", "html", "nosql", "deserialisation", "prompt", "unicode", "secret",
    "bounds",
)  # fmt: skip
"""The categories of detection rules that `injection.action` may name."""

STANDARD: Final = "standard"

_BLOCK_ALL: Final = MappingProxyType(dict.fromkeys(CATEGORIES, "block"))
_STANDARD_ACTIONS: Final = MappingProxyType({**_BLOCK_ALL, "prompt": "annotate", "html": "annotate"})
_MINIMAL_ACTIONS: Final = MappingProxyType({**_STANDARD_ACTIONS, "template": "annotate", "nosql": "annotate"})

PROFILES: Final[Mapping[str, Mapping[tuple[str, ...], Any]]] = MappingProxyType(
    {
        "minimal": MappingProxyType({
            ("unlisted_tools",): "allow",
            ("injection", "level"): 1,
            ("injection", "action"): _MINIMAL_ACTIONS,
            ("arguments", "unknown_schema"): "allow",
            ("audit", "on_failure"): "continue",
        }),
        "standard": MappingProxyType({
            ("unlisted_tools",): "allow",
            ("injection", "level"): 2,
            ("injection", "action"): _STANDARD_ACTIONS,
            ("arguments", "unknown_schema"): "allow",
            ("audit", "on_failure"): "continue",
        }),
        "maximum": MappingProxyType({
            ("unlisted_tools",): "deny",
            ("injection", "level"): 3,
            ("injection", "action"): _BLOCK_ALL,
            ("arguments", "unknown_schema"): "deny",
            ("audit", "on_failure"): "deny",
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
