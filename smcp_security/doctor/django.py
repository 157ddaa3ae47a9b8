"""Django as the process has it: its settings, middleware and URL patterns. It is imported by name, never before."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from smcp_security.doctor.routes import Application, Layer, has
from smcp_security.framework import SMCPSecurityFramework

SETTINGS: Final = "DJANGO_SETTINGS_MODULE"
_PARAMETER: Final = re.compile(r"<[^<>]*>")
_REGEX: Final = re.compile(r"\\[AZ]|\(\?P<[^>]*>[^()]*\)|[\^$]")


def start(settings: str) -> Any:
    """The WSGI handler of a project, with its middleware loaded."""
    os.environ[SETTINGS] = settings
    return import_module("django.core.wsgi").get_wsgi_application()


def is_handler(node: Any) -> bool:
    """Whether it is one of Django's handlers, for WSGI or ASGI."""
    return any(kind.__module__.startswith("django.") for kind in type(node).__mro__) and has(node, "get_response")


def settings() -> Any:
    """The settings of the project that this process runs."""
    return sys.modules["django.conf"].settings


def framework() -> SMCPSecurityFramework:
    """What guards the project. Raises an error of ours if its policy cannot be used."""
    # Late: it imports Django.
    from smcp_security.adapters.django import framework

    return framework()


def facts(handler: Any, prefix: str) -> Application:
    """What the settings say."""
    told = settings()
    return Application(handler, prefix, debug=told.DEBUG is True, any_host="*" in told.ALLOWED_HOSTS)


def layers(prefix: str) -> Iterator[Layer]:
    """The middleware of the settings, outermost first: classes, or functions that make one."""
    for dotted in settings().MIDDLEWARE:
        module, _, name = dotted.rpartition(".")
        yield Layer(getattr(import_module(module), name), prefix)


def rules() -> Iterator[tuple[str, Any]]:
    """Path and view of each URL pattern."""
    yield from _rules(import_module("django.urls").get_resolver().url_patterns, "/")


def _rules(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for each in patterns:
        path = prefix + _plain(each.pattern)
        if hasattr(each, "url_patterns"):
            yield from _rules(each.url_patterns, path)
        else:
            yield path, each.callback


def _plain(pattern: Any) -> str:
    """A pattern as a path; parameters are shown by their place alone."""
    text = str(pattern)
    if not hasattr(pattern, "_route"):
        text = _REGEX.sub(lambda match: "{}" if match.group().startswith("(") else "", text)
        return text.replace("/?", "/").replace("\\", "")
    return _PARAMETER.sub("{}", text)
