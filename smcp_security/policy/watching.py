"""What `audit` and `probes` must say because another key says something, and no key alone shows. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from smcp_security.policy.audit import AuditPolicy, ShipPolicy
from smcp_security.policy.places import Path

if TYPE_CHECKING:
    from smcp_security.policy.model import Policy

Problem = tuple[Path, str]

CHECKPOINT_MIN: Final = 1
RETENTION_MIN: Final = 60
"""Seconds. Less is a slip of the pen: it would remove segments that were written a moment ago."""

_OF_THE_AUDIT: Final = re.compile(r"\.[0-9]+|\.ship\.[0-9]+", re.ASCII)
_WITH_A_PORT: Final = ("http", "https")
"""Of its own, where none is said."""

_KINDS: Final = ("syslog", "http", "otel")
_OF_A_FILE: Final = ("callers", "retention", "ship")
_PROBES: Final = ("live", "ready", "metrics")


def audit_problems(audit: AuditPolicy) -> Iterator[Problem]:
    """What does not fit together in `audit`."""
    if audit.file is None:
        yield from _without_file(audit)
    elif audit.callers is not None:
        yield from _callers(posixpath.normpath(audit.callers), posixpath.normpath(audit.file))
    if audit.checkpoint < CHECKPOINT_MIN:
        yield ("audit", "checkpoint"), "expected at least 1s"
    if audit.retention is not None and audit.retention < RETENTION_MIN:
        yield ("audit", "retention"), "expected at least 1m; leave it out to remove nothing"
    for index, ship in enumerate(audit.ship):
        yield from _shipping(index, ship, audit.ship[:index])


def probe_problems(policy: Policy) -> Iterator[Problem]:
    """What does not fit together between `probes` and the rest."""
    probes = policy.probes
    if probes is None:
        return
    if probes.metrics is not None and not policy.metrics.prometheus:
        yield ("probes", "metrics"), "needs metrics.prometheus: true, or there is nothing to read"
    taken = {_spelt(path): "server.paths" for path in policy.server.paths}
    for key in _PROBES:
        path = getattr(probes, key)
        if path is None:
            continue
        if _spelt(path) in taken:
            yield ("probes", key), f"the same path as {taken[_spelt(path)]}; give it one of its own"
        taken.setdefault(_spelt(path), f"probes.{key}")


def _without_file(audit: AuditPolicy) -> Iterator[Problem]:
    for key in _OF_A_FILE:
        if getattr(audit, key):
            yield ("audit", key), "needs audit.file: only what is in a file has keys, is removed or shipped"
    if audit.signature != "hmac":
        yield ("audit", "signature"), "needs audit.file: lines of the logger are not signed"
    if audit.fsync == "always":
        yield ("audit", "fsync"), "needs audit.file: nobody knows when the logger writes"


def _shipping(index: int, ship: ShipPolicy, before: tuple[ShipPolicy, ...]) -> Iterator[Problem]:
    named = [kind for kind in _KINDS if getattr(ship, kind) is not None]
    if len(named) != 1:
        found = f", found {' and '.join(named)}" if named else ""
        yield ("audit", "ship", index), f"expected exactly one of {', '.join(_KINDS)}{found}"
        return
    (kind,) = named
    target = getattr(ship, kind)
    if kind == "syslog" and ship.token is not None:
        yield ("audit", "ship", index, "token"), "syslog has no place for a token; remove it, or ship by http or otel"
    if "://" in target and not _is_place(target):
        yield ("audit", "ship", index, kind), "expected a host, and a port of 1 to 65535"
    for other, each in enumerate(before):
        if getattr(each, kind) == target:
            yield ("audit", "ship", index, kind), f"the same place as audit.ship[{other}]; every line would come twice"
            return


def _callers(callers: str, file: str) -> Iterator[Problem]:
    if callers == file:
        yield ("audit", "callers"), "the same file as audit.file; the keys need one of their own"
    elif _OF_THE_AUDIT.fullmatch(callers.removeprefix(file)) and callers.startswith(file):
        yield ("audit", "callers"), "the name of a segment or a cursor of audit.file; the keys need one of their own"


def _is_place(address: str) -> bool:
    try:
        split = urlsplit(address)
        return bool(split.hostname) and split.port != 0 and (split.port is not None or split.scheme in _WITH_A_PORT)
    except ValueError:
        return False


def _spelt(path: str) -> str:
    """A path as lenient routers read it."""
    return posixpath.normpath(path).lower()
