"""The order of the rungs, and why. The first denial wins.

Requests: what headers tell comes first, so that strangers never make us buffer or parse a body (transport, flood,
identity, session); then the bytes become a message (body) that is well-formed for its revision (envelope) and of
something that its caller may use (access). Only then is it looked at for meaning: the arguments against their schema
and contracts, the text against the rulebook. Limits come last, so that a refused message costs its sender nothing of
the rate.
Canonical bytes need no rung of their own: `message.parse` makes them, so that what was inspected is what goes on.

Responses: the size before the parse, the parse before anything that reads the result. Definitions are held to the lock
file before they teach a schema; schemas are learned from whole lists, then each caller sees its part of them. Text is
judged last, of what is left: definitions as they came, then hidden characters go, so that nothing hides in them from
what masks secrets, those of the vault first; what is too long is cut, and instructions are looked for, and marked as
data, in the text that the client will get: a cut must not take the mark at its end. The very last look is for secrets
of the vault, over the bytes that go out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smcp_security.checks import (
    arguments,
    body,
    contracts,
    descriptions,
    envelope,
    hidden_text,
    injection,
    instructions,
    internals,
    lengths,
    limits,
    pinning,
    redaction,
    results,
    transport,
)
from smcp_security.checks.budgets import Tokenizer
from smcp_security.checks.meanings import Knowledge
from smcp_security.checks.rung import Rung
from smcp_security.pins.lock import Lock
from smcp_security.policy import Policy
from smcp_security.redaction.redactor import Redactor
from smcp_security.rulebook import Rulebook

if TYPE_CHECKING:
    from smcp_security.checks.grants import Grants

# The rungs that a policy without callers and roles has no use for are imported by those that do: 25 ms of a start.


@dataclass(frozen=True, slots=True)
class Step:
    """One rung in its place. `section` names the policy section that may be monitored; empty: always enforced."""

    name: str
    rung: Rung
    section: str = ""


def request_steps(
    policy: Policy,
    rulebook: Rulebook,
    *,
    grants: Grants | None = None,
    environment_key: bool = False,
    count_tokens: Tokenizer | None = None,
    detectors: int = 0,
    lock: Lock | None = None,
) -> tuple[Step, ...]:
    """The request ladder of a policy, compiled once when the policy loads. What is off has no rung.

    `grants` may be shared with the other ladder, which asks the same. `environment_key`: there is a key besides those
    of the policy's file. `count_tokens` is for budgets. `detectors` is how many of the operator's own there are.
    """
    knowledge = Knowledge(policy)
    return (
        Step("transport", transport.build(policy.server)),
        Step("flood", limits.build_flood(policy.server.flood)),
        *_identity(policy, environment_key),
        Step("body", body.build(policy.server)),
        Step("envelope", envelope.build(policy.server)),
        *_access(policy, grants),
        *_pinned(policy, lock),
        Step("arguments", arguments.build(policy.arguments), "arguments"),
        Step("contracts", contracts.build(knowledge), "contracts"),
        Step("injection", injection.build(policy.injection, rulebook, knowledge, detectors), "injection"),
        Step("limits", limits.build_limits(policy, count_tokens), "limits"),
    )


def _identity(policy: Policy, environment_key: bool) -> tuple[Step, ...]:
    if policy.identity is None:
        return ()
    from smcp_security.checks import identity, sessions

    return (
        Step("identity", identity.build(policy, environment_key=environment_key)),
        Step("session", sessions.build(policy)),
    )


def _access(policy: Policy, grants: Grants | None) -> tuple[Step, ...]:
    steps: tuple[Step, ...] = ()
    if _restricts(policy):
        from smcp_security.checks import access

        steps += (Step("access", access.build(policy, grants)),)
    if _owns(policy):
        from smcp_security.checks import ownership

        steps += (Step("ownership", ownership.build_request(policy)),)
    return steps


def _restricts(policy: Policy) -> bool:
    return policy.roles is not None or policy.unlisted_tools == "deny"


def _owns(policy: Policy) -> bool:
    """Whether a task is somebody's: with roles and no identity it is nobody's, and so refused."""
    return policy.identity is not None or policy.roles is not None


def grants_of(policy: Policy) -> Grants | None:
    """What the callers of a policy may use, for both ladders; None where everybody may use everything."""
    if not _restricts(policy):
        return None
    from smcp_security.checks.grants import Grants

    return Grants(policy)


def response_steps(
    policy: Policy,
    rulebook: Rulebook,
    redactor: Redactor,
    *,
    defined: Rulebook | None = None,
    grants: Grants | None = None,
    count_tokens: Tokenizer | None = None,
    lock: Lock | None = None,
    vault: bool = False,
) -> tuple[Step, ...]:
    """The response ladder of a policy. `redactor` is that of `results.redact`, `lock` that of `pins`.

    `defined` has the rules for definitions, for a policy that looks into them. `vault`: secrets are handed out, or were
    under a policy before.
    """
    return (
        Step("size", results.build_size(policy.results), "results"),
        Step("parse", results.build_parse()),
        *_standing(policy),
        Step("trace", results.build_trace()),
        *_ownership(policy),
        *_listed(policy, lock),
        Step("learning", results.build_learning()),
        *_listing(policy, grants),
        *_tenancy(policy),
        *_definitions(policy, rulebook, defined, lock),
        *_texts(policy, rulebook, redactor, count_tokens, vault),
        *_leaks(vault, last=True),
    )


def _pinned(policy: Policy, lock: Lock | None) -> tuple[Step, ...]:
    return () if policy.pins is None else (Step("pins", pinning.build_request(policy.pins, _there(lock)), "pins"),)


def _listed(policy: Policy, lock: Lock | None) -> tuple[Step, ...]:
    if policy.pins is None:
        return ()
    rung = pinning.build_response(policy.pins, _there(lock), enforced=policy.enforces("pins"))
    return (Step("pins", rung, "pins"),)


def _there(lock: Lock | None) -> Lock:
    if lock is None:
        raise ValueError("a policy with pins needs its lock")
    return lock


def _definitions(policy: Policy, rulebook: Rulebook, defined: Rulebook | None, lock: Lock | None) -> tuple[Step, ...]:
    if policy.results.descriptions == "off":
        return ()
    if defined is None:
        raise ValueError("a policy that looks into definitions needs the rules for them")
    return (Step("descriptions", descriptions.build(policy, defined, lock, rulebook), "results"),)


def _texts(
    policy: Policy, rulebook: Rulebook, redactor: Redactor, count_tokens: Tokenizer | None, vault: bool
) -> Iterator[Step]:
    asked = policy.results
    if asked.strip:
        yield Step("hidden_text", hidden_text.build(policy), "results")
    yield from _leaks(vault)
    if redactor.kinds:
        yield Step("redaction", redaction.build(policy, redactor), "results")
    if asked.errors != "pass":
        yield Step("internals", internals.build(policy, redactor), "results")
    if asked.max_tokens is not None:
        yield Step("lengths", lengths.build(policy, asked.max_tokens, count_tokens), "results")
    if asked.injection != "off":
        yield Step("instructions", instructions.build(policy, rulebook), "results")


def _leaks(vault: bool, *, last: bool = False) -> Iterator[Step]:
    """Enforced in any mode: a secret that has left cannot be called back."""
    if vault:
        from smcp_security.checks import leaks

        yield Step("last look", leaks.build_last()) if last else Step("leaks", leaks.build())


def _standing(policy: Policy) -> tuple[Step, ...]:
    if policy.identity is None:
        return ()
    from smcp_security.checks import standing

    return (Step("standing", standing.build()),)


def _ownership(policy: Policy) -> tuple[Step, ...]:
    if not _owns(policy):
        return ()
    from smcp_security.checks import ownership

    return (Step("ownership", ownership.build_response(policy)),)


def _listing(policy: Policy, grants: Grants | None) -> tuple[Step, ...]:
    if not _restricts(policy):
        return ()
    from smcp_security.checks import listing

    return (Step("listing", listing.build(policy, grants)),)


def _tenancy(policy: Policy) -> tuple[Step, ...]:
    if not policy.results.tenant:
        return ()
    from smcp_security.checks import tenancy

    return (Step("tenancy", tenancy.build(policy.results.tenant, policy), "results"),)
