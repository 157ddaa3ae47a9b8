"""What each released protocol revision defines: methods, the shape of their params, the keys of protocol objects.

Derived from the official per-revision models of `mcp-types`; the only module that imports it (275 ms), so it is
imported when a framework is made, never by `import smcp_security`. Pure otherwise.
"""

from __future__ import annotations

import types
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin

from mcp_types import methods as official
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel
from pydantic_core import SchemaValidator, ValidationError
from typing_extensions import TypeAliasType

KNOWN: Final = KNOWN_PROTOCOL_VERSIONS
LEGACY: Final = frozenset(HANDSHAKE_PROTOCOL_VERSIONS)
MODERN: Final = MODERN_PROTOCOL_VERSIONS
NEWEST_LEGACY: Final = HANDSHAKE_PROTOCOL_VERSIONS[-1]
# What a legacy request without a version header is taken for (2025-06-18, "Protocol Version Header").
ASSUMED: Final = "2025-03-26"

# The methods whose target `Mcp-Name` mirrors (2026-07-28, "Standard Request Headers"; the last three: SEP-2663).
MIRRORED: Final = frozenset("tools/call prompts/get resources/read tasks/get tasks/update tasks/cancel".split())
# Methods of the tasks extension, which mcp-types leaves out: the params that must be strings.
TASK_METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "tasks/get": ("taskId",),
    "tasks/result": ("taskId",),
    "tasks/cancel": ("taskId",),
    "tasks/update": ("taskId",),
    "tasks/list": (),
}


# No protocol key is longer than 45 characters, and none gets shorter by normalising but for its underscores.
_LONGEST_TWIN: Final = 90


def fold(key: str) -> str:
    """What a lenient parser may take `key` for: case, Unicode compatibility and underscores do not count.

    A key that is too long to be anything of the protocol's folds to nothing: NFKC is quadratic in combining marks.
    """
    bare = key.replace("_", "")
    if len(bare) > _LONGEST_TWIN:
        return ""
    if bare.isascii():
        return bare.lower()
    return unicodedata.normalize("NFKC", bare).casefold().replace("_", "")


@dataclass(frozen=True, slots=True)
class Shape:
    """The protocol's own keys of one object, and the shapes of the protocol objects under them.

    User maps (`arguments`, `experimental`, ...) have no shape: there, `Name` beside `name` is honest.
    """

    keys: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()
    under: Mapping[str, Shape] = field(default_factory=dict)

    def twin(self, value: Any, path: tuple[str, ...] = ()) -> tuple[str, ...] | None:
        """The path of the first object that has a key which only looks like one of the protocol's."""
        if type(value) is list:
            below = (*path, "*")
            return next((found for item in value if item and (found := self.twin(item, below)) is not None), None)
        if type(value) is not dict:
            return None
        for key, member in value.items():
            if key not in self.keys:
                if fold(key) in self.folded:
                    return (*path, "*")
            elif member and (shape := self.under.get(key)) is not None:
                found = shape.twin(member, (*path, key))
                if found is not None:
                    return found
        return None


@dataclass(frozen=True, slots=True)
class Method:
    """One method of one revision: the official schema of the whole message, and the shape of its params."""

    validator: SchemaValidator
    shape: Shape

    def misfit(self, message: Mapping[str, Any]) -> str | None:
        """Where the message departs from the revision's schema, as a pointer without caller-chosen segments."""
        try:
            # by_name=False, or `request_state` would pass for `requestState`.
            self.validator.validate_python(message, by_name=False)
        except ValidationError as error:
            place = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
            return "/" + "/".join(self._declared(place))
        return None

    def _declared(self, place: tuple[str | int, ...]) -> list[str]:
        """Pydantic's place, up to the first segment that the schema does not declare."""
        segments: list[str] = []
        shape: Shape | None = Shape(under={"params": self.shape}, keys=frozenset({"params", "method", "id"}))
        for segment in place:
            if shape is None or segment not in shape.keys:
                return [*segments, "*"]
            segments.append(str(segment))
            shape = shape.under.get(str(segment))
        return segments


@cache
def requests() -> Mapping[tuple[str, str], Method]:
    """(method, revision) -> the request a client may send."""
    return {key: _method(model) for key, model in official.CLIENT_REQUESTS.items()}


@cache
def notifications() -> Mapping[tuple[str, str], Method]:
    """(method, revision) -> the notification a client may send."""
    return {key: _method(model) for key, model in official.CLIENT_NOTIFICATIONS.items()}


@cache
def methods() -> frozenset[str]:
    """Every method a client may send in some revision, tasks included: what tells MCP from other JSON-RPC."""
    return official.SPEC_CLIENT_METHODS | official.SPEC_CLIENT_NOTIFICATION_METHODS | frozenset(TASK_METHODS)


@cache
def _method(model: type[BaseModel]) -> Method:
    shape = _shape_of(model.model_fields["params"].annotation, {}) or Shape()
    return Method(SchemaValidator(_failing_fast(model.__pydantic_core_schema__)), shape)


def _failing_fast(schema: Any) -> Any:
    """A core schema that gives up at the first wrong entry of a list or map, and makes no objects of what is right.

    By itself pydantic collects an error for each entry: 100 ms for 100 KB of them.
    """
    if type(schema) is list or type(schema) is tuple:
        return type(schema)(map(_failing_fast, schema))
    if type(schema) is not dict:
        return schema
    if schema.get("type") == "model":
        extras = schema["config"].get("extra_fields_behavior", "ignore")
        named = {"ref": schema["ref"]} if "ref" in schema else {}
        return _failing_fast({**schema["schema"], "extra_behavior": extras, **named})
    copy = {key: _failing_fast(member) for key, member in schema.items()}
    return {**copy, "fail_fast": True} if schema.get("type") in ("list", "dict") else copy


def _shape_of(annotation: Any, seen: dict[type[BaseModel], Shape]) -> Shape | None:
    """The shape behind an annotation: models, unions of them, lists of them; None for scalars and user maps."""
    if isinstance(annotation, TypeAliasType):
        return _shape_of(annotation.__value__, seen)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _shape_of_model(annotation, seen)
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType, list):
        return _merged([shape for part in get_args(annotation) if (shape := _shape_of(part, seen)) is not None])
    if origin is Annotated:
        return _shape_of(get_args(annotation)[0], seen)
    return None


def _shape_of_model(model: type[BaseModel], seen: dict[type[BaseModel], Shape]) -> Shape:
    if model in seen:
        return seen[model]
    under: dict[str, Shape] = {}
    names = {name: (entry.alias or name) for name, entry in model.model_fields.items()}
    keys = frozenset(names.values())
    # Entered before its members are looked at: some models (JSON Schema, content) contain themselves.
    shape = seen[model] = Shape(keys, frozenset(map(fold, keys)), under)
    for name, entry in model.model_fields.items():
        if (below := _shape_of(entry.annotation, seen)) is not None:
            under[names[name]] = below
    return shape


def _merged(shapes: list[Shape]) -> Shape | None:
    if len(shapes) < 2:
        return shapes[0] if shapes else None
    under: dict[str, Shape] = {}
    for shape in shapes:
        for key, below in shape.under.items():
            under[key] = cast(Shape, _merged([under[key], below])) if key in under else below
    keys = frozenset().union(*(shape.keys for shape in shapes))
    return Shape(keys, frozenset(map(fold, keys)), under)


_TASK_KEYS: Final = frozenset({"taskId", "inputResponses", "requestState", "cursor", "_meta"})
TASK_PARAMS: Final = Shape(_TASK_KEYS, frozenset(map(fold, _TASK_KEYS)))

# The keys of the JSON-RPC 2.0 envelope (sections 4 and 5).
ENVELOPE: Final = Shape(
    frozenset({"jsonrpc", "id", "method", "params", "result", "error"}),
    frozenset({"jsonrpc", "id", "method", "params", "result", "error"}),
)
