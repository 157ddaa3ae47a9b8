"""The `tools` section: what the policy says about single tools, by exact name. Pure; jsonschema is imported late."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.dataclasses import dataclass

from smcp_security.policy.section import FrozenMap

TOOL_NAME_PATTERN: Final = r"^[^*\x00-\x20\x7f]{1,256}$"
_TOOL_NAME: Final = re.compile(TOOL_NAME_PATTERN)


def _name(value: object) -> str:
    if not isinstance(value, str) or _TOOL_NAME.fullmatch(value) is None:
        raise ValueError("expected the exact name of one tool; globs and spaces are not understood here")
    return value


def _schema(value: Any) -> Any:
    # jsonschema takes as long to import as the rest of the policy: only who writes a schema pays for it.
    from smcp_security.policy.tool_schema import checked

    return checked(value)


ArgumentSchema = Annotated[
    dict[str, Any],
    BeforeValidator(_schema),
    WithJsonSchema({
        "type": "object",
        "properties": {"type": {"const": "object"}},
        "required": ["type"],
        "$comment": "A JSON Schema of draft 2020-12; checked against its meta-schema when the policy loads.",
    }),
]  # fmt: skip


# A dataclass and no Section, because every pydantic model has a method called `schema`.
@dataclass(frozen=True, config=ConfigDict(extra="forbid", hide_input_in_errors=True))
class ToolPolicy:
    """What holds for one tool. `schema` belongs to the policy: read it, never change it."""

    schema: ArgumentSchema = Field(
        description="JSON Schema (draft 2020-12) of the tool's arguments, as a mapping with type: object."
        " It counts before any schema that the server announces."
    )


def _dumped(tools: Mapping[str, ToolPolicy]) -> dict[str, Any]:
    return {name: {"schema": tool.schema} for name, tool in tools.items()}


ToolName = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": TOOL_NAME_PATTERN})]
Tools = Annotated[
    Mapping[ToolName, ToolPolicy], AfterValidator(FrozenMap), PlainSerializer(_dumped, return_type=dict[str, Any])
]
