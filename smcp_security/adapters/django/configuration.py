"""What a project's settings say of the policy and of who its callers are."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from smcp_security.adapters.local import own_framework
from smcp_security.framework import SMCPSecurityFramework

POLICY: Final = "SMCP_POLICY"
CALLER: Final = "SMCP_CALLER"
USER: Final = "SMCP_USER"

_changing: Final = Lock()
_made: Final[list[tuple[Any, SMCPSecurityFramework]]] = []


def framework() -> SMCPSecurityFramework:
    """The framework that guards this project: to reload its policy, to revoke a caller, to share it with other edges.

    One per process and value of `SMCP_POLICY`, which is a file, a dict, a `Policy` or a framework of your own (with
    detectors, say). Without the setting: the environment's `SMCP_POLICY`, or safe defaults.
    Raises `PolicyError`, `KeyFileError` or `RulesError`.
    """
    policy = getattr(settings, POLICY, None)
    if policy is None:
        return own_framework()
    if isinstance(policy, SMCPSecurityFramework):
        return policy
    with _changing:
        if not _made or _made[0][0] != policy:
            # Middleware that is in use goes on with the one that it was made with.
            _made[:] = [(policy, SMCPSecurityFramework(policy))]
        return _made[0][1]


def function_of(setting: str) -> Callable[..., Any] | None:
    """The function that a setting names by its dotted path, or is. Raises `ImproperlyConfigured`."""
    named = getattr(settings, setting, None)
    if named is None:
        return None
    try:
        found = import_string(named) if isinstance(named, str) else named
    except ImportError as error:
        raise ImproperlyConfigured(f"{setting}: {named!r} cannot be imported: {error}") from error
    if not callable(found):
        raise ImproperlyConfigured(f"{setting}: expected a function or its dotted path, found {type(found).__name__}")
    result: Callable[..., Any] = found
    return result
