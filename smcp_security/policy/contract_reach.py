"""Contracts that never act: of tools that nobody calls, for arguments that no schema has; empty entries. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from smcp_security.policy.globs import overlap
from smcp_security.policy.places import Path
from smcp_security.policy.role_reach import GlobIndex
from smcp_security.policy.roots import is_everything

if TYPE_CHECKING:
    from smcp_security.policy.agreement import Problem
    from smcp_security.policy.contracts import AnyContract
    from smcp_security.policy.model import Policy

# Beside these an argument may come from elsewhere than `properties`.
_ELSEWHERE: Final = frozenset(
    "$ref $dynamicRef allOf anyOf oneOf if then else dependentSchemas patternProperties additionalProperties "
    "unevaluatedProperties prefixItems".split()
)


def _entries_that_say_nothing(policy: Policy) -> Iterator[Problem]:
    for name, tool in policy.tools.items():
        if policy.unlisted_tools == "allow" and tool.schema is None and not tool.arguments and tool.infer is None:
            yield ("tools", name), "says nothing, and unlisted_tools: allow lets every tool through; remove it"
    for name, prompt in policy.prompts.items():
        if not prompt.arguments:
            yield ("prompts", name), "says nothing; name contracts, or remove it (roles say who may use it)"
    for name, resource in policy.resources.items():
        if resource.uri is None and not resource.arguments:
            yield ("resources", name), "says nothing; name contracts, or remove it (roles say who may read it)"


def _tools_that_nobody_calls(policy: Policy) -> Iterator[Problem]:
    if policy.roles is None:
        return
    allowed = GlobIndex(("tools", glob) for role in policy.roles.values() for rule in role.allow for glob in rule.tools)
    for name in policy.tools:
        if not any(overlap(name, glob) for _, glob in allowed.near("tools", name)):
            yield ("tools", name), "no role may call such a tool, so this never counts; is it spelt as meant?"


def _roots_of_everything(policy: Policy) -> Iterator[Problem]:
    for path, contract in _contracts(policy):
        if contract.kind == "path":
            for index, root in enumerate(contract.roots):
                if is_everything(root):
                    yield (*path, "roots", index), "holds every file there is, so it confines nothing; name a directory"


def _contracts(policy: Policy) -> Iterator[tuple[Path, AnyContract]]:
    for section in ("tools", "prompts", "resources"):
        for name, entry in getattr(policy, section).items():
            for argument, contract in entry.arguments.items():
                yield (section, name, "arguments", _as_written(argument)), contract
    for name, resource in policy.resources.items():
        if resource.uri is not None:
            yield ("resources", name, "uri"), resource.uri


def _as_written(place: str) -> str:
    """A pointer of one plain segment as it is usually written: by its name."""
    name = place.removeprefix("/")
    return place if "/" in name or "~" in name else name


def _arguments_that_do_not_exist(policy: Policy) -> Iterator[Problem]:
    for name, tool in policy.tools.items():
        for argument in tool.arguments if tool.schema is not None else ():
            if not _may_exist(tool.schema, argument.split("/")[1:]):
                path = ("tools", name, "arguments", _as_written(argument))
                yield path, "the schema of this entry has no such argument, so this never counts; is it spelt as meant?"


def _may_exist(schema: Any, segments: list[str]) -> bool:
    """Whether some value may stand there: False only where a schema names the arguments and this is none of them."""
    for segment in segments:
        if not isinstance(schema, Mapping) or any(schema.get(key) not in (None, False) for key in _ELSEWHERE):
            return True
        properties, items = schema.get("properties"), schema.get("items")
        if segment == "*" and not properties and items is not None:
            schema = items
        elif segment == "*" or not isinstance(properties, Mapping):
            return True
        elif (name := segment.replace("~1", "/").replace("~0", "~")) in properties:
            schema = properties[name]
        else:
            return False
    return True


RULES: Final = (
    _entries_that_say_nothing,
    _tools_that_nobody_calls,
    _roots_of_everything,
    _arguments_that_do_not_exist,
)
