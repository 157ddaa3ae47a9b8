"""The check-up of one framework: what is asked of the policy in force, from its start until it is closed."""

from __future__ import annotations

import os
from itertools import groupby
from typing import TYPE_CHECKING, Any

from smcp_security.health.asking import Asker, Question
from smcp_security.health.parts import Loaded, questions
from smcp_security.health.report import Answer, Health, closed, health_of, part_of
from smcp_security.policy.load import FILE_VARIABLE
from smcp_security.policy.observation import DEADLINE

if TYPE_CHECKING:
    from smcp_security.armed import Armed


def loaded_from(policy: Any) -> Loaded:
    """When and whence a policy comes into force; to be asked before it is read."""
    if policy is None:
        policy = os.environ.get(FILE_VARIABLE)
    return Loaded(os.fsdecode(policy) if isinstance(policy, str | os.PathLike) else None)


class Checkup:
    """Asks the parts of the guard that is in force. Thread-safe; threads live as long as what they ask takes."""

    def __init__(self) -> None:
        self._asker = Asker()
        self._loaded = Loaded(None)
        self._asked: tuple[Armed, tuple[Question, ...]] | None = None

    def armed(self, armed: Armed, loaded: Loaded) -> None:
        """This is in force from now on."""
        if armed.policy.pins is not None and armed.lock is not None:
            loaded.pinned(armed.policy.pins.file, armed.lock.digest)
        self._loaded, self._asked = loaded, (armed, questions(armed, loaded))

    def reset_locks(self) -> None:
        """Call in the child after a fork."""
        self._asker.reset()
        self._loaded.reset_locks()

    def close(self) -> None:
        """The framework is closed."""
        self._asked = None

    def health(self, deadline: float | None = None) -> Health:
        """Ask all parts, waiting at most `deadline` seconds; left out, as long as the policy says."""
        if (asked := self._asked) is None:
            return closed()
        return _told(asked[1], self._asker.ask(*asked, _seconds(asked[0], deadline)))

    async def health_async(self, deadline: float | None = None) -> Health:
        """`health` that lets the event loop go on."""
        if (asked := self._asked) is None:
            return closed()
        return _told(asked[1], await self._asker.ask_async(*asked, _seconds(asked[0], deadline)))


def _seconds(armed: Armed, deadline: float | None) -> float:
    if deadline is not None:
        return deadline
    return DEADLINE if armed.policy.probes is None else armed.policy.probes.deadline


def _told(asked: tuple[Question, ...], answers: list[Answer]) -> Health:
    found = zip(asked, answers, strict=True)
    return health_of(
        [
            part_of(part, [(answer, question.vital) for question, answer in group])
            for part, group in groupby(found, key=lambda pair: pair[0].part)
        ]
    )
