"""Functions that are registered with server objects, found without the servers: each SDK keeps a `Tool` for one.

`@secure_tool` above `@mcp.tool()` guards nothing, since the SDK has registered the bare function below it. That is seen
at decoration and, where the function was registered later, at the first request. No SDK is imported, and none of its
objects is kept alive.
"""

from __future__ import annotations

import functools
import gc
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final
from weakref import WeakKeyDictionary, ref

from smcp_security.errors import Misplaced

_LEGACY: Final = ("mcp.server.fastmcp.tools.base", "Tool")
_KINDS: Final = (
    _LEGACY,
    ("mcp.server.mcpserver.tools.base", "Tool"),
    ("fastmcp.tools.function_tool", "FunctionTool"),
)


@dataclass(frozen=True, slots=True)
class _Guards:
    """The functions that guard a bare one, and how many references there are to it while nobody else knows it."""

    faces: Sequence[ref[Callable[..., Any]]]
    references: int


_guarded: Final[WeakKeyDictionary[Any, _Guards]] = WeakKeyDictionary()
"""By the bare function."""
_harmless: Final[dict[int, int]] = {}
"""Who referred to them when the last search found nothing: until somebody else does, another would find nothing."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A tool whose function stands unguarded behind a decorator that was put above the registration."""

    tool: str
    function: str

    def __str__(self) -> str:
        return (
            f"@secure_tool guards nothing on {self.function}(): the server has registered the bare function as the tool"
            f" {self.tool!r}, because @secure_tool stands above @mcp.tool(). Put @secure_tool below it, directly on the"
            " function, or use secure(mcp)"
        )


def remember(bare: Callable[..., Any], faces: Sequence[ref[Callable[..., Any]]], references: int = 0) -> None:
    """Note the functions that are to be called in place of `bare`.

    `references`: what `references_to` says of one that is guarded alike and that nobody else knows; 0 if that is not
    known.
    """
    _harmless.clear()
    for function in _layers(bare):
        _guarded[function] = _Guards(faces, references if function is bare else 0)


def references_to(functions: list[Any]) -> list[int]:
    """How many references there are to each, the list's own among them."""
    return [sys.getrefcount(function) for function in functions]


def check_new(bare: Callable[..., Any], caller: FrameType, *, alone: bool) -> None:
    """Raise `Misplaced` if a function that is being decorated by `caller` has been registered as a tool before.

    One that has a name there is handed over by a call, as code does that serves it bare elsewhere on purpose. `alone`:
    nobody refers to it but who decorates it.
    """
    for function in _layers(bare):
        # Whoever registered it keeps it, and to look for them takes 20 ms.
        if (function is bare and alone) or _is_among(function, getattr(function, "__globals__", {})):
            continue
        # Locals are asked last: a frame whose locals were looked at keeps them to its end.
        if (tools := tools_of(function)) and not _is_among(function, caller.f_locals):
            raise Misplaced(str(Bare(tools[0].name, _named(function))))


def _is_among(function: Any, names: Mapping[str, Any]) -> bool:
    return any(value is function for value in list(names.values()))


def misplaced() -> list[Bare]:
    """Every tool of this process that is served bare although its function is decorated."""
    holders = _holders_elsewhere()
    if all(count <= _harmless.get(function, 0) for function, count in holders.items()):
        return []
    found = list(_bare_tools())
    if found:
        # A server that nobody has any more may only wait to be collected.
        found.clear()
        gc.collect()
        found.extend(_bare_tools())
    else:
        _harmless.clear()
        _harmless.update(holders)
    return found


def _holders_elsewhere() -> dict[int, int]:
    """How many besides its guard refer to each of the functions, as a server does that has registered it."""
    known = list(_guarded.items())
    counted = references_to([function for function, _ in known])
    # This list holds each once more.
    return {
        id(function): max(0, count - 1 - guards.references)
        for count, (function, guards) in zip(counted, known, strict=True)
    }


def check_placement() -> None:
    """Raise `Misplaced` if any decorator stands where it guards nothing. Microseconds for what has no other name."""
    found = misplaced()
    if found:
        raise Misplaced("; ".join(str(each) for each in found))


def tools_of(function: Callable[..., Any]) -> list[Any]:
    """The tools that call this very function, on every server of this process."""
    kinds = _kinds()
    if not kinds:
        return []
    found = []
    for holder in gc.get_referrers(function):
        # A method is bound anew for each registration.
        if (inspect.ismethod(holder) and holder.__func__ is function) or isinstance_of(holder, (functools.partial,)):
            found += _holding(gc.get_referrers(holder), holder, kinds)
        else:
            found += _holding([holder], function, kinds)
    return found


def names_of(function: Callable[..., Any]) -> frozenset[str]:
    """The names under which this function is registered."""
    return frozenset(tool.name for tool in tools_of(function))


def call_async(guarded: Callable[..., Any], twin: Callable[..., Any]) -> None:
    """Let SDK 1.x await `twin` where it has called `guarded` on its event loop: no question holds that up then."""
    module, name = _LEGACY
    kind = getattr(sys.modules.get(module), name, None)
    for tool in tools_of(guarded):
        if kind is not None and isinstance(tool, kind) and tool.fn is guarded and not tool.is_async:
            tool.fn, tool.is_async = twin, True


def _bare_tools() -> Iterator[Bare]:
    tools = _all_tools()
    served = {id(layer) for tool in tools for layer in _layers(tool.fn)}
    for tool in tools:
        function = _innermost(tool.fn)
        try:
            guards = _guarded.get(function)
        except TypeError:  # no function that could have been decorated
            continue
        faces = [] if guards is None else [face() for face in guards.faces]
        alive = [face for face in faces if face is not None]
        if alive and served.isdisjoint(map(id, alive)):
            yield Bare(tool.name, _named(function))


def _all_tools() -> list[Any]:
    kinds: frozenset[type] = frozenset(each for kind in _kinds() for each in (kind, *_below(kind)))
    # By the exact type: a million objects are looked at.
    return [each for each in gc.get_objects() if type(each) in kinds] if kinds else []


def _below(kind: type) -> list[type]:
    direct: list[type] = kind.__subclasses__()
    return [*direct, *(each for below in direct for each in _below(below))]


def isinstance_of(value: object, kinds: tuple[type, ...]) -> bool:
    """`isinstance` by the real type: proxies and mocks answer for others, and may run code of theirs."""
    return issubclass(type(value), kinds)


def _kinds() -> tuple[type, ...]:
    found = (getattr(sys.modules.get(module), name, None) for module, name in _KINDS)
    return tuple(kind for kind in found if isinstance(kind, type))


def _holding(holders: list[Any], function: object, kinds: tuple[type, ...]) -> list[Any]:
    """The tools among some holders: their `__dict__` is, or they are themselves where Python keeps values inline."""
    found = []
    for holder in holders:
        if isinstance_of(holder, kinds):
            found.append(holder)
        elif type(holder) is dict and holder.get("fn") is function:
            found += [each for each in gc.get_referrers(holder) if isinstance_of(each, kinds)]
    return found


def _innermost(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function.__func__ if inspect.ismethod(function) else function


def _layers(function: Any) -> Iterator[Any]:
    """A function and those that it decorates, from the outside in."""
    seen = set()
    function = _innermost(function)
    while function is not None and id(function) not in seen:
        seen.add(id(function))
        yield function
        function = _innermost(getattr(function, "__wrapped__", None))


def _named(function: Any) -> str:
    return str(getattr(function, "__qualname__", function))
