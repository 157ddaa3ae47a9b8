"""Whether each route of MCP stands behind the middleware, and in the right order. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from smcp_security.adapters.places import Places, normalised
from smcp_security.doctor.codes import Found
from smcp_security.doctor.readers import reads_body
from smcp_security.doctor.routes import Layer, Route, name_of
from smcp_security.policy import Policy

_COMPRESSES: Final = re.compile(r"gzip|brotli|(?<!de)compress|zstd|deflate", re.IGNORECASE)
_CORS: Final = re.compile(r"cors", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"\{[^{}]*\}|<[^<>]*>")


def placed(route: Route, policy: Policy, is_secured: Callable[[Route], bool]) -> Iterator[Found]:
    """What is wrong with the place of one route of MCP. `policy` is that of its outermost guard."""
    guards = route.guards
    if not guards:
        yield Found("DOC002" if is_secured(route) else "DOC001", route.path, name_of(route.endpoint))
        return
    yield from _named(route, route.layers[guards[0]], policy)
    if len(guards) > 1:
        yield Found("DOC012", route.path)
    for layer in route.layers[: guards[0]]:
        if reads_body(layer.thing):
            yield Found("DOC013", route.path, layer.name)
    for layer in route.layers[guards[0] + 1 :]:
        if _COMPRESSES.search(layer.name):
            yield Found("DOC010", route.path, layer.name)
        elif _CORS.search(layer.name):
            yield Found("DOC011", route.path, layer.name)


def _named(route: Route, guard: Layer, policy: Policy) -> Iterator[Found]:
    """Whether the guard takes the path for one of MCP's."""
    path = _PARAMETER.sub("x", route.path)
    scope = {"path": path, "root_path": guard.prefix, "app": guard.app}
    if Places(None).place({**scope, "app": None}, policy.server.paths):
        return
    # As the middleware itself does at the first request.
    if Places(getattr(guard.thing, "app", None)).place(scope, policy.server.paths):
        yield Found("DOC004", route.path)
    else:
        yield Found("DOC003", route.path)


def unserved(routes: Sequence[Route], policy: Policy) -> Iterator[Found]:
    """Paths that the policy itself names and no route has."""
    if "paths" not in policy.server.model_fields_set:
        return
    known = {spelt for route in routes for spelt in _spellings(route)}
    roots = tuple(normalised(route.path) for route in routes if route.below)
    for path in policy.server.paths:
        spelt = normalised(path)
        if spelt not in known and not any(root == "/" or spelt.startswith(f"{root}/") for root in roots):
            yield Found("DOC005", path)


def shadowed(routes: Sequence[Route], policy: Policy) -> Iterator[Found]:
    """Routes of the application at paths that the guard answers by itself."""
    probes = policy.probes
    if probes is None:
        return
    answered = {normalised(path) for path in (probes.live, probes.ready, probes.metrics) if path is not None}
    for route in routes:
        if route.guards and not route.below and not answered.isdisjoint(_spellings(route)):
            yield Found("DOC006", route.path, name_of(route.endpoint))


def _spellings(route: Route) -> Iterator[str]:
    path = normalised(route.path)
    yield path
    for layer in route.layers:
        prefix = normalised(layer.prefix)
        if path == prefix or path.startswith(f"{prefix}/"):
            yield path[len(prefix) :] or "/"
