"""The parameters of a function: which are given by the host and not by a caller, and the contracts in annotations."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from smcp_security.parameters import Meant

if TYPE_CHECKING:
    from smcp_security.policy.contracts import AnyContract

_RECEIVERS: Final = ("self", "cls")
_MAPPINGS: Final = ("dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one function.

    `injected` come from the host: the receiver of a method, what a resolver or a dependency of the SDK fills in.
    `contexts` are those that the SDK fills with its own context. `contracts` are by JSON pointer into the arguments.
    `wire` has the names that clients use for parameters, where they are not Python's. `receiver` is the parameter that
    may be the `self` of a method, and `owner` the class, by module and name.
    """

    signature: inspect.Signature
    injected: frozenset[str]
    contexts: tuple[str, ...]
    contracts: Mapping[str, AnyContract]
    wire: Mapping[str, str]
    receiver: str
    owner: tuple[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Those that a caller may give."""
        variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        known = self.signature.parameters.values()
        return tuple(
            self.wire.get(each.name, each.name)
            for each in known
            if each.name not in self.injected and each.kind not in variable
        )

    def receives(self, value: Any) -> bool:
        """Whether a value is the receiver of a method: of the class itself. A static method may call anything `cls`."""
        classes = (*type(value).__mro__, *(value.__mro__ if isinstance(value, type) else ()))
        return any((each.__module__, each.__qualname__) == self.owner for each in classes)

    @property
    def takes_any(self) -> bool:
        """Whether a caller may give parameters of any name."""
        return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in self.signature.parameters.values())


def read_parameters(function: Callable[..., Any]) -> Parameters:
    """Look at a function once, when it is decorated. Raises `TypeError` for an annotation that cannot be read."""
    signature = inspect.signature(function)
    receiver, owner = _receiver(function, signature)
    injected, contexts = {receiver} - {""}, []
    contracts: dict[str, AnyContract] = {}
    try:
        hints = hints_of(function, signature)
        wire = _wire(signature, hints)
        for name, hint in hints.items():
            if is_context_type(hint):
                contexts.append(name)
                injected.add(name)
            elif _is_filled(hint, signature.parameters[name].default):
                injected.add(name)
            elif found := dict(_contracts(hint, "/" + _escaped(wire.get(name, name)), ())):
                _check_kind(signature.parameters[name])
                contracts.update(found)
    except (NameError, AttributeError, TypeError, ValueError, SyntaxError) as error:
        if isinstance(error, _Misused):
            raise TypeError(f"secure_tool: {_named(function)}: {error}") from None
        # Who cannot read an annotation cannot know that it holds no contract.
        raise TypeError(
            f"secure_tool: {_named(function)}: its annotations cannot be read ({type(error).__name__}: {error}); "
            "import what they name at the top of the module, outside of TYPE_CHECKING"
        ) from None
    injected.update(name for name, each in signature.parameters.items() if _is_filled(None, each.default))
    return Parameters(signature, frozenset(injected), tuple(contexts), contracts, wire, receiver, owner)


class _Misused(TypeError):
    """What an annotation says that cannot be kept: nobody could hold a value against it."""


def _check_kind(parameter: inspect.Parameter) -> None:
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        raise _Misused(f"a contract on **{parameter.name} is not understood; name the parameters")


def hints_of(function: Callable[..., Any], signature: inspect.Signature) -> dict[str, Any]:
    """The annotations of the parameters, texts among them read as the module of the function means them."""
    space = getattr(inspect.unwrap(function), "__globals__", {})
    hints = {}
    for name, parameter in signature.parameters.items():
        if parameter.annotation is not inspect.Parameter.empty:
            holder = types.SimpleNamespace(__annotations__={name: parameter.annotation})
            hints[name] = typing.get_type_hints(holder, globalns=space, include_extras=True)[name]
    return hints


def _named(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__qualname__', function)}()"


def _wire(signature: inspect.Signature, hints: Mapping[str, Any]) -> dict[str, str]:
    """What clients call the parameters that have an alias."""
    told = {
        name: name_in_json(name, _field_info(hints.get(name), parameter.default))
        for name, parameter in signature.parameters.items()
    }
    return {name: each for name, each in told.items() if each != name}


def _field_info(hint: Any, default: Any) -> Any:
    """What pydantic is told of a parameter or field by `Field(alias=...)`; None if nothing. The last word counts."""
    marks = (default, *reversed(getattr(hint, "__metadata__", ())))
    fields = [mark for mark in marks if type(mark).__name__ == "FieldInfo"]
    return next((each for each in fields if each.validation_alias or each.alias), None)


def _receiver(function: Callable[..., Any], signature: inspect.Signature) -> tuple[str, tuple[str, str]]:
    """The `self` of a method that is still a function of its class, and that class. A static method may have one too,
    which the value tells.
    """
    owner = getattr(function, "__qualname__", "").rpartition(".")[0]
    first = next(iter(signature.parameters), "")
    if inspect.ismethod(function) or not owner or owner.endswith("<locals>") or first not in _RECEIVERS:
        return "", ("", "")
    return first, (function.__module__, owner)


def is_context_type(hint: Any) -> bool:
    """Whether an annotation asks an SDK for its own `Context`; no caller can send one."""
    if get_origin(hint) in (Union, types.UnionType, Annotated):
        return any(is_context_type(part) for part in get_args(hint))
    named = get_origin(hint) or hint
    kinds = named.__mro__ if isinstance(named, type) else ()
    return any(kind.__name__ in ("Context", "UserSession") and is_of_sdk(kind) for kind in kinds)


def is_of_sdk(kind: type) -> bool:
    """Whether a class is one of the MCP SDK's or FastMCP's."""
    return kind.__module__.partition(".")[0] in ("mcp", "fastmcp")


def _is_filled(hint: Any, default: Any) -> bool:
    """Whether the SDK computes the value: `Annotated[T, Resolve(...)]` (mcp 2), `= Depends(...)` (FastMCP)."""
    marks = getattr(hint, "__metadata__", ())
    if any(type(mark).__name__ == "Resolve" and is_of_sdk(type(mark)) for mark in marks):
        return True
    return any(
        kind.__name__ == "Dependency" and kind.__module__.partition(".")[0] in ("uncalled_for", "docket", "fastmcp")
        for kind in type(default).__mro__
    )


def _contracts(hint: Any, place: str, around: tuple[Any, ...]) -> Iterator[tuple[str, AnyContract]]:
    """Contracts anywhere in an annotation, by the place of the value that they are about.

    `around` is the classes that hold this one.
    """
    marks: tuple[Any, ...] = getattr(hint, "__metadata__", ())
    yield from ((place, mark.contract) for mark in marks if isinstance(mark, Meant))
    if any(hint is each for each in around):
        if _holds(hint, set()):
            raise _Misused(f"{place}: a contract in {hint.__name__}, which holds itself, is not understood")
        return
    inside = (*around, hint) if isinstance(hint, type) else around
    for inner, below in _parts(hint, place):
        if below is not None:
            yield from _contracts(inner, below, inside)
        elif _holds(inner, set()):
            raise _Misused(f"{place}: a contract on the keys of a mapping, or in a named tuple, is not understood")


def _holds(hint: Any, seen: set[Any]) -> bool:
    """Whether there is a contract anywhere in an annotation."""
    if isinstance(hint, type):
        if hint in seen:
            return False
        seen.add(hint)
    marked = any(isinstance(mark, Meant) for mark in getattr(hint, "__metadata__", ()))
    return marked or any(_holds(inner, seen) for inner, _ in _parts(hint, ""))


def _parts(hint: Any, place: str) -> Iterator[tuple[Any, str | None]]:
    """What an annotation is made of, each with the place of its values; None where they have none."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield parts[0], place
    elif getattr(origin, "__name__", "") in _MAPPINGS and len(parts) == 2:
        yield parts[0], None
        yield parts[1], f"{place}/*"
    elif origin is not None and origin is not typing.Literal:
        # Lists, unions and what else holds values: a contract is about each text at the place.
        yield from ((part, place) for part in parts if not isinstance(part, list))
    elif isinstance(hint, type):
        yield from _fields(hint, place)
    elif (named := getattr(hint, "__value__", None)) is not None:  # type Alias = ...
        yield named, place


def _fields(kind: type, place: str) -> Iterator[tuple[Any, str | None]]:
    """The fields of a model, dataclass, typed dict or named tuple, and where they stand in JSON."""
    named = issubclass(kind, tuple) and hasattr(kind, "_fields")
    modelled = isinstance(getattr(kind, "model_fields", None), Mapping) or dataclasses.is_dataclass(kind)
    if not (modelled or named or typing.is_typeddict(kind)):
        return
    fields = fields_of(kind) if modelled else {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        if named or not modelled:
            if _field_info(hint, None) is not None:
                raise _Misused(f"{kind.__name__}.{name}: an alias here is lost when the value is made; use a model")
            yield hint, None if named else f"{place}/{_escaped(name)}"
        elif name in fields:
            is_root = getattr(kind, "__pydantic_root_model__", False)
            yield hint, place if is_root else f"{place}/{_escaped(name_in_json(name, fields[name]))}"


def fields_of(kind: type) -> Mapping[str, Any]:
    """The fields of a model or dataclass, each with what pydantic knows of it, if anything.

    Raises `TypeError` for a dataclass whose values do not hold all that they were given.
    """
    fields = getattr(kind, "model_fields", None)
    if isinstance(fields, Mapping):
        return fields
    real = {field.name: field for field in dataclasses.fields(kind)}
    for name, field in kind.__dataclass_fields__.items():  # type: ignore[attr-defined]
        if name not in real and getattr(field._field_type, "name", "") != "_FIELD_CLASSVAR":
            raise _Misused(f"{kind.__name__}.{name}: an InitVar is gone before it can be judged; make it a field")
    known = getattr(kind, "__pydantic_fields__", None)
    if isinstance(known, Mapping):
        return {name: known.get(name) for name in real}
    hints = typing.get_type_hints(kind, include_extras=True)
    return {name: _field_info(hints.get(name), field.default) for name, field in real.items()}


def name_in_json(name: str, field: Any) -> str:
    """What a parameter, or a field of a class, is called in the message that a client sends.

    Raises `TypeError` where it may have several names there.
    """
    alias = getattr(field, "validation_alias", None) or getattr(field, "alias", None)
    if alias is not None and not isinstance(alias, str):
        raise _Misused(f"{name}: an {type(alias).__name__} is not understood; give one alias")
    return alias or name


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
