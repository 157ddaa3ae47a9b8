"""Every setting of every kind of contract changes a verdict: none is there that nothing reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import pytest

from smcp_security import Action, SMCPSecurityFramework
from smcp_security.contracts.compile import compiled
from smcp_security.contracts.contract import Contract, Found, HostLookup, ResolvedPath
from smcp_security.policy.contract_reader import read_contract
from smcp_security.policy.contracts import KINDS
from tests.envelopes import call

NEEDED: Final[Mapping[str, Mapping[str, Any]]] = {
    "path": {"roots": ["/srv/data"]},
    "command": {"programs": {"ls": None}},
    "enum": {"values": ["a", "b"]},
    "regex": {"pattern": "[a-z]+"},
}
LOCAL: Final = {"resolve": "local"}
NO_LOOKUP: Final = {"resolve": False}


class Setting(NamedTuple):
    """`value` is accepted with `wide` and refused with `narrow`, which are settings beside those that are needed."""

    kind: str
    name: str
    value: str
    wide: Mapping[str, Any]
    narrow: Mapping[str, Any]


LENGTHS: Final = {
    "path": "a/b", "url": "https://a.example.com/", "sql": "select 1", "command": "ls a", "argv_token": "main",
    "identifier": "main", "regex": "main", "json": "[1, 2]", "html": "<b>x</b>", "template": "hello", "text": "hello",
    "code": "a = 1",
}  # fmt: skip
"""Kinds with `max_length`, and a text of more than three characters that each accepts."""

SETTINGS: Final = (
    *(Setting(kind, "max_length", value, NO_LOOKUP if kind == "url" else {}, {"max_length": 2})
      for kind, value in LENGTHS.items()),
    Setting("path", "roots", "/srv/out/x", {"roots": ["/srv/out"]}, {"roots": ["/srv/data"]}),
    Setting("path", "resolve", "link", {}, LOCAL),
    Setting("path", "suffixes", "a.txt", {}, {"suffixes": [".md"]}),
    Setting("path", "must_exist", "missing", LOCAL, {**LOCAL, "must_exist": True}),
    Setting("url", "schemes", "ftp://a.example.com/", {**NO_LOOKUP, "schemes": ["ftp"]}, {**NO_LOOKUP}),
    Setting("url", "hosts", "https://b.example.net/", NO_LOOKUP, {**NO_LOOKUP, "hosts": ["*.example.com"]}),
    Setting("url", "ports", "https://a.example.com:8443/", {**NO_LOOKUP, "ports": [8443]}, {**NO_LOOKUP}),
    Setting("url", "public_only", "http://10.0.0.1/", {"public_only": False}, {"public_only": True}),
    Setting("url", "resolve", "http://inside.example.com/", NO_LOOKUP, {"resolve": True}),
    Setting("sql", "dialect", "select `a` from t", {"dialect": "mysql"}, {"dialect": "postgres"}),
    Setting("sql", "statements", "delete from t where a = 1", {"statements": ["delete"]}, {}),
    Setting("sql", "tables", "select a from secrets", {}, {"tables": ["orders"]}),
    Setting("sql", "columns", "select password from t", {}, {"columns": ["name"]}),
    Setting("sql", "deny_functions", "select upper(a) from t", {}, {"deny_functions": ["upper"]}),
    Setting("sql", "allow_functions", "select pg_sleep(1)", {"allow_functions": ["pg_sleep"]}, {}),
    Setting("sql", "max_rows", "select a from t", {}, {"max_rows": 10}),
    Setting("command", "programs", "git log", {"programs": {"git": ["log"]}}, {"programs": {"git": ["status"]}}),
    Setting("argv_token", "options", "--cached", {"options": ["--cached"]}, {}),
    Setting("identifier", "alphabet", "a b", {"alphabet": "a-z "}, {}),
    Setting("identifier", "min_length", "ab", {}, {"min_length": 3}),
    Setting("email", "domains", "ann@example.net", {}, {"domains": ["example.com"]}),
    Setting("hostname", "hosts", "b.example.net", {}, {"hosts": ["*.example.com"]}),
    Setting("hostname", "addresses", "8.8.8.8", {"addresses": True}, {}),
    Setting("hostname", "public_only", "db.internal", {"public_only": False}, {}),
    Setting("hostname", "resolve", "inside.example.com", {}, {"resolve": True}),
    Setting("cidr", "within", "192.168.0.0/16", {}, {"within": ["10.0.0.0/8"]}),
    Setting("cidr", "version", "10.0.0.0/8", {}, {"version": 6}),
    Setting("uuid", "versions", "0190163d-8694-7391-9d7e-d1a3c5d3a3f1", {}, {"versions": [4]}),
    Setting("date", "form", "12:00:00Z", {"form": "time"}, {"form": "date"}),
    Setting("date", "earliest", "2027-06-01", {}, {"earliest": "2027-07-01"}),
    Setting("date", "latest", "2027-06-01", {}, {"latest": "2027-05-01"}),
    Setting("enum", "values", "b", {}, {"values": ["a"]}),
    Setting("regex", "pattern", "main", {}, {"pattern": "[0-9]+"}),
    Setting("json", "max_depth", "[[[1]]]", {}, {"max_depth": 2}),
    Setting("html", "elements", "<b>x</b>", {}, {"elements": ["i"]}),
    Setting("template", "variables", "{{ name }}", {"variables": ["name"]}, {}),
    Setting("text", "min_length", "hello", {}, {"min_length": 6}),
    Setting("text", "controls", "a\nb", {}, {"controls": ["\t"]}),
    Setting("text", "scripts", "\u043f\u0440\u0438\u0432\u0435\u0442", {}, {"scripts": ["Latin"]}),
)  # fmt: skip


def _accepts(kind: str, settings: Mapping[str, Any], value: str) -> bool:
    contract = compiled(read_contract({"kind": kind, **NEEDED.get(kind, {}), **settings}))
    return contract.fault(value) is None and contract.fault_found(value, _world(contract, value)) is None


def _world(contract: Contract, value: str) -> tuple[Found, ...]:
    """A link that leaves the root, a file that is not there, a name of the inside."""
    found: list[Found] = []
    for lookup in contract.lookups(value):
        if isinstance(lookup, HostLookup):
            found.append(("10.0.0.1",))
        else:
            real = "/etc/passwd" if lookup.path.endswith("/link") else lookup.path
            found.append(ResolvedPath(real, not lookup.path.endswith("/missing")))
    return tuple(found)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting.kind}.{setting.name}")
def test_a_setting_decides_whether_a_value_is_accepted(setting: Setting) -> None:
    assert _accepts(setting.kind, setting.wide, setting.value)
    assert not _accepts(setting.kind, setting.narrow, setting.value)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_policy_says_of_detection_counts_in_every_kind(kind: str) -> None:
    found: dict[str, tuple[Action, ...]] = {}
    for said in ("block", "annotate", "off"):
        contract = {"kind": kind, **NEEDED.get(kind, {}), "detect": {"deserialisation": said}}
        policy = {"tools": {"x": {"arguments": {"value": contract}}}, "mode": {"contracts": "monitor"}, "limits": []}
        with SMCPSecurityFramework(policy) as made:
            decision = made.process_request_sync(call("x", {"value": 'O:8:"Template":1:{s:4:"file";s:3:"a.b";}'}))
        found[said] = tuple(each.action for each in decision.findings if each.code.startswith("SMCP6"))
        assert decision.allowed is (said != "block")
    assert Action.BLOCK in found["block"] and set(found["annotate"]) == {Action.REPORT} and found["off"] == ()


def test_no_setting_of_any_kind_is_missing_here() -> None:
    declared = {(kind, name) for kind, model in KINDS.items() for name in model.model_fields}
    proven = {(setting.kind, setting.name) for setting in SETTINGS}
    assert declared - proven == {(kind, name) for kind in KINDS for name in ("kind", "detect")}
    assert proven <= declared
