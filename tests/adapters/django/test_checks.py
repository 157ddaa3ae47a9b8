"""Django's system checks: each finds its mistake, and nothing in a project that is guarded as it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig
from django.core.checks import registry
from django.test.utils import override_settings
from django.urls import path

from smcp_security.adapters.django import checks
from tests.adapters.django.project import MIDDLEWARE, Desk, framework, set_up

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
READING = "tests.adapters.django.neighbours.ReadsBodies"
CALLER = "tests.adapters.django.neighbours.whom_the_project_knows"


def _found(**changed: Any) -> list[str]:
    """The ids of what the checks find in a project of one MCP view, with some settings changed."""
    set_up()
    given: dict[str, Any] = {
        "ROOT_URLCONF": (path("mcp", Desk().view),),
        "MIDDLEWARE": [GZIP, MIDDLEWARE, CSRF],
        "SMCP_POLICY": {},
        "ALLOWED_HOSTS": ["mcp.example.com"],
        **changed,
    }
    every = (checks.check_policy, checks.check_middleware, checks.check_functions, checks.check_deployment)
    with override_settings(**given):
        return [str(found.id) for check in every for found in check(None)]


def test_nothing_is_found_where_all_is_as_it_should_be() -> None:
    assert _found() == []
    assert _found(SMCP_POLICY=None) == []
    assert _found(SMCP_POLICY=framework()) == []
    assert _found(SMCP_CALLER=CALLER, SMCP_USER="tests.adapters.django.neighbours.user_of") == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"SMCP_POLICY": {"no_such_section": 1}}, "smcp.E001"),
        ({"SMCP_POLICY": "/no/such/policy.yaml"}, "smcp.E001"),
        ({"MIDDLEWARE": [CSRF]}, "smcp.E002"),
        ({"SMCP_CALLER": "no.such.function"}, "smcp.E003"),
        ({"SMCP_USER": "tests.adapters.django.neighbours.NOT_A_FUNCTION"}, "smcp.E003"),
        ({"MIDDLEWARE": [MIDDLEWARE, GZIP, CSRF]}, "smcp.E004"),
        ({"MIDDLEWARE": [MIDDLEWARE, "tests.adapters.django.neighbours.Users"], "SMCP_USER": CALLER}, "smcp.E005"),
        ({"MIDDLEWARE": [READING, MIDDLEWARE, CSRF]}, "smcp.E006"),
        ({"MIDDLEWARE": [MIDDLEWARE, CSRF, MIDDLEWARE]}, "smcp.E007"),
        ({"SMCP_POLICY": {"server": {"paths": ["/elsewhere"]}}}, "smcp.W001"),
        ({"MIDDLEWARE": [MIDDLEWARE], "SMCP_CALLER": CALLER}, "smcp.W002"),
        ({"ALLOWED_HOSTS": ["*"]}, "smcp.W010"),
        ({"DEBUG": True}, "smcp.W011"),
        ({"SMCP_POLICY": {"server": {"hosts": ["*"]}}}, "smcp.W012"),
        ({"SMCP_POLICY": {"store": {"url": "redis://127.0.0.1:1"}}}, "smcp.E010"),
        ({"SMCP_POLICY": {"vault": {"file": "no-such.smcp", "key": "env:NO_SUCH_KEY"}}}, "smcp.E010"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_mistake_is_found_and_nothing_else(changed: dict[str, Any], found: str) -> None:
    assert _found(**changed) == [found]


def test_what_of_a_policy_can_never_act_is_told(caplog: pytest.LogCaptureFixture) -> None:
    useless = {"identity": {"required": False}}
    assert _found(SMCP_POLICY=useless) == ["smcp.W013"]


def test_a_mistake_is_told_with_its_place_and_its_cure(tmp_path: Path) -> None:
    set_up()
    policy = tmp_path / "policy.yaml"
    policy.write_text("server:\n  pathes: [/mcp]\n", encoding="utf-8")
    with override_settings(SMCP_POLICY=str(policy)):
        [found] = checks.check_policy(None)
    assert "policy.yaml:2" in found.msg and "pathes" in found.msg and found.hint


def test_the_app_registers_its_checks() -> None:
    set_up()
    config = AppConfig.create("smcp_security.adapters.django")
    before = (set(registry.registry.registered_checks), set(registry.registry.deployment_checks))
    try:
        config.ready()
        assert checks.check_policy in registry.registry.get_checks()
        assert checks.check_deployment not in registry.registry.get_checks()
        assert checks.check_deployment in registry.registry.get_checks(include_deployment_checks=True)
    finally:
        registry.registry.registered_checks, registry.registry.deployment_checks = before
