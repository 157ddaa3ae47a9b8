"""Plays cases against a policy, each as if it had just been started: no case sees what another has used up.

Nothing outside is asked: no store, no issuer, no audit, no vault. Who calls is what the case says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from posixpath import normpath
from typing import TYPE_CHECKING, Any, Final

import msgspec

from smcp_security.checks.envelope import CAPABILITIES_KEY, VERSION_KEY
from smcp_security.cli.test.bench import Bench
from smcp_security.cli.test.headers import sent
from smcp_security.contexts import RequestContext
from smcp_security.contracts.contract import ResolvedPath
from smcp_security.decision import Action, Caller, Decision, Finding
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.policy import AuditPolicy, ForwardedPolicy, Policy, StorePolicy
from smcp_security.resolution import Resolution
from smcp_security.revisions import MODERN

if TYPE_CHECKING:
    from smcp_security.cli.test.cases import Case

_NOBODY_SENDS: Final = "x-smcp-test-caller"
# What the policy says may depend on it: only who has a token can be asked for another one with more scopes.
_SOURCES: Final = {"jwt": "jwt", "key": "api-key", "user": "forwarded", "cert": "certificate"}
_OTHER: Final = "+lists"
_REFUSALS: Final = frozenset({"deny", "withhold"})
_ELSEWHERE: Final = "192.0.2.1"
"""An address of documentation (RFC 5737): the list must not be charged to who is judged."""


class Ground(msgspec.Struct, frozen=True):
    """What cases stand on: a policy, the tools that the server has listed before, and what names resolve to."""

    policy: Policy
    tools: Sequence[Mapping[str, Any]] = ()
    hosts: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class Verdict(msgspec.Struct, frozen=True):
    """What became of a case. `outcome` is allow, report, deny, withhold or change."""

    outcome: str
    findings: tuple[Finding, ...] = ()


def standing_alone(policy: Policy) -> Policy:
    """The policy without what it would ask of the machine: credentials, the store, the vault and the audit."""
    update: dict[str, Any] = {"audit": AuditPolicy(), "store": StorePolicy.untouched(), "workers": 1, "vault": None}
    if (identity := policy.identity) is not None:
        # A source of callers that no case uses: who calls is said in process.
        nobody = ForwardedPolicy(user=_NOBODY_SENDS)
        sources = {"api_keys": None, "jwt": (), "introspection": (), "certificate": None, "forwarded": nobody}
        update["identity"] = identity.model_copy(update=sources)
    return policy.model_copy(update=update)


@contextmanager
def bench(ground: Ground) -> Iterator[Bench]:
    """Where cases are played, on a policy that stands alone: nothing of this machine counts."""
    hosts = ground.hosts
    resolution = Resolution(lambda host: hosts.get(host, ()), lambda path: ResolvedPath(normpath(path), False))
    made = Bench(ground.policy, resolution)
    with made:
        yield made


def play(case: Case, security: Bench, tools: Sequence[Mapping[str, Any]] = ()) -> Verdict:
    """The verdict on one case, before which nothing has happened but that a list has shown `tools`."""
    security.anew()
    modern = security.policy.server.min_protocol in MODERN
    if tools:
        _show(case, security, tools, modern)
    message = _message(case, modern=modern)
    context = _context(case, sent(case.headers, message, security.policy.server))
    for _ in range(case.times - 1):
        decision = security.process_request_sync(message, context)
        _verdict(case, decision, security)
        security.settle_sync(decision)
    # Held: what nobody can answer any more counts as ended.
    running = [security.process_request_sync(message, context) for _ in range(case.at_once)]
    return _verdict(case, running[-1], security)


def meets(case: Case, verdict: Verdict) -> str:
    """What is wrong with a verdict, in words; empty if it is what the case expects."""
    expected = ("allow", "report") if case.expect == "allow" else (case.expect,)
    if verdict.outcome not in expected:
        return f"expected {case.expect}, got {_told(verdict)}"
    codes = [each.code for each in verdict.findings]
    missing = [code for code in case.code if code not in codes]
    if missing:
        return f"expected {', '.join(missing)}, got {_told(verdict)}"
    if case.code and case.expect in _REFUSALS and not _refuses(case.code, verdict):
        # Without the rule that is meant here it would be refused all the same.
        return f"expected {' or '.join(case.code)} to be what refuses it, got {_told(verdict)}"
    if case.where is not None and not any(
        each.where == case.where for each in verdict.findings if each.code in case.code
    ):
        return f"expected it at {case.where}, got {_told(verdict)}"
    return ""


def _refuses(codes: Sequence[str], verdict: Verdict) -> bool:
    return any(each.code in codes and each.action is Action.BLOCK for each in verdict.findings)


def _told(verdict: Verdict) -> str:
    found = [f"{each.code} {each.slug}{f' at {each.where}' if each.where else ''}" for each in verdict.findings]
    return f"{verdict.outcome} ({'; '.join(found)})" if found else verdict.outcome


def _verdict(case: Case, decision: Decision, security: SMCPSecurityFramework) -> Verdict:
    if not decision.allowed:
        # What refused it, before what was only reported.
        ordered = sorted(decision.findings, key=lambda each: each.action is not Action.BLOCK)
        return Verdict("deny", tuple(ordered))
    if case.result is None or decision.request is None:
        return Verdict("report" if decision.findings else "allow", decision.findings)
    answer = {"jsonrpc": "2.0", "id": decision.request.id, "result": _result(case)}
    judged = security.process_response_sync(answer, decision)
    findings = (*decision.findings, *judged.findings)
    if not judged.allowed:
        return Verdict("withhold", findings)
    if judged.message != answer:
        return Verdict("change", findings)
    return Verdict("report" if findings else "allow", findings)


def _result(case: Case) -> Mapping[str, Any]:
    """What the server answers: a text in the shape that answers to such a request have."""
    if not isinstance(case.result, str):
        return case.result or {}
    block = {"type": "text", "text": case.result}
    if case.prompt is not None:
        return {"messages": [{"role": "user", "content": block}]}
    if case.resource is not None:
        return {"contents": [{"uri": case.resource, "mimeType": "text/plain", "text": case.result}]}
    return {"content": [block]}


def _context(case: Case, headers: Mapping[str, str]) -> RequestContext:
    given = case.caller
    caller = None
    if given is not None:
        source = _SOURCES.get(given.id.partition(":")[0], "api-key")
        caller = Caller(
            given.id, True, source, given.roles, frozenset(given.scopes), given.tenant, claims=dict(given.claims)
        )
    return RequestContext(ip_address=case.address, headers=headers, caller=caller)


def _message(case: Case, *, modern: bool) -> dict[str, Any]:
    if case.message is not None:
        return dict(case.message)
    method, params = _asked(case)
    if modern:
        params["_meta"] = {VERSION_KEY: MODERN[-1], CAPABILITIES_KEY: {}, **params.get("_meta", {})}
    message = {"jsonrpc": "2.0", "id": 1, "method": method}
    return {**message, "params": params} if params else message


def _asked(case: Case) -> tuple[str, dict[str, Any]]:
    if case.call is not None:
        return "tools/call", {"name": case.call, "arguments": dict(case.arguments or {})}
    if case.prompt is not None:
        return "prompts/get", {"name": case.prompt, "arguments": dict(case.arguments or {})}
    if case.resource is not None:
        return "resources/read", {"uri": case.resource}
    return case.method or "", dict(case.params or {})


def _show(case: Case, security: SMCPSecurityFramework, tools: Sequence[Mapping[str, Any]], modern: bool) -> None:
    """Have the tools' schemas learned from a list, which another caller with the same rights has asked for."""
    given = case.caller
    other = None if given is None else given.model_copy(update={"id": f"{given.id}{_OTHER}"})
    lister = case.model_copy(
        update={"caller": other, "address": _ELSEWHERE, "message": None, "call": None, "prompt": None, "resource": None,
                "method": "tools/list", "headers": {}, "params": None}
    )  # fmt: skip
    decision = security.process_request_sync(_message(lister, modern=modern), _context(lister, {}))
    if decision.allowed and decision.request is not None:
        security.process_response_sync(
            {"jsonrpc": "2.0", "id": decision.request.id, "result": {"tools": list(tools)}}, decision
        )
