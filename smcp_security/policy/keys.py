"""Every key that the policy has, read off the models, and the keys that are planned and not enforced yet. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Union, get_args

from pydantic import BaseModel

from smcp_security.policy.places import Path
from smcp_security.policy.profiles import CATEGORIES

Pattern = tuple[str, ...]
"""A path in which `*` stands for an index of a list or a name that the operator chose."""

Keys = Mapping[Pattern, tuple[str, ...]]

ANY: Final = "*"

PLANNED_KEYS: Final[frozenset[Pattern]] = frozenset({
    ("approvals",), ("flow",),
})  # fmt: skip

PLANNED_VALUES: Final[dict[Pattern, frozenset[str]]] = {}

_NAMED: Final = (("tools",), ("prompts",), ("resources",), ("roles",))


@cache
def known_keys(model: type[BaseModel]) -> Keys:
    """Section -> the keys it has, for the model of the whole policy. `()` is the top of the file."""
    return MappingProxyType({**dict(_sections(model, ())), ("injection", "action"): CATEGORIES})


def _sections(model: Any, path: Pattern) -> Iterator[tuple[Pattern, tuple[str, ...]]]:
    if dataclasses.is_dataclass(model):
        yield path, tuple(field.name for field in dataclasses.fields(model))
        return
    yield path, tuple(info.alias or name for name, info in model.model_fields.items())
    for name, info in model.model_fields.items():
        for inner, below in _models_in(info.annotation, (*path, name)):
            yield from _sections(inner, below)


def _models_in(annotation: Any, path: Pattern) -> Iterator[tuple[Any, Pattern]]:
    """The section models inside `annotation`, with `*` added to the path for a list or a map of them."""
    if isinstance(annotation, type) and hasattr(annotation, "__pydantic_fields__"):
        yield annotation, path
        return
    origin = getattr(annotation, "__origin__", None)
    repeated = origin not in (None, Union) and not hasattr(annotation, "__metadata__")
    for argument in get_args(annotation):
        yield from _models_in(argument, (*path, ANY) if repeated else path)


def pattern_of(path: Path) -> Pattern:
    """`path` with `*` for indexes and for names that the operator chose."""
    chosen: tuple[int, ...] = ()
    if path[:1] in _NAMED:
        chosen = (1, 3) if path[2:3] == ("arguments",) else (1,)
    return tuple(ANY if isinstance(segment, int) or at in chosen else segment for at, segment in enumerate(path))
