"""The walk: from the object that a server runs, through wrappers, mounts and middleware, to every route.

Python has no rule for how an app holds the one it wraps; the ways that are common are followed, to a depth.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from smcp_security.adapters.places import is_endpoint
from smcp_security.doctor import django, flask, starlette
from smcp_security.doctor.routes import Layer, Route, Survey, enclosed, has

_DEPTH: Final = 40
_INNER: Final = (
    "app", "_app", "asgi_app", "wsgi_app", "application", "wsgi_application", "asgi", "wrapped", "inner", "__wrapped__",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where the walk is: below which path, behind which layers, in which application, and what it came through."""

    prefix: str = ""
    layers: tuple[Layer, ...] = ()
    app: Any = None
    depth: int = _DEPTH
    way: frozenset[int] = frozenset()

    def behind(self, thing: Any) -> _Spot:
        layer = Layer(thing, self.prefix, self.app)
        return replace(self, layers=(*self.layers, layer), depth=self.depth - 1, way=self.way | {id(thing)})

    def inside(self, app: Any) -> _Spot:
        return replace(self, app=app, depth=self.depth - 1, way=self.way | {id(app)})

    def at(self, path: str) -> _Spot:
        return replace(self, prefix=self.prefix + path.rstrip("/"), depth=self.depth - 1)


_START: Final = _Spot()


def survey(app: Any, spot: _Spot = _START) -> Survey:
    """Everything that can be seen of an application.

    Raises whatever the application's own middleware raises when it is made.
    """
    found = Survey()
    _Walk(found).go(app, spot)
    return found


class _Walk:
    def __init__(self, found: Survey) -> None:
        self._found = found

    def go(self, node: Any, spot: _Spot) -> None:
        """Follow one app inwards."""
        if spot.depth <= 0:
            self._opaque(node, spot)
        elif is_endpoint(node):
            self._route(spot.prefix, node, spot, below=True)
        elif starlette.is_application(node):
            self._found.applications.append(starlette.facts(node, spot.prefix))
            self.go(starlette.stack(node), spot.inside(node))
        elif flask.is_application(node):
            self._flask(node, spot)
        elif django.is_handler(node):
            self._django(node, spot)
        elif starlette.is_router(node):
            self._router(node, spot)
        else:
            self._wrapper(node, spot)

    def _wrapper(self, node: Any, spot: _Spot) -> None:
        if inspect.ismethod(node):
            self._method(node, spot)
            return
        mounts = node.mounts if has(node, "mounts") else None
        if isinstance(mounts, Mapping):
            for path, app in mounts.items():
                self.go(app, spot.at(path))
        beyond = spot.behind(node)
        inner = [each for each in _inner(node) if id(each) not in beyond.way]
        if not inner:
            self._opaque(node, spot)
            return
        self.go(inner[0], replace(spot, depth=spot.depth - 1) if isinstance(mounts, Mapping) else beyond)
        for each in inner[1:]:
            self._aside(each, beyond)

    def _aside(self, node: Any, spot: _Spot) -> None:
        """Another app that a wrapper holds: it may serve it too, or only know what the walk has met elsewhere."""
        aside = survey(node, spot)
        known = {id(route.endpoint) for route in self._found.routes}
        self._found.routes += [route for route in aside.routes if id(route.endpoint) not in known]
        self._found.opaque += [route for route in aside.opaque if id(route.endpoint) not in known]
        met = {id(application.thing) for application in self._found.applications}
        self._found.applications += [each for each in aside.applications if id(each.thing) not in met]

    def _opaque(self, node: Any, spot: _Spot) -> None:
        leaf = Route(spot.prefix or "/", node, spot.layers, below=True)
        self._found.routes.append(leaf)
        self._found.opaque.append(leaf)

    def _method(self, node: Any, spot: _Spot) -> None:
        owner = node.__self__
        if flask.is_application(owner):
            self._rules(owner, spot)
        elif starlette.is_router(owner) and not starlette.is_application(owner):
            self._routes(owner, spot)
        else:
            self.go(owner, replace(spot, depth=spot.depth - 1))

    def _flask(self, node: Any, spot: _Spot) -> None:
        self._found.applications.append(flask.facts(node, spot.prefix))
        self.go(node.wsgi_app, spot.inside(node))

    def _rules(self, application: Any, spot: _Spot) -> None:
        inner = replace(spot, layers=(*spot.layers, *flask.hooks(application, spot.prefix)))
        for path, methods, view in flask.rules(application):
            self._route(spot.prefix + path, view, inner, methods=methods)

    def _django(self, handler: Any, spot: _Spot) -> None:
        self._found.applications.append(django.facts(handler, spot.prefix))
        inner = replace(spot, layers=(*spot.layers, *django.layers(spot.prefix)))
        for path, view in django.rules():
            self._route(spot.prefix + path, view, inner)

    def _router(self, router: Any, spot: _Spot) -> None:
        outer = starlette.wrapped_router(router)
        if outer is None:
            self._routes(router, spot)
        else:
            self.go(outer, replace(spot, depth=spot.depth - 1))

    def _routes(self, router: Any, spot: _Spot) -> None:
        for route in router.routes:
            path = getattr(route, "path", "")
            path = path if isinstance(path, str) else ""
            if hasattr(route, "endpoint"):
                self._leaf(route, path, spot)
            elif hasattr(route, "app"):
                self.go(route.app, spot.at(path))
            elif (included := starlette.included(route)) is not None:
                self._router(included[0], spot.at(included[1]))

    def _leaf(self, route: Any, path: str, spot: _Spot) -> None:
        """A route may have middleware of its own, and an app in place of a function."""
        core = getattr(route, "app", None) or route.endpoint
        while not (_is_app(core) or inspect.isroutine(core)) and (inner := _inner(core)):
            core, spot = inner[0], spot.behind(core)
        if _is_app(core) and not is_endpoint(core):
            self.go(core, spot.at(path))
            return
        endpoint = route.endpoint if inspect.isroutine(core) and not is_endpoint(core) else core
        self._route(spot.prefix + path, endpoint, spot, methods=starlette.methods_of(route))

    def _route(
        self, path: str, endpoint: Any, spot: _Spot, *, methods: tuple[str, ...] = (), below: bool = False
    ) -> None:
        self._found.routes.append(Route(path or "/", endpoint, spot.layers, methods, below))


def _inner(node: Any) -> list[Any]:
    """The apps that this one holds: first the one that it wraps."""
    if isinstance(node, functools.partial):
        return [each for each in (*node.args, *node.keywords.values()) if _is_app(each)]
    if inspect.isfunction(node):
        around = [each for each in enclosed(node) if each is not node]
        return [*filter(_is_app, around)] or [*filter(_leads_to_app, around)]
    named = [getattr(node, name) for name in _INNER if has(node, name)]
    wrapped = [each for each in named if _may_be_app(each) and getattr(each, "__self__", None) is not node]
    held = [each for value in getattr(node, "__dict__", {}).values() for each in _spread(value) if _is_app(each)]
    return [*{id(each): each for each in (*wrapped[:1], *held)}.values()]


def _may_be_app(thing: Any) -> bool:
    return callable(thing) and not isinstance(thing, type)


def _spread(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [*value.values()]
    return [*value] if isinstance(value, (list, tuple)) else [value]


def _leads_to_app(function: Any) -> bool:
    """Whether it is middleware written as a function, around an app or around another one."""
    return any(map(_is_app, chain.from_iterable(map(enclosed, _functions(function)))))


def _functions(function: Any) -> list[Any]:
    """The functions that a function leads to, itself included, each once."""
    found = [function] if inspect.isfunction(function) else []
    for each in found:
        found += [inner for inner in enclosed(each) if inspect.isfunction(inner) and inner not in found]
    return found


def _is_app(thing: Any) -> bool:
    if thing is None or isinstance(thing, (type, str, bytes)):
        return False
    known = starlette.is_application(thing) or flask.is_application(thing) or django.is_handler(thing)
    return known or is_endpoint(thing) or starlette.is_router(thing) or Layer(thing).is_guard
