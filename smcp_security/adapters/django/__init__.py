"""Django: the policy in front of the MCP views of a project, sync and async.

    MIDDLEWARE = ["smcp_security.adapters.django.SMCPMiddleware", ...]
    INSTALLED_APPS = ["smcp_security.adapters.django", ...]     # system checks: manage.py check --deploy

The only part of the package that imports Django, and that only when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smcp_security.adapters.django.configuration import framework
    from smcp_security.adapters.django.middleware import SMCPMiddleware

# Late: Django imports an app before its settings may be asked.
_LATE = {
    "SMCPMiddleware": "smcp_security.adapters.django.middleware",
    "framework": "smcp_security.adapters.django.configuration",
}

__all__ = ["SMCPMiddleware", "framework"]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
