"""What the operator's own detectors find in a message, as findings. Pure: to run one is a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from smcp_security.checks.rung import Context, Detect, Detected, Run
from smcp_security.decision import Action, Finding, finding
from smcp_security.errors import Unavailable
from smcp_security.leaves import PROTOCOL_KEYS, Path, pointers
from smcp_security.message import Message
from smcp_security.pointer import pointer
from smcp_security.policy import InjectionPolicy

_MOST: Final = 64
"""Findings of one detector for one message."""


def detected(context: Context, policy: InjectionPolicy, count: int) -> Run[tuple[Finding, ...]]:
    """The findings of `count` detectors; one that failed or took too long is a finding of its own."""
    message = context.message
    if message is None:
        return ()
    texts = (*message.texts.request, *message.texts.answer)
    tool = message.target if message.method == "tools/call" else ""
    found: list[Finding] = []
    for place in range(count if texts else 0):
        try:
            results = yield from Detect(place, texts, tool).ask()
        except Unavailable:
            failed = Action.BLOCK if policy.detectors.on_failure == "deny" else Action.REPORT
            found.append(finding("SMCP605", action=failed))
        else:
            found += _findings(results, message, policy)
    return tuple(found)


def _findings(results: Sequence[Detected], message: Message, policy: InjectionPolicy) -> Iterator[Finding]:
    """Those that the policy blocks come first, so that others cannot crowd them out."""
    said = [(policy.action.get(item.category, "block"), item) for item in results]
    ordered = sorted((each for each in said if each[0] != "off"), key=lambda each: each[0] != "block")
    for disposition, item in ordered[:_MOST]:
        action = Action.BLOCK if disposition == "block" else Action.REPORT
        yield finding("SMCP604", _where(item.leaf, message), action=action)


def _where(leaf: int, message: Message) -> str:
    """Where the text sits, with names that callers chose as `*`."""
    asked = len(message.texts.request)
    answer = leaf >= asked
    index = leaf - asked if answer else leaf
    path: Path = pointers(message.value, {index}, answer=answer).get(index, ())
    return pointer(part if isinstance(part, int) or part in PROTOCOL_KEYS else "*" for part in path)
