"""What an audit record holds and how it becomes one line. Pure: must not import a clock, files or logging."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from smcp_security.decision import Decision, Finding

FORMAT: Final = 1
"""Version of the record format, in every record as `v`."""

TEXT_LIMIT: Final = 200
"""Characters kept of a text the caller chose; the longest tool name that MCP recommends has 128."""

FINDINGS_LIMIT: Final = 50
"""Findings kept in one record; `findings_total` counts the rest, so that one message cannot fill the log."""

_DIGEST_LENGTH: Final = 32
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}(?=:)")
_NOT_PRINTABLE_ASCII: Final = re.compile(r"[^\x20-\x7e]+")
_ENCODER: Final = msgspec.json.Encoder()


def decision_record(
    *,
    decision: Decision,
    at: float,
    mode: str,
    policy: str,
    rules: str,
    address: str,
    label: str,
    session: str,
    era: str,
    revision: str,
    method: str,
    target: str,
    arguments: bytes | None,
    digest: Callable[[bytes], str],
    full: bool,
    edge: str,
    size: int,
) -> dict[str, Any]:
    """The record of a verdict, written before the server is called.

    `at` is unix seconds; `policy` and `rules` are digests of what judged; `label`, `session` are the caller's claims;
    `arguments` is JSON; `digest` is a keyed hash (see `Digest`); `full` keeps arguments and URIs; `size` is in bytes.
    """
    caller = decision.caller
    return {
        "v": FORMAT,
        "kind": "decision",
        "id": decision.id,
        "at": timestamp(at),
        "allowed": decision.allowed,
        "action": _action(decision),
        **_findings(decision.findings),
        "method": _capped(method, digest),
        "target": _target(method, target, digest, full),
        "era": era,
        "revision": _capped(revision, digest),
        "caller": None if caller is None else {"id": _capped(caller.id, digest), "verified": caller.verified},
        "label": _capped(label, digest),
        "address": _capped(address, digest),
        "session": digest(_octets(session)) if session else "",
        "arguments": _arguments(arguments, digest, full),
        "size": size,
        "edge": edge,
        "mode": mode,
        "policy": policy,
        "rules": rules,
        "us": round(decision.timings.total()),
    }


def outcome_record(
    *, id: str, at: float, status: int, result: str, size: int, seconds: float, findings: Sequence[Finding] = ()
) -> dict[str, Any]:
    """The record of what became of an allowed message, under the id of its decision.

    `status` is the HTTP status (0 where there is none), `size` the result in bytes, `seconds` the time from the
    decision to the end of the answer, `findings` those about the result.
    """
    return {
        "v": FORMAT,
        "kind": "outcome",
        "id": id,
        "at": timestamp(at),
        "status": status,
        "result": result,
        "size": size,
        "seconds": round(seconds, 6),
        **_findings(findings),
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


def encode(record: Mapping[str, Any]) -> bytes:
    r"""One line of printable ASCII that ends with `\n`; everything else in a text is a `\u` escape.

    Thus no line break, terminal sequence, bidirectional override or look-alike reaches the reader of the log.
    Half a surrogate pair, which strict JSON cannot hold, is written as the six characters of its escape.
    """
    try:
        line = _ENCODER.encode(record)
    except UnicodeEncodeError:
        line = _ENCODER.encode(_without_lone_surrogates(record))
    if not line.isascii() or b"\x7f" in line:
        line = _NOT_PRINTABLE_ASCII.sub(_escape, line.decode()).encode()
    return line + b"\n"


def timestamp(at: float) -> str:
    """`at` (unix seconds) as ISO 8601 in UTC with microseconds, so that lines sort as text."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


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
    return {
        "code": finding.code,
        "slug": finding.slug,
        "where": finding.where,
        "severity": finding.severity.value,
        "action": finding.action.value,
    }


def _target(method: str, target: str, digest: Callable[[bytes], str], full: bool) -> str:
    """A resource URI is caller text and may hold a secret: its scheme and a hash. Names are kept."""
    is_uri = method.startswith(("resources/", "tasks/")) or "://" in target
    if full or not is_uri or not target:
        return _capped(target, digest)
    scheme = _SCHEME.match(target)
    return f"{scheme.group() if scheme else ''}:#{digest(_octets(target))}"


def _arguments(arguments: bytes | None, digest: Callable[[bytes], str], full: bool) -> Any:
    """A string is always a hash, an object always the value: the arguments of MCP are never a string."""
    if arguments is None:
        return None
    if not full:
        return digest(arguments)
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"unparsed": arguments.decode("utf-8", "backslashreplace")}


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
