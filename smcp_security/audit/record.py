"""What an audit record holds and how it becomes one line. Pure: must not import a clock, files or logging."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import modf
from typing import TYPE_CHECKING, Any, Final

import msgspec

from smcp_security.audit.arguments import HASHED, Arguments
from smcp_security.checks.traces import traceparent
from smcp_security.decision import Action, Caller, Decision, Finding, finding

if TYPE_CHECKING:
    from smcp_security.checks.custody import Given
    from smcp_security.checks.rung import Context
    from smcp_security.message import Message
    from smcp_security.observers import Ending

FORMAT: Final = 2
"""Version of the record format, in every record as `v`."""

TEXT_LIMIT: Final = 200
"""Characters kept of a text the caller chose; the longest tool name that MCP recommends has 128."""

FINDINGS_LIMIT: Final = 50
"""Findings kept in one record; `findings_total` counts the rest, so that one message cannot fill the log."""

_DIGEST_LENGTH: Final = 32
_ROLES_LIMIT: Final = 20
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}(?=:)")
_NOT_PRINTABLE_ASCII: Final = re.compile(r"[^\x20-\x7e]+")
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Seal:
    """What every record of a policy says of it: how it judges, the digests of policy, rules and lock file, the keyed
    hash, and how much is told of arguments."""

    mode: str
    policy: str
    rules: str
    digest: Callable[[bytes], str]
    lock: str = ""
    arguments: Arguments = HASHED


def decision_record(decision: Decision, context: Context, seal: Seal, edge: str) -> dict[str, Any]:
    """The record of a verdict, written before the server is called. `edge` names the adapter."""
    digest, caller = seal.digest, decision.caller
    return {
        "v": FORMAT,
        "kind": "decision",
        "id": decision.id,
        "at": timestamp(context.now),
        "allowed": decision.allowed,
        "action": _action(decision),
        **_findings(decision.findings),
        **_asked(context.message, seal),
        "caller": None if caller is None else _caller(caller, digest),
        "label": _capped(context.label, digest),
        "address": _capped(context.address, digest),
        "session": digest(_octets(context.session)) if context.session else "",
        "edge": edge,
        "traceparent": traceparent(context),
        "mode": seal.mode,
        "policy": seal.policy,
        "rules": seal.rules,
        "lock": seal.lock,
        "us": round(decision.timings.total()),
    }


def _caller(caller: Caller, digest: Callable[[bytes], str]) -> dict[str, Any]:
    """Who called and how that is known; claims and scopes stay with the token."""
    return {
        "id": _capped(caller.id, digest),
        "verified": caller.verified,
        "source": caller.source,
        "credential": _capped(caller.credential, digest),
        "tenant": _capped(caller.tenant, digest),
        "roles": [_capped(role, digest) for role in caller.roles[:_ROLES_LIMIT]],
    }


def _asked(message: Message | None, seal: Seal) -> dict[str, Any]:
    """What the message asks for; nothing of one that was refused before it was read."""
    if message is None:
        return {"method": "", "target": "", "era": "", "revision": "", "arguments": None, "size": 0}
    digest, target = seal.digest, message.target
    arguments, uri = seal.arguments.told(message, target if _is_uri(message) else "", digest)
    asked = {
        "method": _capped(message.method, digest),
        "target": _target(message, digest),
        "era": message.era.value,
        "revision": _capped(message.revision, digest),
        "arguments": arguments,
        "size": len(message.raw),
    }
    return {**asked, "uri": _capped(uri, digest)} if uri else asked


def outcome_record(id: str, at: float, ending: Ending) -> dict[str, Any]:
    """The record of what became of an allowed message, under the id of its decision."""
    return {
        "v": FORMAT,
        "kind": "outcome",
        "id": id,
        "at": timestamp(at),
        "status": ending.status,
        "result": ending.result,
        "size": ending.size,
        "seconds": round(ending.seconds, 6),
        "tokens": ending.tokens,
        "error": ending.error,
        **_findings(ending.findings),
    }


def secret_record(decision: Decision, given: Given, at: float, seal: Seal) -> dict[str, Any]:
    """The record of a secret that a call gets, under the id of its decision; never the value."""
    digest, caller, message, context = seal.digest, decision.caller, decision.request, decision.context
    return {
        "v": FORMAT,
        "kind": "secret",
        "id": decision.id,
        "at": timestamp(at),
        "secret": given.secret.name,
        "version": given.secret.version,
        "receiver": _capped(given.parameter, digest),
        "tenant": _capped(given.secret.tenant, digest),
        "tool": "" if message is None else _target(message, digest),
        "caller": None if caller is None else _caller(caller, digest),
        # As in the decision, so that both are the same person's.
        "label": "" if context is None else _capped(context.label, digest),
        "address": "" if context is None else _capped(context.address, digest),
    }


def lost_record(*, at: float, count: int, first: float, last: float, on_failure: str) -> dict[str, Any]:
    """The record that stands for `count` records the sink could not take between `first` and `last` (unix seconds)."""
    return {
        "v": FORMAT,
        "kind": "lost",
        "at": timestamp(at),
        "count": count,
        "first": timestamp(first),
        "last": timestamp(last),
        "on_failure": on_failure,
    }


def store_record(*, at: float, state: str) -> dict[str, Any]:
    """The record of the shared store going "away" or coming "back"."""
    away = finding("SMCP405", action=Action.REPORT)
    findings = _findings((away,)) if state == "away" else _findings(())
    return {"v": FORMAT, "kind": "store", "at": timestamp(at), "state": state, **findings}


def encode(record: Mapping[str, Any]) -> bytes:
    r"""The record as one line of printable ASCII that ends with `\n`."""
    return printable(record) + b"\n"


def printable(value: Mapping[str, Any]) -> bytes:
    r"""JSON in printable ASCII; everything else in a text is a `\u` escape.

    Thus no line break, terminal sequence, bidirectional override or look-alike reaches the reader of the log.
    Half a surrogate pair, which strict JSON cannot hold, is written as the six characters of its escape.
    """
    try:
        line = _ENCODER.encode(value)
    except UnicodeEncodeError:
        line = _ENCODER.encode(_without_lone_surrogates(value))
    if not line.isascii() or b"\x7f" in line:
        line = _NOT_PRINTABLE_ASCII.sub(_escape, line.decode()).encode()
    return line


def timestamp(at: float) -> str:
    """`at` (unix seconds) as ISO 8601 in UTC with microseconds, so that lines sort as text."""
    fraction, second = modf(at)
    micros = round(fraction * 1_000_000)
    if micros == 1_000_000:
        second, micros = second + 1, 0
    return f"{_second(second)}.{micros:06d}+00:00"


@lru_cache(maxsize=2)
def _second(at: float) -> str:
    """All messages of a second share it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")[:-6]


def _action(decision: Decision) -> str:
    if not decision.allowed:
        return "block"
    return "report" if decision.findings else "pass"


def _findings(findings: Sequence[Finding]) -> dict[str, Any]:
    if not findings:
        return {"codes": [], "findings": []}
    kept = findings[:FINDINGS_LIMIT]
    fields: dict[str, Any] = {"codes": _codes(kept), "findings": [_finding(finding) for finding in kept]}
    if len(findings) > FINDINGS_LIMIT:
        fields["findings_total"] = len(findings)
    return fields


def _codes(findings: Iterable[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.code for finding in findings))


def _finding(finding: Finding) -> dict[str, str]:
    fields = {
        "code": finding.code,
        "slug": finding.slug,
        "where": finding.where,
        "severity": finding.severity.value,
        "action": finding.action.value,
    }
    return {**fields, "about": finding.about} if finding.about else fields


def _is_uri(message: Message) -> bool:
    target = message.target
    return bool(target) and (
        message.method.startswith(("resources/", "tasks/")) or "://" in target or _completes_a_uri(message)
    )


def _completes_a_uri(message: Message) -> bool:
    """Of a completion the reference says what it is for: `mailto:` and others have no `://`."""
    reference = message.params.get("ref") if message.method == "completion/complete" else None
    return type(reference) is dict and reference.get("type") == "ref/resource"


def _target(message: Message, digest: Callable[[bytes], str]) -> str:
    """A resource URI is caller text and may hold a secret: its scheme and a hash. Names are kept."""
    target = message.target
    if not _is_uri(message):
        return _capped(target, digest)
    scheme = _SCHEME.match(target)
    return f"{scheme.group() if scheme else ''}:#{digest(_octets(target))}"


def _capped(text: str, digest: Callable[[bytes], str]) -> str:
    """A long text is cut and ends in `#` and the hash of the whole, so that two long ones stay two."""
    if len(text) <= TEXT_LIMIT:
        return text
    return f"{text[: TEXT_LIMIT - _DIGEST_LENGTH - 1]}#{digest(_octets(text))}"


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _escape(run: re.Match[str]) -> str:
    units = struct.iter_unpack(">H", run.group().encode("utf-16-be"))
    return "".join(f"\\u{unit:04x}" for (unit,) in units)


def _without_lone_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case Mapping():
            return {_without_lone_surrogates(key): _without_lone_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_lone_surrogates(item) for item in value]
    return value
