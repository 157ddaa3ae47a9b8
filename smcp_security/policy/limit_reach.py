"""Limits, caps and assertions that never act: nothing they count ever comes, or another one acts first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from smcp_security.policy.globs import covers, matches, overlap
from smcp_security.policy.limits import LimitPolicy
from smcp_security.policy.places import Path
from smcp_security.policy.sources import gives_tenants

if TYPE_CHECKING:
    from smcp_security.policy.agreement import Problem
    from smcp_security.policy.model import Policy

_CALL: Final = "tools/call"


def _globs_of_tools(policy: Policy) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Every list of tools outside `roles`, with its path."""
    for index, limit in enumerate(policy.limits):
        if limit.tools is not None:
            yield ("limits", index, "tools"), limit.tools
    for index, cap in enumerate(policy.concurrency):
        if cap.tools is not None:
            yield ("concurrency", index, "tools"), cap.tools
    for index, assertion in enumerate(policy.results.tenant):
        yield ("results", "tenant", index, "tools"), assertion.tools


def _lists_of_nothing(policy: Policy) -> Iterator[Problem]:
    lists = [
        *_globs_of_tools(policy),
        *((("limits", index, "methods"), limit.methods) for index, limit in enumerate(policy.limits)),
    ]
    for path, globs in lists:
        if globs is not None and not globs:
            yield path, "an empty list names nothing, so this never counts; leave it out to count everything"
        for index, glob in enumerate(globs or ()):
            if glob in (globs or ())[:index]:
                yield (*path, index), "the same glob again; remove one of the two"


def _tools_that_nobody_calls(policy: Policy) -> Iterator[Problem]:
    callable_ = _callable(policy)
    if callable_ is None:
        return
    for path, globs in _globs_of_tools(policy):
        for index, glob in enumerate(globs):
            if not any(overlap(glob, other) for other in callable_):
                yield (
                    (*path, index),
                    "no call of such a tool is let through, so this never counts; is it spelt as meant?",
                )


def _callable(policy: Policy) -> tuple[str, ...] | None:
    """Globs that hold every tool that somebody may call; None if it may be any."""
    if policy.roles is not None:
        return tuple(glob for role in policy.roles.values() for rule in role.allow for glob in rule.tools)
    return tuple(policy.tools) if policy.unlisted_tools == "deny" else None


def _subjects_that_part_nothing(policy: Policy) -> Iterator[Problem]:
    for index, limit in enumerate(policy.limits):
        path = ("limits", index, "per")
        if limit.tools is not None and "method" in limit.per:
            yield path, "a limit of tools counts tools/call alone, so method parts nothing; remove it"
        if "tool" in limit.per and limit.methods is not None and not any(matches(m, _CALL) for m in limit.methods):
            yield path, "only tools/call has a tool, and methods leaves it out, so this never counts"


def _tenants_of_nobody(policy: Policy) -> Iterator[Problem]:
    if gives_tenants(policy.identity):
        return
    for section in ("limits", "budgets", "concurrency"):
        for index, entry in enumerate(getattr(policy, section)):
            if "tenant" in entry.per:
                yield (section, index, "per"), "no source of identity gives a tenant; each caller counts as its own"


def _limits_behind_others(policy: Policy) -> Iterator[Problem]:
    for index, limit in enumerate(policy.limits):
        for other, first in enumerate(policy.limits):
            # Of two that are equal the later one is in vain.
            if other != index and _acts_first(first, limit) and (other < index or not _acts_first(limit, first)):
                yield ("limits", index), f"never reached: limits[{other}] refuses whatever this would refuse"
                break


def _acts_first(first: LimitPolicy, limit: LimitPolicy) -> bool:
    """True if whatever `limit` counts is counted by `first`, together with no less, at no higher rate and burst."""
    if not set(first.per) <= set(limit.per) or not _counts(first, limit):
        return False
    if limit.cost is not None and limit.cost != first.cost:
        return False
    slower = first.rate.count * limit.rate.period <= limit.rate.count * first.rate.period
    return slower and _burst(first) <= _burst(limit)


def _counts(first: LimitPolicy, limit: LimitPolicy) -> bool:
    everything = first.tools is None and first.methods is None
    if everything and limit.tools is None and limit.methods is not None:
        # A limit of everything counts what a client needs to connect apart, so it has two counters for one.
        return False
    return _within(limit.tools, first.tools) and _within(limit.methods, first.methods)


def _within(narrow: tuple[str, ...] | None, wide: tuple[str, ...] | None) -> bool:
    if wide is None:
        return True
    return narrow is not None and all(any(covers(glob, name) for glob in wide) for name in narrow)


def _burst(limit: LimitPolicy) -> int:
    # One call of the highest cost always fits, see `checks/limits.py`.
    return max(limit.burst, limit.cost.max if limit.cost is not None else 1)


RULES: Final = (
    _lists_of_nothing,
    _tools_that_nobody_calls,
    _subjects_that_part_nothing,
    _tenants_of_nobody,
    _limits_behind_others,
)
