"""Which calls may have which secrets: a grant fits if all that it says fits, and all secrets are given or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from smcp_security.checks.custody import OpenSecret
from smcp_security.checks.demands import Demands
from smcp_security.checks.rung import Context
from smcp_security.checks.secrets import build
from smcp_security.decision import Caller, Finding, Outcome
from smcp_security.drivers import drive
from smcp_security.errors import InvalidToken, Unavailable, VaultError
from smcp_security.message import parse, typed
from smcp_security.opened import Opened
from smcp_security.policy import Policy
from smcp_security.policy.units import parse_rate
from smcp_security.strict_json import serialise
from tests.adapters.tools.vaulted import OF_ACME, OF_HARBOUR, RAW, TOKEN

ROLES = {
    "viewer": {"allow": [{"tools": ["*"]}]},
    "editor": {"extends": ["viewer"], "allow": [{"tools": ["*"]}]},
    "guest": {"tenants": ["acme"], "extends": ["viewer"], "allow": [{"tools": ["*"]}]},
}
ANN = Caller("jwt:https://issuer.example/#ann", True, roles=("editor",), tenant="acme")
Kept = Mapping[tuple[str, str], str | bytes]
KEPT: Kept = {
    ("", "token"): TOKEN,
    ("", "raw"): RAW,
    ("", "short"): "under-12-by",
    ("", "deploy"): TOKEN[::-1],
    ("acme", "deploy"): OF_ACME,
    ("harbour", "deploy"): OF_HARBOUR,
}


def _policy(*grants: dict[str, Any]) -> Policy:
    vault = {"file": "vault.smcp", "key": "env:KEY", "grants": list(grants)}
    identity = {"api_keys": {"file": "keys.yaml"}}
    return Policy.from_dict({"version": 1, "identity": identity, "roles": ROLES, "vault": vault})


def _context(caller: Caller | None = None, tool: str = "query", method: str = "tools/call") -> Context:
    params = {"name": tool, "arguments": {}}
    raw = serialise({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    return Context(message=typed(parse(raw, max_depth=64), revision="2025-11-25"), caller=caller)


class _Vault:
    """Answers from some values, or with an error, and keeps what was asked."""

    def __init__(self, kept: Kept = KEPT, error: Exception | None = None) -> None:
        self.kept, self.error = kept, error
        self.asked: list[tuple[str, str]] = []

    def __call__(self, question: Any) -> Opened | None:
        assert isinstance(question, OpenSecret)
        self.asked.append((question.tenant, question.name))
        if self.error is not None:
            raise self.error
        value = self.kept.get((question.tenant, question.name))
        octets = value.encode() if isinstance(value, str) else value
        return None if octets is None else Opened(question.name, octets, 3, question.tenant)


def _outcome(policy: Policy, context: Context, vault: _Vault | None = None, **wanted: str) -> Outcome:
    texts = [name for name in wanted if not name.startswith("octets")]
    return drive(build(policy, wanted or {"key": "token"}, texts)(context), vault or _Vault())


def _given(policy: Policy, context: Context, vault: _Vault | None = None, **wanted: str) -> dict[str, bytes]:
    outcome = _outcome(policy, context, vault, **wanted)
    assert outcome.findings == ()
    return {each.parameter: each.secret.value for each in outcome.given}


def _refusal(policy: Policy, context: Context, vault: _Vault | None = None, **wanted: str) -> Finding:
    outcome = _outcome(policy, context, vault, **wanted)
    [finding] = outcome.findings
    assert outcome.given == () and finding.where == "/params/name"
    return finding


def _fits(grant: dict[str, Any], caller: Caller | None = None, tool: str = "query") -> bool:
    """Whether a grant of the shared secret lets a call have it."""
    outcome = _outcome(_policy({"secrets": ["token"], "tools": ["*"], **grant}), _context(caller, tool))
    assert [each.code for each in outcome.findings] in ([], ["SMCP920"])
    return bool(outcome.given)


# -- grants ------------------------------------------------------------------------------------------------------------


def test_a_grant_gives_its_secrets_to_its_tools_and_to_no_others() -> None:
    policy = _policy({"secrets": ["token"], "tools": ["query", "get_*"]})
    for tool in ("query", "get_user"):
        assert _given(policy, _context(tool=tool)) == {"key": TOKEN.encode()}
    for tool in ("query2", "Query", "get/user", "", "*"):
        assert _refusal(policy, _context(tool=tool)).code == "SMCP920"


def test_without_a_vault_or_a_grant_nothing_is_given_and_nothing_asked() -> None:
    vault = _Vault()
    for policy in (Policy.from_dict({"version": 1}), _policy(), _policy({"secrets": ["other"], "tools": ["*"]})):
        finding = _refusal(policy, _context(ANN), vault)
        assert (finding.code, finding.about) == ("SMCP920", "token")
    assert vault.asked == []


@pytest.mark.parametrize(
    ("grant", "stranger"),
    [
        ({"callers": ["jwt:https://issuer.example/#*"]}, {"id": "key:ann"}),
        ({"roles": ["editor"]}, {"roles": ("viewer",)}),
        ({"tenants": ["acme", "other"]}, {"tenant": "harbour"}),
        ({"tenants": ["*"]}, {"tenant": ""}),
    ],
    ids=["callers", "roles", "tenants", "any tenant"],
)
def test_what_a_grant_says_of_callers_fits_verified_ones_alone(grant: dict[str, Any], stranger: Any) -> None:
    assert _fits(grant, ANN)
    facts = {"id": ANN.id, "roles": ANN.roles, "tenant": ANN.tenant}
    assert not _fits(grant, Caller(**{**facts, **stranger}, verified=True))
    assert not _fits(grant, Caller(**facts, verified=False))
    assert not _fits(grant, None)
    assert _fits({}, None)


def test_all_that_a_grant_says_must_fit() -> None:
    whole = {"callers": [ANN.id], "roles": ["editor"], "tenants": ["acme"], "tools": ["query"]}
    assert _fits(whole, ANN)
    for wrong in ({"callers": ["key:*"]}, {"roles": ["guest"]}, {"tenants": ["harbour"]}, {"tools": ["other"]}):
        assert not _fits({**whole, **wrong}, ANN)


def test_a_role_that_extends_another_one_is_that_one_too_where_it_counts() -> None:
    assert _fits({"roles": ["viewer"]}, ANN)
    assert _fits({"roles": ["viewer"]}, Caller("key:bob", True, roles=("guest",), tenant="acme"))
    assert not _fits({"roles": ["viewer"]}, Caller("key:bob", True, roles=("guest",), tenant="harbour"))


def test_only_calls_of_tools_are_given_secrets() -> None:
    policy = _policy({"secrets": ["token"], "tools": ["*"]})
    assert _refusal(policy, _context(ANN, method="prompts/get")).code == "SMCP920"
    assert _refusal(policy, Context()).code == "SMCP920"


# -- owners ------------------------------------------------------------------------------------------------------------


def test_a_tenant_gets_its_own_secret_and_no_others() -> None:
    policy = _policy({"secrets": ["deploy"], "tools": ["*"], "owner": "tenant"})
    for tenant, value in (("acme", OF_ACME), ("harbour", OF_HARBOUR)):
        caller = Caller("key:x", True, tenant=tenant)
        assert _given(policy, _context(caller), key="deploy") == {"key": value.encode()}
    vault = _Vault()
    # The shared secret is nobody's, and so not that of a caller without a tenant.
    for nobody in (None, Caller("key:x", True), Caller("key:x", False, tenant="acme")):
        assert _refusal(policy, _context(nobody), vault, key="deploy").code == "SMCP920"
    assert vault.asked == []


def test_a_grant_of_one_owner_never_opens_the_secret_of_the_other() -> None:
    shared = _policy({"secrets": ["deploy"], "tools": ["*"]})
    vault = _Vault({("acme", "deploy"): OF_ACME})
    assert _refusal(shared, _context(ANN), vault, key="deploy").code == "SMCP921"
    assert vault.asked == [("", "deploy")]
    own = _policy({"secrets": ["deploy"], "tools": ["*"], "owner": "tenant"})
    vault = _Vault({("", "deploy"): TOKEN})
    assert _refusal(own, _context(ANN), vault, key="deploy").code == "SMCP921"
    assert vault.asked == [("acme", "deploy")]


def test_where_both_owners_are_granted_the_tenants_own_comes_first() -> None:
    grants: list[dict[str, Any]] = [{"secrets": ["deploy"], "tools": ["*"]}]
    grants.append({**grants[0], "owner": "tenant", "tenants": ["acme", "empty"]})
    for order in (grants, grants[::-1]):
        policy = _policy(*order)
        assert _given(policy, _context(ANN), key="deploy") == {"key": OF_ACME.encode()}
        for tenant in ("empty", "harbour", ""):
            caller = Caller("key:x", True, tenant=tenant)
            assert _given(policy, _context(caller), key="deploy") == {"key": TOKEN[::-1].encode()}


# -- what the vault has ------------------------------------------------------------------------------------------------


def test_all_secrets_are_given_or_none() -> None:
    policy = _policy({"secrets": ["token", "gone", "deploy"], "tools": ["*"]})
    assert set(_given(policy, _context(), first="token", second="deploy", third="token")) == {
        "first",
        "second",
        "third",
    }
    finding = _refusal(policy, _context(), first="token", second="gone")
    assert (finding.code, finding.about) == ("SMCP921", "gone: not there, or expired")
    vault = _Vault()
    assert _refusal(policy, _context(), vault, first="token", second="ungranted").about == "ungranted"
    assert vault.asked == [], "nothing is opened for a call that is refused"


def test_a_short_secret_is_never_given() -> None:
    policy = _policy({"secrets": ["short"], "tools": ["*"]})
    finding = _refusal(policy, _context(), key="short")
    assert (finding.code, finding.about) == ("SMCP921", "short: under 12 bytes")
    assert _given(policy, _context(), _Vault({("", "short"): "twelve-bytes"}), key="short") == {"key": b"twelve-bytes"}


def test_what_is_no_text_is_given_as_octets_alone() -> None:
    policy = _policy({"secrets": ["raw"], "tools": ["*"]})
    finding = _refusal(policy, _context(), key="raw")
    assert (finding.code, finding.about) == ("SMCP921", "raw: not UTF-8")
    assert _given(policy, _context(), octets="raw") == {"octets": RAW}


@pytest.mark.parametrize(
    "error", [Unavailable(), VaultError("x"), InvalidToken()], ids=lambda error: type(error).__name__
)
def test_a_vault_that_cannot_be_read_gives_nothing(error: Exception) -> None:
    finding = _refusal(_policy({"secrets": ["token"], "tools": ["*"]}), _context(), _Vault(error=error))
    assert (finding.code, finding.about, finding.hint) == ("SMCP921", "token: cannot be opened", "")


def test_a_secret_shows_in_no_representation() -> None:
    outcome = _outcome(_policy({"secrets": ["token"], "tools": ["*"]}), _context())
    context = _context()
    context.given = outcome.given
    for text in (repr(outcome), repr(outcome.given), str(outcome.given[0]), repr(context)):
        assert TOKEN not in text and repr(TOKEN.encode()) not in text


# -- as a demand of a tool ---------------------------------------------------------------------------------------------


def test_secrets_are_the_last_demand_and_enforced_in_monitor_mode_too() -> None:
    demands = Demands(
        "query", (), ("read",), parse_rate("1/minute"), secrets={"key": "token"}, texts=frozenset({"key"})
    )
    steps = demands.steps(_policy())
    assert [step.name for step in steps][-2:] == ["demanded rate", "demanded secrets"]
    assert steps[-1].section == "" and demands.any
    assert Demands("query", secrets={"key": "token"}).any and not Demands("query").any
