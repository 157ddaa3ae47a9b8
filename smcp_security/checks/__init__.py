"""The order of the rungs, and why. The first denial wins.

Requests: what headers tell comes first, so that strangers never make us buffer or parse a body (transport, flood);
then the bytes become a message (body) that is well-formed for its revision (envelope). Only then is it looked at for
meaning: the arguments against their schema, the text against the rulebook. Limits come last, so that a refused
message costs its sender nothing of the rate. Canonical bytes need no rung of their own: `message.parse` makes them,
so that what was inspected is what goes on.

Responses: the size before the parse, the parse before anything that reads the result.
"""

from __future__ import annotations

from dataclasses import dataclass

from smcp_security.checks import arguments, body, envelope, injection, limits, results, transport
from smcp_security.checks.rung import Rung
from smcp_security.policy import Policy
from smcp_security.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Step:
    """One rung in its place. `section` names the policy section that may be monitored; empty: always enforced."""

    name: str
    rung: Rung
    section: str = ""


def request_steps(policy: Policy, rulebook: Rulebook) -> tuple[Step, ...]:
    """The request ladder of a policy, compiled once when the policy loads."""
    return (
        Step("transport", transport.build(policy.server)),
        Step("flood", limits.build_flood(policy.server.flood)),
        Step("body", body.build(policy.server)),
        Step("envelope", envelope.build(policy.server)),
        Step("arguments", arguments.build(policy.arguments), "arguments"),
        Step("injection", injection.build(policy.injection, rulebook), "injection"),
        Step("limits", limits.build_limits(policy.limits), "limits"),
    )


def response_steps(policy: Policy) -> tuple[Step, ...]:
    """The response ladder of a policy."""
    return (
        Step("size", results.build_size(policy.results), "results"),
        Step("parse", results.build_parse()),
        Step("trace", results.build_trace()),
        Step("learning", results.build_learning()),
    )
