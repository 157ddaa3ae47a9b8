"""Everything that a policy compiles to. Made when the policy loads, swapped as a whole, so that a reload is atomic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from smcp_security import audit
from smcp_security.checks import Step, request_steps, response_steps
from smcp_security.checks.limits import build_flood
from smcp_security.checks.rung import Rung
from smcp_security.errors import PolicyError
from smcp_security.policy import Policy, resolve
from smcp_security.rulebook import load
from smcp_security.schemas import ToolSchema, UnusableSchema, compile_schema
from smcp_security.stores.definitions import Definitions

PolicySource: TypeAlias = "Policy | Mapping[str, Any] | str | os.PathLike[str] | None"
_SECTIONS: Final = ("arguments", "injection", "limits", "results")


@dataclass(frozen=True, slots=True)
class Armed:
    """A policy ready to judge: the two ladders, what they share, and where verdicts are written down.

    `flood` is the rung for what an edge refuses by itself.
    """

    policy: Policy
    request: tuple[Step, ...]
    response: tuple[Step, ...]
    flood: Rung
    monitored: frozenset[str]
    definitions: Definitions
    sink: audit.Sink
    seal: audit.Seal

    def summary(self) -> str:
        """One line that says what is on."""
        policy, server = self.policy, self.policy.server
        rates = ", ".join(f"{limit.rate} per {limit.per}" for limit in policy.limits) or "none"
        hosts = "loopback names" if server.hosts is None else ", ".join(server.hosts) or "nobody"
        return (
            f"smcp_security is on: {self.seal.mode}, profile {policy.profile}, paths {', '.join(server.paths)}, "
            f"hosts {hosts}, detection level {policy.injection.level}, rates {rates}, "
            f"policy {policy.digest[:12]}, rules {self.seal.rules[:12]}"
        )


def arm(source: PolicySource, before: Armed | None = None) -> Armed:
    """Compile a policy. `before` is the one in force: its lessons and, if the section is the same, its audit go on.

    Raises `PolicyError` or `RulesError`.
    """
    policy = resolve(source, os.environ)
    rulebook = load(policy.injection.level)
    definitions = Definitions(_stated(policy))
    monitored = frozenset(section for section in _SECTIONS if not policy.enforces(section))
    same = before is not None and before.policy.audit == policy.audit
    # A random key stays: hashes of one process go on comparing equal.
    keyed = before.seal.digest if same and before is not None else None
    digest = keyed or audit.Digest.from_reference(policy.audit.key, os.environ)
    if before is not None:
        definitions.adopt(before.definitions)
    return Armed(
        policy,
        request_steps(policy, rulebook),
        response_steps(policy),
        build_flood(policy.server.flood),
        monitored,
        definitions,
        before.sink if same and before is not None else audit.open_sink(policy.audit),
        audit.Seal(_mode(monitored), policy.digest, rulebook.version, digest, policy.audit.arguments == "full"),
    )


def _mode(monitored: frozenset[str]) -> str:
    return "monitor " + ",".join(sorted(monitored)) if monitored else "enforce"


def _stated(policy: Policy) -> dict[str, ToolSchema]:
    """The schemas that the policy states for tools."""
    stated = {}
    for name, tool in policy.tools.items():
        if tool.schema is not None:
            try:
                stated[name] = compile_schema(tool.schema)
            except UnusableSchema as unusable:
                raise PolicyError(f"tools.{name}.schema: {unusable}") from unusable
            if not stated[name].usable:
                raise PolicyError(
                    f"tools.{name}.schema: an unknown dialect, or a pattern with look-around or too large"
                )
    return stated
