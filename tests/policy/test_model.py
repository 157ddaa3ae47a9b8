"""The model: defaults, frozenness, what is said twice in two spellings, and the round trip."""

from __future__ import annotations

import copy
import pickle
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError
from ruamel.yaml import YAML

from smcp_security.errors import PolicyError
from smcp_security.policy import (
    Condition,
    CostPolicy,
    Exclusion,
    InjectionPolicy,
    IssuerPolicy,
    ModePolicy,
    Policy,
    Rate,
    RolePolicy,
)
from smcp_security.policy.access import inherited
from tests.policy import policies

WHOLE: dict[str, Any] = {
    "server": {"resource": "https://mcp.example.com/mcp", "trusted_proxies": ["unix"]},
    "identity": {
        "api_keys": {"file": "keys.yaml"},
        "jwt": [{"issuer": "https://idp.example.com", "algorithms": ["ES256"], "jwks": "keys.json", "audience": "a"}],
        "certificate": {"header": "x-subject", "subjects": {"CN=a": ["dev"]}},
        "scope_hierarchy": {"admin": ["read"]},
    },
    "roles": {
        "viewer": {"allow": [{"resources": ["docs://*"]}]},
        "dev": {
            "extends": ["viewer"],
            "allow": [{"tools": ["x"], "when": [{"argument": "n", "in": [5, "5", True]}]}],
        },
    },
    "limits": [{"per": ["caller", "tool"], "rate": "1/s", "cost": {"argument": "pages", "max": 9}}],
    "budgets": [{"per": "tenant", "tokens": "5/month"}],
    "tools": {
        "t": {"schema": {"type": "object"}},
        "git.*": {"arguments": {"/files/*": {"kind": "path", "roots": ["/srv"]}}, "infer": False},
    },
    "prompts": {"p": {"arguments": {"a": {"kind": "command", "programs": {"git": ["log"]}}}}},
    "resources": {"a://{b}": {"arguments": {"b": {"kind": "text", "detect": {"sql": "off"}}}}},
    "results": {
        "tenant": [{"tools": ["x"], "pointer": "/items/*/org"}],
        "redact": ["secrets", "iban"],
        "keep": [{"mask": "email", "tool": "crm.*", "reason": "an address book", "until": "2027-06-01"}],
        "untrusted": ["web.*"],
    },
    "vault": {
        "file": "vault.smcp",
        "key": ["env:NEW", "passphrase:file:/run/p"],
        "generation": 3,
        "grants": [{"secrets": ["github"], "tools": ["git.*"], "callers": ["key:*"], "roles": ["dev"]}],
    },
    "pins": {"file": "a.lock", "drift": "annotate", "digest": "sha256:" + "a" * 64},
}


def test_the_defaults_are_safe_for_a_server_on_one_machine() -> None:
    policy = Policy()
    assert policy.server.hosts is None
    assert policy.server.origins is None
    assert policy.server.paths == ("/mcp", "/sse", "/messages")
    assert policy.server.max_body == 1024 * 1024
    assert policy.server.max_depth == 64
    assert policy.server.flood is not None
    assert (policy.server.flood.rate, policy.server.flood.burst) == (Rate(50, 1.0), 200)
    assert policy.server.unlisted_mcp == "refuse"
    assert [(limit.per, limit.rate, limit.burst) for limit in policy.limits] == [(("address",), Rate(600, 60.0), 600)]
    assert policy.audit.arguments == "hashed"
    assert (policy.identity, policy.roles, policy.unlisted_tools, policy.denied_tools) == (
        None,
        None,
        "allow",
        "refuse",
    )
    assert (policy.store.url, policy.workers, policy.budgets, policy.concurrency) == ("memory://", 1, (), ())
    assert all(policy.enforces(section) for section in ModePolicy.model_fields)
    assert (policy.infer, dict(policy.tools), dict(policy.prompts), dict(policy.resources)) == (True, {}, {}, {})
    assert (policy.injection.threshold, policy.injection.detectors.budget) == (5, 50)
    assert policy.injection.detectors.on_failure == "deny"


def test_an_empty_list_means_nobody_and_stays_empty() -> None:
    policy = Policy.from_dict({"server": {"hosts": [], "origins": []}, "limits": []})
    assert policy.server.hosts == ()
    assert policy.server.origins == ()
    assert policy.limits == ()


def test_an_explicit_null_is_the_default_of_hosts() -> None:
    assert Policy.from_dict({"server": {"hosts": None}}) == Policy()


def test_the_burst_of_a_limit_is_the_count_if_left_out() -> None:
    policy = Policy.from_dict({"limits": [{"per": "caller", "rate": "7/minute"}]})
    assert policy.limits[0].burst == 7


def test_proxies_are_networks_already() -> None:
    policy = Policy.from_dict({"server": {"trusted_proxies": ["10.0.0.0/8", "unix"]}})
    assert policy.server.trusted_proxies == (ip_network("10.0.0.0/8"), "unix")


def test_a_word_for_mode_holds_for_every_section_that_may_report() -> None:
    policy = Policy.from_dict({"mode": "monitor"})
    assert not any(policy.enforces(section) for section in ModePolicy.model_fields)


@pytest.mark.parametrize("section", ["transport", "identity", "parse", "envelope", "access", "flood", "no such"])
def test_what_has_no_mode_enforces_in_monitor_mode_too(section: str) -> None:
    assert Policy.from_dict({"mode": "monitor"}).enforces(section)


def test_a_mode_of_one_section_leaves_the_others_enforcing() -> None:
    policy = Policy.from_dict({"mode": {"injection": "monitor"}})
    assert [policy.enforces(name) for name in ("injection", "arguments", "limits")] == [False, True, True]


@pytest.mark.parametrize("path", ["profile", "server.max_body", "injection.level", "limits"])
def test_nothing_of_a_policy_can_be_changed(path: str) -> None:
    target: Any = Policy()
    *sections, name = path.split(".")
    for section in sections:
        target = getattr(target, section)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(target, name, getattr(target, name))


def test_the_maps_of_a_policy_cannot_be_changed() -> None:
    policy = Policy.from_dict(WHOLE)
    assert policy.identity is not None and policy.identity.certificate is not None
    maps = (policy.roles, policy.identity.scope_hierarchy, policy.identity.certificate.subjects)
    typed = (policy.prompts, policy.resources, policy.tools["git.*"].arguments, policy.prompts["p"].arguments)
    detect = policy.resources["a://{b}"].arguments["b"].detect
    for mapping in (policy.tools, policy.injection.action, *maps, *typed, detect):
        with pytest.raises(TypeError):
            mapping["x"] = None  # type: ignore[index]


def test_a_later_change_of_the_given_mapping_changes_nothing() -> None:
    given_schema: dict[str, Any] = {"type": "object", "properties": {}}
    raw: dict[str, Any] = {"server": {"hosts": ["a"]}, "tools": {"t": {"schema": given_schema}}}
    policy = Policy.from_dict(raw)
    digest = policy.digest
    raw["server"]["hosts"].append("*")
    given_schema["properties"]["q"] = True
    assert policy.server.hosts == ("a",)
    assert policy.tools["t"].schema == {"type": "object", "properties": {}}
    assert Policy.from_dict(policy.model_dump(mode="json")).digest == digest


def test_the_digest_names_the_effective_policy_and_not_its_spelling() -> None:
    written = Policy.from_dict({"server": {"max_body": "1MiB"}, "mode": "enforce", "injection": {"level": 2}})
    assert written == Policy()
    assert written.digest == Policy().digest
    assert hash(written) == hash(Policy())
    assert len(written.digest) == 64


@pytest.mark.parametrize(
    "raw",
    [
        {"injection": {"level": 1}},
        {"server": {"hosts": []}},
        {"mode": {"limits": "monitor"}},
        {"limits": []},
        {"infer": False},
        {"tools": {"t": {"infer": True}}},
        {"prompts": {"p": {}}},
        {"injection": {"threshold": 6}},
        {"tools": {"t": {"arguments": {"a": {"kind": "uuid"}}}}},
    ],
)
def test_another_policy_has_another_digest(raw: dict[str, Any]) -> None:
    assert Policy.from_dict(raw).digest != Policy().digest


def test_a_copy_with_another_section_has_its_own_digest() -> None:
    policy = Policy()
    before = policy.digest
    copied = policy.model_copy(update={"injection": InjectionPolicy(level=1)})
    assert copied.digest == Policy(injection=InjectionPolicy(level=1)).digest != before
    assert policy.model_copy().digest == before


def test_a_policy_can_be_copied_and_sent_to_another_process() -> None:
    policy = Policy.from_dict(WHOLE)
    for other in (copy.deepcopy(policy), copy.copy(policy), pickle.loads(pickle.dumps(policy))):
        assert other == policy
        assert other.digest == policy.digest
        assert other.roles is not None and other.roles["dev"].allow[0].when[0].one_of == (5, "5", True)


@given(policies.valid)
def test_a_valid_policy_dumps_and_loads_equal(raw: dict[str, Any]) -> None:
    policy = Policy.from_dict(raw)
    again = Policy.from_dict(policy.model_dump(mode="json"))
    assert again == policy
    assert again.digest == policy.digest


@given(policies.valid)
def test_a_valid_policy_says_the_same_as_a_file(tmp_path_factory: pytest.TempPathFactory, raw: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    yaml = YAML(typ="safe", pure=True)
    yaml.representer.ignore_aliases = lambda _: True
    # Unescaped, U+0085 is a line break to this writer's own reader.
    yaml.allow_unicode = False
    with path.open("w", encoding="utf-8") as file:
        yaml.dump({"version": 1, **raw}, file)
    assert Policy.load(path) == Policy.from_dict(raw)


@given(policies.spoilt_anywhere())
def test_a_mistake_at_any_depth_is_one_line_at_its_path(raw: dict[str, Any]) -> None:
    try:
        policy = Policy.from_dict(raw, source="given")
    except PolicyError as error:
        assert all(line.startswith("given: ") and ": " in line[7:] for line in str(error).splitlines())
        assert error.__cause__ is None and error.__suppress_context__
    else:
        assert Policy.from_dict(policy.model_dump(mode="json")).digest == policy.digest


@given(policies.spoilt())
def test_no_mapping_raises_anything_but_a_policy_error(raw: dict[str, Any]) -> None:
    try:
        policy = Policy.from_dict(raw, source="given")
    except PolicyError as error:
        assert all(line.startswith("given: ") for line in str(error).splitlines())
    else:
        assert Policy.from_dict(policy.model_dump(mode="json")) == policy


def test_a_mapping_that_holds_itself_is_refused() -> None:
    raw: dict[str, Any] = {}
    raw["server"] = raw
    with pytest.raises(PolicyError, match="does it hold itself"):
        Policy.from_dict(raw)


@pytest.mark.parametrize("raw", [{1: 2}, {"tools": {1: {}}}, {"server": {None: 1}}])
def test_a_key_that_is_no_text_is_refused(raw: Any) -> None:
    with pytest.raises(PolicyError, match="expected text for every key"):
        Policy.from_dict(raw)


@pytest.mark.parametrize("raw", [[], "policy.yaml", None, 3])
def test_what_is_no_mapping_is_refused(raw: Any) -> None:
    with pytest.raises(PolicyError, match="expected a mapping of sections"):
        Policy.from_dict(raw)


def test_the_audit_file_may_be_a_path_object() -> None:
    assert Policy.from_dict({"audit": {"file": Path("audit.jsonl")}}).audit.file == "audit.jsonl"


def _exclusion(**fields: Any) -> Exclusion:
    return Exclusion(rule="SMCP631", reason="articles quote SQL", **fields)


@pytest.mark.parametrize(
    ("exclusion", "tool", "pointer"),
    [(_exclusion(), "any", "/x"), (_exclusion(), None, "/params/x"), (_exclusion(tool="wiki.*"), "wiki.save", "/x/y"),
     (_exclusion(tool="wiki.*", pointer="/items/*/text"), "wiki.save", "/items/0/text"),
     (_exclusion(pointer="/body"), "any", "/body"), (_exclusion(pointer=""), "any", "")],
)  # fmt: skip
def test_an_exclusion_covers_what_it_names(exclusion: Exclusion, tool: str | None, pointer: str) -> None:
    assert exclusion.covers("SMCP631", tool, pointer)


@pytest.mark.parametrize(
    ("exclusion", "tool", "pointer"),
    [(_exclusion(tool="wiki.*"), "shell.run", "/x"), (_exclusion(tool="wiki.*"), None, "/x"),
     (_exclusion(pointer="/body"), None, "/body"), (_exclusion(pointer="/body"), "any", "/body/0"),
     (_exclusion(pointer="/body"), "any", "/bodyX"), (_exclusion(pointer="/*/a"), "any", "/x/y/a"),
     (_exclusion(pointer=""), "any", "/x")],
)  # fmt: skip
def test_an_exclusion_covers_no_more_than_it_names(exclusion: Exclusion, tool: str | None, pointer: str) -> None:
    assert not exclusion.covers("SMCP631", tool, pointer)


def test_an_exclusion_covers_no_other_rule() -> None:
    assert not _exclusion().covers("SMCP632", "any", "/x")


def test_an_exclusion_counts_through_its_last_day() -> None:
    ending = _exclusion(until="2027-06-01")
    assert not ending.expired(date(2027, 6, 1)) and ending.expired(date(2027, 6, 2))
    assert not _exclusion().expired(date(9999, 12, 31))


def test_identity_asks_for_a_credential_and_keeps_it_from_the_server_unless_told_otherwise() -> None:
    identity = Policy.from_dict({"identity": {"api_keys": {}}}).identity
    assert identity is not None
    assert identity.required and identity.strip_credentials and identity.scope_status == 403
    assert identity.api_keys is not None and identity.api_keys.file is None


def test_an_issuer_has_the_defaults_of_the_reference() -> None:
    identity = Policy.from_dict(WHOLE).identity
    assert identity is not None
    issuer = identity.jwt[0]
    assert (issuer.leeway, issuer.max_stale, issuer.timeout, issuer.require_type) == (30, 86_400, 5, False)
    assert (issuer.audience, issuer.subject_claim, issuer.scopes_claim) == (("a",), "sub", "scope")
    assert not issuer.allow_http and not issuer.allow_private


def test_an_empty_role_and_no_roles_are_two_things() -> None:
    assert Policy.from_dict({"roles": None}).roles is None
    assert Policy.from_dict({"roles": {}}).roles == {}
    assert Policy.from_dict({"roles": {"a": {"tenants": []}}}).roles["a"].tenants == ()  # type: ignore[index]


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, 1.0), (1, "1"), (True, "true")])
def test_conditions_on_values_that_python_takes_for_equal_differ(one: object, other: object) -> None:
    first, second = Condition(claim="a", equals=one), Condition(claim="a", equals=other)
    assert first != second and hash(first) != hash(second)
    assert first == Condition(claim="a", equals=one)
    policies = [
        Policy.from_dict({"roles": {"r": {"allow": [{"tools": ["t"], "when": [_written(each)]}]}}})
        for each in (first, second)
    ]
    assert policies[0].digest != policies[1].digest and policies[0] != policies[1]


def _written(condition: Condition) -> dict[str, Any]:
    return condition.model_dump(mode="json", exclude_none=True)


def test_code_may_say_one_of_and_the_file_says_in() -> None:
    condition = Condition(claim="org", one_of=("a",))
    assert condition == Condition.model_validate({"claim": "org", "in": ["a"]})
    assert _written(condition) == {"claim": "org", "in": ["a"]}


def test_the_ends_of_a_range_stay_exact() -> None:
    assert Condition(argument="n", range=(2**53 + 1, None)).range == (9007199254740993, None)


@pytest.mark.parametrize(
    ("written", "pointer"), [("pages", "/pages"), ("a/b", "/a~1b"), ("a~b", "/a~0b"), ("/a/b", "/a/b")]
)
def test_a_bare_name_of_an_argument_is_a_pointer(written: str, pointer: str) -> None:
    assert CostPolicy(argument=written, max=1).argument == pointer
    assert Condition(argument=written, equals=1).argument == pointer


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("HTTPS://MCP.Example.com:443/MCP/", "https://mcp.example.com/MCP"), ("http://[::1]:80/", "http://[::1]"),
     ("https://a.example:8443", "https://a.example:8443"), ("http://a.example:443/x", "http://a.example:443/x")],
)  # fmt: skip
def test_a_resource_is_kept_in_its_canonical_form(written: str, canonical: str) -> None:
    assert Policy.from_dict({"server": {"resource": written}}).server.resource == canonical


def test_an_issuer_is_kept_as_it_is_written() -> None:
    raw = {"issuer": "https://IDP.example.com:443/", "algorithms": ["ES256"], "jwks": "k"}
    assert IssuerPolicy.model_validate(raw).issuer == "https://IDP.example.com:443/"


def test_a_bare_store_url_is_a_section() -> None:
    assert Policy.from_dict({"store": "redis://h"}) == Policy.from_dict({"store": {"url": "redis://h"}})


def test_a_part_that_does_not_fit_another_is_refused_in_code_too() -> None:
    with pytest.raises(ValidationError, match="unknown role"):
        Policy(roles={"a": RolePolicy(extends=("b",))})


def test_roles_that_extend_over_several_steps_are_all_inherited() -> None:
    roles = {
        "a": RolePolicy(extends=("b", "c")),
        "b": RolePolicy(extends=("d",)),
        "c": RolePolicy(extends=("d",)),
        "d": RolePolicy(),
    }
    assert inherited("a", roles) == {"b", "c", "d"}
    assert inherited("d", roles) == frozenset()


def test_a_long_chain_of_roles_is_walked_without_recursion() -> None:
    chain = {f"r{at}": {"extends": [f"r{at + 1}"]} for at in range(999)}
    policy = Policy.from_dict({"roles": {**chain, "r999": {}}})
    assert policy.roles is not None and len(inherited("r0", policy.roles)) == 999
