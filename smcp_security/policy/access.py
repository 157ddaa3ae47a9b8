"""The `roles` section: who may use which tools, prompts and resources, under which conditions. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from smcp_security.policy.identity import Claim, RoleName, Scope
from smcp_security.policy.injection import Pointer, ToolGlob
from smcp_security.policy.pointers import Argument
from smcp_security.policy.section import FrozenMap, Section

Scalar: TypeAlias = str | int | float | bool
Number: TypeAlias = int | float
URI_GLOB_PATTERN: Final = r"^[!-z|~]{1,1000}$"
TEMPLATE_PATTERN: Final = r"^([!-z|~]|\{[+#./;?&]?[A-Za-z0-9_][A-Za-z0-9_.,:*%-]*\})+$"
TEMPLATE_MAX: Final = 1000
ROLES_MAX: Final = 1000
_RANGE_EXPECTED: Final = "expected [least, most]: two numbers, or null for one end that is open"


def _uri_glob(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(URI_GLOB_PATTERN, value) is None:
        raise ValueError("expected a URI or glob such as docs://*, without spaces; what holds {x} belongs to templates")
    return value


def _template(value: object) -> str:
    if not isinstance(value, str) or len(value) > TEMPLATE_MAX or re.fullmatch(TEMPLATE_PATTERN, value) is None:
        raise ValueError("expected a URI template (RFC 6570) such as docs://{id}/text, without spaces")
    return value


def _scalar(value: object) -> Scalar:
    if not isinstance(value, str | int | float) or (isinstance(value, float) and not isfinite(value)):
        raise ValueError("expected a text, a number, true or false")
    return value


def _range(value: object) -> tuple[Number | None, Number | None]:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_end, value)):
        raise ValueError(_RANGE_EXPECTED)
    least, most = value
    if least is None and most is None:
        raise ValueError(f"{_RANGE_EXPECTED}; every number lies between two open ends")
    if least is not None and most is not None and least > most:
        raise ValueError(f"{_RANGE_EXPECTED}; least is more than most, so no number lies between")
    return least, most


def _is_end(value: object) -> bool:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return True
    return isinstance(value, float) and isfinite(value)


UriGlob = Annotated[str, BeforeValidator(_uri_glob), WithJsonSchema({"type": "string", "pattern": URI_GLOB_PATTERN})]
Template = Annotated[
    str,
    BeforeValidator(_template),
    WithJsonSchema({"type": "string", "pattern": TEMPLATE_PATTERN, "maxLength": TEMPLATE_MAX}),
]
Value = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
# Kept as written: a float could not tell neighbours beyond 2**53 apart.
Range = Annotated[
    tuple[Any, Any],
    BeforeValidator(_range),
    WithJsonSchema({"type": "array", "items": {"type": ["number", "null"]}, "minItems": 2, "maxItems": 2}),
]


class Condition(Section):
    """One thing that must hold. Types count: "5" is not 5, and 1 is not true."""

    # In a file it is `in` alone (see `model.validated`); code may say `one_of`, since `in` is a word of Python.
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    claim: Claim | None = Field(default=None, description="Claim of the caller; dots lead into objects.")
    argument: Argument | None = Field(
        default=None, description="Argument of the call: its name, or a JSON pointer. Either claim or argument."
    )
    equals: Value | None = Field(default=None, description="The value itself. One of equals, in, prefix and range.")
    one_of: Annotated[tuple[Value, ...], Field(min_length=1)] | None = Field(
        default=None, alias="in", description="One of these values."
    )
    prefix: Annotated[str, Field(min_length=1)] | None = Field(default=None, description="Text that it begins with.")
    range: Range | None = Field(default=None, description="[least, most] of a number; null leaves an end open.")

    @model_validator(mode="after")
    def _one_of_each(self) -> Condition:
        if (self.claim is None) == (self.argument is None):
            raise ValueError("expected either claim or argument")
        tests = (self.equals, self.one_of, self.prefix, self.range)
        if sum(test is not None for test in tests) != 1:
            raise ValueError("expected one of equals, in, prefix and range")
        return self

    def __eq__(self, other: object) -> bool:
        # For Python 1 == True == 1.0, for a condition they are three values.
        return isinstance(other, Condition) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


class DenyRule(Section):
    """What a role may not do. Globs: * crosses '.', not '/'; case counts."""

    tools: tuple[ToolGlob, ...] = Field(default=(), description="Globs on names of tools.")
    prompts: tuple[ToolGlob, ...] = Field(default=(), description="Globs on names of prompts.")
    resources: tuple[UriGlob, ...] = Field(default=(), description="Globs on resource URIs.")
    templates: tuple[Template, ...] = Field(default=(), description="URI templates: {name} is one segment.")
    methods: tuple[ToolGlob, ...] = Field(default=(), description="Globs on methods of server.extra_methods.")
    when: tuple[Condition, ...] = Field(default=(), description="Conditions; all must hold.")


class AllowRule(DenyRule):
    """What a role may do."""

    scopes: tuple[Scope, ...] = Field(default=(), description="Scopes that the caller's token needs as well; all.")


class RolePolicy(Section):
    """One role. A caller has the union of its roles; any deny wins."""

    extends: tuple[RoleName, ...] = Field(default=(), description="Roles whose rules count here too.")
    tenants: tuple[ToolGlob, ...] | None = Field(
        default=None, description="Globs on tenants: the role counts for their callers alone. null: for all."
    )
    allow: tuple[AllowRule, ...] = Field(default=(), description="What it may do.")
    deny: tuple[DenyRule, ...] = Field(default=(), description="What it may not do, whatever allows it.")


def inherited(name: str, roles: Mapping[str, RolePolicy]) -> frozenset[str]:
    """Every role whose rules count for `name` because it extends them, over any number of steps."""
    found: set[str] = set()
    pending = list(roles[name].extends)
    while pending:
        parent = pending.pop()
        if parent in roles and parent not in found:
            found.add(parent)
            pending.extend(roles[parent].extends)
    return frozenset(found)


def _frozen(roles: Mapping[str, RolePolicy]) -> FrozenMap[RolePolicy]:
    if len(roles) > ROLES_MAX:
        raise ValueError(f"expected at most {ROLES_MAX} roles; claims and tenants tell more callers apart")
    return FrozenMap(roles)


def _dumped(roles: Mapping[str, RolePolicy]) -> dict[str, Any]:
    return {name: role.model_dump(mode="json") for name, role in roles.items()}


Roles = Annotated[
    Mapping[RoleName, RolePolicy], AfterValidator(_frozen), PlainSerializer(_dumped, return_type=dict[str, Any])
]


class TenantAssertion(Section):
    """Results of some tools hold rows of one tenant alone: the caller's."""

    tools: Annotated[tuple[ToolGlob, ...], Field(min_length=1)] = Field(description="Globs on names of tools.")
    pointer: Pointer = Field(description="JSON pointer to the tenant of each row; * is every item of a list.")
    claim: Claim | None = Field(default=None, description="Claim to compare with. null: the caller's tenant.")
    rows: Literal["drop", "refuse"] = Field(default="drop", description="What becomes of a foreign row.")
