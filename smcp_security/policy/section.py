"""What every section of the policy shares: frozen, no unknown keys, and the parsed kinds of value. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails

from smcp_security.policy.units import (
    DURATION_PATTERN,
    RATE_PATTERN,
    SIZE_MAX,
    SIZE_PATTERN,
    VOLUME_MAX,
    VOLUME_MIN,
    VOLUME_PATTERN,
    Rate,
    parse_duration,
    parse_rate,
    parse_size,
    parse_volume,
)

V = TypeVar("V")

ENVIRONMENT_PATTERN: Final = r"^env:[A-Za-z_][A-Za-z0-9_]{0,127}$"
FILE_PATTERN: Final = r"^[^\x00]{0,1023}[^\x00/]$"


class Section(BaseModel):
    """A frozen part of the policy that refuses keys it does not know."""

    model_config = ConfigDict(
        # Built when first used: the sections of a policy are built as parts of it, and none of them is asked alone.
        defer_build=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def untouched(cls) -> Self:
        """The section with no key written. Calling the class would build a validator that nothing else needs."""
        return cls.model_construct()


def at_key(key: str, value: object, problem: str) -> ValidationError:
    """The mistake that one key of a section is, found by a validator of the whole section."""
    return ValidationError.from_exception_data("section", [mistake((key,), value, problem)])


def mistake(path: tuple[str | int, ...], value: object, problem: str | ValueError) -> InitErrorDetails:
    """One line of a `ValidationError`, about what stands at `path` below where it is raised."""
    cause = problem if isinstance(problem, ValueError) else ValueError(problem)
    return InitErrorDetails(type="value_error", loc=path, input=value, ctx={"error": cause})


@dataclass(frozen=True)
class OrWord:
    """Says in the JSON Schema that a section may also be one of these words; a validator before it understands them."""

    words: tuple[str, ...]

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The section's own schema, or one of the words; a null that a word stands for is not offered."""
        section = handler(core_schema)
        kinds = [kind for kind in section.get("anyOf", [section]) if kind != {"type": "null"}]
        return {"anyOf": [{"enum": list(self.words)}, *kinds]}


class FrozenMap(Mapping[str, V]):
    """A mapping that nobody can change. Unlike a mapping proxy it can be copied and pickled with the policy."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, V]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, key: str) -> V:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return repr(self._entries)


Truth = Annotated[bool, Strict()]

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": SIZE_MAX},
            {"type": "string", "pattern": SIZE_PATTERN},
        ]
    }),
]  # fmt: skip

Volume = Annotated[
    int,
    BeforeValidator(parse_volume),
    WithJsonSchema({
        "anyOf": [
            {"type": "integer", "minimum": VOLUME_MIN, "maximum": VOLUME_MAX},
            {"type": "string", "pattern": VOLUME_PATTERN},
        ]
    }),
]  # fmt: skip
"""Bytes on a disk."""

Frequency = Annotated[
    Rate,
    BeforeValidator(parse_rate),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": RATE_PATTERN}),
]

Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    WithJsonSchema({
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": DURATION_PATTERN}],
    }),
]  # fmt: skip
"""Whole seconds."""


def _environment_name(value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or not re.fullmatch(ENVIRONMENT_PATTERN, value, re.ASCII)):
        raise ValueError("expected env:NAME, the environment variable that holds the key; a key has no place in a file")
    return value


def file_name(value: object) -> str | None:
    """The name of a file as text. Raises `ValueError`."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if text is not None and (not isinstance(text, str) or not re.fullmatch(FILE_PATTERN, text)):
        raise ValueError("expected the name of a file, relative to the current directory of the server or absolute")
    return text


EnvironmentName = Annotated[
    str | None,
    BeforeValidator(_environment_name),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": ENVIRONMENT_PATTERN}, {"type": "null"}]}),
]
FileName = Annotated[
    str | None,
    BeforeValidator(file_name),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": FILE_PATTERN}, {"type": "null"}]}),
]
