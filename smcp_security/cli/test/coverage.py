"""Which rules of a policy the cases hold in place: a rule is covered if without it some case fails."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from smcp_security.cli.test.relevance import apart, concerned
from smcp_security.cli.test.trial import Ground, Verdict, bench, meets, play, standing_alone
from smcp_security.errors import PolicyError
from smcp_security.policy import Policy
from smcp_security.policy.places import Path, shown_path

if TYPE_CHECKING:
    from smcp_security.cli.test.cases import Case

# Where rules stand in lists, and where in mappings; * is any name.
_LISTS: Final = (
    ("roles", "*", "allow"), ("roles", "*", "deny"), ("limits",), ("budgets",), ("concurrency",),
    ("injection", "exclude"), ("results", "keep"), ("results", "tenant"), ("results", "untrusted"),
)  # fmt: skip
_MAPPINGS: Final = (
    ("tools", "*", "arguments"), ("prompts", "*", "arguments"), ("resources", "*", "arguments"),
    ("injection", "action"),
)  # fmt: skip
_SINGLE: Final = (("tools", "*", "schema"), ("unlisted_tools",), ("arguments", "unknown_schema"), ("pins",))


MOST_WORK: Final = 500_000
"""What all of it may cost, in messages: about a minute."""
_ARMING: Final = 4
"""How many messages cost what a rule costs when a policy starts."""


Batch: TypeAlias = "dict[Path, list[Case]]"


class Rule(msgspec.Struct, frozen=True):
    """One rule of a policy, by its path, and whether some case depends on it. None: there was too much to play."""

    path: Path
    covered: bool | None

    @property
    def name(self) -> str:
        """The path as errors show it."""
        return shown_path(self.path)


def coverage(
    raw: Mapping[str, Any],
    cases: Sequence[Case],
    verdicts: Mapping[str, Verdict],
    ground: Ground,
    progress: Callable[[int, int], None],
) -> list[Rule]:
    """Leave out one rule after the other and play the cases again; `verdicts` is how they came out with all of them."""
    known: dict[Path, bool | None] = {}
    paths = list(rules_of(raw))
    left = MOST_WORK
    for batch in _batches(raw, paths, cases):
        progress(len(known), len(paths))
        left -= _ARMING * len(paths) + sum(case.messages for chosen in batch.values() for case in chosen)
        known |= dict.fromkeys(batch) if left < 0 else _matter(raw, batch, verdicts, ground)
    return [Rule(path, known[path]) for path in paths]


def _batches(raw: Mapping[str, Any], paths: Sequence[Path], cases: Sequence[Case]) -> list[Batch]:
    """The rules with the cases that they concern. Those that concern different cases are left out together."""
    batches: list[Batch] = []
    taken: list[set[str]] = []
    for path in paths:
        chosen = concerned(raw, path, cases)
        names = {case.name for case in chosen}
        at = next((at for at, held in enumerate(taken) if apart(path) and held.isdisjoint(names)), None)
        if at is None:
            batches.append({path: chosen})
            # Nothing goes with a rule that is not apart.
            taken.append(names if apart(path) else {case.name for case in cases})
        else:
            batches[at][path] = chosen
            taken[at] |= names
    return batches


def rules_of(raw: Mapping[str, Any]) -> Iterator[Path]:
    """The paths of the rules that a policy states."""
    for pattern in _LISTS:
        for path, value in _at(raw, pattern, ()):
            if isinstance(value, list):
                yield from ((*path, index) for index in range(len(value)))
    for pattern in _MAPPINGS:
        for path, value in _at(raw, pattern, ()):
            if isinstance(value, Mapping):
                yield from ((*path, key) for key in value)
    for pattern in _SINGLE:
        yield from (path for path, _ in _at(raw, pattern, ()))


def _at(node: Any, pattern: Sequence[str], path: Path) -> Iterator[tuple[Path, Any]]:
    if not pattern:
        yield path, node
    elif isinstance(node, Mapping):
        for key in list(node) if pattern[0] == "*" else [pattern[0]]:
            if key in node:
                yield from _at(node[key], pattern[1:], (*path, key))


def without(raw: Mapping[str, Any], paths: Collection[Path]) -> dict[str, Any]:
    """A copy of a policy without what stands at some paths."""
    copied: dict[str, Any] = copy.deepcopy(dict(raw))
    # From the end of each list: what stands before keeps its place.
    for path in sorted(paths, key=lambda path: [(isinstance(step, int), step) for step in path], reverse=True):
        holder: Any = copied
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]
    return copied


def _matter(
    raw: Mapping[str, Any], batch: Batch, verdicts: Mapping[str, Verdict], ground: Ground
) -> dict[Path, bool | None]:
    """Whether some case fails that did not, for each rule of a batch."""
    try:
        changed = replace(ground, policy=standing_alone(Policy.from_dict(without(raw, batch))))
    except PolicyError:
        if len(batch) == 1:
            # Another part of the policy needs it: nobody can take it away unseen.
            return dict.fromkeys(batch, True)
        return {
            path: held
            for one, chosen in batch.items()
            for path, held in _matter(raw, {one: chosen}, verdicts, ground).items()
        }
    with bench(changed) as security:
        return {
            # Not by what is found: a case that expects any refusal does not notice that another rule refuses.
            path: any(
                not meets(case, verdicts[case.name]) and meets(case, play(case, security, ground.tools))
                for case in chosen
            )
            for path, chosen in batch.items()
        }
