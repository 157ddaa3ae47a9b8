"""Callers, policies of roles, and one step of the access and listing rungs: for the tests of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smcp_security.checks import access, listing
from smcp_security.checks.rung import Context, Rung
from smcp_security.decision import Caller, Origin, Outcome
from smcp_security.message import Era, Message, parse, typed
from smcp_security.policy import Policy
from tests.envelopes import LEGACY, MODERN, climb, codes, encoded, legacy, response

ANN = Caller("jwt:https://idp.example#ann", verified=True, source="jwt", roles=("viewer",), tenant="acme")
IDENTITY = {
    "jwt": [{"issuer": "https://idp.example", "algorithms": ["RS256"], "jwks": "https://idp.example/keys"}],
    "scopes": ["mcp"],
}
RESOURCE = "https://mcp.example.com/mcp"


def caller(*roles: str, scopes: tuple[str, ...] = (), **more: Any) -> Caller:
    """A verified caller with a token."""
    facts = {"id": "jwt:https://idp.example#ann", "verified": True, "source": "jwt", **more}
    return Caller(roles=roles, scopes=frozenset(scopes), **facts)


def policy_of(roles: Any = None, **more: Any) -> Policy:
    """A policy with these roles and a token issuer."""
    given = {"server": {"resource": RESOURCE}, "identity": IDENTITY, **more}
    return Policy.from_dict(given if roles is None else {**given, "roles": roles})


def role(*allow: Any, **more: Any) -> dict[str, Any]:
    """A policy's roles with one, `viewer`, that allows this."""
    return {"viewer": {"allow": list(allow), **more}}


def message_of(value: Mapping[str, Any], era: Era = Era.LEGACY) -> Message:
    """A message as the envelope leaves it."""
    return typed(parse(encoded(value), max_depth=100), era, MODERN if era is Era.MODERN else LEGACY)


def asked(policy: Policy | Rung, value: Mapping[str, Any], who: Caller | None = ANN) -> Outcome:
    """What the access rung says to a request."""
    rung = access.build(policy) if isinstance(policy, Policy) else policy
    return climb(rung(Context(message=message_of(value), caller=who)))


def asking(policy: Policy | Rung, method: str, params: Any, who: Caller | None = ANN) -> list[str]:
    """The codes of the access rung's findings."""
    return codes(asked(policy, legacy(method, params), who))


def calling(policy: Policy | Rung, tool: str, who: Caller | None = ANN, /, **arguments: Any) -> list[str]:
    """The codes for a call of a tool."""
    return asking(policy, "tools/call", {"name": tool, "arguments": arguments}, who)


def reading(policy: Policy | Rung, uri: str, who: Caller | None = ANN) -> list[str]:
    """The codes for a read of a resource."""
    return asking(policy, "resources/read", {"uri": uri}, who)


def answered(
    policy: Policy | Rung,
    method: str,
    result: Any,
    who: Caller | None = ANN,
    *,
    era: Era = Era.LEGACY,
    origin: Origin | None = None,
) -> tuple[Outcome, Any]:
    """(what the listing rung says to the answer of a list, the result that the client gets)."""
    rung = listing.build(policy) if isinstance(policy, Policy) else policy
    request = message_of(legacy(method, {}), era)
    answer = message_of(response(1, result), era)
    context = Context(message=answer, request=request, origin=origin or Origin(method), caller=who)
    outcome = climb(rung(context))
    return outcome, (answer if outcome.edit is None else outcome.edit).value["result"]


_LISTS = {"tools": "tools/list", "prompts": "prompts/list", "resources": "resources/list"} | {
    "resourceTemplates": "resources/templates/list"
}
_NAMES = {"tools": "name", "prompts": "name", "resources": "uri", "resourceTemplates": "uriTemplate"}


def listed(policy: Policy | Rung, key: str, names: list[str], who: Caller | None = ANN) -> list[str]:
    """The names that are left of a list of them."""
    entries = [{_NAMES[key]: name} for name in names]
    _, result = answered(policy, _LISTS[key], {key: entries}, who)
    return [entry[_NAMES[key]] for entry in result[key]]
