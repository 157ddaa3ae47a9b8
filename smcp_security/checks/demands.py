"""What the code of a tool demands of a call besides the policy: roles, scopes, contracts, a rate, secrets. Pure.

The steps are climbed after the policy's own, or alone where an edge outside has judged the message already. Roles,
scope hierarchy, challenges and monitored sections are those of the policy in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from smcp_security.checks import Step
from smcp_security.checks.contracts import build as build_contracts
from smcp_security.checks.meanings import Knowledge
from smcp_security.checks.membership import held, roles_of
from smcp_security.checks.metadata import challenge
from smcp_security.checks.rates import build_tariff
from smcp_security.checks.rung import Context, Refusal, Run, Rung, Spend, pure
from smcp_security.checks.secrets import build as build_secrets
from smcp_security.checks.subjects import asking, exact
from smcp_security.decision import CLEAN, Outcome, denied
from smcp_security.policy import LimitPolicy, Policy, Rate, ToolPolicy

if TYPE_CHECKING:
    from smcp_security.policy.contracts import AnyContract

_TOOL: Final = "/params/name"
_BY: Final = ("caller",)


@dataclass(frozen=True, slots=True)
class Demands:
    """What one tool demands. None is no demand; an empty tuple of roles is met by nobody.

    `contracts` are by JSON pointer into the arguments; `PolicyError` where something that a kind needs is missing.
    `secrets` are names of secrets by parameter, and `texts` the parameters that must get a text.
    """

    tool: str
    roles: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    rate: Rate | None = None
    contracts: Mapping[str, AnyContract] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    _judges: Rung | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        # Now, and not at the first call: it must not be what tells that an extra is not installed.
        object.__setattr__(self, "_judges", _contracts(self.contracts) if self.contracts else None)

    @property
    def any(self) -> bool:
        """Whether there is any demand at all."""
        limited = self.roles is not None or self.scopes or self.rate is not None
        return bool(limited or self.contracts or self.secrets)

    def steps(self, policy: Policy) -> tuple[Step, ...]:
        """The demands as steps of the ladder, under a policy."""
        steps: list[Step] = []
        if self.roles is not None:
            steps.append(Step("demanded roles", _roles(frozenset(self.roles), policy)))
        if self.scopes:
            steps.append(Step("demanded scopes", _scopes(self.scopes, policy)))
        if self._judges is not None:
            steps.append(Step("demanded contracts", self._judges, "contracts"))
        if self.rate is not None:
            steps.append(Step("demanded rate", _rate(self.tool, self.rate), "limits"))
        if self.secrets:
            # Last, so that nothing is opened for a call that is refused.
            steps.append(Step("demanded secrets", build_secrets(policy, self.secrets, self.texts)))
        return tuple(steps)


def _roles(wanted: frozenset[str], policy: Policy) -> Rung:
    known = roles_of(policy)

    def roles(context: Context) -> Outcome:
        caller = context.caller
        # A name that nothing has vouched for is a label.
        if caller is not None and caller.verified and not wanted.isdisjoint(held(caller, known)):
            return CLEAN
        return denied("SMCP301", _TOOL)

    return pure(roles)


def _scopes(wanted: tuple[str, ...], policy: Policy) -> Rung:
    lacking = denied(
        "SMCP302",
        _TOOL,
        data={"scopes": list(wanted)},
        challenge=challenge(policy, error="insufficient_scope", scopes=wanted),
    )

    def scopes(context: Context) -> Outcome:
        caller = context.caller
        return CLEAN if caller is not None and caller.verified and caller.scopes.issuperset(wanted) else lacking

    return pure(scopes)


def _contracts(contracts: Mapping[str, AnyContract]) -> Rung:
    # Under the glob of all names: the step stands before one tool alone, whatever a server has registered it as.
    tools = {"*": ToolPolicy(arguments=contracts, infer=False)}
    return build_contracts(Knowledge(Policy.model_construct(tools=tools, prompts={}, resources={}, infer=False)))


def _rate(tool: str, rate: Rate) -> Rung:
    limit = LimitPolicy.model_construct(per=_BY, rate=rate, burst=rate.count, tools=None, methods=None, cost=None)
    # A key of its own kind: no limit of a policy begins like this.
    tariff = replace(build_tariff(limit, "caller-of-tool"), prefix=f"tool:{exact(tool)}:{rate}:", grace="")

    def limits(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None:
            return CLEAN
        refusal: Refusal | None = yield Spend((tariff.charge(asking(context, message, _BY)),))
        return CLEAN if refusal is None else Outcome((tariff.refused(refusal, context.now),))

    return limits
