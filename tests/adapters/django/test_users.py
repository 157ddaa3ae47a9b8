"""The users of a project as callers of the policy, and callers as its users, under both of Django's handlers."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse

from tests.adapters.django.project import MIDDLEWARE, SERVERS, Desk, framework, served
from tests.envelopes import call, headers_of

CALLERS = "tests.adapters.django.neighbours."
ROLES = {"viewer": {"allow": [{"tools": ["echo"]}]}}
pytestmark = pytest.mark.parametrize("server", SERVERS)
ASKING = pytest.mark.parametrize("function", ["whom_the_project_knows", "whom_it_knows_later"])
USING = pytest.mark.parametrize("function", ["user_of", "user_later"])


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A policy that lets nobody in without a credential, and viewers use one tool."""
    file = tmp_path_factory.mktemp("keys") / "keys.yaml"
    file.write_text(f"version: 1\nsalt: '{'ab' * 32}'\nkeys: []\n", encoding="utf-8")
    file.chmod(0o600)
    return {"roles": ROLES, "identity": {"required": True, "api_keys": {"file": str(file)}}}


def _asked(tool: str, *fields: tuple[str, str]) -> dict[str, Any]:
    message = call(tool)
    return {"body": message, "fields": [*headers_of(message), *fields]}


@ASKING
def test_whom_the_project_vouches_for_has_a_role(server: str, function: str, policy: dict[str, Any]) -> None:
    desk, changed = Desk(), {"SMCP_POLICY": framework(**policy), "SMCP_CALLER": CALLERS + function}
    ann = ("x-project-user", "ann")
    assert served(server, desk.view, _asked("echo", ann), **changed).status == 200
    assert desk.request.smcp.caller.id == "user:ann"
    refused = served(server, desk.view, _asked("delete_all", ann), **changed)
    assert refused.value["error"]["data"]["code"] in ("SMCP301", "SMCP303")
    assert served(server, desk.view, _asked("echo"), **changed).status == 401
    assert len(desk.requests) == 1


def test_a_function_that_reads_the_body_leaves_it_to_be_judged(server: str, policy: dict[str, Any]) -> None:
    desk, changed = Desk(), {"SMCP_POLICY": framework(**policy), "SMCP_CALLER": CALLERS + "whom_the_body_names"}
    assert served(server, desk.view, _asked("echo"), **changed).status == 200
    assert len(desk.requests) == 1


def test_nobody_is_vouched_for_unless_the_project_says_so(server: str, policy: dict[str, Any]) -> None:
    desk, ann = Desk(), ("x-project-user", "ann")
    assert served(server, desk.view, _asked("echo", ann), SMCP_POLICY=framework(**policy)).status == 401
    assert desk.requests == []


def test_a_wrong_credential_is_refused_whoever_is_logged_in(server: str, policy: dict[str, Any]) -> None:
    desk, changed = Desk(), {"SMCP_POLICY": framework(**policy), "SMCP_CALLER": CALLERS + "whom_the_project_knows"}
    both = (("x-project-user", "ann"), ("authorization", "Bearer smcp_wrong"))
    assert served(server, desk.view, _asked("echo", *both), **changed).status == 401
    assert desk.requests == []


def test_a_function_that_returns_no_caller_lets_nobody_in(
    server: str, policy: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    desk, changed = Desk(), {"SMCP_POLICY": framework(**policy), "SMCP_CALLER": CALLERS + "whom_it_gets_wrong"}
    caplog.set_level(logging.ERROR, "django.request")
    assert served(server, desk.view, _asked("echo"), **changed).status == 500
    assert desk.requests == [] and "must return a smcp_security.Caller or None; it returned str" in caplog.text


@USING
@pytest.mark.parametrize(("name", "user"), [("ann", "user:ann"), ("stranger", ""), ("", "")])
def test_the_view_knows_the_caller_as_a_user(
    server: str, function: str, name: str, user: str, policy: dict[str, Any]
) -> None:
    users: list[Any] = []

    def sync(request: HttpRequest) -> HttpResponse:
        users.append(request.user.get_username())
        return HttpResponse("{}", content_type="application/json")

    async def awaited(request: HttpRequest) -> HttpResponse:
        users.append((await request.auser()).get_username())
        return HttpResponse("{}", content_type="application/json")

    changed = {"SMCP_CALLER": CALLERS + "whom_the_project_knows", "SMCP_USER": CALLERS + function}
    changed["SMCP_POLICY"] = framework()
    asked = _asked("echo", *([("x-project-user", name)] if name else []))
    assert served(server, sync, asked, **changed).status == 200
    assert served(server, awaited, asked, **changed).status == 200
    assert users == [user, user]


def test_request_user_is_what_it_was_unless_the_project_says_so(server: str) -> None:
    desk = Desk(lambda request: HttpResponse("{}", content_type="application/json"))
    served(server, desk.view, _asked("echo"), MIDDLEWARE=[CALLERS + "brings_a_user", MIDDLEWARE])
    assert desk.request.user == "of the project"
    changed = {"SMCP_USER": CALLERS + "user_of", "MIDDLEWARE": [CALLERS + "brings_a_user", MIDDLEWARE]}
    desk.requests.clear()
    served(server, desk.view, _asked("echo"), **changed)
    assert desk.request.user.is_anonymous


def test_whom_the_server_in_front_names_is_not_known_to_a_policy_that_verifies(
    server: str, policy: dict[str, Any]
) -> None:
    changed = {"SMCP_CALLER": CALLERS + "whom_the_project_knows", "MIDDLEWARE": [CALLERS + "names_a_user", MIDDLEWARE]}
    ann = ("x-project-user", "ann")
    desk = Desk()
    served(server, desk.view, _asked("echo", ann), SMCP_POLICY=framework(**policy), **changed)
    assert "REMOTE_USER" not in desk.request.META
    desk.requests.clear()
    served(server, desk.view, _asked("echo", ann), **changed)
    assert desk.request.META["REMOTE_USER"] == "root"
