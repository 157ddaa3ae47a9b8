"""What claims mean: audiences, roles, scopes and their hierarchy, tenants, clients."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.claims import Hierarchy, canonical, look_up
from smcp_security.decision import Caller
from tests.checks.issuer import bearing, caller, codes, issuer, said, token, verdict

WORDS = st.text(alphabet="abc", min_size=1, max_size=2)


def _caller(claims: dict[str, Any], **changed: Any) -> Caller:
    return caller(verdict(bearing(token(said(**claims))), jwt=[issuer(**changed)]))


def _codes(claims: dict[str, Any], **changed: Any) -> list[str]:
    return codes(verdict(bearing(token(said(**claims))), jwt=[issuer(**changed)]))


@pytest.mark.parametrize(
    ("claims", "name", "roles"),
    [
        ({"roles": ["viewer", "editor", "viewer", ""]}, "roles", ("viewer", "editor")),
        ({"roles": "viewer, editor"}, "roles", ("viewer", "editor")),
        ({"roles": "viewer editor"}, "roles", ("viewer", "editor")),
        ({"roles": ["Domain Users"]}, "roles", ("Domain Users",)),
        ({"realm_access": {"roles": ["viewer"]}}, "realm_access.roles", ("viewer",)),
        ({"https://x.example/roles": ["viewer"]}, "https://x.example/roles", ("viewer",)),
        ({"a.b": ["literal"], "a": {"b": ["nested"]}}, "a.b", ("literal",)),
        ({"roles": []}, "roles", ()),
        ({"roles": ""}, "roles", ()),
        ({}, "roles", ()),
        ({"a": "text"}, "a.b.c", ()),
        ({"a": ["b"]}, "a.b", ()),
        ({"a": {}}, "a.b", ()),
        ({"roles": ["viewer"]}, None, ()),
    ],
)
def test_roles_come_from_the_claim_that_the_policy_names(
    claims: dict[str, Any], name: str | None, roles: tuple[str, ...]
) -> None:
    assert _caller(claims, roles_claim=name).roles == roles


@pytest.mark.parametrize("value", [7, True, {"viewer": True}, [7], ["viewer", None], [["viewer"]], 1.5])
@pytest.mark.parametrize("name", ["roles", "scp"])
def test_roles_and_scopes_of_another_type_are_refused(value: Any, name: str) -> None:
    assert _codes({name: value}, roles_claim="roles", scopes_claim="scp") == ["SMCP202"]
    assert _codes({"other": value}, roles_claim="roles", scopes_claim="scp") == []


def test_scopes_are_a_list_or_one_text() -> None:
    assert _caller({"scope": "read  write read"}).scopes == {"read", "write"}
    assert _caller({"scp": ["read", "write"]}, scopes_claim="scp").scopes == {"read", "write"}
    assert _caller({"scp": ["read"]}).scopes == _caller({"scope": ""}).scopes == frozenset()


def test_the_tenant_and_the_client_are_names() -> None:
    found = _caller({"org": "acme", "azp": "app", "client_id": "other"}, tenant_claim="org")
    assert (found.tenant, found.client) == ("acme", "app")
    assert _caller({"client_id": "other"}).client == "other"
    assert _caller({"org": "acme"}).tenant == _caller({}, tenant_claim="org").tenant == ""


@pytest.mark.parametrize("claim", ["org", "azp", "client_id"])
@pytest.mark.parametrize("value", [7, True, ["acme"], {"id": "acme"}, "ac\nme", "a" * 1025])
def test_a_name_of_another_type_is_refused(claim: str, value: Any) -> None:
    assert _codes({claim: value}, tenant_claim="org") == ["SMCP202"]


@pytest.mark.parametrize(
    ("claim", "other", "own"),
    [("typ", ["ID", "Refresh", "offline", "Logout"], "Bearer"), ("token_use", ["id", "refresh"], "access")],
)
def test_what_its_issuer_calls_something_else_is_no_access_token(claim: str, other: list[str], own: str) -> None:
    for kind in other:
        assert _codes({claim: kind}) == ["SMCP202"]
    for kind in (own, 7, None):
        assert _codes({claim: kind}) == []


def test_nobody_can_change_the_claims_of_a_caller() -> None:
    claims: Any = _caller({}).claims
    with pytest.raises(TypeError):
        claims["sub"] = "root"


def test_the_name_of_a_caller_holds_its_issuer_once() -> None:
    assert _caller({"sub": "x#y"}).id.split("#", 1) == ["jwt:https://idp.example.com", "x#y"]


# -- the hierarchy of scopes -----------------------------------------------------------------------------------------


@given(st.dictionaries(WORDS, st.lists(WORDS, max_size=3), max_size=6), st.sets(WORDS, max_size=4))
def test_a_scope_includes_all_that_can_be_reached_from_it(stated: dict[str, list[str]], given_: set[str]) -> None:
    reached = Hierarchy(stated).expand(given_)
    assert given_ <= reached
    assert all(set(stated.get(scope, ())) <= reached for scope in reached)
    assert all(scope in given_ or any(scope in stated.get(each, ()) for each in reached) for scope in reached)


def test_a_cycle_of_scopes_is_harmless() -> None:
    hierarchy = Hierarchy({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})
    assert hierarchy.expand(["a"]) == hierarchy.expand(["c"]) == {"a", "b", "c"}
    assert hierarchy.expand(["d"]) == {"a", "b", "c", "d"} and hierarchy.expand(["x"]) == {"x"}


def test_no_scope_includes_the_one_above_it() -> None:
    assert Hierarchy({"admin": ["read"]}).expand(["read"]) == {"read"}


# -- audiences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h.example/mcp", "HTTPS://H.Example/mcp"),
        ("https://h.example/mcp", "https://h.example:443/mcp"),
        ("http://h.example/mcp", "http://h.example:80/mcp"),
        ("https://h.example/mcp", "https://h.example/mcp/"),
        ("https://h.example", "https://h.example/"),
        ("https://[::1]/mcp", "https://[::1]:443/mcp"),
    ],
)
def test_two_spellings_of_a_resource_are_one(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h.example/mcp", "https://h.example/MCP"),
        ("https://h.example/mcp", "http://h.example/mcp"),
        ("https://h.example/mcp", "https://h.example:80/mcp"),
        ("https://h.example:8443/mcp", "https://h.example/mcp"),
        ("https://h.example/mcp", "https://h.example/mcp?x=/"),
        ("https://h.example/mcp?x=", "https://h.example/mcp?x=/"),
        ("https://h.example/mcp", "https://h.example/%6dcp"),
        ("https://h.example/mcp", "https://user@h.example/mcp"),
        ("https://h.example/mcp", "https://h.example/mcp//"),
        ("https://h.example/mcp", "https://h.example/mcp\n"),
        ("https://h.example/a", "https://h.example/a/../a"),
        ("urn:mcp", "URN:mcp"),
        ("Client", "client"),
    ],
)
def test_two_resources_stay_two(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@given(st.dictionaries(st.text(alphabet="ab.", max_size=4), st.integers() | st.dictionaries(WORDS, st.none())), WORDS)
def test_any_claim_can_be_looked_up_in_any_claims(claims: dict[str, Any], name: str) -> None:
    assert look_up(claims, f"{name}.{name}.x") is None
    assert look_up(claims, name) == claims.get(name)
