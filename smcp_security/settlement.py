"""What an exchange still owes when its answer is there: tokens to budgets, slots to whoever waits for them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from smcp_security.checks.budgets import Tokenizer, result_draws, tokens_of, tokens_of_size
from smcp_security.checks.rung import Context, Release, Run, Settle
from smcp_security.decision import Decision
from smcp_security.message import Kind

_LARGEST_CODE: Final = 2**53

Owing: TypeAlias = Callable[[str, "str | int | None"], "Context | None"]
"""What a request of a session owes that is answered on another exchange than its own."""


def counted(
    run: Run[Decision], asked: Context | None, answer: Context, owing: Owing, count_tokens: Tokenizer | None
) -> Run[Decision]:
    """The verdict on one message of the server; what it holds is taken from the budgets of the request `asked`.

    Where it answers another request, whose own exchange has ended, that one pays. A stream is counted up to its next
    answer at once: thousands of events must not cost a question each.
    """
    judged = yield from run
    late = _late(answer, owing)
    payer = asked if late is None else late
    if payer is not None and payer.draws:
        # What was withheld has been made all the same.
        _owe(payer, tokens_of(answer.raw or b"", count_tokens))
        if answer.message is not None and answer.message.kind is Kind.RESPONSE:
            yield from _tokens(payer)
    if late is not None:
        yield from settlement(late)
    return judged


def _late(answer: Context, owing: Owing) -> Context | None:
    """The request of an earlier exchange that is answered here."""
    message, request = answer.message, answer.request
    if message is None or message.kind is not Kind.RESPONSE:
        return None
    own = request is not None and type(request.id) is type(message.id) and request.id == message.id
    return None if own else owing(answer.session, message.id)


def ends_exchange(judged: Decision) -> bool:
    """Whether the exchange ends with what was judged: what a call reports on its way is no answer yet."""
    message = None if judged.context is None else judged.context.message
    return message is None or message.kind is Kind.RESPONSE


def error_of(judged: Decision) -> str:
    """The class of the failure that an answer tells: a JSON-RPC code, or `tool`; empty for none."""
    message = None if judged.context is None else judged.context.message
    if message is None or message.kind is not Kind.RESPONSE:
        return ""
    error, result = message.value.get("error"), message.value.get("result")
    if type(error) is dict:
        code = error.get("code")
        return str(code) if type(code) is int and abs(code) <= _LARGEST_CODE else "error"
    return "tool" if type(result) is dict and result.get("isError") is True else ""


def weigh(size: int, asked: Context | None) -> None:
    """Bytes that nobody judged weigh as much as others; no tokenizer is asked of what may be no text."""
    if asked is not None and asked.draws:
        _owe(asked, tokens_of_size(size))


def settlement(context: Context) -> Run[None]:
    """The exchange ends: what was not counted yet, and the slots."""
    yield from _tokens(context)
    if context.slots:
        slots, context.slots = context.slots, ()
        yield from Release(slots).ask()


def _owe(context: Context, tokens: int) -> None:
    context.uncounted += tokens
    context.tokens = tokens + (context.tokens or 0)


def _tokens(context: Context) -> Run[None]:
    if context.uncounted and context.draws:
        tokens, context.uncounted = context.uncounted, 0
        yield from Settle(result_draws(context, tokens)).ask()
