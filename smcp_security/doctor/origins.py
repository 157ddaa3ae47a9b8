"""Which server object of an SDK answers behind a route. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Final

from smcp_security.doctor.routes import Route, enclosed
from smcp_security.doctor.servers import is_server, parts_of

_TRANSPORT: Final = "SseServerTransport"
# A function of an SDK encloses one that encloses the server.
_DEPTH: Final = 3


class Origins:
    """What is known of the servers behind the routes of one application."""

    def __init__(self, routes: Sequence[Route]) -> None:
        # Messages of the old transport come at a path that knows the transport alone; the one of its stream knows both.
        self._transports: dict[int, Any] = {}
        for route in routes:
            server, transport = _enclosed_server(route.endpoint), _enclosed_transport(route.endpoint)
            if server is not None and transport is not None:
                self._transports[id(transport)] = server

    def of(self, route: Route) -> Any:
        """The server object behind a route; None where nothing shows one."""
        owner = getattr(route.endpoint, "__self__", route.endpoint)
        if type(owner).__name__ == _TRANSPORT:
            return self._transports.get(id(owner))
        manager = getattr(owner, "session_manager", owner)
        server = getattr(manager, "app", None)
        if is_server(server):
            return server
        return _enclosed_server(route.endpoint) or _told_by_application(route)


def same(one: Any, other: Any) -> bool:
    """Whether two objects are the same server: an object of the SDK's surface, or the low-level one inside of it."""
    return any(part is each for part in parts_of(one) for each in parts_of(other))


def _told_by_application(route: Route) -> Any:
    """FastMCP's application names its server, also before it has started."""
    states = (getattr(layer.app, "state", None) for layer in route.layers)
    return next((server for state in states if (server := getattr(state, "fastmcp_server", None)) is not None), None)


def _enclosed_server(function: Any) -> Any:
    return next((each for each in _enclosed(function, _DEPTH) if is_server(each)), None)


def _enclosed_transport(function: Any) -> Any:
    return next((each for each in _enclosed(function, _DEPTH) if type(each).__name__ == _TRANSPORT), None)


def _enclosed(function: Any, depth: int) -> Iterator[Any]:
    """What a function closes over, and the functions among that."""
    for content in enclosed(inspect.unwrap(function) if inspect.isfunction(function) else None):
        yield content
        if depth > 1:
            yield from _enclosed(content, depth - 1)
