"""The arguments of a call as a client would have sent them. What cannot be told as JSON is refused, never skipped."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections import deque
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Final

from smcp_security.adapters.tools.annotations import Parameters, fields_of, is_of_sdk, name_in_json

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
# Modules whose values are one scalar in JSON.
_SCALARS: Final = frozenset(
    {"datetime", "uuid", "_decimal", "decimal", "ipaddress", "pydantic_core",
     "pydantic_core._pydantic_core", "fractions"}
)  # fmt: skip
_NUMBERS: Final = frozenset({int, float, bool})
_DEEPEST: Final = 64
_NOTHING: Final = object()


class Unreadable(Exception):
    """An argument that has no form in JSON. `parameter` is its name, `kind` the type of what was found in it."""

    def __init__(self, kind: type, parameter: str = "") -> None:
        super().__init__(kind.__name__)
        self.kind = kind
        self.parameter = parameter


class Arguments:
    """Reads the arguments of calls of one function."""

    __slots__ = ("_defaults", "_injected", "_numbers", "_parameters", "_rest", "_signature", "_wire")

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._wire = parameters.wire
        self._signature = parameters.signature
        self._injected = parameters.injected
        known = parameters.signature.parameters.values()
        self._rest = next((each.name for each in known if each.kind is inspect.Parameter.VAR_KEYWORD), "")
        self._defaults = {each.name: _default(each) for each in known}
        # Costs are counted by numbers, so that those count that were not sent.
        self._numbers = {
            self._wire.get(name, name): value for name, value in self._defaults.items() if type(value) in _NUMBERS
        }

    def read(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """What the caller says, by parameter.

        What is left at its default is the operator's word and no caller's; only numbers are told all the same.
        Raises `Unreadable`, and `TypeError` as the call itself would.
        """
        given = self._bound(args, kwargs) if args or self._rest else kwargs
        found, told = dict(self._numbers), set()
        for name, value in given.items():
            if self._is_hosts(name, value) or self._left(name, value):
                continue
            if type(value) not in _PLAIN:
                if is_of_sdk(type(value)) and type(value).__name__ == "Context":
                    continue
                value = _told(value, name)
            key = self._wire.get(name, name)
            if key in told:
                raise Unreadable(dict, name)
            told.add(key)
            found[key] = value
        return found

    def alike(self, told: Mapping[str, Any], judged: Mapping[str, Any]) -> bool:
        """Whether a call that `read` tells so is what a message asks for, by its arguments.

        Those that the function does not take, and what it was to leave at its default, make no difference.
        """
        names = {self._wire.get(name, name): name for name in self._signature.parameters if name not in self._injected}
        asked = dict(self._numbers)
        for key, value in judged.items():
            if (key in names or self._rest) and not self._left(names.get(key, key), value):
                asked[key] = value
        try:
            return json.dumps(told, sort_keys=True) == json.dumps(asked, sort_keys=True)
        except (TypeError, ValueError, RecursionError):
            return False

    def _is_hosts(self, name: str, value: Any) -> bool:
        if name == self._parameters.receiver:
            return self._parameters.receives(value)
        return name in self._injected

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        bound = self._signature.bind(*args, **kwargs).arguments
        rest = bound.pop(self._rest, {})
        if not rest.keys().isdisjoint(bound):
            raise Unreadable(dict, self._rest)
        return {**bound, **rest}

    def _left(self, name: str, value: Any) -> bool:
        default = self._defaults.get(name, _NOTHING)
        if value is default:
            return type(value) not in _NUMBERS
        return type(value) is str and type(default) is str and default == value


def _default(parameter: inspect.Parameter) -> Any:
    default = parameter.default
    # `= Field(default=...)`: the host fills in what pydantic says.
    return default.default if type(default).__name__ == "FieldInfo" else default


def _told(value: Any, name: str) -> Any:
    try:
        return in_json(value)
    except Unreadable as error:
        raise Unreadable(error.kind, name) from None


def in_json(value: Any, levels: int = _DEEPEST) -> Any:
    """The value as JSON has it. Fields are walked one by one: a serialiser of their own may hide what they hold."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if levels == 0:
        raise Unreadable(kind)
    if isinstance(value, Enum):
        return in_json(value.value, levels - 1)
    if isinstance(value, str | int | float):
        return str.__str__(value) if isinstance(value, str) else value.real
    if isinstance(value, Mapping):
        told = {_key(key, levels): in_json(each, levels - 1) for key, each in value.items()}
        # Of two keys that JSON cannot tell apart, one would go unseen.
        return told if len(told) == len(value) else _refuse(kind)
    if isinstance(value, list | tuple | set | frozenset | deque):
        return [in_json(each, levels - 1) for each in value]
    return _of_object(value, kind, levels)


def _of_object(value: Any, kind: type, levels: int) -> Any:
    if isinstance(value, bytes | bytearray):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise Unreadable(kind) from None
    if isinstance(value, PurePath):
        return str(value)
    if callable(reveal := getattr(value, "get_secret_value", None)):
        return in_json(reveal(), levels - 1)
    if isinstance(getattr(kind, "model_fields", None), Mapping):
        if getattr(kind, "__pydantic_root_model__", False):
            return in_json(value.root, levels - 1)
        extra = getattr(value, "model_extra", None) or {}
        named = _named(value, kind)
        if not named.keys().isdisjoint(extra):
            raise Unreadable(kind)
        return in_json({**extra, **named}, levels - 1)
    if dataclasses.is_dataclass(kind):
        return in_json(_named(value, kind), levels - 1)
    return _of_scalar(value, kind)


def _named(value: Any, kind: type) -> dict[str, Any]:
    """The fields of an object, by what they are called in JSON."""
    try:
        names = _names_in_json(kind)
    except (TypeError, NameError, AttributeError, ValueError, SyntaxError):
        raise Unreadable(kind) from None
    named = {told: getattr(value, name) for name, told in names.items()}
    return named if len(named) == len(names) else _refuse(kind)


@lru_cache(maxsize=256)
def _names_in_json(kind: type) -> dict[str, str]:
    """Raises `TypeError` where they cannot be known, or a value of the class does not hold all that it was given."""
    return {name: name_in_json(name, field) for name, field in fields_of(kind).items()}


def _of_scalar(value: Any, kind: type) -> Any:
    if not any(each.__module__ in _SCALARS or each.__module__.startswith("pydantic.networks") for each in kind.__mro__):
        raise Unreadable(kind)
    # Late: the same that pydantic is made of, which the policy has loaded.
    from pydantic_core import to_jsonable_python

    found = to_jsonable_python(value, fallback=lambda unknown: _refuse(type(unknown)))
    return found if type(found) in _PLAIN else _refuse(kind)


def _refuse(kind: type) -> Any:
    raise Unreadable(kind)


def _key(key: Any, levels: int) -> str:
    told = in_json(key, levels - 1)
    if type(told) is str:
        return told
    if type(told) in _PLAIN:
        return str(told)
    raise Unreadable(type(key))
