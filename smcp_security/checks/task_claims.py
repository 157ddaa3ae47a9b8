"""What the store knows of a task: whose it is, and which assertions its result is held to. Pure: it only asks.

A shared store tells whether somebody claimed a key, not what for: so each fact that is asked for later has a key of its
own. Nothing stands in a key in clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from smcp_security.checks.rung import Claim, Context, Run
from smcp_security.policy.access import TenantAssertion

LIFETIME: Final = 7 * 86_400.0
"""Seconds after which a task is forgotten, and nobody's."""
_SO: Final = "1"


def begin(context: Context, task: str, owner: str) -> Run[bool]:
    """Make a new task its owner's; False if it is another's already, who keeps it."""
    key = _key("task", context, task)
    if (yield from Claim(key, owner, LIFETIME).ask()) != owner:
        return False
    yield from Claim(_key("task-of", context, task, owner), _SO, LIFETIME).ask()
    return True


def belongs(context: Context, task: str, owner: str) -> Run[bool]:
    """Whether the task is known and that owner's."""
    return bool((yield from Claim(_key("task-of", context, task, owner), "", LIFETIME).ask()))


class HeldTasks:
    """Which of a policy's assertions the result of a task is held to; other policies have other assertions."""

    def __init__(self, assertions: Sequence[TenantAssertion]) -> None:
        self._count = len(assertions)
        self._policy = _digest("\n".join(each.model_dump_json() for each in assertions))

    def bind(self, context: Context, task: str, chosen: Sequence[int]) -> Run[None]:
        """Remember the assertions, by place, on the tool whose call started the task."""
        for place in chosen:
            yield from Claim(self._key(context, task, str(place)), _SO, LIFETIME).ask()
        # Last: a task counts as known only when all of this is.
        yield from Claim(self._key(context, task, "known"), _SO, LIFETIME).ask()

    def of(self, context: Context, task: str) -> Run[list[int] | None]:
        """The assertions on a task's result, None if nobody knows."""
        if not (yield from Claim(self._key(context, task, "known"), "", LIFETIME).ask()):
            return None
        found = []
        for place in range(self._count):
            if (yield from Claim(self._key(context, task, str(place)), "", LIFETIME).ask()):
                found.append(place)
        return found

    def _key(self, context: Context, task: str, fact: str) -> str:
        return _key("task-rows", context, task, f"{self._policy}:{fact}")


def _key(kind: str, context: Context, task: str, fact: str = "") -> str:
    # Two servers behind one edge may use the same id. Lengths keep the parts apart.
    parts = (context.upstream, task, fact)
    return f"{kind}:{_digest(''.join(f'{len(part)}:{part}' for part in parts))}"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
