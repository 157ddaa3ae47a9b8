"""The contracts rung: where contracts apply, what they say to a model, and what only the outside world knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from smcp_security.checks import contracts
from smcp_security.checks.meanings import Knowledge
from smcp_security.checks.rung import Question, Recall, ResolveHost, ResolvePath
from smcp_security.contracts.contract import ResolvedPath
from smcp_security.decision import Outcome
from smcp_security.errors import Unavailable
from smcp_security.message import Era, parse, typed
from smcp_security.policy import Policy
from smcp_security.schemas import ToolSchema, compile_schema
from tests.envelopes import ASSUMED, MODERN, arriving, call, climb, codes, encoded, legacy, modern

NAME = {"kind": "identifier"}
BAD = "../../admin"


def _judge(
    value: dict[str, Any],
    policy: Mapping[str, Any],
    *,
    known: ToolSchema | None = None,
    world: Callable[[Question], object] | None = None,
) -> Outcome:
    def answer(question: Question) -> object:
        if isinstance(question, Recall):
            return known
        assert world is not None, "nothing had to be looked up"
        return world(question)

    context = arriving(value)
    era, revision = (Era.MODERN, MODERN) if "_meta" in value.get("params", {}) else (Era.LEGACY, ASSUMED)
    context.message = typed(parse(encoded(value), max_depth=64), era, revision)
    return climb(contracts.build(Knowledge(Policy.from_dict(dict(policy))))(context), answer)


def _tool(arguments: Mapping[str, Any], name: str = "x", **more: Any) -> dict[str, Any]:
    return {"tools": {name: {"arguments": dict(arguments)}}, "infer": False, **more}


@pytest.mark.parametrize(
    ("pointer", "good", "bad", "where"),
    [
        ("id", {"id": "u-1"}, {"id": BAD}, "/params/arguments/id"),
        ("/id", {"id": ["u-1", "u-2"]}, {"id": ["u-1", BAD]}, "/params/arguments/id/1"),
        ("/ids/*", {"ids": ["u-1"]}, {"ids": ["u-1", BAD]}, "/params/arguments/ids/1"),
        ("/a/*/id", {"a": [{"id": "u"}]}, {"a": [{"id": "u"}, {"id": BAD}]}, "/params/arguments/a/1/id"),
        ("/a/*/id", {"a": {"k": {"id": "u"}}}, {"a": {"k": {"id": BAD}}}, "/params/arguments/a/*/id"),
        ("/a~1b", {"a/b": "u"}, {"a/b": BAD}, "/params/arguments/a~1b"),
        ("id", {"id": "u"}, {"id": json.dumps(["u", BAD])}, "/params/arguments/id"),
        ("/a/id", {"a": json.dumps({"id": "u"})}, {"a": json.dumps({"id": BAD})}, "/params/arguments/a/id"),
    ],
)
def test_a_contract_holds_for_every_value_that_its_pointer_leads_to(
    pointer: str, good: dict[str, Any], bad: dict[str, Any], where: str
) -> None:
    policy = _tool({pointer: NAME})
    assert codes(_judge(call("x", good), policy)) == []
    outcome = _judge(call("x", bad), policy)
    assert set(codes(outcome)) == {"SMCP516"} and outcome.findings[0].where == where


def test_a_name_that_differs_in_case_alone_has_the_same_contract() -> None:
    for given, found in (({"id": "u", "ID": BAD}, ["SMCP516"]), ({"Id": "u"}, []), ({"idx": BAD}, [])):
        outcome = _judge(call("x", given), _tool({"id": NAME}))
        assert codes(outcome) == found and all(each.where == "/params/arguments/*" for each in outcome.findings)


def test_an_object_where_a_text_is_due_is_refused() -> None:
    assert codes(_judge(call("x", {"id": {"$ne": 1}}), _tool({"id": NAME}))) == ["SMCP517"]


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": []}, {"other": BAD}, {"id": 5}])
def test_a_missing_argument_is_for_the_schema_to_refuse(given: dict[str, Any]) -> None:
    assert codes(_judge(call("x", given), _tool({"id": NAME}))) == []


def test_globs_on_tools_hold_all_together() -> None:
    policy = {
        "infer": False,
        "tools": {
            "git.*": {"arguments": {"branch": NAME}},
            "git.log": {"arguments": {"count": {"kind": "regex", "pattern": "[0-9]+"}}},
        },
    }
    assert codes(_judge(call("git.log", {"branch": BAD}), policy)) == ["SMCP516"]
    assert codes(_judge(call("git.log", {"branch": "main", "count": "x"}), policy)) == ["SMCP517"]
    assert codes(_judge(call("git.log", {"branch": "main", "count": "3"}), policy)) == []
    assert codes(_judge(call("svn.log", {"branch": BAD}), policy)) == []


@pytest.mark.parametrize("make", [legacy, modern])
def test_prompt_arguments_have_contracts_too(make: Any) -> None:
    policy = {"prompts": {"su*": {"arguments": {"who": NAME}}}, "infer": False}
    for who, found in (("ann", []), (BAD, ["SMCP516"])):
        assert codes(_judge(make("prompts/get", {"name": "sum", "arguments": {"who": who}}), policy)) == found


@pytest.mark.parametrize("method", ["resources/read", "resources/subscribe"])
def test_variables_of_a_resource_template_have_contracts(method: str) -> None:
    policy = {"resources": {"docs://{id}/text{?lang}": {"arguments": {"id": NAME, "lang": NAME}}}, "infer": False}
    for uri, found in (
        ("docs://a1/text", []),
        ("docs://a1/text?lang=en", []),
        ("docs://a%201/text", ["SMCP516"]),
        ("DOCS://a%201/text", ["SMCP516"]),
        ("%64ocs://a%201/text", []),
        ("docs://..%2f..%2fadmin/text", ["SMCP304"]),
        ("Docs://a1/x/../text", ["SMCP304"]),
        ("docs://a1/text?lang=en&lang=a%20b", ["SMCP516"]),
        ("other://..%2f..%2fadmin/text", []),
    ):
        assert codes(_judge(legacy(method, {"uri": uri}), policy)) == found


def test_a_whole_resource_uri_has_a_contract() -> None:
    url = {"kind": "url", "schemes": ["https"], "hosts": ["docs.example.com"], "resolve": False}
    policy = {"resources": {"https://*/*": {"uri": url}}, "infer": False}
    assert codes(_judge(legacy("resources/read", {"uri": "https://docs.example.com/a"}), policy)) == []
    assert codes(_judge(legacy("resources/read", {"uri": "https://evil.example.com/a"}), policy)) == ["SMCP511"]


def _completion(ref: dict[str, str], name: str, value: str) -> dict[str, Any]:
    return legacy("completion/complete", {"ref": ref, "argument": {"name": name, "value": value}})


@pytest.mark.parametrize(
    ("ref", "policy"),
    [
        ({"type": "ref/prompt", "name": "p"}, {"prompts": {"p": {"arguments": {"id": NAME}}}}),
        ({"type": "ref/resource", "uri": "d://{id}"}, {"resources": {"d://{id}": {"arguments": {"id": NAME}}}}),
    ],
)
def test_what_is_typed_so_far_must_be_a_beginning(ref: dict[str, str], policy: dict[str, Any]) -> None:
    policy = {**policy, "infer": False}
    for value, found in (("", []), ("u", []), ("../", ["SMCP516"])):
        assert codes(_judge(_completion(ref, "id", value), policy)) == found
    assert codes(_judge(_completion(ref, "other", "../"), policy)) == []


@pytest.mark.parametrize(
    ("ref", "policy"),
    [
        ({"type": "ref/prompt", "name": "p"}, {"prompts": {"p": {"arguments": {"id": NAME}}}}),
        ({"type": "ref/resource", "uri": "d://{id}"}, {"resources": {"d://{id}": {"arguments": {"id": NAME}}}}),
    ],
)
def test_what_was_completed_before_has_its_contract_too(ref: dict[str, str], policy: dict[str, Any]) -> None:
    for value, found in ((BAD, ["SMCP516"]), ("u-1", []), ("", [])):
        sent = _completion(ref, "other", "a")
        sent["params"]["context"] = {"arguments": {"id": value}}
        outcome = _judge(sent, {**policy, "infer": False})
        assert codes(outcome) == found
        assert all(each.where == "/params/context/arguments/id" for each in outcome.findings)


def test_what_was_completed_before_is_judged_by_its_name_too() -> None:
    for value, found in (("../../etc", ["SMCP510"]), ("docs", [])):
        sent = _completion({"type": "ref/prompt", "name": "p"}, "other", "a")
        sent["params"]["context"] = {"arguments": {"path": value}}
        assert codes(_judge(sent, {})) == found


def test_resources_to_be_watched_have_contracts_too() -> None:
    policy = {"resources": {"docs://{id}": {"arguments": {"id": NAME}}}, "infer": False}

    def watched(*uris: str) -> dict[str, Any]:
        return modern("subscriptions/listen", {"notifications": {"resourceSubscriptions": [*uris]}})

    assert codes(_judge(watched("docs://a", "docs://b", "other://a%20b"), policy)) == []
    outcome = _judge(watched("docs://a", "docs://a%20b"), policy)
    assert codes(outcome) == ["SMCP516"]
    assert outcome.findings[0].where == "/params/notifications/resourceSubscriptions/1"
    assert codes(_judge(watched(*["docs://a"] * 201), policy)) == ["SMCP517"]
    assert codes(_judge(watched(*["docs://a"] * 201), {"infer": False})) == []
    assert codes(_judge(watched("docs://../../etc"), {})) == ["SMCP510"]


@pytest.mark.parametrize("uri", ["d\tocs://a%20b", " docs://a%20b", "\x00\ndocs://a%20b", "DO\r\nCS://a%20b"])
def test_a_uri_that_lenient_readers_mend_is_refused_where_a_contract_may_hold(uri: str) -> None:
    sent = legacy("resources/read", {"uri": uri})
    for key, variable in (("docs://{id}", "id"), ("{+uri}", "uri"), ("{kind}://x", "kind")):
        policy = {"resources": {key: {"arguments": {variable: NAME}}}, "infer": False}
        assert codes(_judge(sent, policy)) == ["SMCP304"]
    assert codes(_judge(sent, {"resources": {"other://{id}": {"arguments": {"id": NAME}}}, "infer": False})) == []


LINKED = _tool({"p": {"kind": "path", "roots": ["/srv/data"], "resolve": "local"}})


def test_a_link_that_leaves_the_root_is_refused() -> None:
    def world(question: Question) -> object:
        assert isinstance(question, ResolvePath)
        return ResolvedPath("/etc/passwd" if question.path.endswith("link") else question.path, True)

    assert codes(_judge(call("x", {"p": "/srv/data/a"}), LINKED, world=world)) == []
    assert codes(_judge(call("x", {"p": "/srv/data/link"}), LINKED, world=world)) == ["SMCP510"]


FETCHED = _tool({"url": {"kind": "url"}})


@pytest.mark.parametrize(
    ("addresses", "found"),
    [(("93.184.216.34",), []), (("93.184.216.34", "10.0.0.1"), ["SMCP512"]), (("169.254.169.254",), ["SMCP512"])],
)
def test_every_address_of_a_host_must_be_public(addresses: tuple[str, ...], found: list[str]) -> None:
    def world(question: Question) -> object:
        assert question == ResolveHost("files.example.com")
        return addresses

    assert codes(_judge(call("x", {"url": "https://files.example.com/a"}), FETCHED, world=world)) == found


def test_what_cannot_be_looked_up_is_refused() -> None:
    def world(question: Question) -> object:
        raise Unavailable("the resolver does not answer")

    assert codes(_judge(call("x", {"url": "https://files.example.com/a"}), FETCHED, world=world)) == ["SMCP519"]
    assert codes(_judge(call("x", {"p": "/srv/data/a"}), LINKED, world=world)) == ["SMCP519"]


def test_a_call_may_ask_for_so_many_hosts_and_no_more() -> None:
    asked: list[Question] = []

    def world(question: Question) -> object:
        asked.append(question)
        return ("93.184.216.34",)

    urls = [f"https://h{number}.example.com/" for number in range(33)]
    assert codes(_judge(call("x", {"url": urls[:32]}), FETCHED, world=world)) == []
    asked.clear()
    assert codes(_judge(call("x", {"url": urls}), FETCHED, world=world)) == ["SMCP519"]
    assert len(asked) == 32


def test_roots_are_looked_up_once_for_all_the_paths_of_a_message() -> None:
    asked: list[str] = []

    def world(question: Question) -> object:
        assert isinstance(question, ResolvePath)
        asked.append(question.path)
        return ResolvedPath(question.path, True)

    assert codes(_judge(call("x", {"p": [f"a{number}" for number in range(31)]}), LINKED, world=world)) == []
    assert len(asked) == 32
    assert codes(_judge(call("x", {"p": [f"a{number}" for number in range(32)]}), LINKED, world=world)) == ["SMCP519"]


def test_a_name_that_only_the_caller_knows_is_not_told() -> None:
    (found,) = _judge(call("x", {"Zq-secret path": "../../x"}), {}).findings
    assert found.code == "SMCP510" and found.where == "/params/arguments/*"
    (found,) = _judge(call("read_file", {"path": "../../x"}), {}, known=SCHEMA).findings
    assert found.where == "/params/arguments/path"


def test_names_that_callers_choose_do_not_fill_the_memory() -> None:
    knowledge = Knowledge(Policy.from_dict({}))
    for name in ("x" * 257, "y" * 100_000):
        knowledge.of_tool(name, None)
        knowledge.of_prompt(name)
    assert len(knowledge._known) == 0
    knowledge.of_tool("x" * 256, None)
    assert len(knowledge._known) == 1


def test_a_second_statement_is_found_behind_any_padding() -> None:
    padding = "'" + "a" * 70_000 + "'"
    for query, found in ((f"SELECT {padding}; DROP TABLE t", ["SMCP513"]), (f"SELECT {padding}", [])):
        assert codes(_judge(call("query_database", {"sql": query}), {})) == found


def test_a_refusal_says_what_is_accepted_and_nothing_of_the_value() -> None:
    outcome = _judge(call("x", {"a": {"Zq-secret-name": {"id": "Zq-secret-value/../"}}}), _tool({"/a/*/id": NAME}))
    (found,) = outcome.findings
    assert found.hint and "Zq-secret" not in repr(found)


def test_a_few_refusals_are_told_of_thousands() -> None:
    outcome = _judge(call("x", {"ids": [BAD] * 5_000}), _tool({"ids": NAME}))
    assert len(outcome.findings) == 5


def test_what_is_slow_to_parse_has_a_bound_for_the_whole_message() -> None:
    policy = _tool({"/queries/*": {"kind": "sql"}})
    query = "SELECT a FROM t WHERE b = 'c'"
    assert codes(_judge(call("x", {"queries": [query] * 4}), policy)) == []
    assert codes(_judge(call("x", {"queries": [query] * 4_000}), policy)) == ["SMCP518"]


@pytest.mark.parametrize("kind", [{"kind": "sql"}, {"kind": "command", "programs": {"SELECT": None}}])
def test_a_length_that_the_policy_raises_counts_before_the_bound_of_a_message(kind: dict[str, Any]) -> None:
    long = "SELECT " + " " * 70_000 + "1"
    raised = _tool({"query": {**kind, "max_length": 80_000}})
    assert codes(_judge(call("x", {"query": long}), raised)) == []
    assert codes(_judge(call("x", {"query": [long, long]}), raised)) == ["SMCP518"]


# -- what names and schemas let infer --------------------------------------------------------------------------------

SCHEMA = compile_schema({"type": "object", "properties": {"path": {"type": "string"}, "note": {"type": "string"}}})


@pytest.mark.parametrize("known", [SCHEMA, None])
def test_an_argument_named_a_path_must_not_climb(known: Any) -> None:
    for value, found in (("docs/a.md", []), ("a/../b", []), ("../../.kube/config", ["SMCP510"])):
        assert codes(_judge(call("read_file", {"path": value}), {}, known=known)) == found
    assert codes(_judge(call("read_file", {"note": "../../x"}), {}, known=known)) == []


def test_an_argument_that_no_schema_declares_is_judged_by_its_name() -> None:
    anything = compile_schema({"type": "object"})
    for known in (anything, SCHEMA):
        assert codes(_judge(call("fetch", {"url": "http://169.254.169.254/"}), {}, known=known)) == ["SMCP512"]
        assert codes(_judge(call("fetch", {"url": "https://example.com/"}), {}, known=known)) == []


def test_nothing_is_inferred_where_the_policy_says_so() -> None:
    sent = call("read_file", {"path": "../../.kube/config"})
    assert codes(_judge(sent, {"infer": False})) == []
    assert codes(_judge(sent, {"tools": {"read_*": {"infer": False}}})) == []
    assert codes(_judge(sent, {"infer": False, "tools": {"read_*": {"infer": True}}})) == ["SMCP510"]


def test_a_contract_takes_the_place_of_what_is_inferred() -> None:
    policy = {"tools": {"read_file": {"arguments": {"path": {"kind": "text"}}}}}
    for known in (SCHEMA, None):
        assert codes(_judge(call("read_file", {"path": "../x"}), policy, known=known)) == []


def test_a_resource_uri_must_not_climb() -> None:
    assert codes(_judge(legacy("resources/read", {"uri": "docs://guide/a.md"}), {})) == []
    assert codes(_judge(legacy("resources/read", {"uri": "docs://../../etc/passwd"}), {})) == ["SMCP510"]
    assert codes(_judge(legacy("resources/read", {"uri": "docs://../../etc/passwd"}), {"infer": False})) == []
