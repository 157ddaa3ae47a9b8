"""Globs over names of tools and methods: `*` stands for any run of characters except `/`; case counts. Pure."""

from __future__ import annotations


def matches(pattern: str, name: str) -> bool:
    """True if the whole of `name` fits `pattern`; at most len(pattern) * len(name) steps, whatever the two are.

    No regular expression is built: names come from callers, and several stars backtrack polynomially.
    """
    patterns, parts = pattern.split("/"), name.split("/")
    return len(patterns) == len(parts) and all(map(_segment_matches, patterns, parts))


def _segment_matches(pattern: str, text: str) -> bool:
    if "*" not in pattern:
        return pattern == text
    head, *middle, tail = pattern.split("*")
    if len(text) < len(head) + len(tail) or not text.startswith(head) or not text.endswith(tail):
        return False
    at, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
