"""Where MCP lives in an ASGI app: the policy's paths, and the SDKs' endpoints found by walking the app's routes.

The walk is a convenience; the look at the body of other requests (`strays.py`) is the guarantee.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_SLASHES: Final = re.compile("/{2,}")
_ENDPOINTS: Final = ("StreamableHTTPASGIApp", "StreamableHTTPSessionManager", "SseServerTransport")
_PACKAGES: Final = ("mcp.", "fastmcp.")
# Apps wrapped in apps (`.app`), mounts in mounts, endpoints in decorators: deeper than this is not looked.
_DEPTH: Final = 12


class Places:
    """Tells whether a scope is MCP's. The routes are walked once, at the first request, when the app is complete."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._found: frozenset[tuple[str, bool]] | None = None

    def is_mcp(self, scope: Mapping[str, Any], paths: Sequence[str]) -> bool:
        """Whether the path, or the path without the root path, is one of `paths` or an SDK's endpoint."""
        if scope["path"] in paths:
            return True
        full = normalised(scope["path"])
        inner = _below(full, normalised(scope.get("root_path", "")))
        if full in paths or inner in paths:
            return True
        if self._found is None:
            # `scope["app"]` is the outermost application where a framework put us among its middleware.
            self._found = frozenset(_endpoints(scope.get("app") or self._app, "", _DEPTH, below=True))
        return any(
            path == found or (below and path.startswith(f"{found}/"))
            for found, below in self._found
            for path in (full, inner)
        )


def _covers(place: tuple[str, bool], path: str) -> bool:
    found, below = place
    return path == found or (below and path.startswith(f"{found}/"))


def normalised(path: str) -> str:
    """A path without doubled or trailing slashes."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


def _below(path: str, root: str) -> str:
    """`path` without the root path it begins with."""
    if root == "/" or not (path == root or path.startswith(root + "/")):
        return path
    return path[len(root) :] or "/"


def _endpoints(app: Any, prefix: str, depth: int, *, below: bool) -> Iterator[tuple[str, bool]]:
    """(path, whether all paths below it are served too) of each endpoint: a mount serves them, a route does not."""
    if depth == 0 or app is None:
        return
    if _is_endpoint(app):
        yield normalised(prefix or "/"), below
        return
    routes = getattr(app, "routes", None)
    if isinstance(routes, (list, tuple)):
        for route in routes:
            path = getattr(route, "path", "")
            endpoint = getattr(route, "endpoint", None)
            if isinstance(path, str) and "{" not in path:
                inside = endpoint or getattr(route, "app", None)
                yield from _endpoints(inside, prefix + path, depth - 1, below=endpoint is None)
        return
    yield from _endpoints(getattr(app, "app", None), prefix, depth - 1, below=below)


def _is_endpoint(app: Any) -> bool:
    owner = getattr(app, "__self__", app)
    kind = type(owner)
    return kind.__name__ in _ENDPOINTS and kind.__module__.startswith(_PACKAGES)
