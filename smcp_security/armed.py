"""Everything that a policy compiles to. Made when the policy loads, swapped as a whole, so that a reload is atomic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from smcp_security import audit
from smcp_security.checks import Step, request_steps, response_steps
from smcp_security.checks.rung import Context
from smcp_security.decision import Decision
from smcp_security.errors import PolicyError
from smcp_security.message import serialise
from smcp_security.policy import Policy, resolve
from smcp_security.rulebook import load
from smcp_security.schemas import ToolSchema, UnusableSchema, compile_schema
from smcp_security.stores.definitions import Definitions

PolicySource: TypeAlias = "Policy | Mapping[str, Any] | str | os.PathLike[str] | None"
_SECTIONS: Final = ("arguments", "injection", "limits", "results")


@dataclass(frozen=True, slots=True)
class Armed:
    """A policy ready to judge: the two ladders, what they share, and where verdicts are written down."""

    policy: Policy
    request: tuple[Step, ...]
    response: tuple[Step, ...]
    monitored: frozenset[str]
    definitions: Definitions
    rules: str
    sink: audit.Sink
    digest: audit.Digest

    @property
    def mode(self) -> str:
        """How it judges, for the audit."""
        return "monitor " + ",".join(sorted(self.monitored)) if self.monitored else "enforce"

    def summary(self) -> str:
        """One line that says what is on."""
        policy, server = self.policy, self.policy.server
        rates = ", ".join(f"{limit.rate} per {limit.per}" for limit in policy.limits) or "none"
        hosts = "loopback names" if server.hosts is None else ", ".join(server.hosts) or "nobody"
        return (
            f"smcp_security is on: {self.mode}, profile {policy.profile}, paths {', '.join(server.paths)}, "
            f"hosts {hosts}, detection level {policy.injection.level}, rates {rates}, "
            f"policy {policy.digest[:12]}, rules {self.rules[:12]}"
        )

    def record(self, decision: Decision, edge: str) -> dict[str, Any]:
        """The audit record of a verdict. `edge` names the adapter."""
        context = decision.context or Context()
        message, full = context.message, self.policy.audit.arguments == "full"
        return audit.decision_record(
            decision=decision,
            at=context.now,
            mode=self.mode,
            policy=self.policy.digest,
            rules=self.rules,
            address=context.address,
            label=context.label,
            session=context.session,
            era=message.era.value if message is not None else "",
            revision=message.revision if message is not None else "",
            method=message.method if message is not None else "",
            target=message.target if message is not None else "",
            # The hash is taken of the bytes that go on, which cost nothing; only who wants the value pays for it.
            arguments=None if message is None else serialise(message.params) if full else message.raw,
            digest=self.digest,
            full=full,
            edge=edge,
            size=len(message.raw) if message is not None else 0,
        )


def arm(source: PolicySource, before: Armed | None = None) -> Armed:
    """Compile a policy. `before` is the one in force: its lessons and, if the section is the same, its audit go on.

    Raises `PolicyError` or `RulesError`.
    """
    policy = resolve(source, os.environ)
    rulebook = load(policy.injection.level)
    definitions = Definitions(_stated(policy))
    same = before is not None and before.policy.audit == policy.audit
    if before is not None:
        definitions.adopt(before.definitions)
    return Armed(
        policy,
        request_steps(policy, rulebook),
        response_steps(policy),
        frozenset(section for section in _SECTIONS if not policy.enforces(section)),
        definitions,
        rulebook.version,
        before.sink if same and before is not None else audit.open_sink(policy.audit),
        before.digest if same and before is not None else audit.Digest.from_reference(policy.audit.key, os.environ),
    )


def _stated(policy: Policy) -> dict[str, ToolSchema]:
    """The schemas that the policy states for tools."""
    stated = {}
    for name, tool in policy.tools.items():
        if tool.schema is not None:
            try:
                stated[name] = compile_schema(tool.schema)
            except UnusableSchema as unusable:
                raise PolicyError(f"tools.{name}.schema: {unusable}") from unusable
    return stated
