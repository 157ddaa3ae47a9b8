"""The sections `prompts` and `resources`: contracts for what is asked for by name or by URI. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from smcp_security.policy.access import TEMPLATE_MAX, TEMPLATE_PATTERN
from smcp_security.policy.contract_maps import Contracts, OneContract, VariableContracts
from smcp_security.policy.section import FrozenMap, Section
from smcp_security.policy.tools import ToolName

_EXPRESSION: Final = re.compile(r"\{[+#./;?&]?([^}]*)\}")


def _resource_name(value: object) -> str:
    if not isinstance(value, str) or len(value) > TEMPLATE_MAX or re.fullmatch(TEMPLATE_PATTERN, value) is None:
        raise ValueError(
            "expected a URI, a glob such as docs://* or a URI template (RFC 6570) such as docs://{id}/text, no spaces"
        )
    if "*" in _EXPRESSION.sub("", value) and "{" in value:
        raise ValueError("expected a glob or a URI template, not both: write the star as a variable such as {any}")
    return value


def variables_of(template: str) -> tuple[str, ...]:
    """The names of the variables of a URI template, each once; none of a plain URI or glob."""
    names = (name for inner in _EXPRESSION.findall(template) for name in inner.split(","))
    return tuple(dict.fromkeys(name.partition(":")[0].removesuffix("*") for name in names))


class PromptPolicy(Section):
    """What holds for some prompts, when they are fetched and when their arguments are completed."""

    arguments: Contracts = Field(default=FrozenMap({}), description="Contracts by argument: its name.")


class ResourcePolicy(Section):
    """What holds for some resources, when they are read and when variables of their template are completed."""

    uri: OneContract = Field(default=None, description="Contract of the whole URI. null: none.")
    arguments: VariableContracts = Field(
        default=FrozenMap({}), description="Contracts by variable of the template that is the key of this entry."
    )


def _dumped(entries: Mapping[str, Section]) -> dict[str, Any]:
    return {name: entry.model_dump(mode="json") for name, entry in entries.items()}


ResourceName = Annotated[
    str,
    BeforeValidator(_resource_name),
    WithJsonSchema({"type": "string", "pattern": TEMPLATE_PATTERN, "maxLength": TEMPLATE_MAX}),
]
Prompts = Annotated[
    Mapping[ToolName, PromptPolicy], AfterValidator(FrozenMap), PlainSerializer(_dumped, return_type=dict[str, Any])
]
Resources = Annotated[
    Mapping[ResourceName, ResourcePolicy],
    AfterValidator(FrozenMap),
    PlainSerializer(_dumped, return_type=dict[str, Any]),
]
