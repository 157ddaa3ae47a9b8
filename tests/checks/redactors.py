"""A redactor of forms that no scanner of secrets knows, and one step of the rungs that mask: for the tests of both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from smcp_security.checks import internals, redaction
from smcp_security.checks.rung import Context, Question, Recall
from smcp_security.decision import Origin, Outcome
from smcp_security.message import Message
from smcp_security.policy import Policy
from smcp_security.redaction.redactor import Redactor, Span
from smcp_security.schemas import compile_schema
from smcp_security.strict_json import serialise
from tests.checks.callers import message_of, policy_of
from tests.envelopes import call, climb, legacy

TOKEN = "tok_abcdef"
OTHER = "tok_ghijkl"
CARD = 4000000000000002
MASK = "[redacted:token]"
_FORMS = re.compile(
    r"(?P<token>tok_[a-z]{6})|(?P<card>\b40{14}2\b)|(?P<email>\bann@example\.com\b)"
    r'|(?<="pin": )(?P<pin>\d{4})|"raw": "[^"]*?(?P<raw>seen)'
)
_KINDS = {"token": "secrets", "card": "card", "email": "email", "pin": "secrets", "raw": "secrets"}


class Forms(Redactor):
    """Knows tokens, one card, one address, and any value of a field called `password`. Crashes on request."""

    def __init__(self) -> None:
        super().__init__(["secrets"])

    def find(self, texts: Sequence[str], names: Sequence[str]) -> list[Span]:
        """The spans, in order."""
        spans: list[Span] = []
        for leaf, (text, name) in enumerate(zip(texts, names, strict=True)):
            if "crash" in text:
                raise RuntimeError(text)
            if name == "password" and text and not text.startswith("[redacted:"):
                spans.append(Span(leaf, 0, len(text), "password", "secrets"))
                continue
            for match in _FORMS.finditer(text):
                mask = str(match.lastgroup)
                spans.append(Span(leaf, *match.span(mask), mask, _KINDS[mask]))
        return spans

    def internals(self, texts: Sequence[str]) -> list[Span]:
        """Lines of a trace."""
        return [
            Span(leaf, *match.span(), "stack-trace", "internals")
            for leaf, text in enumerate(texts)
            for match in re.finditer(r'File "[^"]*", line \d+', text)
        ]


REDACTOR = Forms()


def result_of(*texts: str, **more: Any) -> dict[str, Any]:
    """A tool's result with these texts."""
    return {"content": [{"type": "text", "text": text} for text in texts], **more}


def answered(result: Any, id: int = 1) -> dict[str, Any]:
    """The answer with a result."""
    return {"jsonrpc": "2.0", "id": id, "result": result}


def told(method: str, params: Mapping[str, Any], id: Any = None) -> dict[str, Any]:
    """A notification or request of the server."""
    return legacy(method, params, id=id)


def judge(
    value: dict[str, Any],
    policy: Policy | None = None,
    *,
    rung: str = "redaction",
    tool: str = "get_user",
    request: Any = None,
    output: Any = None,
    **facts: Any,
) -> tuple[Outcome, dict[str, Any]]:
    """What a rung says to a message of the server, and the message as it goes on."""
    policy = policy_of(results={"errors": "mask"}) if policy is None else policy
    built = redaction.build(policy, REDACTOR) if rung == "redaction" else internals.build(policy, REDACTOR)
    message = message_of(value)
    asked = message_of(call(tool) if request is None else request)
    context = Context(
        **{"message": message, "request": asked, "origin": Origin(asked.method, asked.target), "now": 0.0, **facts}
    )

    def answer(question: Question) -> object:
        assert question == Recall(tool, "", output=True)
        return None if output is None else compile_schema(output)

    outcome = climb(built(context), answer)
    shown: Message = message if outcome.edit is None else outcome.edit
    assert shown.raw == serialise(shown.value)
    assert message.value == value
    return outcome, shown.value


def masked(value: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """The message as it goes on."""
    return judge(value, **facts)[1]
