"""Django's system checks of how a project is guarded: `manage.py check`, and with `--deploy` what it relies on.

`smcp doctor` looks at more: at every route, and at applications around Django.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string

from smcp_security.adapters.django.configuration import CALLER, POLICY, USER, function_of
from smcp_security.errors import SMCPError
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.policy import Policy
from smcp_security.policy import resolve as resolved
from smcp_security.policy.reach import in_vain

# By their names: some of them can be imported only where their apps are installed.
_OWN: Final = "smcp_security.adapters.django.middleware.SMCPMiddleware"
_CSRF: Final = "django.middleware.csrf.CsrfViewMiddleware"
_USERS: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"
_GZIP: Final = "django.middleware.gzip.GZipMiddleware"
_FIRST: Final = "Put it first in MIDDLEWARE, behind CORS and what compresses."


def register_all() -> None:
    """Called when Django is set up."""
    register(check_policy, Tags.security)
    register(check_middleware, Tags.security)
    register(check_functions, Tags.security)
    register(check_deployment, Tags.security, deploy=True)


def check_policy(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """The policy can be used, and a path that it names is served."""
    try:
        paths = _policy().server.paths
    except SMCPError as error:
        hint = f"The server does not start like this. See {POLICY} and the environment's variables SMCP_..."
        return [Error(f"The policy cannot be used: {error}", hint=hint, id="smcp.E001")]
    if any(map(_is_served, paths)):
        return []
    shown, hint = ", ".join(paths), "Name the path of the MCP view there: MCP at any other is refused."
    return [Warning(f"No URL of the project is one of the policy's server.paths ({shown}).", hint=hint, id="smcp.W001")]


def check_middleware(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """SMCPMiddleware is there, once, and stands where it can judge what comes and goes."""
    layers = [(dotted, import_string(dotted)) for dotted in settings.MIDDLEWARE]
    own = [place for place, (_, layer) in enumerate(layers) if _is(layer, _OWN)]
    if not own:
        return list(_missing())
    found = [Error("SMCPMiddleware stands in MIDDLEWARE twice.", hint="Keep the first.", id="smcp.E007")] * (
        len(own) > 1
    )
    return [*found, *_outside(layers[: own[0]]), *_inside(layers[own[0] + 1 :])]


def check_functions(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """What the settings name can be called, and a session that vouches for a caller is safe from other sites."""
    try:
        caller, _ = function_of(CALLER), function_of(USER)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Name a function by its dotted path.", id="smcp.E003")]
    if caller is None or any(_is(import_string(dotted), _CSRF) for dotted in settings.MIDDLEWARE):
        return []
    hint = "Keep CsrfViewMiddleware, unless SMCP_CALLER looks at no cookie; see docs/django.md."
    return [Warning(f"{CALLER} is set and CsrfViewMiddleware is not in MIDDLEWARE.", hint=hint, id="smcp.W002")]


def check_deployment(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """What the server shows to others, and whether what the policy relies on can be reached."""
    found: list[CheckMessage] = []
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts that clients ask for."
        found.append(Warning("ALLOWED_HOSTS admits any host: views beside MCP do.", hint=hint, id="smcp.W010"))
    if settings.DEBUG:
        hint = "Set DEBUG = False where others can reach the server."
        found.append(Warning("DEBUG shows callers the values of a view that fails.", hint=hint, id="smcp.W011"))
    try:
        policy = _policy()
    except SMCPError:
        # Said by `check_policy`.
        return found
    if policy.server.hosts is not None and "*" in policy.server.hosts:
        hint = "Name the hosts that clients ask for."
        found.append(Warning("The policy's server.hosts admits any host.", hint=hint, id="smcp.W012"))
    return [*found, *_in_vain(policy), *_unreachable(policy)]


def _policy() -> Policy:
    given = getattr(settings, POLICY, None)
    return given.policy if isinstance(given, SMCPSecurityFramework) else resolved(given, os.environ)


def _is_served(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _is(layer: Any, name: str) -> bool:
    kinds = layer.__mro__ if isinstance(layer, type) else ()
    return any(f"{kind.__module__}.{kind.__qualname__}" == name for kind in kinds)


def _missing() -> Iterator[CheckMessage]:
    if getattr(settings, POLICY, None) is not None:
        problem = f"{POLICY} is set and SMCPMiddleware is not in MIDDLEWARE: nothing is checked."
        yield Error(problem, hint=_FIRST, id="smcp.E002")


def _outside(layers: Sequence[tuple[str, Any]]) -> Iterator[CheckMessage]:
    # Late: a server has no use for the mount check.
    from smcp_security.doctor.readers import reads_body

    for dotted, layer in layers:
        if reads_body(layer):
            problem = f"{dotted} reads bodies and stands before SMCPMiddleware, which refuses what is left."
            yield Error(problem, hint=_FIRST, id="smcp.E006")


def _inside(layers: Sequence[tuple[str, Any]]) -> Iterator[CheckMessage]:
    asks = any(getattr(settings, name, None) is not None for name in (CALLER, USER))
    for dotted, layer in layers:
        if _is(layer, _GZIP) or "compress" in dotted.lower():
            problem = f"{dotted} stands behind SMCPMiddleware: answers that it compresses are withheld."
            yield Error(problem, hint="Put it before SMCPMiddleware.", id="smcp.E004")
        if asks and _is(layer, _USERS):
            problem = f"{dotted} stands behind SMCPMiddleware: {CALLER} and {USER} need request.user before."
            yield Error(problem, hint="Put it and its sessions before SMCPMiddleware.", id="smcp.E005")


def _in_vain(policy: Policy) -> Iterator[CheckMessage]:
    for path, problem in in_vain(policy):
        where = ".".join(map(str, path))
        yield Warning(f"The policy's {where}: {problem}", hint="Correct it, or take it out.", id="smcp.W013")


def _unreachable(policy: Policy) -> Iterator[CheckMessage]:
    from smcp_security.doctor.reachability import unreachable
    from smcp_security.doctor.secrets import unopened

    given = isinstance(getattr(settings, POLICY, None), SMCPSecurityFramework)
    # A framework that is there has opened its vault.
    for found in (*unreachable(policy), *(() if given else unopened(policy))):
        yield Error(f"{found.row.meaning} {found.where}: {found.detail}", hint=found.row.remedy, id="smcp.E010")
