"""Which of the routes look like MCP, and why: by what serves them, by the policy, or by their name. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from smcp_security.adapters.places import is_endpoint, normalised
from smcp_security.doctor.routes import Route, name_of

_PACKAGES: Final = ("mcp.", "fastmcp.")
# Metadata, registration and tokens: HTTP that is not MCP's.
_AUTHORIZATION: Final = re.compile(r"^(fast)?mcp\.server\.auth\b|^/\.well-known/")
_NAMES: Final = re.compile(r"(?:.*[_-])?mcp(?:[_-].*)?")
_MESSAGES: Final = ("/messages", "/message")
BY_SDK: Final = "an endpoint of an MCP SDK"
BY_POLICY: Final = "named by server.paths"
BY_NAME: Final = "its name"
BY_PAIR: Final = "a stream beside a path for messages"


def of_mcp(routes: Sequence[Route], paths: Callable[[Route], Sequence[str]]) -> Iterator[tuple[Route, str]]:
    """The routes that look like MCP, each with the reason. `paths` are those of the policy that a route is under."""
    known = {normalised(route.path) for route in routes}
    for route in routes:
        if why := _reason(route, {normalised(path) for path in paths(route)}, known):
            yield route, why


def is_of_sdk(route: Route) -> bool:
    """Whether an SDK serves it."""
    if is_endpoint(route.endpoint):
        return True
    maker = name_of(route.endpoint)
    return maker.startswith(_PACKAGES) and _AUTHORIZATION.search(maker) is None


def _reason(route: Route, named: set[str], known: set[str]) -> str:
    path = normalised(route.path)
    if _AUTHORIZATION.search(path):
        return ""
    if is_of_sdk(route):
        return BY_SDK
    if path in named or any(path.removeprefix(normalised(layer.prefix)) in named for layer in route.layers):
        return BY_POLICY
    if _takes_posts(route) and _NAMES.fullmatch(path.rpartition("/")[2]):
        return BY_NAME
    return BY_PAIR if _is_of_pair(path, known) else ""


def _takes_posts(route: Route) -> bool:
    return not route.methods or "POST" in route.methods


def _is_of_pair(path: str, known: set[str]) -> bool:
    """The deprecated transport: a stream at one path, messages at another beside it."""
    stem, _, last = path.rpartition("/")
    if last == "sse":
        return any(stem + messages in known for messages in _MESSAGES)
    return f"/{last}" in _MESSAGES and f"{stem}/sse" in known
