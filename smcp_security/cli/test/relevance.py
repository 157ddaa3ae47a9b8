"""Which cases a rule of a policy can make a difference to: only those need playing without it. Pure.

Where nothing is certain a case counts as one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from smcp_security.policy.globs import matches
from smcp_security.policy.places import Path

if TYPE_CHECKING:
    from smcp_security.cli.test.cases import Case

_CARRYING: Final = frozenset(
    {"tools/call", "prompts/get", "resources/read", "resources/subscribe", "completion/complete"}
)
_COUNTERS: Final = frozenset({"limits", "budgets", "concurrency"})


def concerned(raw: Mapping[str, Any], path: Path, cases: Sequence[Case]) -> list[Case]:
    """The cases that could come out otherwise without what stands at `path`, the likeliest first."""
    match path:
        case ("roles", str(role), *_):
            heirs = _heirs(raw["roles"], role)
            found = [case for case in cases if case.caller is None or not heirs.isdisjoint(case.caller.roles)]
        case ("tools", str(glob), *_):
            found = [case for case in cases if _may_call(case, [glob])]
        case ("prompts", str(glob), *_):
            found = [case for case in cases if _raw(case) or (case.prompt is not None and matches(glob, case.prompt))]
        case ("resources", *_):
            found = [case for case in cases if _raw(case) or case.resource is not None]
        case (section, int(index)) if section in _COUNTERS:
            globs = raw[section][index].get("tools")
            found = [case for case in cases if globs is None or _may_call(case, globs)]
        case _:
            found = list(cases)
    # What is refused or changed is so because of a rule; what passes mostly passes without it too.
    return sorted(found, key=lambda case: case.expect == "allow")


def apart(path: Path) -> bool:
    """Whether the rule makes a difference to the cases it concerns and to no other, even in what they are told."""
    return path[0] != "roles"


def _raw(case: Case) -> bool:
    """Whether only the ladder knows what it asks for: a message as a whole, or a method that carries arguments."""
    if case.message is None and case.method is None:
        return False
    method = case.method if case.message is None else case.message.get("method")
    return not isinstance(method, str) or method in _CARRYING


def _may_call(case: Case, globs: Sequence[str]) -> bool:
    return _raw(case) or (case.call is not None and any(matches(glob, case.call) for glob in globs))


def _heirs(roles: Mapping[str, Any], role: str) -> set[str]:
    """The role and those that extend it, over any number of steps."""
    heirs = {role}
    while True:
        more = {
            name
            for name, held in roles.items()
            if name not in heirs and isinstance(held, Mapping) and not heirs.isdisjoint(held.get("extends") or ())
        }
        if not more:
            return heirs
        heirs |= more
