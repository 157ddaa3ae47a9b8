"""What a policy and the server's list say of the arguments of tools, and who may call them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smcp_security.lint.document import Document
from smcp_security.lint.shapes import Node
from smcp_security.pointer import at_pointer
from smcp_security.policy.access import inherited
from smcp_security.policy.globs import covers, matches, overlap
from smcp_security.policy.model import Policy
from smcp_security.policy.places import Path
from smcp_security.policy.tools import entries_for, is_glob, listed

if TYPE_CHECKING:
    from smcp_security.contracts.inference import Inferred
    from smcp_security.policy.contracts import AnyContract

_ELSEWHERE: Final = frozenset(
    "$dynamicRef allOf oneOf if then else dependentSchemas patternProperties additionalProperties "
    "unevaluatedProperties prefixItems".split()
)
"""Beside these an argument may come from elsewhere than `properties`."""
_STEPS_MAX: Final = 40
_SECTIONS: Final = ("tools", "prompts", "resources")


class Stated(NamedTuple):
    """A contract, where it is written and what it is for: a section, a name or glob in it, a pointer."""

    path: Path
    section: str
    name: str
    place: str
    contract: AnyContract


class Schema(NamedTuple):
    """The schema of a tool's arguments: its path in the policy, or that of what speaks of the tool there."""

    tool: str
    schema: Node
    path: Path
    stated: bool


def contracts_in(document: Document) -> Iterator[Stated]:
    """Every contract of a policy, in its order."""
    policy = _policy(document)
    for section in _SECTIONS:
        for name, entry in getattr(policy, section).items():
            for place, contract in entry.arguments.items():
                yield Stated(written_at(document, (section, name, "arguments"), place), section, name, place, contract)
            if getattr(entry, "uri", None) is not None:
                yield Stated((section, name, "uri"), section, name, "", entry.uri)


def written_at(document: Document, path: Path, place: str) -> Path:
    """The path of a contract: its place as the file spells it, a name or a pointer."""
    name = place.removeprefix("/").replace("~1", "/").replace("~0", "~")
    return (*path, place) if document.written((*path, place)) else (*path, name)


def stated_schemas(document: Document) -> Iterator[Schema]:
    """The schemas that the policy itself states."""
    for name, tool in _policy(document).tools.items():
        if tool.schema is not None:
            yield Schema(name, tool.schema, ("tools", name, "schema"), stated=True)


def announced(document: Document) -> Iterator[tuple[str, Node]]:
    """The schemas of the server's list, for tools of which the policy states none."""
    tools = _policy(document).tools
    for name, definition in document.known.tools.items() if document.known is not None else ():
        schema = definition.get("inputSchema") if isinstance(definition, Mapping) else None
        if isinstance(schema, Mapping) and not (name in tools and tools[name].schema is not None):
            yield name, schema


def known_schemas(document: Document) -> Iterator[Schema]:
    """What is announced, each with what speaks of the tool in the policy."""
    for name, schema in announced(document):
        yield Schema(name, schema, anchor(document, name), stated=False)


def inferred(schema: Schema) -> tuple[Inferred, ...]:
    """What the arguments of a schema are by their names and formats."""
    # Its vocabulary takes longer to read than most policies to judge.
    from smcp_security.contracts.inference import infer

    return infer(schema.tool, schema.schema)


def schemas_for(document: Document, entry: str) -> list[Schema]:
    """The schemas that an entry of `tools` is held beside: its own, or those of the server's tools that it fits."""
    path: Path = ("tools", entry)
    own = _policy(document).tools[entry].schema
    if own is not None:
        return [Schema(entry, own, (*path, "schema"), stated=True)]
    return [
        Schema(name, schema, path, stated=False)
        for name, schema in announced(document)
        if name == entry or (is_glob(entry) and matches(entry, name))
    ]


def anchor(document: Document, tool: str) -> Path:
    """Where a policy speaks of a tool: its entry, one whose glob it fits, or the section."""
    tools = _policy(document).tools
    names = [tool] if tool in tools else [name for name in tools if matches(name, tool)]
    return ("tools", names[0]) if names else ("tools",)


def callable_by_somebody(policy: Policy, tool: str) -> bool:
    """Whether the policy lets anybody call a tool of that name."""
    if policy.roles is None:
        return policy.unlisted_tools == "allow" or listed(policy.tools, tool)
    return any(role_may(policy, name, tool) for name in policy.roles)


def role_may(policy: Policy, name: str, glob: str) -> bool:
    """Whether a role, with those it extends, allows some tool that fits a glob and does not deny all of them."""
    roles = policy.roles or {}
    held = [roles[each] for each in (name, *inherited(name, roles))]
    # For a plain name `matches` says the same, at a tenth of the cost.
    shared = overlap if is_glob(glob) else matches
    allowed = any(shared(each, glob) for role in held for rule in role.allow for each in rule.tools)
    return allowed and not any(
        covers(wide, glob) for role in held for rule in role.deny if not rule.when for wide in rule.tools
    )


def inferring(policy: Policy, tool: str) -> bool:
    """False where an entry of its own says that kinds are not to be inferred for the tool."""
    return not any(entry.infer is False for entry in entries_for(policy.tools, tool))


def described(policy: Policy, tool: str) -> set[tuple[str, ...]]:
    """The places of a tool's arguments that have a contract."""
    return {tuple(place.split("/")[1:]) for entry in entries_for(policy.tools, tool) for place in entry.arguments}


def may_stand(schema: Node, place: str) -> bool:
    """Whether some value may stand at a pointer: False only where the schema names what there is, and not this."""
    return _reached(schema, place)[0]


def node_at(schema: Node, place: str) -> Node | None:
    """The schema of what stands at a pointer; None where none alone says so."""
    return _reached(schema, place)[1]


def _reached(root: Node, place: str) -> tuple[bool, Node | None]:
    node = _one(root, root)
    for segment in place.split("/")[1:_STEPS_MAX]:
        if node is None:
            return True, None
        properties, items = node.get("properties"), node.get("items")
        name = segment.replace("~1", "/").replace("~0", "~")
        if isinstance(properties, Mapping) and name in properties:
            node = _one(properties[name], root)
        elif segment == "*" and not properties and isinstance(items, Mapping):
            node = _one(items, root)
        else:
            open_here = any(node.get(key) not in (None, False) for key in _ELSEWHERE)
            return open_here or segment == "*" or not isinstance(properties, Mapping), None
    return True, node


def _one(node: Any, root: Node) -> Node | None:
    """The schema that a node is or refers to; of alternatives the only one that is not null."""
    for _ in range(_STEPS_MAX):
        if not isinstance(node, Mapping):
            return None
        reference, choices = node.get("$ref"), node.get("anyOf")
        if isinstance(reference, str):
            node = at_pointer(root, reference) if reference.startswith("#/") else None
        elif isinstance(choices, list):
            left = [each for each in choices if not (isinstance(each, Mapping) and each.get("type") == "null")]
            node = left[0] if len(left) == 1 else None
        else:
            return node
    return None


def _policy(document: Document) -> Policy:
    assert document.policy is not None
    return document.policy
