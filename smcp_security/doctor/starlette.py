"""Starlette, FastAPI and what the SDKs make of them, known by their shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from smcp_security.doctor.routes import Application, Layer, has

_HOST_LISTS: Final = (".TrustedHostMiddleware", ".HostOriginGuardMiddleware")


def is_application(node: Any) -> bool:
    """Whether it builds its middleware around a router."""
    return has(node, "build_middleware_stack", "router") and is_router(node.router)


def is_router(node: Any) -> bool:
    """Whether it has routes of its own."""
    return has(node, "routes") and isinstance(node.routes, (list, tuple))


def stack(application: Any) -> Any:
    """Its middleware, outermost first, and its router. Made here if no request has come yet, as the first one would."""
    built = application.middleware_stack
    return application.build_middleware_stack() if built is None else built


def wrapped_router(router: Any) -> Any:
    """The outermost middleware of a router; None if it has none."""
    outer = getattr(router, "middleware_stack", None)
    return None if outer is None or getattr(outer, "__self__", None) is router else outer


def included(route: Any) -> tuple[Any, str] | None:
    """The router, and the path before its routes, that FastAPI keeps where one was included."""
    router, context = getattr(route, "original_router", None), getattr(route, "include_context", None)
    return (router, getattr(context, "prefix", "")) if is_router(router) else None


def facts(application: Any, prefix: str) -> Application:
    """What it says of itself."""
    return Application(application, prefix, debug=getattr(application, "debug", False) is True)


def admits_any_host(layer: Layer) -> bool:
    """Whether it is a list of hosts, with the wildcard on it."""
    hosts = getattr(layer.thing, "allowed_hosts", ())
    return layer.name.endswith(_HOST_LISTS) and isinstance(hosts, (list, tuple)) and "*" in hosts


def methods_of(route: Any) -> tuple[str, ...]:
    """The methods that a route takes; empty for all."""
    methods: Sequence[str] | None = getattr(route, "methods", None)
    return tuple(sorted(methods)) if methods else ()
