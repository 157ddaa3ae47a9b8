"""The access rung: what roles allow, what deny rules take away, and what scopes, tenants and conditions add to it."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security import answers
from smcp_security.checks import access
from smcp_security.checks.grants import Grants, Verdict
from smcp_security.checks.rung import Context
from smcp_security.decision import Answer, Caller
from smcp_security.errors import PolicyError
from smcp_security.message import Era
from smcp_security.policy import Policy
from tests.checks.callers import ANN, asked, asking, caller, calling, message_of, policy_of, reading, role
from tests.envelopes import call, climb, codes, legacy, modern, response

DENIED, SCOPES, UNKNOWN, CROOKED = ["SMCP301"], ["SMCP302"], ["SMCP303"], ["SMCP304"]


# -- roles -----------------------------------------------------------------------------------------------------------


def test_a_role_allows_what_its_globs_name_and_nothing_else() -> None:
    policy = policy_of(role({"tools": ["search_*", "fs.read"]}))
    assert calling(policy, "search_web") == calling(policy, "fs.read") == []
    for tool in ("fs.write", "Search_web", "search", "search_/x", "fs.read.all", "", "xsearch_"):
        assert calling(policy, tool) == DENIED, tool


def test_a_tool_that_is_listed_for_others_is_refused_when_called() -> None:
    """ACCEPTANCE row 2: a filter on the list alone is no guard."""
    policy = policy_of(role({"tools": ["kubectl_get"]}))
    assert calling(policy, "kubectl_get") == []
    assert calling(policy, "kubectl_delete") == DENIED


def test_without_roles_in_the_policy_everybody_may_use_everything() -> None:
    policy = policy_of()
    assert calling(policy, "anything", None) == reading(policy, "docs://../x", None) == []
    assert asking(policy, "x-vendor/thing", {}, None) == []


def test_an_empty_mapping_of_roles_grants_nobody_anything() -> None:
    policy = policy_of({})
    assert calling(policy, "anything") == DENIED and reading(policy, "docs://a") == DENIED
    assert asking(policy, "tools/list", {}) == []


def test_an_unknown_role_and_no_caller_are_granted_nothing() -> None:
    policy = policy_of(role({"tools": ["*"]}))
    assert calling(policy, "x", caller("viewer")) == []
    for who in (None, caller(), caller("admin"), caller("Viewer"), caller("viewer", verified=False)):
        assert calling(policy, "x", who) == DENIED


def test_a_caller_has_the_union_of_its_roles() -> None:
    policy = policy_of({"a": {"allow": [{"tools": ["x"]}]}, "b": {"allow": [{"tools": ["y"]}]}})
    assert calling(policy, "x", caller("a", "b")) == calling(policy, "y", caller("b", "a")) == []
    assert calling(policy, "y", caller("a")) == DENIED


def test_any_deny_wins_over_every_allow() -> None:
    policy = policy_of({
        "a": {"allow": [{"tools": ["github.*"]}], "deny": [{"tools": ["github.delete_*"]}]},
        "b": {"allow": [{"tools": ["github.delete_repo"]}]},
    })  # fmt: skip
    assert calling(policy, "github.list", caller("a")) == calling(policy, "github.delete_repo", caller("b")) == []
    assert calling(policy, "github.delete_repo", caller("a")) == DENIED
    assert calling(policy, "github.delete_repo", caller("b", "a")) == DENIED


def test_extends_is_transitive_and_brings_the_denials_along() -> None:
    policy = policy_of({
        "a": {"allow": [{"tools": ["a.*"]}], "deny": [{"tools": ["a.secret"]}]},
        "b": {"extends": ["a"], "allow": [{"tools": ["a.secret", "b"]}]},
        "c": {"extends": ["b"]},
    })  # fmt: skip
    assert calling(policy, "a.x", caller("c")) == calling(policy, "b", caller("c")) == []
    assert calling(policy, "a.secret", caller("c")) == DENIED
    assert calling(policy, "b", caller("a")) == DENIED


def test_a_role_of_some_tenants_counts_for_their_callers_alone() -> None:
    policy = policy_of({
        "ops": {"tenants": ["acme*"], "allow": [{"tools": ["x"]}], "deny": [{"tools": ["y"]}]},
        "all": {"extends": ["ops"], "allow": [{"tools": ["y"]}]},
    })  # fmt: skip
    assert calling(policy, "x", caller("ops", tenant="acme-eu")) == []
    assert calling(policy, "x", caller("all", tenant="acme-eu")) == []
    for tenant in ("", "other", "Acme", "xacme"):
        assert calling(policy, "x", caller("ops", tenant=tenant)) == DENIED
        assert calling(policy, "x", caller("all", tenant=tenant)) == DENIED
        assert calling(policy, "y", caller("all", tenant=tenant)) == []
    assert calling(policy, "y", caller("all", tenant="acme")) == DENIED


def test_a_role_for_every_tenant_is_not_for_callers_of_none() -> None:
    policy = policy_of(role({"tools": ["x"]}, tenants=["*"]))
    assert calling(policy, "x", caller("viewer", tenant="t")) == []
    assert calling(policy, "x", caller("viewer")) == DENIED


# -- what is guarded ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "good", "bad"),
    [
        ("tools/call", {"name": "ok"}, {"name": "no"}),
        ("prompts/get", {"name": "ok"}, {"name": "no"}),
        ("resources/read", {"uri": "docs://ok"}, {"uri": "docs://no"}),
        ("resources/subscribe", {"uri": "docs://ok"}, {"uri": "docs://no"}),
        ("resources/unsubscribe", {"uri": "docs://ok"}, {"uri": "docs://no"}),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "ok"}},
            {"ref": {"type": "ref/prompt", "name": "no"}},
        ),
        (
            "completion/complete",
            {"ref": {"type": "ref/resource", "uri": "docs://ok"}},
            {"ref": {"type": "ref/resource", "uri": "docs://no"}},
        ),
        (
            "completion/complete",
            {"ref": {"type": "ref/resource", "uri": "list://{id}"}},
            {"ref": {"type": "ref/resource", "uri": "docs://{id}/x"}},
        ),
        (
            "subscriptions/listen",
            {"notifications": {"resourceSubscriptions": ["docs://ok", "list://a"]}},
            {"notifications": {"resourceSubscriptions": ["docs://ok", "docs://no"]}},
        ),
        ("x-vendor/ok", {}, None),
    ],
)
def test_every_method_that_names_something_is_guarded(method: str, good: Any, bad: Any) -> None:
    allow = {"tools": ["ok"], "prompts": ["ok"], "resources": ["docs://ok", "list://*"], "methods": ["x-vendor/ok"]}
    policy = policy_of(role(allow))
    assert asking(policy, method, good) == []
    assert asking(policy, "x-vendor/no" if bad is None else method, bad or {}) == DENIED
    assert asking(policy, method, good, None) == DENIED


@pytest.mark.parametrize(
    "method",
    "initialize ping server/discover logging/setLevel tools/list prompts/list resources/list resources/templates/list"
    " tasks/list tasks/get".split(),
)
def test_what_keeps_a_session_going_needs_no_rule(method: str) -> None:
    assert asking(policy_of({}), method, {}, None) == []


@pytest.mark.parametrize(
    "method", ["notifications/initialized", "notifications/cancelled", "notifications/x-vendor/go"]
)
def test_a_notification_needs_no_rule_unless_it_wants_an_answer(method: str) -> None:
    assert codes(asked(policy_of({}), legacy(method, {}, id=None), None)) == []
    assert asking(policy_of({}), method, {}, None) == DENIED


def test_posted_responses_and_unread_messages_need_no_rule() -> None:
    policy = policy_of({})
    assert codes(asked(policy, response(1, {}), None)) == []
    assert codes(climb(access.build(policy)(Context()))) == []


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {}),
        ("tools/call", {"name": 7}),
        ("tools/call", {"name": ["ok"]}),
        ("prompts/get", {"name": None}),
        ("resources/read", {"uri": {}}),
        ("completion/complete", {}),
        ("completion/complete", {"ref": "ref/prompt"}),
        ("completion/complete", {"ref": {"type": "ref/other", "name": 7}}),
        ("completion/complete", {"ref": {"type": ["x"]}}),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": "docs://ok"}}),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": [7]}}),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["docs://a"] * 1001}}),
    ],
)
def test_a_target_of_the_wrong_type_is_a_denial(method: str, params: Any) -> None:
    everything = {"tools": ["*"], "prompts": ["*"], "resources": ["*://*"], "methods": ["*/*"]}
    assert asking(policy_of(role(everything)), method, params) == DENIED


def test_a_stream_without_resources_is_open_to_all() -> None:
    for wanted in ({}, {"toolsListChanged": True}, {"resourceSubscriptions": []}, {"resourceSubscriptions": None}):
        assert asking(policy_of({}), "subscriptions/listen", {"notifications": wanted}) == []


def test_a_call_without_an_id_is_guarded_like_any_other() -> None:
    policy = policy_of(role({"tools": ["ok"]}))
    assert codes(asked(policy, legacy("tools/call", {"name": "no"}, id=None))) == DENIED
    assert codes(asked(policy, legacy("tools/call", {"name": "ok"}, id=None))) == []


# -- resources -------------------------------------------------------------------------------------------------------


def test_a_star_in_a_uri_does_not_cross_a_slash() -> None:
    policy = policy_of(role({"resources": ["docs://*"]}))
    assert reading(policy, "docs://a") == []
    assert reading(policy, "docs://a/b") == reading(policy, "docs:a") == DENIED
    deep = policy_of(role({"resources": ["docs://*/*"]}))
    assert reading(deep, "docs://a/b") == [] and reading(deep, "docs://a/b/c") == DENIED


@pytest.mark.parametrize(
    "uri", ["docs://../x", "docs://..%2fx", "docs://%2e%2e", "docs://..", "docs://a\\..", "docs://a%252e", "docs://a#b"]
)
def test_a_uri_that_readers_take_differently_is_refused(uri: str) -> None:
    policy = policy_of(role({"resources": ["docs://*", "docs://*/*"]}))
    assert reading(policy, uri) == CROOKED
    assert reading(policy, "docs://a") == []


def test_a_rule_allows_only_what_it_names_in_every_spelling() -> None:
    policy = policy_of(role({"resources": ["docs://*"]}))
    assert reading(policy, "docs://%61") == []
    assert reading(policy, "DOCS://a") == DENIED
    odd = policy_of(role({"resources": ["DOCS://*"]}))
    assert reading(odd, "DOCS://a") == reading(odd, "docs://a") == []


@pytest.mark.parametrize(
    "uri", ["docs://secret", "DOCS://secret", "docs://SECRET", "docs://%73ecret", "docs://secret/", "docs://secret?x=1"]
)
def test_a_rule_denies_what_it_names_in_any_spelling(uri: str) -> None:
    allow = {"resources": ["*://*", "*://*/"]}
    for deny in ("docs://secret", "DOCS://Secret", "docs://%73ecret"):
        policy = policy_of(role(allow, deny=[{"resources": [deny]}]))
        assert reading(policy, uri) == DENIED
        assert reading(policy, "docs://secrets") == []


def test_a_template_of_a_rule_grants_the_uris_that_it_expands_to() -> None:
    policy = policy_of(role({"templates": ["docs://{id}/x", "tree://h{/path*}"]}))
    assert reading(policy, "docs://a/x") == reading(policy, "tree://h/a/b/c") == []
    assert reading(policy, "docs://a/y") == reading(policy, "docs://a/b/x") == DENIED
    closed = policy_of(role({"resources": ["docs://*/*"]}, deny=[{"templates": ["docs://{id}/x"]}]))
    assert reading(closed, "docs://a/x") == DENIED and reading(closed, "docs://a/y") == []


def test_a_rule_with_a_template_that_is_none_stops_the_start() -> None:
    with pytest.raises(PolicyError, match="templates"):
        access.build(policy_of(role({"templates": ["docs://{id"]})))


# -- conditions ------------------------------------------------------------------------------------------------------


def test_a_condition_on_a_claim_must_hold() -> None:
    policy = policy_of(role({"tools": ["x"], "when": [{"claim": "dept.name", "in": ["eng", "ops"]}]}))
    assert calling(policy, "x", caller("viewer", claims={"dept": {"name": "eng"}})) == []
    for claims in ({}, {"dept": {"name": "hr"}}, {"dept": {"name": ["eng"]}}, {"dept": "eng"}, {"dept": None}):
        assert calling(policy, "x", caller("viewer", claims=claims)) == DENIED


def test_callers_who_differ_in_their_claims_alone_are_told_apart() -> None:
    rung = access.build(policy_of(role({"tools": ["x"], "when": [{"claim": "mfa", "equals": True}]})))
    strong, weak = caller("viewer", claims={"mfa": True}), caller("viewer", claims={"mfa": 1})
    assert strong == weak
    for _ in range(2):
        assert calling(rung, "x", strong) == [] and calling(rung, "x", weak) == DENIED


def test_a_condition_on_an_argument_must_hold() -> None:
    policy = policy_of(role({"tools": ["pay"], "when": [{"argument": "/amount", "range": [0, 100]}]}))
    assert calling(policy, "pay", amount=100) == []
    for given in ({}, {"amount": 101}, {"amount": "50"}, {"amount": None}, {"amount": True}, {"Amount": 50}):
        assert asking(policy, "tools/call", {"name": "pay", "arguments": given}) == DENIED
    assert asking(policy, "tools/call", {"name": "pay"}) == DENIED


def test_a_deny_rule_counts_where_nobody_can_tell() -> None:
    policy = policy_of(
        role({"tools": ["pay"]}, deny=[{"tools": ["pay"], "when": [{"argument": "/n", "range": [1000, None]}]}])
    )
    assert calling(policy, "pay", n=999) == calling(policy, "pay") == []
    for amount in (1000, "5000", "5", None, [1], {"a": 1}, True):
        assert calling(policy, "pay", n=amount) == DENIED


def test_a_denial_within_a_json_text_is_not_slipped_past() -> None:
    deny = {"tools": ["q"], "when": [{"argument": "/filter/all", "equals": True}]}
    policy = policy_of(role({"tools": ["q"]}, deny=[deny]))
    assert calling(policy, "q", filter={"all": False}) == []
    assert calling(policy, "q", filter={"all": True}) == calling(policy, "q", filter='{"all": true}') == DENIED


def test_all_conditions_of_a_rule_must_hold_and_one_rule_is_enough() -> None:
    both = {"tools": ["x"], "when": [{"argument": "/a", "equals": 1}, {"claim": "c", "equals": 2}]}
    policy = policy_of(role(both, {"tools": ["x"], "when": [{"argument": "/b", "prefix": "ok"}]}))
    good = caller("viewer", claims={"c": 2})
    assert calling(policy, "x", good, a=1) == calling(policy, "x", ANN, b="okay") == []
    assert calling(policy, "x", ANN, a=1) == calling(policy, "x", good, a=2) == DENIED


def test_where_there_are_no_arguments_a_condition_on_one_is_not_met() -> None:
    when = [{"argument": "/topic", "equals": "public"}]
    allow = {"prompts": ["p"], "resources": ["docs://*"], "when": when}
    policy = policy_of(role(allow))
    complete = {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "topic", "value": "public"}}
    assert asking(policy, "prompts/get", {"name": "p", "arguments": {"topic": "public"}}) == []
    assert asking(policy, "completion/complete", complete) == reading(policy, "docs://a") == DENIED
    feared = policy_of(role({"prompts": ["p"], "resources": ["docs://*"]}, deny=[allow]))
    assert asking(feared, "completion/complete", complete) == reading(feared, "docs://a") == DENIED
    assert asking(feared, "prompts/get", {"name": "p", "arguments": {"topic": "private"}}) == []


def test_a_call_that_its_arguments_rule_out_points_at_them() -> None:
    policy = policy_of(role({"tools": ["x"], "when": [{"argument": "/a", "equals": 1}]}))
    assert asked(policy, call("x", {"a": 2})).findings[0].where == "/params/arguments"
    assert asked(policy, call("y", {"a": 2})).findings[0].where == "/params/name"


# -- scopes ----------------------------------------------------------------------------------------------------------


def test_a_token_without_a_scope_is_challenged_for_all_that_the_call_needs() -> None:
    policy = policy_of(role({"tools": ["x"], "scopes": ["repo", "write"]}))
    assert calling(policy, "x", caller("viewer", scopes=("repo", "write"))) == []
    [found] = asked(policy, call("x"), caller("viewer", scopes=("repo",))).findings
    assert (found.code, found.where, found.data) == ("SMCP302", "/params/name", {"scopes": ["mcp", "repo", "write"]})
    assert 'error="insufficient_scope"' in found.challenge and 'scope="mcp repo write"' in found.challenge
    assert 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"' in found.challenge


def test_of_several_rules_the_one_with_the_fewest_missing_scopes_counts() -> None:
    policy = policy_of(role({"tools": ["x"], "scopes": ["a", "b"]}, {"tools": ["x"], "scopes": ["c"]}))
    [found] = asked(policy, call("x"), caller("viewer")).findings
    assert found.data == {"scopes": ["mcp", "c"]}
    assert (
        calling(policy, "x", caller("viewer", scopes=("c",)))
        == calling(policy, "x", caller("viewer", scopes=("a", "b")))
        == []
    )


@pytest.mark.parametrize("source", ["api-key", "forwarded", "certificate"])
def test_who_has_no_token_is_not_challenged_for_a_scope(source: str) -> None:
    policy = policy_of(role({"tools": ["x"], "scopes": ["repo"]}))
    [found] = asked(policy, call("x"), caller("viewer", source=source)).findings
    assert (found.code, found.challenge, found.data) == ("SMCP301", "", {})
    assert calling(policy, "x", caller("viewer", scopes=("repo",), source=source)) == []


def test_what_a_role_denies_is_never_a_matter_of_scopes() -> None:
    allow, deny = {"tools": ["x"], "scopes": ["repo"]}, {"tools": ["x"]}
    assert calling(policy_of(role(allow, deny=[deny])), "x") == DENIED
    other = policy_of({"viewer": {"allow": [{"tools": ["y"]}]}, "admin": {"allow": [allow]}})
    assert calling(other, "x") == DENIED
    feared = policy_of(role(allow, deny=[{**deny, "when": [{"argument": "/a", "equals": 1}]}]))
    assert calling(feared, "x", ANN, a=1) == DENIED and calling(feared, "x", ANN, a=2) == SCOPES


def test_an_argument_that_fails_is_not_a_matter_of_scopes() -> None:
    policy = policy_of(role({"tools": ["x"], "scopes": ["repo"], "when": [{"argument": "/a", "equals": 1}]}))
    assert calling(policy, "x", ANN, a=2) == DENIED
    assert calling(policy, "x", ANN, a=1) == SCOPES


def test_scopes_count_for_resources_templates_prompts_and_methods_too() -> None:
    allow = {"resources": ["docs://*"], "prompts": ["p"], "methods": ["x-vendor/do"], "scopes": ["read"]}
    policy = policy_of(role(allow))
    able = caller("viewer", scopes=("read",))
    template = {"ref": {"type": "ref/resource", "uri": "docs://{id}"}}
    for method, params in [
        ("resources/read", {"uri": "docs://a"}), ("prompts/get", {"name": "p"}), ("x-vendor/do", {}),
        ("completion/complete", template), ("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["docs://a"]}}),
    ]:  # fmt: skip
        assert asking(policy, method, params) == SCOPES
        assert asking(policy, method, params, able) == []


# -- unlisted and hidden tools ---------------------------------------------------------------------------------------


CLOSED = {"unlisted_tools": "deny", "tools": {"named": {"schema": {"type": "object"}}}}


def test_a_tool_that_nothing_names_is_unknown_where_the_list_is_closed() -> None:
    for policy in (policy_of(**CLOSED), Policy.from_dict(CLOSED)):
        assert calling(policy, "named", None) == [] and calling(policy, "other", None) == UNKNOWN
        assert asking(policy, "prompts/get", {"name": "any"}, None) == reading(policy, "docs://a", None) == []


def test_a_tool_that_any_role_names_is_known_and_may_be_denied() -> None:
    policy = policy_of({"viewer": {"allow": [{"tools": ["a"]}]}, "admin": {"deny": [{"tools": ["b.*"]}]}}, **CLOSED)
    assert calling(policy, "a") == []
    assert calling(policy, "b.x") == calling(policy, "named") == DENIED
    assert calling(policy, "other") == UNKNOWN


HIDING = policy_of(
    {
        "viewer": {
            "allow": [
                {"tools": ["open", "denied", "conditional"]},
                {"tools": ["claimed"], "when": [{"claim": "mfa", "equals": True}]},
                {"tools": ["scoped"], "scopes": ["repo"]},
                {"tools": ["argued"], "when": [{"argument": "/a", "equals": 1}]},
            ],
            "deny": [{"tools": ["denied"]}],
        },
        "admin": {"allow": [{"tools": ["admin.*"]}]},
    },
    **CLOSED,
    denied_tools="hide",
)


def _answer(value: Any, who: Caller | None, era: Era) -> Answer:
    message = message_of(value, era)
    outcome = climb(access.build(HIDING)(Context(message=message, caller=who)))
    return answers.answer(outcome.findings[0], outcome.findings, message)


@pytest.mark.parametrize("era", list(Era))
@pytest.mark.parametrize("tool", ["admin.x", "denied", "claimed", "named"])
@pytest.mark.parametrize("task", [False, True])
def test_a_hidden_tool_gets_byte_for_byte_the_answer_of_an_unknown_one(tool: str, task: bool, era: Era) -> None:
    build = modern if era is Era.MODERN else legacy
    more = {"task": {"ttl": 1000}} if task else {}

    def answer(name: str, who: Caller | None) -> Answer:
        return _answer(build("tools/call", {"name": name, "arguments": {"a": 1}, **more}), who, era)

    for who in (ANN, None, caller("viewer", source="api-key")):
        hidden = answer(tool, who)
        assert hidden == answer("no-such-tool", who)
        assert tool.encode() not in hidden.body and "www-authenticate" not in dict(hidden.headers)


def test_a_hidden_tool_has_the_very_finding_of_an_unknown_one() -> None:
    for who in (ANN, None, caller("admin", source="api-key"), caller("viewer", scopes=("repo",))):
        assert asked(HIDING, call("named"), who) == asked(HIDING, call("no-such-tool"), who)
    keyless = caller("viewer", source="api-key")
    assert asked(HIDING, call("scoped"), keyless) == asked(HIDING, call("no-such-tool"), keyless)


def test_hiding_leaves_what_the_caller_can_use_or_get_scopes_for() -> None:
    assert calling(HIDING, "open") == calling(HIDING, "argued", ANN, a=1) == []
    assert calling(HIDING, "claimed", caller("viewer", claims={"mfa": True})) == []
    assert calling(HIDING, "scoped") == SCOPES
    assert calling(HIDING, "argued", ANN, a=2) == DENIED


# -- memory ----------------------------------------------------------------------------------------------------------


def test_what_is_remembered_for_one_caller_never_serves_another() -> None:
    policy = policy_of({
        "a": {"allow": [{"tools": ["x"]}]},
        "b": {"tenants": ["t"], "allow": [{"tools": ["x"]}]},
        "c": {"allow": [{"tools": ["x"], "scopes": ["s"]}]},
    })  # fmt: skip
    rung = access.build(policy)
    cases = [
        (caller("a"), []), (caller("b", tenant="t"), []), (caller("b", tenant="u"), DENIED), (caller("c"), SCOPES),
        (caller("c", scopes=("s",)), []), (caller("c", source="api-key"), DENIED), (None, DENIED), (caller(), DENIED),
    ]  # fmt: skip
    for who, expected in [*cases, *reversed(cases), *cases]:
        assert calling(rung, "x", who) == expected
    assert asking(rung, "prompts/get", {"name": "x"}, caller("a")) == DENIED


def test_names_that_callers_make_up_are_not_remembered_without_bound() -> None:
    policy = policy_of(role({"tools": ["known"]}))
    grants = Grants(policy)
    for place in range(12_000):
        assert grants.ruling(ANN, "tool", f"made-up-{place}").verdict is Verdict.DENIED
    assert grants.ruling(ANN, "tool", "x" * 1000).verdict is Verdict.DENIED
    assert 0 < len(grants._known) <= 10_000
    assert calling(access.build(policy, grants), "known") == []
