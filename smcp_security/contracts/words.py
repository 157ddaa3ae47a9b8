"""Names of tools and arguments as words: `sourceCode`, `source_code` and `source-codes` are one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAX_NAME: Final = 128
"""Characters of a name that is looked at; longer ones say nothing."""

_WORD: Final = re.compile(r"[kK]8[sS]|[nN]eo4j|[eE]2[bB]|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_PLURALS: Final = {
    "queries": "query", "directories": "directory", "branches": "branch", "bodies": "body", "matches": "match",
    "patches": "patch", "regexes": "regex", "repositories": "repository", "addresses": "address",
}  # fmt: skip
_SINGULAR: Final = frozenset({"aws", "js", "ts", "css", "dns", "https", "k8s", "fs", "as", "has", "kubernetes"})


def words(name: str, limit: int = MAX_NAME) -> tuple[str, ...]:
    """The words of a name or text in small letters and the singular; none if it is longer than `limit`."""
    return tuple(_singular(word.lower()) for word in _WORD.findall(name)) if len(name) <= limit else ()


def vocabulary(text: str) -> frozenset[str]:
    """The words of a text, as `words` would find them in names."""
    return frozenset(map(_singular, text.split()))


def any_of(found: Iterable[str], wanted: frozenset[str]) -> bool:
    """Whether a word is one of those wanted."""
    return not wanted.isdisjoint(found)


def _singular(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    plural = len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in _SINGULAR
    return word[:-1] if plural else word
