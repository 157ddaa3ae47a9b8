"""The challenge and the metadata that lead a client to the issuer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smcp_security.checks.metadata import challenge, metadata
from smcp_security.errors import PolicyError
from smcp_security.policy import Policy
from tests.checks.issuer import ASKED, ISSUER, OTHER, RESOURCE, introspection, issuer

KEYS = {"api_keys": {"file": "keys.yaml"}}


def _policy(resource: str | None = RESOURCE, roles: dict[str, Any] | None = None, **identity: Any) -> Policy:
    sections: dict[str, Any] = {"identity": identity or {"jwt": [issuer()]}}
    if resource is not None:
        sections["server"] = {"resource": resource}
    return Policy.from_dict(sections if roles is None else {**sections, "roles": roles})


def _document(policy: Policy) -> dict[str, Any]:
    found = metadata(policy)
    assert found is not None
    document: dict[str, Any] = json.loads(found.body)
    return document


def test_a_first_challenge_names_the_metadata_and_no_error() -> None:
    expected = 'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'
    assert challenge(_policy()) == expected
    scoped = _policy(jwt=[issuer()], scopes=["read", "write"])
    assert challenge(scoped) == f'{expected}, scope="read write"'


def test_a_challenge_after_a_wrong_token_names_the_error() -> None:
    shown = challenge(_policy(), error="invalid_token")
    assert 'error="invalid_token", error_description="' in shown and shown.endswith('"')


def test_a_step_up_names_all_scopes_at_once() -> None:
    policy = _policy(jwt=[issuer()], scopes=["read"])
    shown = challenge(policy, error="insufficient_scope", scopes=("read", "repo", "read", "offline_access"))
    assert 'scope="read repo"' in shown and 'error="insufficient_scope"' in shown and "resource_metadata" in shown


@pytest.mark.parametrize("resource", [RESOURCE, None])
def test_there_is_no_metadata_where_no_issuer_is_named(resource: str | None) -> None:
    policy = _policy(resource, **KEYS)
    assert metadata(policy) is None and challenge(policy) == "Bearer"
    for bare in (Policy(), Policy.from_dict({"server": {"resource": RESOURCE}})):
        assert metadata(bare) is None and challenge(bare) == "Bearer"
    assert challenge(policy, error="invalid_token").startswith('Bearer error="invalid_token"')


def test_the_metadata_name_the_resource_and_its_issuers() -> None:
    policy = _policy(jwt=[issuer(), issuer(OTHER)], introspection=[introspection()])
    assert _document(policy) == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER, OTHER, ASKED],
        "bearer_methods_supported": ["header"],
    }
    both = _policy(jwt=[issuer()], introspection=[introspection(issuer=ISSUER)])
    assert _document(both)["authorization_servers"] == [ISSUER]


def test_the_metadata_name_every_scope_that_a_rule_asks_for() -> None:
    rules = [{"tools": ["a"], "scopes": ["repo", "read"]}, {"tools": ["b"], "scopes": ["offline_access"]}]
    roles = {"one": {"allow": rules}, "two": {"allow": [{"tools": ["c"], "scopes": ["admin"]}]}}
    policy = _policy(roles=roles, jwt=[issuer()], scopes=["read"])
    assert _document(policy)["scopes_supported"] == ["read", "repo", "admin"]


WELL_KNOWN = "/.well-known/oauth-protected-resource"


@pytest.mark.parametrize(
    ("resource", "path", "shown"),
    [
        ("https://mcp.example.com/mcp", f"{WELL_KNOWN}/mcp", f"https://mcp.example.com{WELL_KNOWN}/mcp"),
        ("https://mcp.example.com", WELL_KNOWN, f"https://mcp.example.com{WELL_KNOWN}"),
        ("https://mcp.example.com/", WELL_KNOWN, f"https://mcp.example.com{WELL_KNOWN}"),
        ("http://127.0.0.1:8000/a/b", f"{WELL_KNOWN}/a/b", f"http://127.0.0.1:8000{WELL_KNOWN}/a/b"),
        ("https://[::1]:8443/mcp", f"{WELL_KNOWN}/mcp", f"https://[::1]:8443{WELL_KNOWN}/mcp"),
    ],
)
def test_the_metadata_are_served_where_the_challenge_says(resource: str, path: str, shown: str) -> None:
    policy = _policy(resource)
    found = metadata(policy)
    assert found is not None and found.paths == {path, WELL_KNOWN}
    assert challenge(policy) == f'Bearer resource_metadata="{shown}"'


@pytest.mark.parametrize("sign", ['"', "\\", "\u00e9", "\r\nx: y", " ", "%22"])
def test_nothing_that_would_break_a_header_gets_into_a_challenge(sign: str) -> None:
    with pytest.raises(PolicyError):
        _policy(f"https://h.example/{sign}")
    with pytest.raises(PolicyError):
        _policy(jwt=[issuer()], scopes=["read" + sign.replace("%22", '"')])
