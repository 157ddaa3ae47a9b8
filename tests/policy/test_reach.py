"""What a policy says in vain: each kind with its path and its honest twin, and the line of the file in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.policy import Policy, resolve
from smcp_security.policy.globs import covers, overlap
from smcp_security.policy.places import shown_path
from smcp_security.policy.reach import in_vain
from tests.policy import policies

KEYS = {"api_keys": {"file": "keys.yaml"}}
PROXY = {"trusted_proxies": ["unix"]}
ALLOW = {"allow": [{"tools": ["github.*"]}]}


def tokens(**fields: Any) -> dict[str, Any]:
    """A policy with one issuer of tokens."""
    issuer = {"issuer": "https://i.example", "algorithms": ["ES256"], "jwks": "keys.json", **fields}
    return {"server": {"resource": "https://a.example/mcp"}, "identity": {"jwt": [issuer]}}


def roles(identity: Any = KEYS, **named: Any) -> dict[str, Any]:
    """A policy with these roles."""
    return {"identity": identity, "roles": named}


def grant(**fields: Any) -> dict[str, Any]:
    """The part of a policy with one grant."""
    return {"vault": {"file": "v", "key": "env:K", "grants": [{"secrets": ["a"], "tools": ["t"], **fields}]}}


def deny(*tools: str, allow: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    """A policy whose one role allows and denies tools."""
    wide = ["github.*"] if allow is None else allow
    return roles(dev={"allow": [{"tools": wide}], "deny": [{"tools": list(tools), **fields}]})


def limits(*entries: dict[str, Any]) -> dict[str, Any]:
    """A policy with these limits, by default ten a second per caller."""
    return {"limits": [{"per": "caller", "rate": "10/s", **entry} for entry in entries]}


def typed(*places: str) -> dict[str, Any]:
    """An entry with a contract at each place."""
    return {"arguments": {place: {"kind": "uuid"} for place in places}}


def schema_and(place: str, **keywords: Any) -> dict[str, Any]:
    """A policy with a tool that states its schema and one contract."""
    option = {"type": "object", "properties": {"name": True}, "additionalProperties": False}
    properties = {"query": {"type": "string"}, "options": {"type": "array", "items": option}}
    schema = {"type": "object", "properties": properties, **keywords}
    return {"tools": {"t": {"schema": schema, **typed(place)}}}


class Vain(NamedTuple):
    """`policy` says something in vain at `path`, the start of `problem` says why; `good` is its honest twin."""

    policy: dict[str, Any]
    path: str
    problem: str
    good: dict[str, Any]


CASES: dict[str, Vain] = {
    "identity without a source": Vain(
        {"identity": {"required": False}}, "identity", "names no source", {"identity": {"required": False, **KEYS}}),
    "scopes that nobody can have": Vain(
        {"identity": {"certificate": {"header": "x-s", "subjects": {}}, "scopes": ["a"]}, "server": PROXY},
        "identity.scopes", "no source of identity gives scopes", {"identity": {**KEYS, "scopes": ["a"]}}),
    "a resource in clear": Vain(
        {"server": {"resource": "http://mcp.example.com/mcp"}}, "server.resource", "http, so credentials travel",
        {"server": {"resource": "http://localhost:8000/mcp"}}),
    "roles without identity": Vain(
        {"roles": {"dev": ALLOW}}, "roles", "without identity no caller has a role", roles(dev=ALLOW)),
    "roles without a source of roles": Vain(
        {**tokens(), "roles": {"dev": ALLOW}}, "roles.dev", "no source of identity gives this role",
        {**tokens(roles_claim="roles"), "roles": {"dev": ALLOW}}),
    "a role that no key has": Vain(
        roles({"api_keys": {"roles": ["dev"]}}, dev={"extends": ["viewer"]}, viewer={}, admin={}),
        "roles.admin", "no source of identity gives this role",
        roles({"api_keys": {"roles": ["dev"]}}, dev={"extends": ["viewer"]}, viewer={"extends": ["admin"]}, admin={})),
    "a key with a role that is not there": Vain(
        roles({"api_keys": {"file": "k", "roles": ["dve"]}}, dev=ALLOW), "identity.api_keys.roles[0]",
        "roles defines no dve", roles({"api_keys": {"file": "k", "roles": ["dev"]}}, dev=ALLOW)),
    "a certificate with a role that is not there": Vain(
        {**roles({**KEYS, "certificate": {"header": "x-s", "subjects": {"CN=a": ["dev", "ops"]}}}, dev=ALLOW),
         "server": PROXY}, 'identity.certificate.subjects."CN=a"[1]', "roles defines no ops",
        {**roles({**KEYS, "certificate": {"header": "x-s", "subjects": {"CN=a": ["dev"]}}}, dev=ALLOW),
         "server": PROXY}),
    "a denial of what nobody may": Vain(
        deny("github.x", "githab.delete_*"), "roles.dev.deny[0].tools[1]", "no role allows what this denies",
        deny("github.x", "github.delete_*")),
    "a denial of a resource that nobody may": Vain(
        roles(dev={"allow": [{"resources": ["docs://*"]}], "deny": [{"resources": ["dosc://*"]}]}),
        "roles.dev.deny[0].resources[0]", "no role allows what this denies",
        roles(dev={"allow": [{"resources": ["docs://*"]}], "deny": [{"resources": ["DOCS://secret"]}]})),
    "a denial of a template that nobody may": Vain(
        roles(dev={"allow": [{"resources": ["docs://*"]}], "deny": [{"templates": ["file:///{+path}"]}]}),
        "roles.dev.deny[0].templates[0]", "no role allows what this denies",
        roles(dev={"allow": [{"resources": ["docs://*"]}], "deny": [{"templates": ["docs://{+path}"]}]})),
    "a permission that a denial takes": Vain(
        deny("github.*", allow=["git.*", "github.issue_*"]), "roles.dev.allow[0].tools[1]",
        "a deny of this role covers",
        deny("github.issue_delete_*", allow=["git.*", "github.issue_*"])),
    "a permission that an inherited denial takes": Vain(
        roles(dev={"extends": ["no"], **ALLOW}, no={"deny": [{"tools": ["*"]}]}), "roles.dev.allow[0].tools[0]",
        "a deny of this role covers", roles(dev={"extends": ["no"], **ALLOW},
        no={"tenants": ["x"], "deny": [{"tools": ["*"]}]})),
    "a glob twice": Vain(
        roles(dev={"allow": [{"tools": ["a", "b", "a"]}]}), "roles.dev.allow[0].tools[2]", "the same glob again",
        roles(dev={"allow": [{"tools": ["a", "b"], "prompts": ["a"]}]})),
    "a scope that no credential has": Vain(
        {**roles({"api_keys": {"roles": ["dev"]}}, dev={"allow": [{"tools": ["a"], "scopes": ["repo"]}]})},
        "roles.dev.allow[0].scopes", "no source of identity gives scopes",
        {**tokens(roles_claim="r"), "roles": {"dev": {"allow": [{"tools": ["a"], "scopes": ["repo"]}]}}}),
    "a tenant that no credential has": Vain(
        {**tokens(roles_claim="r"), "roles": {"dev": {"tenants": ["acme"]}}}, "roles.dev.tenants",
        "no source of identity gives a tenant",
        {**tokens(roles_claim="r", tenant_claim="org"), "roles": {"dev": {"tenants": ["acme"]}}}),
    "a claim that no credential has": Vain(
        deny("github.x", when=[{"claim": "org", "equals": 1}]), "roles.dev.deny[0].when[0].claim",
        "only tokens have claims",
        deny("github.x", when=[{"argument": "org", "equals": 1}])),
    "a method that is not let through": Vain(
        roles(dev={"allow": [{"methods": ["x/y"]}]}), "roles.dev.allow[0].methods[0]",
        "server.extra_methods lets no such",
        {**roles(dev={"allow": [{"methods": ["x/y"]}]}), "server": {"extra_methods": ["x/*"]}}),
    "a limit of no tool": Vain(
        limits({"tools": []}), "limits[0].tools", "an empty list names nothing", limits({"tools": ["a"]})),
    "a limit of no method": Vain(
        limits({"methods": []}), "limits[0].methods", "an empty list names nothing", limits({"methods": ["ping"]})),
    "a glob of a limit twice": Vain(
        limits({"tools": ["a", "a"]}), "limits[0].tools[1]", "the same glob again", limits({"tools": ["a", "b"]})),
    "a limit of a tool that nobody may call": Vain(
        {**roles(dev=ALLOW), **limits({"tools": ["gitlab.*"]})}, "limits[0].tools[0]", "no call of such a tool",
        {**roles(dev=ALLOW), **limits({"tools": ["*.read"]})}),
    "a cap of a tool that is not listed": Vain(
        {"unlisted_tools": "deny", "tools": {"a": {"schema": {"type": "object"}}},
         "concurrency": [{"per": "caller", "max": 1, "tools": ["b"]}]}, "concurrency[0].tools[0]", "no call of such",
        {"unlisted_tools": "deny", "tools": {"a": {"schema": {"type": "object"}}},
         "concurrency": [{"per": "caller", "max": 1, "tools": ["a"]}]}),
    "a limit of tools per method": Vain(
        limits({"per": ["caller", "method"], "tools": ["a"]}), "limits[0].per", "a limit of tools counts tools/call",
        limits({"per": ["caller", "tool"], "tools": ["a"]})),
    "a limit per tool of other methods": Vain(
        limits({"per": "tool", "methods": ["prompts/get"]}), "limits[0].per", "only tools/call has a tool",
        limits({"per": "tool", "methods": ["tools/*"]})),
    "a limit per tenant without tenants": Vain(
        {"identity": {"api_keys": {}}, **limits({"per": "tenant"})}, "limits[0].per",
        "no source of identity gives a tenant",
        {"identity": KEYS, **limits({"per": "tenant"})}),
    "a budget per tenant without tenants": Vain(
        {"budgets": [{"per": ["tenant", "tool"], "tokens": "1/day"}]}, "budgets[0].per", "no source of identity gives",
        {"identity": KEYS, "budgets": [{"per": ["tenant", "tool"], "tokens": "1/day"}]}),
    "a limit behind a smaller one": Vain(
        limits({}, {"rate": "20/s"}), "limits[1]", "never reached: limits[0]", limits({}, {"rate": "100/minute"})),
    "a limit behind one of more callers": Vain(
        limits({"per": ["caller", "tool"]}, {}), "limits[0]", "never reached: limits[1]", limits({"per": "tool"}, {})),
    "a limit behind one of all tools": Vain(
        limits({}, {"tools": ["a"]}), "limits[1]", "never reached: limits[0]", limits({},
        {"tools": ["a"], "rate": "9/s"})),
    "a limit behind one of more tools": Vain(
        limits({"tools": ["a*"]}, {"tools": ["ab", "ac*"]}), "limits[1]", "never reached: limits[0]",
        limits({"tools": ["a*"]}, {"tools": ["ab", "b"]})),
    "the same limit twice": Vain(limits({}, {}), "limits[1]", "never reached: limits[0]", limits({})),
    "a limit behind one of the same cost": Vain(
        limits({"cost": {"argument": "n", "max": 5}}, {"cost": {"argument": "n", "max": 5}, "rate": "10/s",
        "burst": 20}),
        "limits[1]", "never reached: limits[0]",
        limits({}, {"cost": {"argument": "n", "max": 5}, "rate": "10/s", "burst": 20})),
    "rows of tenants without identity": Vain(
        {"results": {"tenant": [{"tools": ["a"], "pointer": "/a"}]}}, "results.tenant[0]",
        "without identity no caller has",
        {"identity": KEYS, "results": {"tenant": [{"tools": ["a"], "pointer": "/a"}]}}),
    "rows of tenants without tenants": Vain(
        {**tokens(), "results": {"tenant": [{"tools": ["a"], "pointer": "/a"}]}}, "results.tenant[0]",
        "no source of identity gives a tenant",
        {**tokens(tenant_claim="org"), "results": {"tenant": [{"tools": ["a"], "pointer": "/a"}]}}),
    "rows of claims without claims": Vain(
        {"identity": KEYS, "results": {"tenant": [{"tools": ["a"], "pointer": "/a", "claim": "org"}]}},
        "results.tenant[0].claim", "only tokens have claims",
        {**tokens(), "results": {"tenant": [{"tools": ["a"], "pointer": "/a", "claim": "org"}]}}),
    "a grant to a caller by a bare name": Vain(
        {"identity": KEYS, **grant(callers=["key:bob", "ann"])}, "vault.grants[0].callers[1]", "ids of callers begin",
        {"identity": KEYS, **grant(callers=["key:bob", "key:ann", "*ann"])}),
    "a grant to tenants without tenants": Vain(
        {**tokens(), **grant(tenants=["acme"])}, "vault.grants[0].tenants", "no source of identity gives a tenant",
        {**tokens(tenant_claim="org"), **grant(tenants=["acme"])}),
    "a grant of a tenant's own without tenants": Vain(
        {**tokens(), **grant(owner="tenant")}, "vault.grants[0].owner", "no source of identity gives a tenant",
        {**tokens(), **grant(owner="shared")}),
    "a grant to a role that nobody has": Vain(
        {"identity": {"api_keys": {"roles": ["dev"]}}, **grant(roles=["ops*", "admin"])}, "vault.grants[0].roles",
        "no source of identity gives such a role",
        {"identity": {"api_keys": {"roles": ["dev"]}}, **grant(roles=["ops*", "d*"])}),
    "a grant to a role that is not inherited": Vain(
        {**roles({"api_keys": {"roles": ["dev"]}}, dev={"extends": ["viewer"]}, viewer=ALLOW),
         "identity": {"api_keys": {"roles": []}}, "roles": None, **grant(roles=["viewer"])},
        "vault.grants[0].roles", "no source of identity gives such a role",
        {**roles({"api_keys": {"roles": ["dev"]}}, dev={"extends": ["viewer"]}, viewer=ALLOW),
         **grant(roles=["viewer"])}),
    "a tool that says nothing": Vain(
        {"tools": {"a*": {}}}, 'tools."a*"', "says nothing", {"tools": {"a*": {}}, "unlisted_tools": "deny"}),
    "a prompt that says nothing": Vain(
        {"prompts": {"a": {}}}, "prompts.a", "says nothing",
        {"prompts": {"a": {"arguments": {"b": {"kind": "uuid"}}}}}),
    "a resource that says nothing": Vain(
        {"resources": {"a://b": {}}}, 'resources."a://b"', "says nothing",
        {"resources": {"a://b": {"uri": {"kind": "text"}}}}),
    "contracts of a tool that nobody may call": Vain(
        {**roles(dev=ALLOW), "tools": {"githib.*": typed("a")}}, 'tools."githib.*"', "no role may call such a tool",
        {**roles(dev=ALLOW), "tools": {"*.read": typed("a"), "github.x": typed("a")}}),
    "a root that holds everything": Vain(
        {"prompts": {"p": {"arguments": {"a": {"kind": "path", "roots": ["/srv", "/"]}}}}},
        "prompts.p.arguments.a.roots[1]", "holds every file",
        {"prompts": {"p": {"arguments": {"a": {"kind": "path", "roots": ["/srv", "/home"]}}}}}),
    "a disk that holds everything": Vain(
        {"resources": {"a://{x}": {"uri": {"kind": "path", "roots": ["c:/"]}}}}, 'resources."a://{x}".uri.roots[0]',
        "holds every file", {"resources": {"a://{x}": {"uri": {"kind": "path", "roots": ["c:/a"]}}}}),
    "a contract of an argument that does not exist": Vain(
        schema_and("qeury"), "tools.t.arguments.qeury", "the schema of this entry has no such", schema_and("query")),
    "a contract of a part that does not exist": Vain(
        schema_and("/options/*/nmae"), 'tools.t.arguments."/options/*/nmae"', "the schema of this entry has no such",
        schema_and("/options/*/name")),
    "workers that share nothing": Vain(
        {"workers": 4}, "workers", "the store memory:// keeps to one process", {"workers": 4, "store": "redis://h"}),
}  # fmt: skip


def _vain(policy: dict[str, Any]) -> list[tuple[str, str]]:
    return [(shown_path(path), problem) for path, problem in in_vain(Policy.from_dict(policy))]


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_in_vain_is_found_once_at_its_path(name: str) -> None:
    case = CASES[name]
    [(path, problem)] = _vain(case.policy)
    assert path == case.path
    assert problem.startswith(case.problem)


@pytest.mark.parametrize("name", CASES)
def test_the_honest_twin_of_what_is_said_in_vain_is_quiet(name: str) -> None:
    assert _vain(CASES[name].good) == []


@pytest.mark.parametrize(
    "policy",
    [limits({}, {"methods": ["ping", "tools/call"]}),
     limits({"per": "address"}, {"per": "caller"}),
     limits({"burst": 50}, {"rate": "20/s", "burst": 5}),
     limits({"methods": ["ping"]}, {}),
     limits({"cost": {"argument": "n", "max": 5}}, {"cost": {"argument": "m", "max": 5}, "burst": 90}),
     deny("github.*", when=[{"argument": "x", "equals": 1}]),
     roles(dev={"allow": [{"templates": ["a://{x}/b"]}], "deny": [{"resources": ["a://*/b"]}]}),
     roles(dev={"allow": [{"resources": ["a://b*/c"]}], "deny": [{"resources": ["a://*"]}]}),
     {"roles": {}},
     schema_and("x", additionalProperties=True), schema_and("x", patternProperties={"^x": True}),
     schema_and("x", allOf=[{"properties": {"x": True}}]), schema_and("/query/x"), schema_and("*"),
     {"tools": {"t": {"schema": {"type": "object"}, **typed("x")}}}],
)  # fmt: skip
def test_what_may_act_after_all_is_left_alone(policy: dict[str, Any]) -> None:
    assert [path for path, _ in _vain(policy) if path != "roles"] == []


def test_a_default_policy_says_nothing_in_vain() -> None:
    assert _vain({}) == []


def test_a_warning_names_the_line_and_column_of_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "identity:\n  api_keys: {file: keys.yaml}\nroles:\n  dev:\n    allow: [{tools: [a, a]}]\nworkers: 2\n"
    )
    resolve(path, {})
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"{path}:5:25: roles.dev.allow[0].tools[1]: the same glob again; remove one of the two"),
        ("WARNING", f"{path}:6:10: workers: the store memory:// keeps to one process, so each worker grants every limit"
         " anew; use a redis:// store"),
    ]  # fmt: skip


def test_a_warning_about_a_policy_made_in_code_names_its_path(caplog: pytest.LogCaptureFixture) -> None:
    resolve(Policy(workers=2), {})
    assert caplog.messages[0].startswith("policy: workers: the store memory://")


_GLOBS = st.lists(st.text("ab*", min_size=1, max_size=4), min_size=1, max_size=6)


@given(_GLOBS, _GLOBS)
def test_a_denial_is_in_vain_exactly_where_it_overlaps_no_permission(allowed: list[str], denied: list[str]) -> None:
    said = {path for path, problem in _vain(deny(*denied, allow=allowed)) if problem.startswith("no role allows")}
    expected = [at for at, glob in enumerate(denied) if not any(overlap(glob, other) for other in allowed)]
    assert said == {f"roles.dev.deny[0].tools[{at}]" for at in expected}


@given(_GLOBS, _GLOBS)
def test_a_permission_is_in_vain_exactly_where_a_denial_covers_it(allowed: list[str], denied: list[str]) -> None:
    said = {path for path, problem in _vain(deny(*denied, allow=allowed)) if problem.startswith("a deny of this role")}
    expected = [at for at, glob in enumerate(allowed) if any(covers(other, glob) for other in denied)]
    assert said == {f"roles.dev.allow[0].tools[{at}]" for at in expected}


@given(policies.valid)
def test_looking_for_what_is_in_vain_never_fails(raw: dict[str, Any]) -> None:
    for path, problem in in_vain(Policy.from_dict(raw)):
        assert path and problem and "\n" not in problem
