"""What a rung makes of what a server says: the message parsed as the ladder does it, and the rung climbed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smcp_security.checks import results
from smcp_security.checks.rung import Context, Rung
from smcp_security.decision import Origin, Outcome
from tests.checks.callers import message_of
from tests.envelopes import call, climb, encoded, response


def texts(*said: str) -> dict[str, Any]:
    """A result of text blocks."""
    return {"content": [{"type": "text", "text": text} for text in said]}


def heard(
    rung: Rung,
    result: Any = None,
    *,
    tool: str | None = "search",
    value: Mapping[str, Any] | None = None,
    request: Mapping[str, Any] | None = None,
    id: str = "00d1ce",
    now: float = 0.0,
) -> tuple[Outcome, dict[str, Any]]:
    """(the outcome of a rung, what the client gets), for a result of the call of `tool`, None: of nobody knows what."""
    said = dict(value) if value is not None else response(1, result)
    context = Context(id=id, now=now, raw=encoded(said))
    asked = request if request is not None else call(tool) if tool is not None else None
    if asked is not None:
        context.request = message_of(dict(asked))
        context.origin = Origin(context.request.method, context.request.target)
    parsed = climb(results.build_parse()(context)).edit
    assert parsed is not None
    context.message = parsed
    outcome = climb(rung(context))
    shown = parsed if outcome.edit is None else outcome.edit
    assert shown.raw == encoded(shown.value)
    assert parsed.value == said, "what was given was changed"
    return outcome, shown.value
