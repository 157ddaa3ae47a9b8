"""The listing rung: lists show what calls could reach, and nothing else; the rest of an answer stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.checks import access, listing
from smcp_security.checks.grants import Grants
from smcp_security.checks.rung import Context
from smcp_security.checks.uri_patterns import Pattern, compile_template, tokens
from smcp_security.decision import CLEAN, Action, Caller, Origin
from smcp_security.message import Era
from smcp_security.policy import Policy
from tests.checks.callers import ANN, answered, asking, caller, listed, message_of, policy_of, reading, role
from tests.envelopes import climb, codes, encoded, legacy, response

POLICY = policy_of(
    role({"tools": ["ok.*"], "prompts": ["ok"], "resources": ["docs://*"], "templates": ["tree://h{/p*}"]})
)
TOOLS = {
    "tools": [{"name": "ok.a", "inputSchema": {"type": "object"}}, {"name": "no"}, {"name": "ok.b"}],
    "nextCursor": "c",
}


def test_a_list_is_filtered_by_the_rules_of_the_calls() -> None:
    assert listed(POLICY, "tools", ["ok.a", "no", "ok.b", "OK.a"]) == ["ok.a", "ok.b"]
    assert listed(POLICY, "prompts", ["ok", "no"]) == ["ok"]
    assert listed(POLICY, "resources", ["docs://a", "docs://a/b", "docs://..", "tree://h/x", "other://a"]) == [
        "docs://a",
        "tree://h/x",
    ]
    assert listed(
        POLICY, "resourceTemplates", ["docs://{id}", "docs://{a}/{b}", "tree://h/{x}", "x://{y}", "docs://{"]
    ) == [
        "docs://{id}",
        "tree://h/{x}",
    ]


def test_a_filtered_list_keeps_its_cursor_and_its_entries_as_they_are() -> None:
    outcome, result = answered(POLICY, "tools/list", TOOLS)
    assert result == {"tools": [TOOLS["tools"][0], TOOLS["tools"][2]], "nextCursor": "c"}
    assert outcome.findings == () and outcome.edit is not None
    assert outcome.edit.raw == encoded(response(1, result)) and outcome.edit.id == 1


@pytest.mark.parametrize("key", ["Tools", "TOOLS", "t_ools", "\uff54ools"])
def test_a_list_that_only_a_lenient_reader_finds_is_filtered_too(key: str) -> None:
    _, result = answered(POLICY, "tools/list", {"tools": [], key: TOOLS["tools"]})
    assert result == {"tools": [], key: [TOOLS["tools"][0], TOOLS["tools"][2]]}
    assert answered(POLICY, "tools/list", {"tools": [], "toolset": TOOLS["tools"]})[0] is CLEAN


def test_a_list_that_is_all_the_callers_keeps_its_bytes() -> None:
    outcome, _ = answered(POLICY, "tools/list", {"tools": [{"name": "ok.a"}], "nextCursor": "c"})
    assert outcome is CLEAN


def test_nobody_sees_anything_without_a_role() -> None:
    for who in (None, caller(), caller("admin"), caller("viewer", verified=False)):
        assert listed(POLICY, "tools", ["ok.a"], who) == listed(POLICY, "resources", ["docs://a"], who) == []


def test_without_roles_lists_are_left_alone() -> None:
    value = {"tools": [{"name": "x"}, 7], "cacheScope": "public"}
    assert answered(policy_of(), "tools/list", value, None, era=Era.MODERN)[0] is CLEAN


def test_the_value_that_was_given_is_never_changed() -> None:
    message = message_of(response(1, TOOLS))
    before = encoded(message.value)
    request = message_of(legacy("tools/list", {}))
    climb(listing.build(POLICY)(Context(message=message, request=request, origin=Origin("tools/list"), caller=ANN)))
    assert encoded(message.value) == before


@pytest.mark.parametrize(
    "entry", [7, None, "ok.a", [], {}, {"name": 7}, {"Name": "ok.a"}, {"name": None}, {"name": ["ok.a"]}]
)
def test_an_entry_without_a_name_is_not_shown(entry: Any) -> None:
    _, result = answered(POLICY, "tools/list", {"tools": [entry, {"name": "ok.a"}]})
    assert result == {"tools": [{"name": "ok.a"}]}


# -- which answers are lists -----------------------------------------------------------------------------------------


def _unasked(result: Any, origin: Origin | None, id: Any = 1) -> Any:
    """What a caller gets of an answer on a standing stream, or of one to another id."""
    message = message_of(response(1, result))
    request = None if id is None else message_of(legacy("ping", {}, id=id))
    outcome = climb(listing.build(POLICY)(Context(message=message, request=request, origin=origin, caller=ANN)))
    return (message if outcome.edit is None else outcome.edit).value["result"]


@pytest.mark.parametrize("origin", [None, Origin("ping"), Origin("tools/call", "x"), Origin("prompts/list")])
@pytest.mark.parametrize("id", [None, "1", 2])
def test_what_is_not_proven_to_be_something_else_is_a_list_by_its_shape(origin: Origin | None, id: Any) -> None:
    assert _unasked({"tools": [{"name": "no"}], "prompts": [{"name": "ok"}, {"name": "no"}]}, origin, id) == {
        "tools": [],
        "prompts": [{"name": "ok"}],
    }


def test_the_answer_of_another_method_is_no_list() -> None:
    value = {"tools": [{"name": "no"}, "hammer"]}
    assert answered(POLICY, "x-vendor/tools", value)[0] is CLEAN


@pytest.mark.parametrize("value", [{"tools": "x"}, {"tools": {}}, {"tools": None}, {}, {"tools": []}])
def test_a_result_without_a_list_is_left_alone(value: Any) -> None:
    assert answered(POLICY, "tools/list", value)[0] is CLEAN


def test_errors_requests_and_unread_messages_are_left_alone() -> None:
    rung = listing.build(POLICY)
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no", "data": {"tools": [{"name": "no"}]}}}
    for value in (error, legacy("tools/list", {"tools": [{"name": "no"}]})):
        assert climb(rung(Context(message=message_of(value), origin=Origin("tools/list"), caller=ANN))) is CLEAN
    assert climb(rung(Context())) is CLEAN


# -- caches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["tools/list", "resources/read", "prompts/get", "resources/templates/list"])
def test_what_depends_on_the_caller_is_not_for_shared_caches(method: str) -> None:
    _, result = answered(POLICY, method, {"cacheScope": "public", "ttlMs": 5}, era=Era.MODERN)
    assert result == {"cacheScope": "private", "ttlMs": 5}


def test_a_modern_list_says_that_it_is_private_and_an_older_one_says_nothing() -> None:
    value = {"tools": [{"name": "ok.a"}]}
    assert answered(POLICY, "tools/list", value, era=Era.MODERN)[1] == {**value, "cacheScope": "private"}
    assert answered(POLICY, "tools/list", value)[1] == value
    said = {**value, "cacheScope": "private"}
    assert answered(POLICY, "tools/list", said, era=Era.MODERN)[0] is CLEAN


def test_what_every_caller_gets_alike_stays_public() -> None:
    for method in ("server/discover", "x-vendor/thing", "tools/call"):
        assert answered(POLICY, method, {"cacheScope": "public"}, era=Era.MODERN)[0] is CLEAN


# -- scopes, claims, closed lists -------------------------------------------------------------------------------------


def test_a_scope_that_an_issuer_could_add_hides_nothing_and_any_other_does() -> None:
    allow = {"tools": ["x"], "resources": ["docs://*"], "scopes": ["repo"]}
    policy = policy_of(role(allow))
    for key, name in (("tools", "x"), ("resources", "docs://a"), ("resourceTemplates", "docs://{id}")):
        assert listed(policy, key, [name], caller("viewer")) == [name]
        assert listed(policy, key, [name], caller("viewer", source="api-key")) == []
        assert listed(policy, key, [name], caller("viewer", source="api-key", scopes=("repo",))) == [name]


def test_a_condition_on_an_argument_never_hides_a_tool() -> None:
    when = [{"argument": "/a", "equals": 1}]
    policy = policy_of(role({"tools": ["x"], "when": when}, {"tools": ["y"]}, deny=[{"tools": ["y"], "when": when}]))
    assert listed(policy, "tools", ["x", "y", "z"]) == ["x", "y"]


def test_a_condition_on_a_claim_hides_a_tool() -> None:
    policy = policy_of(role({"tools": ["x"], "when": [{"claim": "mfa", "equals": True}]}))
    assert listed(policy, "tools", ["x"], caller("viewer", claims={"mfa": True})) == ["x"]
    assert listed(policy, "tools", ["x"], caller("viewer", claims={"mfa": "true"})) == []


def test_a_closed_list_of_tools_shows_only_named_ones_even_without_roles() -> None:
    policy = Policy.from_dict({"unlisted_tools": "deny", "tools": {"a": {"schema": {"type": "object"}}}})
    assert listed(policy, "tools", ["a", "b"], None) == ["a"]
    assert listed(policy, "resources", ["docs://a"], None) == ["docs://a"]


def test_a_template_whose_every_uri_is_denied_is_not_listed() -> None:
    allow = {"resources": ["docs://*", "docs://*/*"]}
    policy = policy_of(role(allow, deny=[{"templates": ["docs://{id}/secret"]}, {"resources": ["docs://private/*"]}]))
    templates = ["docs://{id}", "docs://{id}/secret", "docs://private/{x}", "docs://{id}/{x}", "docs://{a}/{b}/{c}"]
    assert listed(policy, "resourceTemplates", templates) == ["docs://{id}", "docs://{id}/{x}"]


def test_a_list_that_would_take_too_long_is_cut_and_reported() -> None:
    deny = [
        {"resources": [f"docs://*{sign}*{sign}*{sign}*{sign}" for sign in "abcdefghijkl"]},
        {"resources": ["docs://*"]},
    ]
    policy = policy_of(role({"resources": ["docs://*z", "list://*"]}, deny=deny))
    costly = [{"uriTemplate": f"docs://{{+x}}{place}z"} for place in range(30)]
    outcome, result = answered(
        policy, "resources/templates/list", {"resourceTemplates": [*costly, {"uriTemplate": "list://{x}"}]}
    )
    assert result == {"resourceTemplates": []}
    assert [(found.code, found.action) for found in outcome.findings] == [("SMCP701", Action.REPORT)]


# -- both ways -------------------------------------------------------------------------------------------------------

_NAMES = ["a", "b", "a.x", "a.y", "b/x"]
_GLOBS = ["a", "a.*", "*", "b/*", "*.x", "*/x"]
_URIS = [
    "docs://a",
    "docs://b",
    "docs://a/b",
    "docs://b/b",
    "list://a",
    "DOCS://a",
    "docs://%61",
    "docs://a/",
    "docs://a?b",
]
_URI_GLOBS = ["docs://*", "docs://a", "docs://*/b", "*://*", "list://*", "docs://a/*", "DOCS://a", "docs://a?*"]
_RULE_TEMPLATES = ["docs://{x}", "docs://{x}/b", "list://{+x}", "docs://a{?q}"]
_CLAIMS = [{"claim": "c", "equals": 1}, {"claim": "d", "in": ["x", "y"]}]
_TEMPLATES = ["docs://{x}", "docs://{x}/b", "docs://a{?q}", "list://{+x}", "docs://{+x}", "none://{x}"]
# One argument a condition, so that there are best arguments: each can be met, or missed, by itself.
_ARGUMENTS = [
    {"argument": "/p", "equals": "ok"},
    {"argument": "/q", "range": [0, 5]},
    {"argument": "/r", "prefix": "x"},
]
_MET = {"p": "ok", "q": 3, "r": "xx"}


def _pattern(template: str) -> Pattern:
    pattern = compile_template(template)
    assert pattern is not None
    return pattern


def _some(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), max_size=2)


@st.composite
def _rule(draw: st.DrawFn, arguments: list[Any], scopes: bool) -> dict[str, Any]:
    rule = {
        "tools": draw(_some(_GLOBS)),
        "prompts": draw(_some(_GLOBS)),
        "resources": draw(_some(_URI_GLOBS)),
        "templates": draw(_some(_RULE_TEMPLATES)),
        "when": draw(_some(_CLAIMS)) + draw(_some(arguments)),
    }
    if not any(rule[key] for key in ("tools", "prompts")):
        rule["when"] = [each for each in rule["when"] if "claim" in each]
        rule["tools"] = ["never"]
    return {**rule, "scopes": draw(_some(["s", "t"]))} if scopes else rule


@st.composite
def _policies(draw: st.DrawFn) -> Policy:
    roles = {}
    for name in ("r", "s", "t"):
        roles[name] = {
            "allow": draw(st.lists(_rule(_ARGUMENTS[:2], True), max_size=2)),
            "deny": draw(st.lists(_rule(_ARGUMENTS[2:], False), max_size=1)),
            "tenants": draw(st.none() | _some(["acme", "*"])),
            "extends": draw(_some([each for each in "rst" if each > name])) if name < "t" else [],
        }
    closed = draw(st.sampled_from([{}, {"unlisted_tools": "deny"}, {"unlisted_tools": "deny", "denied_tools": "hide"}]))
    return policy_of(roles, tools={"b/x": {"schema": {"type": "object"}}}, **closed)


@st.composite
def _callers(draw: st.DrawFn) -> Caller:
    return caller(
        *draw(_some(["r", "s", "t", "unknown"])),
        source=draw(st.sampled_from(["jwt", "api-key"])),
        scopes=tuple(draw(_some(["s", "t"]))),
        tenant=draw(st.sampled_from(["", "acme", "other"])),
        claims=draw(st.sampled_from([{}, {"c": 1}, {"c": 1, "d": "x"}, {"c": "1", "d": ["x"]}, {"d": "y"}])),
    )


def _best(who: Caller) -> Caller:
    """The caller with all scopes that its issuer could add: for what is no token, none."""
    if who.source != "jwt":
        return who
    return caller(*who.roles, scopes=("s", "t"), tenant=who.tenant, claims=who.claims)


def _reachable(policy: Policy, key: str, name: str, who: Caller) -> bool:
    rung, best = access.build(policy), _best(who)
    if key == "resources":
        return reading(rung, name, best) == []
    if key == "resourceTemplates":
        return any(reading(rung, uri, best) == [] for uri in _EXPANSIONS[name])
    method = {"tools": "tools/call", "prompts": "prompts/get"}[key]
    choices = [{each: _MET[each] for each in chosen} for chosen in ("", "p", "q", "pq")]
    return any(asking(rung, method, {"name": name, "arguments": chosen}, best) == [] for chosen in choices)


_SEGMENTS = ["", "a", "b", "z"]
_PATHS = [*_SEGMENTS, *(f"{first}/{second}" for first in _SEGMENTS[1:] for second in _SEGMENTS)]
_ENDS = [path + query for path in _PATHS for query in ("", "?", "?z")]
_POOL = [f"{scheme}://{end}" for scheme in ("docs", "list", "none") for end in _ENDS]
_EXPANSIONS = {name: [uri for uri in _POOL if _pattern(name).matches(tokens(uri))] for name in _TEMPLATES}
_SHOWN = {"tools": _NAMES, "prompts": _NAMES, "resources": [*_URIS, "docs://../a"]}


@settings(max_examples=80)
@given(_policies(), _callers())
def test_listed_is_exactly_what_some_call_of_the_caller_could_reach(policy: Policy, who: Caller) -> None:
    grants = Grants(policy)
    rung = listing.build(policy, grants)
    for key, names in {**_SHOWN, "resourceTemplates": _TEMPLATES}.items():
        reachable = [name for name in names if _reachable(policy, key, name, who)]
        assert listed(rung, key, names, who) == reachable, key


@settings(max_examples=60)
@given(_policies(), _callers())
def test_what_is_not_listed_is_refused_whatever_the_arguments_are(policy: Policy, who: Caller) -> None:
    rung = access.build(policy)
    shown = listed(policy, "tools", _NAMES, who)
    for name in set(_NAMES) - set(shown):
        for arguments in ({}, _MET, {"p": "ok", "r": "y"}, {"q": "3"}):
            refused = asking(rung, "tools/call", {"name": name, "arguments": arguments}, who)
            assert refused in (["SMCP301"], ["SMCP303"])
    assert codes(answered(policy, "tools/list", TOOLS, who)[0]) == []


@pytest.mark.parametrize("method", ["tasks/result", "tasks/get"])
def test_a_list_that_comes_as_the_result_of_a_task_is_filtered(method: str) -> None:
    _, result = answered(POLICY, method, TOOLS, origin=Origin(method, "t1"))
    assert [tool["name"] for tool in result["tools"]] == ["ok.a", "ok.b"]
