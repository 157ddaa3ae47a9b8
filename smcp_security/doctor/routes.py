"""What the walk of an application finds: routes, the layers that a request passes on its way to each. Pure values."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_ADAPTERS: Final = "smcp_security.adapters."
_GUARD: Final = "SMCPMiddleware"


@dataclass(frozen=True, slots=True)
class Layer:
    """Something that a request passes on its way in.

    `thing` is the object, or the class where the framework makes the object by itself. `prefix` is the path below which
    it stands, `app` the application that a framework names in the scope there.
    """

    thing: Any
    prefix: str = ""
    app: Any = None

    @property
    def name(self) -> str:
        """The dotted name of its class or function."""
        return name_of(self.thing)

    @property
    def is_guard(self) -> bool:
        """Whether it is one of our middlewares, or made from one."""
        kind = self.thing if isinstance(self.thing, type) else type(self.thing)
        return any(each.__name__ == _GUARD and each.__module__.startswith(_ADAPTERS) for each in kind.__mro__)


@dataclass(frozen=True, slots=True)
class Route:
    """One route, or one place where the application says no more. `below`: all paths below it are served too."""

    path: str
    endpoint: Any
    layers: tuple[Layer, ...]
    methods: tuple[str, ...] = ()
    below: bool = False

    @property
    def guards(self) -> Sequence[int]:
        """Where among the layers our middlewares stand, the outermost first."""
        return [number for number, layer in enumerate(self.layers) if layer.is_guard]


@dataclass(frozen=True, slots=True)
class Application:
    """A framework's application met on the way, with what it says of debugging and of hosts."""

    thing: Any
    prefix: str
    debug: bool = False
    any_host: bool = False


@dataclass(slots=True)
class Survey:
    """All that a walk finds. `opaque` are the places where it saw no routes though there may be some."""

    routes: list[Route] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    opaque: list[Route] = field(default_factory=list)


def has(thing: Any, *names: str) -> bool:
    """Whether it has all of these, without running code of its own: proxies answer for others, or raise."""
    return all(inspect.getattr_static(thing, name, None) is not None for name in names)


def enclosed(function: Any) -> list[Any]:
    """What a function closes over."""
    contents = []
    for cell in (function.__closure__ or ()) if inspect.isfunction(function) else ():
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # its variable has no value yet
            continue
    return contents


def name_of(thing: Any) -> str:
    """The dotted name of a class, a function or the class of an object."""
    named = thing if isinstance(thing, type) or inspect.isroutine(thing) else type(thing)
    return f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"
