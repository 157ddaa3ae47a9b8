"""The `tools` section: what the policy says about single tools, by exact name or glob. Pure.

What only some policies hold is imported late: jsonschema for schemas, the kinds of contracts for arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.dataclasses import dataclass

from smcp_security.policy.contract_maps import Contracts, dumped
from smcp_security.policy.globs import matches
from smcp_security.policy.section import FrozenMap, Truth

TOOL_NAME_PATTERN: Final = r"^[^\x00-\x20\x7f]{1,256}$"
_TOOL_NAME: Final = re.compile(TOOL_NAME_PATTERN)


def _name(value: object) -> str:
    if not isinstance(value, str) or _TOOL_NAME.fullmatch(value) is None:
        raise ValueError("expected the name of a tool, or a glob such as git.*, of 1 to 256 characters without blanks")
    return value


def _schema(value: Any) -> Any:
    if value is None:
        return None
    # jsonschema takes as long to import as the rest of the policy: only who writes a schema pays for it.
    from smcp_security.policy.tool_schema import checked

    return checked(value)


ArgumentSchema = Annotated[
    dict[str, Any] | None,
    BeforeValidator(_schema),
    WithJsonSchema({
        "anyOf": [
            {"type": "object", "properties": {"type": {"const": "object"}}, "required": ["type"]},
            {"type": "null"},
        ],
        "$comment": "A JSON Schema of draft 2020-12; checked against its meta-schema when the policy loads.",
    }),
]  # fmt: skip


# A dataclass and no Section, because every pydantic model has a method called `schema`.
@dataclass(frozen=True, config=ConfigDict(defer_build=True, extra="forbid", hide_input_in_errors=True))
class ToolPolicy:
    """What holds for some tools. `schema` belongs to the policy: read it, never change it."""

    schema: ArgumentSchema = Field(
        default=None,
        description="JSON Schema (draft 2020-12) of the arguments, as a mapping with type: object. It counts before any"
        " schema that the server announces. Only for the exact name of one tool. null: what the server announces.",
    )
    arguments: Contracts = Field(
        default_factory=lambda: FrozenMap({}),
        description="Contracts by argument: its name, or a JSON pointer in which * is any item or member.",
    )
    infer: Truth | None = Field(
        default=None, description="Whether kinds are inferred for the other arguments. null: as the top-level key says."
    )


def is_glob(name: str) -> bool:
    """Whether a key of `tools`, `prompts` or `resources` may stand for several names."""
    return "*" in name


def listed(tools: Mapping[str, ToolPolicy], name: str) -> bool:
    """Whether some entry of the section names the tool, exactly or by a glob."""
    return name in tools or any(is_glob(key) and matches(key, name) for key in tools)


def entries_for(tools: Mapping[str, ToolPolicy], name: str) -> tuple[ToolPolicy, ...]:
    """Every entry that holds for the tool: the one of its exact name first, then those whose glob it fits."""
    exact = (tools[name],) if name in tools else ()
    return (*exact, *(tool for key, tool in tools.items() if key != name and is_glob(key) and matches(key, name)))


def _dumped(tools: Mapping[str, ToolPolicy]) -> dict[str, Any]:
    return {
        name: {"schema": tool.schema, "arguments": dumped(tool.arguments), "infer": tool.infer}
        for name, tool in tools.items()
    }


ToolName = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": TOOL_NAME_PATTERN})]
Tools = Annotated[
    Mapping[ToolName, ToolPolicy], AfterValidator(FrozenMap), PlainSerializer(_dumped, return_type=dict[str, Any])
]
