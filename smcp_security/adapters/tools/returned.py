"""What a function returns, as the SDKs send it, and the same value again with parts of that exchanged.

No SDK is imported: its classes are known by what they look like. Nothing that was returned is ever changed.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

from smcp_security.adapters.tools.annotations import is_of_sdk
from smcp_security.strict_json import Malformed, load

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_LISTS: Final = (list, tuple, set, frozenset)
_CONVERSIONS: Final = ("to_image_content", "to_audio_content", "to_resource_content")
_BLOCKS: Final = frozenset({"text", "image", "audio", "resource", "resource_link"})
_OF_RESULTS: Final = frozenset({"structured_content", "inputRequests"})
_RAW: Final = "_raw_mcp_result"
"""Where FastMCP's result has the SDK's own, which it sends in its place."""


class Untellable(Exception):
    """A value that has no form in JSON, or whose form does not come from its parts."""


def sent(value: Any) -> Any:
    """The object that an SDK sends for a value: pictures and files become blocks, a result of FastMCP its wire form."""
    if not is_of_sdk(type(value)):
        return value
    raw = getattr(value, _RAW, None)
    if raw is not None:
        return raw
    convert = next((name for name in _CONVERSIONS if callable(getattr(value, name, None))), None)
    return value if convert is None else getattr(value, convert)()


def lasting(value: Any) -> Any:
    """The value with lists in place of what can be read but once: to tell it would leave nothing for whoever called.

    Raises `Untellable`.
    """
    try:
        return _lasting(value) if _holds_read_once(value) else value
    except RecursionError:
        raise Untellable from None


def _holds_read_once(value: Any) -> bool:
    """Most values hold nothing of the kind: one look at each container, and only the types of what is in it."""
    left, seen = [value], set[int]()
    while left:
        node = left.pop()
        if isinstance(node, dict | list | tuple):
            if id(node) not in seen:
                seen.add(id(node))
                inside = node.values() if isinstance(node, dict) else node
                left += [each for each in inside if type(each) not in _PLAIN]
        elif isinstance(node, Iterator):
            return True
    return False


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        made = {key: _lasting(member) for key, member in value.items()}
        return value if all(made[key] is member for key, member in value.items()) else made
    if isinstance(value, list | tuple):
        items = [_lasting(each) for each in value]
        if all(made is each for made, each in zip(items, value, strict=True)):
            return value
        kind = type(value)
        return kind._make(items) if hasattr(kind, "_make") else kind(items)
    return value if type(value) is str or not isinstance(value, Iterator) else [_lasting(each) for each in value]


def told(value: Any) -> Any:
    """The JSON of a value, as every SDK writes it: by aliases, and what it does not know as its text.

    Raises `Untellable`.
    """
    # Late: the same that pydantic is made of, which the policy has loaded.
    from pydantic_core import PydanticSerializationError, to_json

    if type(value) is str:
        return value
    try:
        # Of two keys that JSON cannot tell apart one would go unseen: strictly read, they are refused.
        return load(to_json(_with_sent(value), by_alias=True, fallback=str, inf_nan_mode="null"))[0]
    except (Malformed, PydanticSerializationError, UnicodeError, ValueError, TypeError, RecursionError):
        raise Untellable from None


def _with_sent(value: Any) -> Any:
    """Lists of content may hold what an SDK converts."""
    if isinstance(value, list | tuple) and any(is_of_sdk(type(each)) for each in value):
        return [_with_sent(each) for each in value]
    return sent(value)


def as_result(found: Any) -> tuple[dict[str, Any], tuple[str | int, ...]]:
    """(the result of a call that holds this JSON, where in it that stands)."""
    if type(found) is str:
        return {"content": [{"type": "text", "text": found}]}, ("content", 0, "text")
    if type(found) is dict and (type(found.get("content")) is list or not _OF_RESULTS.isdisjoint(found)):
        return found, ()
    if _is_block(found):
        return {"content": [found]}, ("content", 0)
    if type(found) is list and found and all(map(_is_block, found)):
        return {"content": found}, ("content",)
    if type(found) is dict:
        return {"content": [], "structuredContent": found}, ("structuredContent",)
    return {"content": [], "structuredContent": {"result": found}}, ("structuredContent", "result")


def _is_block(found: Any) -> bool:
    return type(found) is dict and found.get("type") in _BLOCKS


def remade(value: Any, before: Any, after: Any) -> Any:
    """A value like this one whose JSON is `after`, where that of this one is `before`. Parts that stay are the same.

    Raises `Untellable` where no such value can be made.
    """
    if before == after:
        return value
    real = sent(value)
    if real is not value:
        again = remade(real, before, after)
        return type(value).from_mcp_result(again) if getattr(value, _RAW, None) is real else again
    if isinstance(value, Mapping):
        return _mapping(value, before, after)
    if isinstance(value, _LISTS):
        return _list(value, before, after)
    kind = type(value)
    if isinstance(getattr(kind, "model_fields", None), Mapping):
        return _model(value, kind, before, after)
    if dataclasses.is_dataclass(kind):
        return _dataclass(value, kind, before, after)
    if isinstance(value, bytes | bytearray) and type(after) is str:
        return kind(after.encode())
    # A scalar, or an object that goes out as its text.
    return after


def _mapping(value: Mapping[Any, Any], before: Any, after: Any) -> dict[Any, Any]:
    if type(before) is not dict or type(after) is not dict or not len(value) == len(before) == len(after):
        raise Untellable
    pairs = zip(value.items(), before.items(), after.items(), strict=True)
    return {
        key if name == changed else changed: remade(member, was, now)
        for (key, member), (name, was), (changed, now) in pairs
    }


def _list(value: Any, before: Any, after: Any) -> Any:
    if type(before) is not list or type(after) is not list or not len(value) == len(before) == len(after):
        raise Untellable
    made = [remade(*each) for each in zip(value, before, after, strict=True)]
    kind = type(value)
    return kind._make(made) if hasattr(kind, "_make") else kind(made)


def _model(value: Any, kind: Any, before: Any, after: Any) -> Any:
    """A copy of a pydantic model; what a validator of its own would say of the parts is not asked."""
    if getattr(kind, "__pydantic_root_model__", False):
        return value.model_copy(update={"root": remade(value.root, before, after)})
    if type(before) is not dict or type(after) is not dict or list(before) != list(after):
        raise Untellable
    update = {}
    for name, field in kind.model_fields.items():
        key = field.serialization_alias or field.alias or name
        if key in before:
            update[name] = remade(getattr(value, name), before[key], after[key])
    extra = getattr(value, "model_extra", None) or {}
    update |= {name: remade(member, before[name], after[name]) for name, member in extra.items() if name in before}
    return value.model_copy(update=update)


def _dataclass(value: Any, kind: Any, before: Any, after: Any) -> Any:
    if type(before) is not dict or type(after) is not dict or list(before) != list(after):
        raise Untellable
    known = getattr(kind, "__pydantic_fields__", {})
    made = copy.copy(value)
    for field in dataclasses.fields(kind):
        told_as = known.get(field.name)
        key = getattr(told_as, "serialization_alias", None) or getattr(told_as, "alias", None) or field.name
        if key in before and before[key] != after[key]:
            # Frozen ones too: nobody else has the copy yet.
            object.__setattr__(made, field.name, remade(getattr(value, field.name), before[key], after[key]))
    return made
