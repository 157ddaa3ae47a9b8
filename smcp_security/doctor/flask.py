"""Flask, known by its shape: its rules, and the functions that it runs before and after each request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smcp_security.doctor.routes import Application, Layer, has


def is_application(node: Any) -> bool:
    """Whether it maps URLs to views behind a WSGI app of its own."""
    return has(node, "url_map", "view_functions", "wsgi_app")


def facts(application: Any, prefix: str) -> Application:
    """What it says of itself."""
    return Application(application, prefix, debug=bool(getattr(application, "debug", False)))


def rules(application: Any) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Path, methods and view of each rule."""
    for rule in application.url_map.iter_rules():
        methods = tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        yield str(rule.rule), methods, application.view_functions.get(rule.endpoint)


def hooks(application: Any, prefix: str) -> Iterator[Layer]:
    """What stands inside of every WSGI middleware: extensions that hook into requests and responses."""
    for name in ("before_request_funcs", "after_request_funcs"):
        for functions in getattr(application, name, {}).values():
            for function in functions:
                yield Layer(getattr(function, "__self__", function), prefix)
