"""Django projects by their settings module or their handlers: URL patterns, middleware, settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import PACKAGE
from tests.cli.terminal import smcp

pytestmark = pytest.mark.real
OURS = "smcp_security.adapters.django.SMCPMiddleware"
PACKING = "django.middleware.gzip.GZipMiddleware"
SETTINGS: dict[str, Any] = {
    "SECRET_KEY": "x" * 50,
    "ROOT_URLCONF": "shop_urls",
    "ALLOWED_HOSTS": ["mcp.example"],
    "DEBUG": False,
    "MIDDLEWARE": [OURS],
}
URLS = """
from django.http import HttpResponse
from django.urls import include, path, re_path

def view(request, **given):
    return HttpResponse("ok")

urlpatterns = [path("mcp", view), path("health", view)]
extra = [
    path("<int:shop>/mcp_tools/", view),
    re_path(r"^v(?P<number>[0-9]+)/mcp/?$", view),
]
"""
HANDLERS = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "shop_settings"
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from smcp_security import SMCPMiddleware
from smcp_security.adapters.wsgi import SMCPMiddleware as Outer
asgi, wsgi = get_asgi_application(), get_wsgi_application()
both = SMCPMiddleware(asgi)
outer = Outer(wsgi)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the URL patterns and handlers of a project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE.parent))
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    (tmp_path / "shop_urls.py").write_text(URLS)
    (tmp_path / "shop_handlers.py").write_text(HANDLERS)
    return tmp_path


def _found(project: Path, *arguments: str, urls: str = URLS, **settings: Any) -> tuple[int, list[tuple[str, str]]]:
    (project / "shop_urls.py").write_text(urls)
    lines = [f"{name} = {value!r}" for name, value in {**SETTINGS, **settings}.items()]
    (project / "shop_settings.py").write_text("\n".join(lines))
    result = smcp("doctor", *(arguments or ("--django", "shop_settings")), "--format", "json")
    assert result.err == ""
    return result.code, [(each["code"], each["where"]) for each in json.loads(result.out)["findings"]]


def test_a_project_behind_the_middleware_has_no_finding(project: Path) -> None:
    assert _found(project) == (0, [])


def test_a_project_without_the_middleware_is_found(project: Path) -> None:
    assert _found(project, MIDDLEWARE=[PACKING]) == (1, [("DOC001", "/mcp")])


def test_the_settings_module_of_the_environment_counts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop_settings")
    assert _found(project, "--strict") == (0, [])


def test_middleware_in_the_wrong_order_is_found(project: Path) -> None:
    assert _found(project, MIDDLEWARE=[PACKING, OURS]) == (0, [])
    assert _found(project, MIDDLEWARE=[OURS, PACKING]) == (1, [("DOC010", "/mcp")])


def test_open_settings_are_found(project: Path) -> None:
    assert _found(project, DEBUG=True, ALLOWED_HOSTS=["*"]) == (1, [("DOC022", "/"), ("DOC021", "/")])


def test_patterns_below_others_and_with_parameters_are_walked(project: Path) -> None:
    urls = URLS + 'urlpatterns.append(path("api/", include(extra)))\n'
    assert _found(project, urls=urls) == (1, [("DOC003", "/api/{}/mcp_tools/"), ("DOC003", "/api/v{}/mcp/")])


def test_the_policy_of_the_settings_is_the_one_in_force(project: Path) -> None:
    policy = {"version": 1, "server": {"paths": ["/mcp", "/rpc"], "hosts": ["*"]}}
    assert _found(project, SMCP_POLICY=policy) == (1, [("DOC005", "/rpc"), ("DOC020", "server.hosts")])
    code, found = _found(project, SMCP_POLICY={"version": 1, "servr": {}})
    assert (code, [each[0] for each in found]) == (1, ["DOC030"])


@pytest.mark.parametrize(
    ("name", "middleware", "codes"),
    [
        ("asgi", [OURS], []),
        ("wsgi", [OURS], []),
        ("wsgi", [], [("DOC001", "/mcp")]),
        ("both", [], []),
        ("outer", [], []),
        ("both", [OURS], [("DOC012", "/mcp")]),
    ],
)
def test_the_handlers_of_a_project_are_known(
    name: str, middleware: list[str], codes: list[tuple[str, str]], project: Path
) -> None:
    assert _found(project, f"shop_handlers:{name}", MIDDLEWARE=middleware)[1] == codes


def test_settings_that_are_not_there_are_one_line(project: Path) -> None:
    result = smcp("doctor", "--django", "no_such_settings")
    assert result.code == 2
    assert "no_such_settings: it raises ModuleNotFoundError no_such_settings" in result.complaint
