"""Where MCP lives in an ASGI app: the policy's paths, and the SDKs' endpoints found by walking the app's routes.

The walk is a convenience; the look at the body of other requests (`strays.py`) is the guarantee.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

_AUTHORITY: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_ENDPOINTS: Final = ("StreamableHTTPASGIApp", "StreamableHTTPSessionManager", "SseServerTransport")
_PACKAGES: Final = ("mcp.", "fastmcp.")
# Apps wrapped in apps (`.app`), mounts in mounts, endpoints in decorators: deeper than this is not looked.
_DEPTH: Final = 12


class Places:
    """Tells where in the app a scope of MCP's belongs.

    The routes are walked once, at the first request, when the app is complete.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._found: list[tuple[str, bool]] | None = None

    def place(self, scope: Mapping[str, Any], paths: Sequence[str]) -> str:
        """The one of `paths`, or the SDK's endpoint, that the path with or without the root path is; empty if none.

        All paths below a mounted endpoint are the one place: what is known of its tools must hold at each of them.
        """
        path = scope["path"]
        if path in paths:
            return str(path)
        listed = _spellings(tuple(paths))
        full, inner = spellings(scope)
        for spelt in (full, inner):
            if spelt in listed:
                return listed[spelt]
        if self._found is None:
            # `scope["app"]` is the outermost application where a framework put us among its middleware.
            endpoints = _endpoints(scope.get("app") or self._app, "", _DEPTH, below=True)
            self._found = sorted(endpoints, key=lambda place: -len(place[0]))
        return next((place[0] for place in self._found for path in (full, inner) if _covers(place, path)), "")


def _covers(place: tuple[str, bool], path: str) -> bool:
    found, below = place
    return path == found or (below and path.startswith(f"{found}/"))


@lru_cache(maxsize=16)
def _spellings(paths: tuple[str, ...]) -> dict[str, str]:
    return {normalised(path): path for path in paths}


def spellings(scope: Mapping[str, Any]) -> tuple[str, str]:
    """The path of a request with the root path and without, normalised."""
    full = normalised(scope["path"])
    return full, _below(full, normalised(scope.get("root_path", "")))


def normalised(path: str) -> str:
    """A path as the most lenient router or gateway behind us may read it; guarding a spelling too many costs nothing.

    The path of an absolute form (RFC 9112, 3.2.2), `.` and `..` resolved, without doubled or trailing slashes and
    parameters of segments (RFC 3986, 3.3), in small letters.
    """
    segments: list[str] = []
    # To a pattern that ends in `$`, as Starlette's do, a line break at the end of a path is none.
    for segment in _AUTHORITY.sub("", path.rstrip("\n")).replace("\\", "/").casefold().split("/"):
        segment = segment.partition(";")[0]
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(segments)


def _below(path: str, root: str) -> str:
    """`path` without the root path it begins with."""
    if root == "/" or not (path == root or path.startswith(root + "/")):
        return path
    return path[len(root) :] or "/"


def _endpoints(app: Any, prefix: str, depth: int, *, below: bool) -> Iterator[tuple[str, bool]]:
    """(path, whether all paths below it are served too) of each endpoint: a mount serves them, a route does not."""
    if depth == 0 or app is None:
        return
    if is_endpoint(app):
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


def is_endpoint(app: Any) -> bool:
    """Whether this is what an SDK serves MCP with: its object, or a method of it."""
    # Proxies for what is not there raise whatever they are asked for.
    owner = app.__self__ if inspect.ismethod(app) else app
    kind = type(owner)
    return kind.__name__ in _ENDPOINTS and kind.__module__.startswith(_PACKAGES)
