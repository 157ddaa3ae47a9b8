"""Hypothesis strategies for raw policies: valid ones, and ones that a single change may have spoilt."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from smcp_security.policy.profiles import CATEGORIES

_modes = st.sampled_from(["enforce", "monitor"])
_choices = st.sampled_from(["allow", "deny"])
_sizes = st.integers(1, 64 * 1024 * 1024) | st.sampled_from(["512KiB", "1MiB", "2MB", "7 B"])
_rates = st.builds(
    "{}/{}".format, st.integers(1, 9_999_999), st.sampled_from(["second", "m", "hour", "d", "30s", "90s"])
)
_bursts = st.integers(1, 9_999_999)
_days = st.dates().map(str)
_names = st.from_regex(r"[a-z][a-z0-9._-]{0,20}", fullmatch=True)
_hosts = st.sampled_from(["*", "Mcp.example.com", "a:1", "a:*", "[::1]:8000", "10.0.0.1"])
_origins = st.sampled_from(["https://a.example", "http://localhost:*", "https://[::1]:8443", "app://x"])
_proxies = st.sampled_from(["unix", "10.0.0.0/8", "192.0.2.1", "2001:db8::/32"])
_schemas = st.sampled_from([
    {"type": "object"},
    {"type": "object", "properties": {"q": {"type": "string", "maxLength": 9}}, "required": ["q"]},
    {"type": "object", "properties": {"q": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"minimum": 0.5}}},
])  # fmt: skip

_contracts = st.sampled_from([
    {"kind": "path", "roots": ["/srv//data/", "/"], "resolve": "local", "must_exist": True, "suffixes": [".md"]},
    {"kind": "path", "roots": ["c:/data"], "detect": {"path": "off", "sql": "annotate"}},
    {"kind": "url", "schemes": ["https"], "hosts": ["*.Example.com", "[2001:DB8::1]"], "ports": [443]},
    {"kind": "sql", "dialect": "postgres", "statements": ["select"], "tables": ["public.*"], "max_rows": 100,
     "deny_functions": ["PG_*"], "columns": None},
    {"kind": "command", "programs": {"git": ["log", "*.py"], "/bin/ls": [], "pwd": None}},
    {"kind": "argv_token", "options": ["--stat"]}, {"kind": "identifier", "alphabet": "\\p{Latin}0-9", "min_length": 2},
    {"kind": "email", "domains": ["example.com"]}, {"kind": "hostname", "hosts": None, "addresses": True},
    {"kind": "cidr", "within": ["10.0.0.0/8"], "version": 4}, {"kind": "uuid", "versions": [4, 7]},
    {"kind": "date", "form": "date", "earliest": "2020-01-01", "latest": "2030-01-01"},
    {"kind": "enum", "values": ["a", ""]}, {"kind": "regex", "pattern": "a{1,9}|b"}, {"kind": "json", "max_depth": 3},
    {"kind": "html", "elements": ["p"]}, {"kind": "template", "variables": ["user.name"]},
    {"kind": "text", "controls": ["\t"], "scripts": ["Latin"], "min_length": 0}, {"kind": "code", "max_length": 9},
])  # fmt: skip
_places = st.sampled_from(["path", "a~b", "/files/*", "/a~1b/0", "*"])


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_exclusions = st.fixed_dictionaries(
    {"rule": st.sampled_from(["SMCP600", "SMCP631", "SMCP901"]), "reason": st.text(min_size=1).filter(str.strip)},
    optional={"tool": _names, "pointer": st.sampled_from(["", "/a", "/a/*/b~1c"]), "until": _days},
)
_words = ["address", "caller", "tenant", "tool", "method"]
_subjects = st.sampled_from(_words) | st.lists(st.sampled_from(_words), min_size=1, max_size=3, unique=True)
_globs = st.lists(st.sampled_from(["*", "github.*", "a/*", "fs.read"]), max_size=2)
_arguments = st.sampled_from(["pages", "a~b", "/a/0/b~1c", "/"])
_limits = st.fixed_dictionaries(
    {"per": _subjects, "rate": _rates},
    optional={
        "burst": _bursts,
        "tools": st.none() | _globs,
        "cost": st.none() | st.fixed_dictionaries({"argument": _arguments, "max": st.integers(1, 9_999_999)}),
    },
)
_budgets = st.fixed_dictionaries({"per": _subjects, "tokens": st.sampled_from(["1/day", "2000000/month"])})
_caps = st.fixed_dictionaries({"per": _subjects, "max": st.integers(1, 100_000)}, optional={"tools": _globs})

_scalars = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
_ends = st.integers(0, 2**60) | st.floats(-9, 0)
_tests = st.one_of(
    st.fixed_dictionaries({"equals": _scalars}),
    st.fixed_dictionaries({"in": st.lists(_scalars, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"prefix": st.text(min_size=1, max_size=5)}),
    st.fixed_dictionaries(
        {"range": st.tuples(st.none(), _ends).map(list) | st.lists(_ends, min_size=2, max_size=2).map(sorted)}
    ),
)
_conditions = st.builds(
    lambda subject, test: {**subject, **test},
    st.fixed_dictionaries({"claim": st.sampled_from(["org", "a.b", "https://x/y"])})
    | st.fixed_dictionaries({"argument": _arguments}),
    _tests,
)
_named = {"tools": st.just(["github.*", "x"])}
_lists = {
    "prompts": _globs,
    "resources": st.lists(st.sampled_from(["docs://*", "file:///srv/*"]), max_size=2),
    "templates": st.lists(st.sampled_from(["docs://{id}/x"]), max_size=1),
    "methods": _globs,
    "when": st.lists(_conditions, max_size=2),
}
_scopes = st.lists(st.sampled_from(["repo", "mcp:read"]), max_size=2)
_roles = st.fixed_dictionaries(
    {},
    optional={
        "tenants": st.none() | _globs,
        "allow": st.lists(st.fixed_dictionaries(_named, optional={**_lists, "scopes": _scopes}), max_size=2),
        "deny": st.lists(st.fixed_dictionaries(_named, optional=_lists), max_size=2),
    },
)
# The order of the alphabet is that of extending, so that no circle comes about.
_all_roles = st.dictionaries(st.sampled_from(["a", "b", "c"]), _roles, max_size=3).map(
    lambda roles: {
        name: {**role, "extends": [other for other in roles if other > name]} for name, role in roles.items()
    }
)

_RESOURCE = "https://mcp.example.com/mcp"
_claims = {
    "audience": st.none() | st.sampled_from([_RESOURCE, ["a", "b"]]),
    "subject_claim": st.just("sub"),
    "roles_claim": st.none() | st.just("realm_access.roles"),
    "scopes_claim": st.just("scp"),
    "tenant_claim": st.none() | st.just("org"),
    "allow_private": st.booleans(),
    "allow_http": st.booleans(),
    "timeout": st.sampled_from([1, "5s", "1m"]),
    "proxy": st.none() | st.just("http://proxy.example:3128"),
}
_public = st.fixed_dictionaries(
    {"algorithms": st.lists(st.sampled_from(["RS256", "ES256", "Ed25519"]), min_size=1, max_size=2),
     "jwks": st.sampled_from(["keys.json", "https://idp.example.com/jwks.json?p=1"])},
    optional={**_claims, "leeway": st.sampled_from([0, "5m"]), "max_stale": st.just("7d"),
              "require_type": st.booleans()},
)  # fmt: skip
_shared = st.just({"algorithms": ["HS256"], "secret": "env:SMCP_JWT"})
_issuers = st.lists(_public | _shared, max_size=2).map(
    lambda issuers: [{**each, "issuer": f"https://idp{at}.example.com/"} for at, each in enumerate(issuers)]
)
_asked = st.fixed_dictionaries(
    {"issuer": st.just("https://o.example"), "endpoint": st.just("https://o.example/i"), "client_id": st.just("mcp"),
     "client_secret": st.just("env:SMCP_CLIENT")},
    optional={**_claims, "cache": st.sampled_from([0, "30s"])},
)  # fmt: skip
_identities = _optional(
    required=st.booleans(),
    api_keys=st.none()
    | _optional(file=st.none() | st.just("keys.yaml"), header=st.none() | st.just("X-API-Key"), roles=st.just(["a"])),
    jwt=_issuers,
    introspection=st.lists(_asked, max_size=1),
    forwarded=st.none() | st.fixed_dictionaries({"user": st.just("X-User")}, optional={"roles": st.just("x-roles")}),
    certificate=st.none() | st.just({"header": "x-subject", "subjects": {"CN=a, O=b": ["a"]}}),
    scopes=_scopes,
    scope_hierarchy=st.dictionaries(st.sampled_from(["admin", "repo"]), _scopes),
    scope_status=st.sampled_from([403, 200]),
    strip_credentials=st.booleans(),
)
_assertions = st.fixed_dictionaries(
    {"tools": st.just(["crm.*"]), "pointer": st.just("/items/*/org")},
    optional={"claim": st.none() | st.just("org"), "rows": st.sampled_from(["drop", "refuse"])},
)
_grants = st.fixed_dictionaries(
    {"secrets": st.sampled_from([["github"], ["a", "b.c-d_E"]]), "tools": st.sampled_from([["*"], ["git.*", "t"]])},
    optional={"callers": st.none(), "owner": st.just("shared")},
)
_references = st.sampled_from(["env:K", "file:/run/k", "passphrase:env:P", ["env:K", "file:k"]])
_vaults = st.fixed_dictionaries(
    {"file": st.just("vault.smcp"), "key": _references},
    optional={"grants": st.lists(_grants, max_size=2), "generation": st.none() | st.integers(1, 2**63 - 1)},
)
_stores = st.sampled_from(["memory://", "redis://h:6379/0", "env:SMCP_STORE"])

_typed = st.dictionaries(_places, _contracts, max_size=2)
_tools = _optional(schema=st.none() | _schemas, arguments=_typed, infer=st.none() | st.booleans())

_SHIPS: list[Any] = [
    {"syslog": "unix:/dev/log"},
    {"syslog": "tls://logs.example:6514", "spool": "1GiB"},
    {"http": "https://logs.example/in", "token": "env:T"},
    {"otel": "http://localhost:4318/v1/logs"},
]

_sections: st.SearchStrategy[dict[str, Any]] = _optional(
    version=st.just(1),
    mode=_modes | _optional(arguments=_modes, contracts=_modes, injection=_modes, limits=_modes, results=_modes),
    profile=st.sampled_from(["minimal", "standard", "maximum"]),
    server=_optional(
        paths=st.lists(st.sampled_from(["/", "/mcp", "/a/b/"]), min_size=1, max_size=3),
        hosts=st.none() | st.lists(_hosts, max_size=3),
        origins=st.none() | st.lists(_origins, max_size=3),
        max_body=_sizes,
        max_depth=st.integers(1, 200),
        trusted_proxies=st.lists(_proxies, max_size=3),
        min_protocol=st.sampled_from(["2024-11-05", "2026-07-28"]),
        extra_methods=st.lists(st.sampled_from(["tasks/*", "x/y"]), max_size=2),
        resource=st.none() | st.sampled_from([_RESOURCE, "HTTP://Localhost:80/"]),
        unlisted_mcp=st.sampled_from(["refuse", "check", "ignore"]),
        flood=st.just("off") | _optional(rate=_rates, burst=_bursts),
        rate_status=st.sampled_from([200, 429]),
    ),
    identity=st.none() | _identities,
    roles=st.none() | _all_roles,
    unlisted_tools=_choices,
    denied_tools=st.sampled_from(["refuse", "hide"]),
    limits=st.lists(_limits, max_size=3),
    budgets=st.lists(_budgets, max_size=2),
    concurrency=st.lists(_caps, max_size=2),
    store=_stores | _optional(url=_stores, namespace=_names, timeout_ms=st.integers(10, 10_000)),
    workers=st.integers(1, 10_000),
    arguments=_optional(extras=_choices, coercions=_choices, unknown_schema=_choices),
    tools=st.dictionaries(_names, _tools, max_size=3)
    | st.dictionaries(st.sampled_from(["git.*", "*"]), _optional(arguments=_typed, infer=st.booleans())),
    prompts=st.dictionaries(_names, _optional(arguments=_typed), max_size=2),
    resources=st.just({})
    | st.dictionaries(
        st.sampled_from(["docs://{id}/text", "docs://a/{+id}"]),
        _optional(uri=st.none() | _contracts, arguments=st.fixed_dictionaries({}, optional={"id": _contracts})),
    ),
    infer=st.booleans(),
    injection=_optional(
        level=st.integers(1, 3),
        action=st.dictionaries(st.sampled_from(CATEGORIES), st.sampled_from(["block", "annotate", "off"])),
        exclude=st.lists(_exclusions, max_size=2),
        threshold=st.integers(1, 100),
        detectors=_optional(budget=st.integers(1, 10_000), on_failure=st.sampled_from(["deny", "allow"])),
    ),
    results=_optional(max_size=_sizes, tenant=st.lists(_assertions, max_size=2)),
    vault=st.none() | _vaults,
    audit=_optional(
        file=st.none() | st.sampled_from(["audit.jsonl", "/var/log/a"]),
        key=st.none() | st.just("env:SMCP_AUDIT_KEY"),
        callers=st.none() | st.just("/var/lib/a.keys"),
        signature=st.sampled_from(["hmac", "ed25519"]),
        arguments=st.sampled_from(["hashed", "redacted", "full"]),
        on_failure=st.sampled_from(["deny", "continue"]),
        queue=st.integers(1, 1_000_000),
        fsync=st.sampled_from(["always", "interval", "never"]),
        checkpoint=st.integers(1, 10**6) | st.just("5m"),
        rotate=_optional(size=st.none() | st.integers(4096, 1024**4) | st.just("10GB"), daily=st.booleans()),
        retention=st.none() | st.sampled_from([60, "90d"]),
        ship=st.lists(st.sampled_from(_SHIPS), max_size=3, unique_by=str),
    ),
    metrics=_optional(prometheus=st.booleans(), opentelemetry=st.booleans()),
    probes=st.none()
    | _optional(
        live=st.none() | st.just("/live"),
        ready=st.none() | st.just("/ready"),
        metrics=st.none() | st.just("/metrics"),
        networks=st.lists(st.sampled_from(["unix", "10.0.0.0/8", "::1"]), max_size=2),
        deadline=st.floats(0.1, 30.0),
    ),
)


def _agreeing(policy: dict[str, Any]) -> dict[str, Any]:
    """`policy` with what one section needs of another."""
    if policy.get("denied_tools") == "hide":
        policy = {**policy, "unlisted_tools": "deny"}
    if policy.get("audit") and policy["audit"].get("file") is None:
        policy = {**policy, "audit": {**policy["audit"], "file": "audit.jsonl"}}
    if (policy.get("probes") or {}).get("metrics") is not None:
        policy = {**policy, "metrics": {**policy.get("metrics", {}), "prometheus": True}}
    if not policy.get("identity"):
        return policy
    server = policy.get("server", {})
    proxies = server.get("trusted_proxies") or ["unix"]
    resource = server.get("resource") or _RESOURCE
    return {**policy, "server": {**server, "trusted_proxies": proxies, "resource": resource}}


valid = _sections.map(_agreeing)

_junk: st.SearchStrategy[Any] = st.sampled_from([
    None, True, 0, -1, 2, 1.5, 10**12, "", "x", "off", "1MiB", "65", "10/second", "*", "/mcp", "https://a", [], ["x"],
    [1], {}, {"x": 1}, "2027-06-01", "2027-13-01", "SMCP631", "env:A", [{}],
])  # fmt: skip
_keys = st.sampled_from(
    "version mode profile server identity roles unlisted_tools budgets concurrency store workers required jwt "
    "api_keys introspection forwarded certificate scopes scope_hierarchy tenant url namespace limits arguments "
    "tools prompts resources infer threshold detectors injection results vault audit paths hosts flood rate burst "
    "metrics probes ship rotate retention live ready "
    "max_body max_depth level action exclude sql file key grants generation queue x".split()
)


_NAMED = ("tools", "prompts", "resources", "roles")


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A valid policy in which the value of one key, at the top or one level down, may be anything."""
    policy = dict(draw(valid))
    section, key, junk = draw(_keys), draw(_keys), draw(_junk)
    inner = policy.get(section)
    policy[section] = {**inner, key: junk} if isinstance(inner, dict) and section not in _NAMED else junk
    return policy


@st.composite
def spoilt_anywhere(draw: st.DrawFn) -> dict[str, Any]:
    """A valid policy in which one value at any depth is exchanged, or one key is added to a mapping."""
    policy: dict[str, Any] = copy.deepcopy(draw(valid))
    node: Any = policy
    while True:
        below = [key for key, value in _entries(node) if isinstance(value, dict | list) and value]
        if not below or draw(st.integers(0, 3)) == 0:
            break
        node = node[draw(st.sampled_from(below))]
    if isinstance(node, list):
        node[draw(st.integers(0, len(node) - 1))] = draw(_junk)
    else:
        node[draw(st.sampled_from([*node, "x", "in"]))] = draw(_junk)
    return policy


def _entries(node: Any) -> list[tuple[Any, Any]]:
    return list(node.items() if isinstance(node, dict) else enumerate(node))
