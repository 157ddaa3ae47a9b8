"""Hypothesis strategies for raw policies: valid ones, and ones that a single change may have spoilt."""

from __future__ import annotations

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


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_exclusions = st.fixed_dictionaries(
    {"rule": st.sampled_from(["SMCP600", "SMCP631", "SMCP901"]), "reason": st.text(min_size=1).filter(str.strip)},
    optional={"tool": _names, "pointer": st.sampled_from(["", "/a", "/a/*/b~1c"]), "until": _days},
)
_limits = st.fixed_dictionaries(
    {"per": st.sampled_from(["address", "caller"]), "rate": _rates}, optional={"burst": _bursts}
)

valid: st.SearchStrategy[dict[str, Any]] = _optional(
    version=st.just(1),
    mode=_modes | _optional(arguments=_modes, injection=_modes, limits=_modes, results=_modes),
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
        unlisted_mcp=st.sampled_from(["refuse", "check", "ignore"]),
        flood=st.just("off") | _optional(rate=_rates, burst=_bursts),
        rate_status=st.sampled_from([200, 429]),
    ),
    limits=st.lists(_limits, max_size=3),
    arguments=_optional(extras=_choices, coercions=_choices, unknown_schema=_choices),
    tools=st.dictionaries(_names, st.fixed_dictionaries({"schema": _schemas}), max_size=3),
    injection=_optional(
        level=st.integers(1, 3),
        action=st.dictionaries(st.sampled_from(CATEGORIES), st.sampled_from(["block", "annotate", "off"])),
        exclude=st.lists(_exclusions, max_size=2),
    ),
    results=_optional(max_size=_sizes),
    audit=_optional(
        file=st.none() | st.sampled_from(["audit.jsonl", "/var/log/a"]),
        key=st.none() | st.just("env:SMCP_AUDIT_KEY"),
        arguments=st.sampled_from(["hashed", "full"]),
        on_failure=st.sampled_from(["deny", "continue"]),
        queue=st.integers(1, 1_000_000),
    ),
)

_junk: st.SearchStrategy[Any] = st.sampled_from([
    None, True, 0, -1, 2, 1.5, 10**12, "", "x", "off", "1MiB", "65", "10/second", "*", "/mcp", "https://a", [], ["x"],
    [1], {}, {"x": 1}, "2027-06-01", "2027-13-01", "SMCP631", "env:A", [{}],
])  # fmt: skip
_keys = st.sampled_from(
    "version mode profile server limits arguments tools injection results audit paths hosts flood rate burst max_body "
    "max_depth level action exclude sql file queue x".split()
)


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A valid policy in which the value of one key, at the top or one level down, may be anything."""
    policy = dict(draw(valid))
    section, key, junk = draw(_keys), draw(_keys), draw(_junk)
    inner = policy.get(section)
    policy[section] = {**inner, key: junk} if isinstance(inner, dict) and section != "tools" else junk
    return policy
