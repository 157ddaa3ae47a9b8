"""The envelope of both eras: JSON-RPC first, then era and revision, then headers, method and params, in that order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import envelope
from smcp_security.checks.rung import Context
from smcp_security.decision import Outcome
from smcp_security.message import Era, Kind, parse
from smcp_security.policy import ServerPolicy
from tests.envelopes import (
    ASSUMED,
    CAPABILITIES_KEY,
    LEGACY,
    MODERN,
    PLAIN,
    VERSION_KEY,
    arriving,
    call,
    climb,
    codes,
    encoded,
    headers_of,
    legacy,
    modern,
    without,
)

Fields = list[tuple[str, str]]


def _judge(value: dict[str, Any], fields: Fields | None = None, *, in_process: bool = False, **server: Any) -> Outcome:
    context = Context() if in_process else arriving(value, fields)
    context.message = parse(encoded(value), max_depth=64)
    return climb(envelope.build(ServerPolicy(**server))(context))


def _where(outcome: Outcome) -> tuple[str, str]:
    return outcome.findings[0].code, outcome.findings[0].where


HANDSHAKE = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}


@pytest.mark.parametrize(
    "value",
    [
        legacy("ping"),
        legacy("initialize", HANDSHAKE),
        legacy("notifications/initialized", id=None),
        legacy("tools/list", id="a"),
        legacy("tools/list", {"cursor": "x"}, id=0),
        call("echo", {"Name": 1, "name": 2}),
        call("echo", {}, era="modern"),
        modern("server/discover"),
        legacy("tasks/get", {"taskId": "t"}),
        legacy("tasks/list"),
        modern(
            "tasks/get", {"taskId": "t"}, **{CAPABILITIES_KEY: {"extensions": {"io.modelcontextprotocol/tasks": {}}}}
        ),
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no"}},
        {"jsonrpc": "2.0", "error": {"code": -1, "message": "no", "data": {"Code": 1}}},
        legacy("prompts/get", {"name": "p", "arguments": {"Arguments": "x"}}),
    ],
)
def test_an_honest_message_passes(value: dict[str, Any]) -> None:
    assert codes(_judge(value)) == []
    assert codes(_judge(value, in_process=True)) == []


PING = legacy("ping")


@pytest.mark.parametrize(
    ("value", "code", "where"),
    [
        ({**PING, "Method": "tools/call"}, "SMCP123", "/*"),
        ({**PING, "ID": 2}, "SMCP123", "/*"),
        ({**PING, "paramſ": {}}, "SMCP123", "/*"),
        ({**PING, "_params": {}}, "SMCP123", "/*"),
        ({**PING, "json_rpc": "2.0"}, "SMCP123", "/*"),
        ({**PING, "extra": 1}, "SMCP122", "/*"),
        ({**PING, "_meta": {}}, "SMCP122", "/*"),
        ({**PING, "": 1}, "SMCP122", "/*"),
        ({"id": 1, "method": "ping"}, "SMCP120", "/jsonrpc"),
        ({**PING, "jsonrpc": "1.0"}, "SMCP120", "/jsonrpc"),
        ({**PING, "jsonrpc": 2.0}, "SMCP120", "/jsonrpc"),
        ({**PING, "id": None}, "SMCP121", "/id"),
        ({**PING, "id": 1.5}, "SMCP121", "/id"),
        ({**PING, "id": 1.0}, "SMCP121", "/id"),
        ({**PING, "id": True}, "SMCP121", "/id"),
        ({**PING, "id": [1]}, "SMCP121", "/id"),
        ({**PING, "id": {}}, "SMCP121", "/id"),
        ({**PING, "method": None}, "SMCP120", "/method"),
        ({**PING, "method": ["tools/call"]}, "SMCP120", "/method"),
        ({**PING, "result": {}}, "SMCP120", "/method"),
        ({**PING, "error": {}}, "SMCP120", "/method"),
        ({"jsonrpc": "2.0", "id": 1}, "SMCP120", ""),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": 1, "message": ""}}, "SMCP120", ""),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "params": {}}, "SMCP120", ""),
        ({"jsonrpc": "2.0", "result": {}}, "SMCP121", "/id"),
        ({"jsonrpc": "2.0", "id": 1, "error": "no"}, "SMCP120", "/error"),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": "1", "message": "no"}}, "SMCP120", "/error"),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": True, "message": "no"}}, "SMCP120", "/error"),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": 1}}, "SMCP120", "/error"),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "", "Message": ""}}, "SMCP123", "/error/*"),
        ({}, "SMCP120", "/jsonrpc"),
    ],
)
def test_what_is_no_json_rpc_message_is_refused_and_stays_untyped(value: dict[str, Any], code: str, where: str) -> None:
    outcome = _judge(value, list(PLAIN))
    assert _where(outcome) == (code, where)
    # Nothing of a broken envelope is to be trusted, its id least of all.
    assert outcome.edit is None


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({**call("echo"), "params": {"name": "greet", "Name": "secret", "arguments": {}}}, "/params/*"),
        ({**call("echo"), "params": {"name": "greet", "arguments": {}, "Arguments": {}}}, "/params/*"),
        ({**call("echo"), "params": {"name": "a", "_meta": {"ProgressToken": 1}}}, "/params/_meta/*"),
        (
            legacy("initialize", {**HANDSHAKE, "clientInfo": {"name": "a", "version": "1", "NAME": "b"}}),
            "/params/clientInfo/*",
        ),
        (legacy("tasks/get", {"taskId": "t", "TaskId": "u"}), "/params/*"),
        (legacy("tasks/get", {"taskId": "t", "task_id": "u"}), "/params/*"),
    ],
)
def test_a_twin_of_a_protocol_key_in_params_is_refused(value: dict[str, Any], path: str) -> None:
    assert _where(_judge(value)) == ("SMCP123", path)


@pytest.mark.parametrize("value", [legacy("tools/call", {}), legacy("tools/call"), legacy("tools/call", {"name": 1})])
def test_params_of_another_shape_are_refused(value: dict[str, Any]) -> None:
    assert codes(_judge(value)) == ["SMCP128"]


@pytest.mark.parametrize("params", [[], [{"name": "a"}], "x", 7, True])
@pytest.mark.parametrize("method", ["tools/call", "ping", "tasks/get"])
def test_params_are_an_object(method: str, params: Any) -> None:
    assert codes(_judge({**legacy(method), "params": params}, in_process=True)) == ["SMCP128"]


@pytest.mark.parametrize("params", [{}, {"taskId": 7}, {"taskId": None}, {"taskid": "t"}])
def test_a_task_is_named_by_a_string(params: dict[str, Any]) -> None:
    assert codes(_judge(legacy("tasks/get", params))) == ["SMCP128"]


@pytest.mark.parametrize(
    "method",
    [
        "tools/delete",
        "Tools/call",
        "tools/call ",
        "TOOLS/CALL",
        "tools//call",
        "",
        "rpc.discover",
        "tasks",
        "sampling/createMessage",
    ],
)
def test_a_method_that_no_revision_knows_is_refused(method: str) -> None:
    assert codes(_judge(legacy(method))) == ["SMCP127"]


@pytest.mark.parametrize(
    ("method", "glob", "known"),
    [
        ("x-vendor/thing", "x-vendor/thing", True),
        ("x-vendor/thing", "x-vendor/*", True),
        ("x-vendor/a.b", "x-vendor/*", True),
        ("x-vendor/a/b", "x-vendor/*", False),
        ("X-Vendor/thing", "x-vendor/*", False),
        ("x-vendor/", "x-vendor/thing", False),
    ],
)
def test_a_vendors_method_is_known_once_the_policy_names_it(method: str, glob: str, known: bool) -> None:
    assert codes(_judge(legacy(method))) == ["SMCP127"]
    assert codes(_judge(legacy(method), extra_methods=[glob])) == ([] if known else ["SMCP127"])


def test_a_star_for_methods_does_not_cross_a_slash() -> None:
    assert codes(_judge(legacy("tasks/get/all"))) == ["SMCP127"]


def test_a_call_cannot_pose_as_a_notification() -> None:
    assert codes(_judge(legacy("tools/call", {"name": "x"}, id=None))) == ["SMCP127"]
    assert codes(_judge(legacy("notifications/initialized", id=1))) == ["SMCP127"]


@pytest.mark.parametrize(
    ("value", "fields", "era", "revision"),
    [
        (PING, list(PLAIN), Era.LEGACY, ASSUMED),
        (PING, [*PLAIN, ("mcp-protocol-version", LEGACY)], Era.LEGACY, LEGACY),
        (legacy("initialize", HANDSHAKE), list(PLAIN), Era.LEGACY, LEGACY),
        (legacy("initialize", {**HANDSHAKE, "protocolVersion": "1999-01-01"}), list(PLAIN), Era.LEGACY, LEGACY),
        # The newest version is an offer like any other: the server answers with one that has a handshake.
        (legacy("initialize", {**HANDSHAKE, "protocolVersion": MODERN}), list(PLAIN), Era.LEGACY, LEGACY),
        (modern("tools/list"), None, Era.MODERN, MODERN),
    ],
)
def test_the_era_and_revision_are_read_off_body_and_header(
    value: dict[str, Any], fields: Fields | None, era: Era, revision: str
) -> None:
    outcome = _judge(value, fields)
    assert codes(outcome) == [] and outcome.edit is not None
    assert (outcome.edit.era, outcome.edit.revision) == (era, revision)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (PING, Kind.REQUEST),
        (legacy("notifications/initialized", id=None), Kind.NOTIFICATION),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, Kind.RESPONSE),
    ],
)
def test_the_three_kinds_of_message_are_told_apart(value: dict[str, Any], kind: Kind) -> None:
    edit = _judge(value).edit
    assert edit is not None and edit.kind is kind and edit.id == value.get("id")


DISCOVER = modern("server/discover")


def _meta(**fields: Any) -> dict[str, Any]:
    return legacy("server/discover", {"_meta": fields})


@pytest.mark.parametrize(
    ("meta", "version", "code"),
    [
        ({VERSION_KEY: MODERN, CAPABILITIES_KEY: {}}, MODERN, ""),
        ({VERSION_KEY: MODERN}, MODERN, "SMCP125"),
        ({CAPABILITIES_KEY: {}}, MODERN, "SMCP125"),
        ({}, MODERN, "SMCP125"),
        ({}, "2099-01-01", "SMCP125"),
        ({VERSION_KEY: MODERN, CAPABILITIES_KEY: {}}, LEGACY, "SMCP124"),
        ({VERSION_KEY: LEGACY, CAPABILITIES_KEY: {}}, MODERN, "SMCP124"),
        ({VERSION_KEY: 7, CAPABILITIES_KEY: {}}, MODERN, "SMCP124"),
        ({VERSION_KEY: "2099-01-01", CAPABILITIES_KEY: {}}, "2099-01-01", "SMCP126"),
        ({VERSION_KEY: LEGACY, CAPABILITIES_KEY: {}}, LEGACY, "SMCP126"),
        ({VERSION_KEY: "", CAPABILITIES_KEY: {}}, "", "SMCP126"),
    ],
)
def test_the_ladder_of_the_modern_era(meta: dict[str, Any], version: str, code: str) -> None:
    routing = [("mcp-protocol-version", version), ("mcp-method", "server/discover")]
    assert codes(_judge(_meta(**meta), [*PLAIN, *routing])) == ([code] if code else [])


@pytest.mark.parametrize("name", ["mcp-protocol-version", "mcp-method", "mcp-name"])
def test_missing_repeated_and_wrong_routing_headers_are_a_mismatch(name: str) -> None:
    value = call("echo", era="modern")
    fields = headers_of(value)
    assert codes(_judge(value, without(fields, name))) == ["SMCP124"]
    assert codes(_judge(value, [*fields, (name, dict(fields)[name])])) == ["SMCP124"]
    assert codes(_judge(value, [*without(fields, name), (name, "delete_all")])) == ["SMCP124"]


def test_the_mismatch_is_told_before_the_unknown_method() -> None:
    value = modern("tools/none")
    assert codes(_judge(value, without(headers_of(value), "mcp-method"))) == ["SMCP124"]
    assert codes(_judge(value)) == ["SMCP127"]


def test_an_unknown_revision_is_answered_with_those_that_are_known() -> None:
    meta = {VERSION_KEY: "2099-01-01", CAPABILITIES_KEY: {}}
    finding = _judge(_meta(**meta), in_process=True).findings[0]
    assert finding.data == {"supported": [MODERN], "requested": "2099-01-01"}


@pytest.mark.parametrize("claimed", ["x" * 33, "<b>", "a b", "２０９９", "../..", "\u202e2026", "a\nb"])
def test_a_text_that_is_no_revision_is_never_repeated(claimed: str) -> None:
    finding = _judge(_meta(**{VERSION_KEY: claimed, CAPABILITIES_KEY: {}}), in_process=True).findings[0]
    assert finding.code == "SMCP126" and claimed not in str(finding)


@pytest.mark.parametrize(
    ("oldest", "version", "passes"),
    [
        ("2025-06-18", "2025-06-18", True),
        ("2025-06-18", LEGACY, True),
        ("2025-06-18", "2025-03-26", False),
        ("2025-06-18", "2024-11-05", False),
        ("2025-06-18", None, False),
        ("2025-03-26", None, True),
        (MODERN, LEGACY, False),
    ],
)
def test_a_revision_older_than_the_policy_allows_is_refused(oldest: str, version: str | None, passes: bool) -> None:
    fields = [*PLAIN, *([("mcp-protocol-version", version)] if version else [])]
    assert codes(_judge(PING, fields, min_protocol=oldest)) == ([] if passes else ["SMCP126"])


def test_two_version_headers_cannot_downgrade_the_era() -> None:
    twice = [*PLAIN, ("mcp-protocol-version", LEGACY), ("mcp-protocol-version", MODERN)]
    assert codes(_judge(PING, twice)) == ["SMCP107"]
    assert codes(_judge(DISCOVER, [*twice, ("mcp-method", "server/discover")])) == ["SMCP124"]


@pytest.mark.parametrize("version", ["", "nonsense", "2025-11-26", "DRAFT-2026-v1", "2025-11-25x", "é"])
def test_an_unknown_version_header_never_falls_back_to_the_older_era(version: str) -> None:
    assert codes(_judge(PING, [*PLAIN, ("mcp-protocol-version", version)])) == ["SMCP125"]


def test_the_modern_era_has_no_posted_responses() -> None:
    posted = {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert codes(_judge(posted, [*PLAIN, ("mcp-protocol-version", MODERN)])) == ["SMCP130"]
    assert codes(_judge(posted, [*PLAIN, ("mcp-protocol-version", LEGACY)])) == []


@pytest.mark.parametrize("declared", [{}, {"extensions": {}}, {"extensions": {"io.modelcontextprotocol/tasks": {}}}])
def test_whether_tasks_need_a_capability_is_for_the_server_to_say(declared: Any) -> None:
    # One without tasks owes -32601 to either client, and which it is nobody else can know.
    assert codes(_judge(modern("tasks/get", {"taskId": "t"}, **{CAPABILITIES_KEY: declared}))) == []


def test_thousands_of_answers_in_one_request_are_refused_before_the_models_see_them() -> None:
    def resumed(count: int) -> dict[str, Any]:
        given = {str(number): {"action": "cancel"} for number in range(count)}
        return modern("tools/call", {"name": "t", "arguments": {}, "inputResponses": given})

    assert codes(_judge(resumed(1_000))) == [] and codes(_judge(resumed(1_001))) == ["SMCP128"]


def test_a_shape_with_hundreds_of_faults_is_refused_for_its_first() -> None:
    info = {
        "protocolVersion": LEGACY,
        "capabilities": {},
        "clientInfo": {"name": "a", "version": "1", "icons": [{}] * 500},
    }
    [finding] = _judge(legacy("initialize", info), list(PLAIN)).findings
    assert (finding.code, finding.where) == ("SMCP128", "/params/clientInfo/icons/*")


def test_methods_that_the_modern_era_removed_are_unknown_there() -> None:
    for method in ("initialize", "ping", "logging/setLevel", "resources/subscribe"):
        assert codes(_judge(modern(method))) == ["SMCP127"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
METHODS = st.sampled_from(
    ["tools/call", "ping", "initialize", "completion/complete", "tasks/get", "notifications/cancelled"]
)


@given(
    st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "x"]), JSON), METHODS, JSON
)
def test_no_message_makes_the_rung_raise(value: dict[str, Any], method: str, params: Any) -> None:
    for shaped in (value, {**value, "jsonrpc": "2.0", "id": 1, "method": method, "params": params}):
        assert len(_judge(shaped, list(PLAIN)).findings) <= 1
        assert len(_judge(shaped, in_process=True).findings) <= 1
