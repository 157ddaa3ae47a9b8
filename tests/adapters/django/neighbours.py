"""Middleware of others, as it may stand beside ours in MIDDLEWARE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.decorators import sync_only_middleware

from smcp_security import Caller


@sync_only_middleware
def reads_a_piece(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Takes the first bytes of every body."""

    def middleware(request: HttpRequest) -> Any:
        request.read(3)
        return get_response(request)

    return middleware


@sync_only_middleware
def looks_at_the_body(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Reads every body, and leaves it at hand."""

    def middleware(request: HttpRequest) -> Any:
        assert isinstance(request.body, bytes) and request.POST is not None
        return get_response(request)

    return middleware


@sync_only_middleware
def does_nothing(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Makes what is inside of it sync, as much middleware of old does."""
    return lambda request: get_response(request)


class ReadsBodies:
    """Takes the body of every request."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        request.read()
        return self.get_response(request)


class Users(AuthenticationMiddleware):
    """As Django's own, of which a project may have its own kind."""


NOT_A_FUNCTION = 1


def whom_the_project_knows(request: HttpRequest) -> Caller | None:
    """A login of the project's own, here by a field that nobody else could send."""
    name = request.headers.get("x-project-user")
    return Caller(f"user:{name}", verified=True, source="project", roles=("viewer",)) if name else None


async def whom_it_knows_later(request: HttpRequest) -> Caller | None:
    """The same, by code that waits."""
    return whom_the_project_knows(request)


def whom_it_gets_wrong(request: HttpRequest) -> str:
    """No caller at all."""
    return "ann"


def user_of(request: HttpRequest, caller: Caller) -> User | None:
    """The project's user for a caller; it knows no strangers."""
    return None if caller.id == "user:stranger" else User(username=caller.id)


async def user_later(request: HttpRequest, caller: Caller) -> User | None:
    """The same, by code that waits."""
    return user_of(request, caller)


def brings_a_user(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Says whose the request is, as middleware with sessions does."""

    def middleware(request: HttpRequest) -> Any:
        request.user = "of the project"  # type: ignore[assignment]
        return get_response(request)

    return middleware


def names_a_user(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Says who was authenticated, as a server in front does."""

    def middleware(request: HttpRequest) -> Any:
        request.META["REMOTE_USER"] = "root"
        return get_response(request)

    return middleware


def whom_the_body_names(request: HttpRequest) -> Caller | None:
    """A caller for whom the project reads the body itself."""
    return Caller("user:ann", verified=True, roles=("viewer",)) if request.body else None
