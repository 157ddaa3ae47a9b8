"""What decides whether a candidate is what it seems: entropy, placeholders, checks by name. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from math import log2
from types import MappingProxyType
from typing import Final

from smcp_security.redaction.addresses import ADDRESS_CHECKS
from smcp_security.redaction.identities import IDENTITY_CHECKS

__all__ = ["CHECKS", "Check", "entropy_of", "placeholder"]

Check = Callable[[str, str, str], bool]
"""The span, what stands before it and what behind it; latin-1, so that a character is a byte."""

_FILLED: Final = 0.5
"""A secret does not consist of one character by half."""

_STAND_INS: Final = (
    "redacted", "example", "placeholder", "your", "changeme", "change_me", "change-me", "insert", "replace", "dummy",
    "sample", "here", "xxxx", "****", "....", "####", "----", "____", "todo", "fixme", "secret_name",
)  # fmt: skip
_RUNS: Final = ("abcdefghijkl", "ABCDEFGHIJKL", "0123456789012", "1234567890123", "_HERE", "YOUR_", "_here", "your_")
_ALPHABETS: Final = _RUNS[:2]
_SEQUENCES: Final = re.compile(
    r"abc(?:def)?(?:123)?|xyz|1234567890|12345678?9?|123456?|def456|ghi789"
    r"|(?:api|access)?[-_]?(?:token|key|secret)[-_]?|test|[-_.]",
    re.IGNORECASE,
)


def entropy_of(text: str) -> float:
    """Shannon's entropy in bits a character."""
    if not text:
        return 0.0
    counts = Counter(text).values()
    size = len(text)
    return -sum(count / size * log2(count / size) for count in counts)


def placeholder(text: str) -> bool:
    """Whether a text with the form of a secret only stands for one: x's, zeros, the alphabet, a mask."""
    return filled(text) or any(run in text for run in _RUNS)


def filled(text: str) -> bool:
    """Whether one sign makes up half of it, or the alphabet runs through it, or a mask is already there."""
    if not text or text.startswith("[redacted:"):
        return True
    tail = text[len(text) // 4 :] if len(text) > 12 else text
    if max(Counter(tail.lower()).values()) > max(3, len(tail) * _FILLED):
        return True
    return any(run in text for run in _ALPHABETS)


def sequential(text: str) -> bool:
    """Whether a value is put together from what hands type first: abc123xyz, token_abc123, 12345-ABCDE."""
    return len(text) <= 32 and len(_SEQUENCES.sub("", text)) < 4


def stands_in(text: str) -> bool:
    """Whether a value says in words that a secret belongs in its place."""
    low = text.lower()
    return any(word in low for word in _STAND_INS)


def _mixed(value: str, before: str, after: str) -> bool:
    """Digits and letters, so that no word and no number passes."""
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _cased(value: str, before: str, after: str) -> bool:
    """Letters of both cases: identifiers in one case are names."""
    return value.lower() != value and value.upper() != value


def _tail(value: str, before: str, after: str) -> bool:
    """Letters and digits behind the last hyphen: numbers alone are an id, words alone a name."""
    last = value.rpartition("-")[2]
    return len(last) > 5 and any(map(str.isalpha, last)) and any(map(str.isdigit, value))


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {"mixed": _mixed, "cased": _cased, "tail": _tail, **ADDRESS_CHECKS, **IDENTITY_CHECKS}
)
"""What a rule's `check` stands for."""
