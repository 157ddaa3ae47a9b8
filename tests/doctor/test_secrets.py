"""Secrets that guarded tools ask for: granted to them and in the vault, or a finding before anybody calls."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.decorator import secure_tool
from smcp_security.doctor.secrets import unopened
from smcp_security.policy import Policy
from smcp_security.vault.file_store import FileStore
from smcp_security.vault.providers import from_callable
from smcp_security.vault.vault import Vault
from tests.doctor.looks import look

KEY = sha256(b"the vault of the doctor").digest()
SECRETS = ("DOC033", "DOC034", "DOC035")


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A vault with one secret for everybody, one of a tenant and one that is too short."""
    path = str(tmp_path_factory.mktemp("vault") / "v.smcp")
    made = Vault(FileStore(path), from_callable(lambda: KEY), clock=time.time)
    made.create()
    made.put("github", b"a-token-of-the-tests")
    made.put("mail", b"a-token-of-a-tenant", tenant="acme")
    made.put("pin", b"1234")
    return path


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the vault, where its policy says that it is."""
    monkeypatch.setenv("KEY_OF_THE_DOCTOR", base64.b64encode(KEY).decode())


def policy(path: str, *grants: dict[str, Any], key: str = "env:KEY_OF_THE_DOCTOR") -> Policy:
    """A policy with a vault and these grants."""
    identity = {"required": False}
    return Policy.model_validate({"identity": identity, "vault": {"file": path, "key": key, "grants": grants}})


def server(secret: str, framework: SMCPSecurityFramework | None = None) -> MCPServer:
    """A server whose one tool asks for a secret."""
    made = MCPServer("a")

    @made.tool()
    @secure_tool(secrets={"token": secret}, framework=framework)
    def push(branch: str, token: str) -> str:
        return branch

    return made


def told(report: Any) -> list[tuple[str, str, str]]:
    """What it found about secrets."""
    return [(each["code"], each["where"], each["detail"]) for each in report.findings if each["code"] in SECRETS]


SHARED = {"secrets": ["github", "mail", "pin"], "tools": ["pu*"]}
OWN = {"secrets": ["github", "mail", "pin"], "tools": ["push"], "owner": "tenant"}


@pytest.mark.parametrize(
    ("secret", "grants", "found"),
    [
        ("github", [SHARED], []),
        ("mail", [SHARED, OWN], []),
        ("github", [], [("DOC034", "push", "github")]),
        ("github", [{"secrets": ["github"], "tools": ["pull"]}], [("DOC034", "push", "github")]),
        ("gitlab", [SHARED], [("DOC034", "push", "gitlab")]),
        ("github", [OWN], [("DOC035", "push", "github, tenant")]),
        ("mail", [SHARED], [("DOC035", "push", "mail, shared")]),
        ("pin", [SHARED], [("DOC035", "push", "pin, shared")]),
    ],
)
def test_a_secret_is_asked_for_in_vain_unless_it_is_granted_and_there(
    vault: str, secret: str, grants: list[dict[str, Any]], found: list[tuple[str, str, str]]
) -> None:
    assert told(look(server(secret), policy=policy(vault, *grants))) == found


def test_without_a_vault_a_tool_asks_in_vain() -> None:
    assert told(look(server("github"))) == [("DOC034", "push", "github")]


def test_a_vault_that_cannot_be_opened_is_told_whoever_asks(vault: str, tmp_path: Path) -> None:
    for spoilt in (policy(str(tmp_path / "none.smcp"), SHARED), policy(vault, SHARED, key="env:NO_SUCH_KEY")):
        [(code, where, detail)] = told(look(server("github"), policy=spoilt))
        assert (code, where) == ("DOC033", "vault")
        assert "none.smcp" in detail or "NO_SUCH_KEY" in detail
        assert [each.code for each in unopened(spoilt)] == ["DOC033"]
    assert list(unopened(policy(vault, SHARED))) == []
    assert list(unopened(Policy())) == []


@pytest.fixture
def framework(vault: str) -> Iterator[SMCPSecurityFramework]:
    """A framework whose vault opens by code, and not with what the policy names."""
    spoilt = policy(vault, SHARED, key="env:NO_SUCH_KEY")
    with SMCPSecurityFramework(spoilt, vault_key=lambda: KEY) as made:
        yield made


def test_the_policy_that_judges_the_tool_is_the_one_that_is_asked(framework: SMCPSecurityFramework) -> None:
    assert told(look(server("github", framework))) == []
    assert told(look(server("mail", framework))) == [("DOC035", "push", "mail, shared")]
    app = SMCPMiddleware(server("github").streamable_http_app(), framework=framework)
    assert told(look(app, {"mcp": server("github")})) == []
    assert told(look(app, {"mcp": server("pin")})) == [("DOC035", "push", "pin, shared")]
