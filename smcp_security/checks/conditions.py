"""What a condition of a rule says of a claim or an argument: it holds, it fails, or nobody can tell. Pure.

An allow rule needs its conditions to hold; a deny rule counts unless one of them fails. Nobody can tell where a server
may take a value for another than it is: "5000" for 5000, a JSON text for what it holds, `/a/../b` for `/b`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

from smcp_security.policy.access import Condition


class Truth(Enum):
    """What is known of a condition."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


_MISSING: Final = object()
_UNCLEAR: Final = object()
_INDEX: Final = re.compile("0|[1-9][0-9]{0,5}", re.ASCII)
# What some reader resolves, drops or decodes before it uses a text as a path or URL.
_SLIPPERY: Final = re.compile(r"\.\.|[\\%]|^ ")
_ROUNDABOUT: Final = re.compile(r"//|(^|/)\.(/|$)")


def all_of(truths: Iterable[Truth]) -> Truth:
    """What is known of several conditions together: one that fails settles it."""
    found = Truth.HOLDS
    for truth in truths:
        if truth is Truth.FAILS:
            return truth
        if truth is Truth.UNKNOWN:
            found = truth
    return found


def of_claims(condition: Condition, claims: Mapping[str, Any]) -> Truth:
    """A condition on a claim. The claim of that very name counts before the one that its dots lead to."""
    name = condition.claim or ""
    value = claims[name] if name in claims else _descend(claims, name.split("."))
    return _judge(condition, value)


def of_arguments(condition: Condition, arguments: object) -> Truth:
    """A condition on an argument. Arguments that are no object, or none at all where there might be, tell nothing."""
    segments = [part.replace("~1", "/").replace("~0", "~") for part in (condition.argument or "").split("/")[1:]]
    return _judge(condition, _UNCLEAR if _has_twin(arguments, segments) else _descend(arguments, segments))


def _has_twin(node: object, segments: list[str]) -> bool:
    """Whether a name on the way differs from the one meant in case alone: many servers (.NET, Go) take either."""
    for segment in segments:
        if isinstance(node, list) and _INDEX.fullmatch(segment) and int(segment) < len(node):
            node = node[int(segment)]
            continue
        if not isinstance(node, Mapping):
            return False
        folded = segment.casefold()
        if any(len(name) == len(segment) and name != segment and name.casefold() == folded for name in node):
            return True
        node = node.get(segment)
    return False


def _descend(node: object, segments: list[str]) -> object:
    for segment in segments:
        if isinstance(node, Mapping):
            node = node.get(segment, _MISSING)
        elif isinstance(node, list) and _INDEX.fullmatch(segment):
            node = node[int(segment)] if int(segment) < len(node) else _MISSING
        elif node is not _MISSING:
            # A text may be JSON that the server reads, and a name no place of a list.
            return _UNCLEAR
    return node


def _judge(condition: Condition, value: object) -> Truth:
    if value is _MISSING:
        return Truth.FAILS
    if condition.equals is not None:
        return _among(value, (condition.equals,))
    if condition.one_of is not None:
        return _among(value, condition.one_of)
    if condition.prefix is not None:
        return _begins(value, condition.prefix)
    return _within(value, condition.range)


def _kind(value: object) -> type | None:
    """The JSON type of a scalar: 1 and 1.0 are one number, true is none; None for everything else."""
    if type(value) in (bool, str):
        return type(value)
    return float if type(value) in (int, float) else None


def _among(value: object, choices: tuple[object, ...]) -> Truth:
    kind = _kind(value)
    if kind is None:
        return Truth.UNKNOWN
    kinds = [_kind(choice) for choice in choices]
    if any(kind is own and value == choice for own, choice in zip(kinds, choices, strict=True)):
        return Truth.HOLDS
    return Truth.FAILS if all(kind is own for own in kinds) else Truth.UNKNOWN


def _begins(value: object, prefix: str) -> Truth:
    if type(value) is not str or not value.isprintable() or _SLIPPERY.search(value):
        return Truth.UNKNOWN
    if value.startswith(prefix):
        return Truth.HOLDS
    # `/a//b` and `/a/./b` are `/a/b` to most; the slashes of `https://` are not meant.
    return Truth.UNKNOWN if _ROUNDABOUT.search(value.replace("://", ":", 1)) else Truth.FAILS


def _within(value: object, ends: tuple[Any, Any] | None) -> Truth:
    if ends is None or _kind(value) is not float:
        return Truth.UNKNOWN
    least, most = ends
    inside = (least is None or value >= least) and (most is None or value <= most)
    return Truth.HOLDS if inside else Truth.FAILS
