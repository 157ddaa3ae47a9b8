"""Spans of a message masked: in its texts, in the JSON inside them and in what is packed in Base64. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from smcp_security.checks.blobs import packed
from smcp_security.checks.edits import all_exchanged
from smcp_security.checks.embedded import renamed
from smcp_security.checks.layers import Change, Find, Layer, Masks, layers_of
from smcp_security.checks.repeats import repeats
from smcp_security.checks.said import hides
from smcp_security.fields import Fields, places
from smcp_security.leaves import Path

Covers: TypeAlias = Callable[[Path, bool, str], bool]
"""Whether what is of a kind is masked at a place of the message, which may be a key; the kind "": JSON in a text."""


class Place(msgspec.Struct, frozen=True):
    """One text of the message in which something is masked."""

    path: Path
    is_key: bool
    masks: Masks


class Masked(msgspec.Struct, frozen=True):
    """The value with everything masked, and where."""

    value: dict[str, Any]
    places: Sequence[Place]


def masked(value: dict[str, Any], said: Fields, find: Find, covers: Covers, *, every: bool = False) -> Masked | None:
    """The value with what `find` finds masked, None if there is nothing to mask.

    JSON texts are opened where something was found, or where one holds escapes that no rule reads through. `every`:
    in any case.
    """
    top = Layer(*_with_packed(said), find)
    every = every or bool(top.spans)
    if not every and not hides(said):
        return None
    layers = layers_of(top, find, every=every)
    for layer, further in zip(layers, repeats([(layer.unopened(), layer.spans) for layer in layers]), strict=True):
        layer.add(further)
    changes: dict[int, Change] = {}
    for layer in reversed(layers[1:]):
        changes = layer.changes(changes)
    return _applied(value, said, top, changes, covers)


def _with_packed(said: Fields) -> tuple[list[str], list[str]]:
    packs = said.packed or ()
    if not packs:
        return said.texts, said.names
    return [*said.texts, *(text for _, text in packs)], [*said.names, *("" for _ in packs)]


def _applied(
    value: dict[str, Any], said: Fields, top: Layer, below: Mapping[int, Change], covers: Covers
) -> Masked | None:
    """The message with everything masked that its place lets mask."""
    packs, plain = said.packed or (), len(said.texts)
    inner = top.inner(below)
    leaves = sorted(top.spans.keys() | inner.keys())
    roots = {leaf: leaf if leaf < plain else packs[leaf - plain][0] for leaf in leaves}
    where = places(value, set(roots.values()))
    parts: dict[Path, str] = {}
    keys: dict[Path, dict[str, str]] = {}
    found: list[Place] = []
    of_base64 = {root for root, _ in packs}
    for leaf in leaves:
        path, is_key = where[roots[leaf]]
        spans = [span for span in top.spans.get(leaf, ()) if covers(path, is_key, span.kind)]
        inside = inner.get(leaf)
        if inside is not None and not covers(path, is_key, "secrets"):
            inside = None
        if not spans and inside is None:
            continue
        change = top.changed(leaf, spans, inside)
        found.append(Place(path, is_key, change.masks))
        if is_key:
            keys.setdefault(path[:-1], {})[str(path[-1])] = change.text
        else:
            parts[path] = packed(change.text) if roots[leaf] in of_base64 else change.text
    return Masked(_renamed(all_exchanged(value, parts), keys), found) if found else None


class _Branch:
    """Keys of one object that are exchanged, and the branches that lead to further ones."""

    __slots__ = ("below", "keys")

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.below: dict[str | int, _Branch] = {}


def _renamed(value: dict[str, Any], keys: Mapping[Path, Mapping[str, str]]) -> dict[str, Any]:
    """The value with keys exchanged; the paths have the old ones."""
    root = _Branch()
    for path, names in keys.items():
        branch = root
        for step in path:
            branch = branch.below.setdefault(step, _Branch())
        branch.keys.update(names)
    renewed: dict[str, Any] = _renewed(value, root)
    return renewed


def _renewed(node: Any, branch: _Branch) -> Any:
    if not branch.below and not branch.keys:
        return node
    copied = node.copy()
    for step, below in branch.below.items():
        copied[step] = _renewed(node[step], below)
    if not branch.keys:
        return copied
    names = renamed(node, branch.keys)
    return {names.get(key, key): member for key, member in copied.items()}
