"""What is to be said about the definitions that a server showed: findings in what nobody approved yet, and how they
differ from a lock. Reads no file and prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from smcp_security.codes import CODES, Severity
from smcp_security.decision import Action, Finding
from smcp_security.pins.lock import NAMED_BY, Entry, Lock

if TYPE_CHECKING:
    from smcp_security.pins.differences import Difference

_GRAVE: Final = frozenset({Severity.HIGH, Severity.CRITICAL})
_SHADOW: Final = "SMCP805"
_MOST_PAIRS: Final = 10_000
INSTRUCTIONS: Final = "instructions"


@dataclass(frozen=True, slots=True)
class Found:
    """A finding in one definition: `kind` is tool, prompt, template or instructions, `name` the server's, raw."""

    kind: str
    name: str
    code: str
    slug: str
    severity: Severity
    where: str
    advice: str
    certain: bool = False

    @property
    def grave(self) -> bool:
        """Whether somebody must have read the definition before it is pinned."""
        return self.certain or self.severity in _GRAVE


@dataclass(frozen=True, slots=True)
class Judgement:
    """A server's definitions as a lock, beside the lock that there was."""

    now: Lock
    before: Lock | None
    findings: Sequence[Found] = ()
    differences: Sequence[Difference] = ()

    @property
    def same(self) -> bool:
        """Whether the very definitions of the lock were shown."""
        return self.before is not None and _digests(self.before) == _digests(self.now)

    @property
    def grave(self) -> bool:
        """Whether a finding keeps it from being pinned unread."""
        return any(found.grave for found in self.findings)


def judged(now: Lock, before: Lock | None) -> Judgement:
    """What is new in `now` is searched; what stands in `before` was approved."""
    from smcp_security.checks.descriptions import Judge
    from smcp_security.pins.differences import differences

    judge = Judge.at()
    findings = [*_findings(now, before or Lock(), judge), *_shadows(now, before or Lock())]
    if before is None:
        return Judgement(now, None, findings)

    def labels(definition: Any) -> set[str]:
        return {finding.slug for finding in judge(definition)}

    return Judgement(now, before, findings, differences(before, now, labels, _Alike(before, now)))


class _Alike:
    """Whether a model may mix two names up. Few pairs are looked at closely: a server may list thousands."""

    def __init__(self, *locks: Lock) -> None:
        from smcp_security.checks.shadows import shadows

        self._shadows = shadows
        self._left = _MOST_PAIRS
        names = sorted({name for lock in locks for kind in NAMED_BY for name in lock.of(kind)})
        self._near = {names[shadow.place] for shadow in shadows(names)}

    def __call__(self, name: str, other: str) -> bool:
        if not self._near or not (name in self._near or other in self._near) or self._left == 0:
            return False
        self._left -= 1
        return bool(self._shadows([name, other]))


def entries_of(lock: Lock) -> Iterator[tuple[str, str, Entry]]:
    """Kind, name and entry of all that a lock holds, in a stable order."""
    for kind in NAMED_BY:
        for name, entry in sorted(lock.of(kind).items()):
            yield kind, name, entry
    if lock.instructions is not None:
        yield INSTRUCTIONS, "", lock.instructions


def _digests(lock: Lock) -> set[tuple[str, str, str]]:
    return {(kind, name, entry.digest) for kind, name, entry in entries_of(lock)}


def _findings(now: Lock, before: Lock, judge: Callable[[Any], Iterable[Finding]]) -> Iterator[Found]:
    for kind, name, entry in entries_of(now):
        if before.approves(kind, entry.definition):
            continue
        for finding in judge(entry.definition):
            yield Found(
                kind, name, finding.code, finding.slug, finding.severity, finding.where, finding.hint,
                certain=finding.action is Action.BLOCK,
            )  # fmt: skip


def _shadows(now: Lock, before: Lock) -> Iterator[Found]:
    """New names that nearly equal another's."""
    from smcp_security.checks.shadows import shadows

    row, names = CODES[_SHADOW], sorted(now.tools)
    for shadow in shadows(names):
        name = names[shadow.place]
        if name not in before.tools:
            yield Found("tool", name, row.code, row.slug, row.severity, "/name", row.remediation, certain=shadow.twin)
