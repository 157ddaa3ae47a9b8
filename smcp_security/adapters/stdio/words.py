"""What is said in place of a message that does not pass, as JSON-RPC over pipes wants it. Pure.

There is no status here to tell a failure by: whoever waits for an id hears of it by that id or not at all.
"""

from __future__ import annotations

from smcp_security import answers
from smcp_security.adapters.stdio.labels import Id, Label, label, label_of
from smcp_security.decision import Decision
from smcp_security.message import Kind
from smcp_security.strict_json import deserialise, serialise


def seeming(decision: Decision, raw: bytes) -> Label | None:
    """What a refused message is, by its own word where nothing better is known."""
    message = decision.request
    if message is None:
        return label(raw)
    if not message.revision:
        return label_of(message.value)
    answers = message.kind is Kind.RESPONSE
    return Label(message.id, not answers, answers)


def refusal(decision: Decision, id: Id | None) -> bytes:
    """What the client gets in place of an answer. An error without an id tells that something was refused."""
    body = b"" if decision.answer is None else decision.answer.body
    if not body or id is None:
        return body
    told = deserialise(body)
    return body if "id" in told else serialise({**told, "id": id})


def stand_in(decision: Decision, id: Id | None) -> bytes:
    """What the server gets in place of a refused answer, so that the tool that waits for it ends at once; nothing if no
    tool can."""
    if isinstance(decision.message, bytes):
        return decision.message
    understood = decision.request is not None and bool(decision.request.revision)
    return (
        b"" if id is None or understood else _error(answers.REFUSED, "The client's answer was refused by policy.", id)
    )


def turned_down(id: Id) -> bytes:
    """What the server gets as answer to a request that the client never sees."""
    return _error(answers.REFUSED, "The request was withheld by policy.", id)


def unanswered(reason: str, id: Id) -> bytes:
    """What the client gets in place of an answer that never comes."""
    return _error(answers.UNAVAILABLE, reason, id)


def _error(code: int, text: str, id: Id) -> bytes:
    return serialise({"jsonrpc": "2.0", "error": {"code": code, "message": text}, "id": id})
