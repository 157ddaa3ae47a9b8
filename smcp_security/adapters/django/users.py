"""Django's users and the policy's callers: whom the project vouches for itself, and who a caller is to its views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import SimpleLazyObject

from smcp_security.adapters.django.configuration import CALLER, USER, function_of
from smcp_security.decision import Caller


class Users:
    """The two functions of the settings; without them nothing is asked and nothing is put into a request."""

    def __init__(self) -> None:
        self._caller = function_of(CALLER)
        self._user = function_of(USER)

    @property
    def vouch(self) -> bool:
        """Whether the project vouches for anybody."""
        return self._caller is not None

    async def caller_of(self, request: Any, *, waits: bool) -> Caller | None:
        """Whom the project vouches for. Not asked where the message brings a credential, which alone counts then.

        A function that is not async may ask the database, so that it runs where Django lets it.
        """
        if self._caller is None or "HTTP_AUTHORIZATION" in request.META:
            return None
        if waits:
            found = await _awaitable(self._caller)(request)
        else:
            found = _plain(self._caller)(request)
        if found is not None and not isinstance(found, Caller):
            kind = type(found).__name__
            raise ImproperlyConfigured(f"{CALLER} must return a smcp_security.Caller or None; it returned {kind}")
        return found

    def introduce(self, request: Any, caller: Caller | None) -> None:
        """`request.user` and `request.auser` are who the caller is to the project; nobody where there is no caller.

        As with Django's own, nothing is looked up until somebody asks.
        """
        if self._user is None:
            return
        plain, awaitable = _plain(self._user), _awaitable(self._user)

        async def auser() -> Any:
            found = None if caller is None else await awaitable(request, caller)
            return _nobody() if found is None else found

        def user() -> Any:
            found = None if caller is None else plain(request, caller)
            return _nobody() if found is None else found

        request.user, request.auser = SimpleLazyObject(user), auser


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    result: Callable[..., Any] = async_to_sync(function) if iscoroutinefunction(function) else function
    return result


def _awaitable(function: Callable[..., Any]) -> Callable[..., Any]:
    result: Callable[..., Any] = function if iscoroutinefunction(function) else sync_to_async(function)
    return result


def _nobody() -> Any:
    if not apps.is_installed("django.contrib.auth"):
        return None
    # Late: it has models, which are there once all apps are.
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()
