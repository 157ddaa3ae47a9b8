"""Server objects of the MCP SDKs, known by their shape: what secures them, and which of their tools are decorated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final

from smcp_security.adapters.sdk import registered
from smcp_security.doctor.codes import Found
from smcp_security.doctor.routes import has

_PACKAGES: Final = ("mcp.", "fastmcp.")
_ADAPTERS: Final = "smcp_security.adapters."
# Ways to serve, one of which every generation of server objects has.
_SERVES: Final = ("streamable_http_app", "http_app", "create_initialization_options")
_LOW_LEVEL: Final = ("_lowlevel_server", "_mcp_server")


@dataclass(frozen=True, slots=True)
class Server:
    """A server object under the name that the module has for it."""

    name: str
    thing: Any

    @property
    def parts(self) -> tuple[Any, ...]:
        """The object, and the low-level server inside of it."""
        return parts_of(self.thing)

    @property
    def is_secured(self) -> bool:
        """Whether something of ours stands among its middleware or handlers."""
        return any(_holds_ours(part) for part in self.parts)

    @property
    def bare(self) -> tuple[set[str], bool]:
        """The tools without `@secure_tool`, and whether there are others."""
        tools = dict(tools_of(self.thing))
        bare = {name for name, function in tools.items() if not is_decorated(function)}
        return bare, len(bare) < len(tools)

    @property
    def judges(self) -> bool:
        """Whether each call of a tool is judged in process, whatever stands in front."""
        bare, decorated = self.bare
        return self.is_secured or (decorated and not bare)


def parts_of(server: Any) -> tuple[Any, ...]:
    """A server object, and the low-level one inside of it."""
    return server, *(getattr(server, name) for name in _LOW_LEVEL if hasattr(server, name))


def is_server(thing: Any) -> bool:
    """Whether it is a server object of an SDK."""
    if isinstance(thing, type):
        return False
    kinds = type(thing).__mro__
    return any(kind.__module__.startswith(_PACKAGES) for kind in kinds) and any(has(thing, way) for way in _SERVES)


def servers_in(names: Mapping[str, Any], module: str) -> Iterator[Server]:
    """The server objects among the names of a module, each once."""
    seen: set[int] = set()
    for name, thing in names.items():
        if is_server(thing) and id(thing) not in seen:
            seen.add(id(thing))
            yield Server(f"{module}:{name}", thing)


def insecure(server: Server, *, routed: bool, misplaced: Iterable[str]) -> Iterator[Found]:
    """What is wrong with one server object.

    `routed`: a route leads to it, and all is said of that already. `misplaced` are the tools of which it is.
    """
    if server.is_secured:
        return
    bare, decorated = server.bare
    told = bare.intersection(misplaced)
    if decorated:
        for name in sorted(bare - told):
            yield Found("DOC042", f"{server.name} {name}")
    elif not told and not routed:
        yield Found("DOC041", server.name)


def bypassed() -> Iterator[tuple[str, Found]]:
    """The tools of this process that are served bare although their functions are decorated, by name."""
    for each in registered.misplaced():
        yield each.tool, Found("DOC040", each.tool, f"the server calls the bare {each.function}()")


def is_decorated(function: Any) -> bool:
    """Whether it runs code of ours first: `functools.wraps` copies names, and leaves the globals."""
    while function is not None:
        if _is_ours(function):
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def tools_of(server: Any) -> Iterator[tuple[str, Any]]:
    """Name and function of each tool that is registered with the object itself."""
    managed = getattr(getattr(server, "_tool_manager", None), "_tools", None)
    provided = getattr(getattr(server, "_local_provider", None), "_components", None)
    for kept in (managed, provided):
        if isinstance(kept, Mapping):
            for key, tool in kept.items():
                function = getattr(tool, "fn", None)
                if function is not None and "Tool" in type(tool).__name__:
                    yield str(getattr(tool, "name", key)), function


def _holds_ours(part: Any) -> bool:
    held = getattr(part, "__dict__", {})
    return any(_is_ours(each) for value in held.values() for each in _spread(value))


def _spread(value: Any) -> Sequence[Any]:
    if isinstance(value, (list, tuple)):
        return [value, *value]
    return [value, *value.values()] if isinstance(value, Mapping) else [value]


def _is_ours(thing: Any) -> bool:
    function = getattr(thing, "__func__", thing)
    if isinstance(function, FunctionType):
        return str(function.__globals__.get("__name__", "")).startswith(_ADAPTERS)
    return any(kind.__module__.startswith(_ADAPTERS) for kind in type(thing).__mro__)
