"""What a tool demands by itself: roles with what they extend, scopes, contracts, a rate under a key of its own."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from smcp_security.checks import Step
from smcp_security.checks.demands import Demands
from smcp_security.checks.rung import Context, Recall, Refusal, Spend
from smcp_security.decision import Caller, Outcome
from smcp_security.drivers import drive
from smcp_security.errors import PolicyError
from smcp_security.message import parse, typed
from smcp_security.parameters import PathIn, Sql
from smcp_security.policy import Policy
from smcp_security.policy.units import parse_rate
from smcp_security.strict_json import serialise

PLAIN = Policy.from_dict({"version": 1})
TENANTS = {
    "viewer": {"allow": [{"tools": ["*"]}]},
    "editor": {"extends": ["viewer"], "allow": [{"tools": ["*"]}]},
    "guest": {"tenants": ["acme"], "extends": ["viewer"], "allow": [{"tools": ["*"]}]},
}
ROLES = Policy.from_dict({
    "version": 1, "identity": {"api_keys": {"file": "keys.yaml"}}, "roles": TENANTS,
})  # fmt: skip


def _context(arguments: dict[str, Any] | None = None, **caller: Any) -> Context:
    params = {"name": "query", "arguments": arguments or {}}
    raw = serialise({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    context = Context(network="127.0.0.1", message=typed(parse(raw, max_depth=64), revision="2025-11-25"))
    context.caller = Caller("key:ann", True, **caller) if caller else None
    return context


class _Asked:
    """Answers questions, and keeps them."""

    def __init__(self) -> None:
        self.spent: list[Spend] = []
        self.refusal: Refusal | None = None

    def __call__(self, question: Any) -> object:
        if isinstance(question, Spend):
            self.spent.append(question)
            return self.refusal
        assert isinstance(question, Recall)
        return None


def _outcome(step: Step, context: Context, asked: _Asked | None = None) -> Outcome:
    return drive(step.rung(context), asked or _Asked())


def _codes(demands: Demands, context: Context, policy: Policy = PLAIN) -> list[str]:
    return [each.code for step in demands.steps(policy) for each in _outcome(step, context).findings]


def test_no_demand_is_no_step() -> None:
    demands = Demands("query")
    assert not demands.any
    assert demands.steps(PLAIN) == ()


def test_one_of_the_roles_is_enough() -> None:
    demands = Demands("query", roles=("analyst", "admin"))
    assert _codes(demands, _context(roles=("admin",))) == []
    assert _codes(demands, _context(roles=("guest",))) == ["SMCP301"]


def test_a_caller_who_is_not_known_has_no_role() -> None:
    assert _codes(Demands("query", roles=("admin",)), _context()) == ["SMCP301"]


def test_an_empty_list_of_roles_lets_nobody_in() -> None:
    demands = Demands("query", roles=())
    assert demands.any
    assert _codes(demands, _context(roles=("admin",))) == ["SMCP301"]


def test_a_role_that_extends_the_wanted_one_will_do() -> None:
    demands = Demands("query", roles=("viewer",))
    assert _codes(demands, _context(roles=("editor",)), ROLES) == []
    assert _codes(demands, _context(roles=("editor",)), PLAIN) == ["SMCP301"]


def test_a_role_counts_for_its_tenants_alone() -> None:
    demands = Demands("query", roles=("viewer",))
    assert _codes(demands, _context(roles=("guest",), tenant="acme"), ROLES) == []
    assert _codes(demands, _context(roles=("guest",), tenant="other"), ROLES) == ["SMCP301"]


def test_every_scope_is_needed() -> None:
    demands = Demands("query", scopes=("a", "b"))
    assert _codes(demands, _context(scopes=frozenset({"a", "b", "c"}))) == []
    assert _codes(demands, _context(scopes=frozenset({"a"}))) == ["SMCP302"]
    assert _codes(demands, _context()) == ["SMCP302"]


def test_a_missing_scope_says_which_are_needed() -> None:
    [step] = Demands("query", scopes=("a", "b")).steps(ROLES)
    [found] = _outcome(step, _context(scopes=frozenset({"a"}))).findings
    assert found.data == {"scopes": ["a", "b"]}
    assert 'scope="a b"' in found.challenge


def test_a_contract_holds_whatever_the_tool_is_called() -> None:
    demands = Demands("other name", contracts={"/path": PathIn("/srv/data").contract})
    assert _codes(demands, _context({"path": "a.md"})) == []
    assert _codes(demands, _context({"path": "/srv/data_secret/a.md"})) == ["SMCP510"]


def test_a_rate_is_charged_under_a_key_that_no_policy_has() -> None:
    [step] = Demands("query", rate=parse_rate("10/minute")).steps(PLAIN)
    asked = _Asked()
    assert _outcome(step, _context(roles=("admin",)), asked).findings == ()
    [spend] = asked.spent
    [charge] = spend.charges
    assert charge.key.startswith("tool:")
    assert charge.key.endswith("c7:key:ann")
    assert (charge.burst, charge.interval) == (10, 6.0)


def test_callers_who_are_not_known_are_counted_by_address() -> None:
    [step] = Demands("query", rate=parse_rate("10/minute")).steps(PLAIN)
    asked = _Asked()
    _outcome(step, _context(), asked)
    assert "127.0.0.1" in asked.spent[0].charges[0].key


def test_a_used_up_rate_says_when_to_come_back() -> None:
    [step] = Demands("query", rate=parse_rate("10/minute")).steps(PLAIN)
    asked = _Asked()
    asked.refusal = Refusal(0, 5.5)
    [found] = _outcome(step, _context(), asked).findings
    assert (found.code, found.retry_after) == ("SMCP402", 5.5)


@pytest.mark.parametrize(("section", "place"), [("contracts", 0), ("limits", 1)])
def test_what_a_policy_only_monitors_is_told_by_its_section(section: str, place: int) -> None:
    demands = Demands("query", rate=parse_rate("1/minute"), contracts={"/path": PathIn("/srv").contract})
    assert demands.steps(PLAIN)[place].section == section


def test_what_a_contract_needs_is_missed_when_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Demands("query", contracts={"/sql": Sql().contract}).any
    for module in ("sql_judge", "sql_tree"):
        monkeypatch.delitem(sys.modules, f"smcp_security.contracts.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(PolicyError, match="needs sqlglot"):
        Demands("query", contracts={"/sql": Sql().contract})


def test_what_nothing_has_vouched_for_has_no_roles_and_scopes() -> None:
    demands = Demands("query", roles=("admin",), scopes=("read",))
    context = _context(roles=("admin",), scopes=frozenset({"read"}))
    assert _codes(demands, context) == []
    context.caller = Caller("user:ann", roles=("admin",), scopes=frozenset({"read"}))
    assert _codes(demands, context) == ["SMCP301", "SMCP302"]
