"""The tenancy rung: results of some tools hold rows of the caller's tenant alone. Pure.

The whole answer is judged: `structuredContent`, and each text of `content` that is JSON. What repeats neither of them
nor one of its rows is exchanged for the JSON of what was judged. What cannot be judged is refused: other texts where
there is nothing else, resources and pictures, a pointer that leads nowhere, objects and lists under keys of its own, an
answer to nobody knows which call. `_meta` is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from smcp_security.checks.claims import look_up
from smcp_security.checks.edits import rewritten
from smcp_security.checks.origins import tool_of
from smcp_security.checks.ownership import on_tool
from smcp_security.checks.rows import Foreign, Rows
from smcp_security.checks.rung import Context, Run, Rung
from smcp_security.checks.task_claims import HeldTasks
from smcp_security.decision import CLEAN, Action, Caller, Finding, Outcome, denied, finding
from smcp_security.message import Message
from smcp_security.policy import Policy
from smcp_security.policy.access import TenantAssertion
from smcp_security.strict_json import Malformed, load, serialise

_HELD: Final = ("content", "structuredContent", "toolResult")
# Beside them a result has flags; `_meta` is the protocol's and the SDK's own.
_KNOWN: Final = frozenset({"content", "structuredContent", "_meta"})


def build(assertions: Sequence[TenantAssertion], policy: Policy) -> Rung:
    """The tenancy rung for the assertions of `results.tenant`. In monitor mode it reports and changes nothing."""
    enforced = policy.enforces("results")
    rows = [Rows(assertion.pointer) for assertion in assertions]
    held = HeldTasks(assertions)

    def tenancy(context: Context) -> Run[Outcome]:
        message = context.message
        places = [] if message is None else list(_results(message.value))
        if message is None or not places:
            return CLEAN
        chosen = yield from _chosen(context, message, assertions, held)
        if chosen is None:
            return denied("SMCP704", "/result", hint="an answer whose call is known")
        judges = [(assertions[place], rows[place]) for place in chosen]
        return _judged(message, places, judges, context.caller, enforced) if judges else CLEAN

    return tenancy


def _results(value: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Where a message holds what a tool said: its result, that of a task in it, or that of a task in a notification."""
    method, params = value.get("method"), value.get("params")
    if type(method) is str and method.startswith("notifications/tasks") and type(params) is dict:
        yield from _holding(params, ("params",))
    elif type(value.get("result")) is dict:
        yield from _holding(value["result"], ("result",))


def _holding(node: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if any(node.get(key) is not None for key in _HELD):
        yield path
    below = node.get("result")
    if type(below) is dict and any(below.get(key) is not None for key in _HELD):
        yield (*path, "result")


def _chosen(
    context: Context, message: Message, assertions: Sequence[TenantAssertion], held: HeldTasks
) -> Run[list[int] | None]:
    """The places of the assertions that the message is held to, None if nobody knows."""
    origin, params = context.origin, message.value.get("params")
    if "method" in message.value or (origin is not None and origin.method.startswith("tasks/")):
        told = params.get("taskId") if type(params) is dict else None
        task = told if "method" in message.value else "" if origin is None else origin.target
        return (yield from held.of(context, task)) if type(task) is str and task else None
    tool = tool_of(context, message)
    return None if tool is None else on_tool(assertions, tool)


def _judged(
    message: Message,
    places: list[tuple[str, ...]],
    judges: list[tuple[TenantAssertion, Rows]],
    caller: Caller | None,
    enforced: bool,
) -> Outcome:
    reports: list[Finding] = []
    edit: Message | None = None
    for path in places:
        for assertion, rows in judges:
            value = (message if edit is None else edit).value
            result = value["result" if path[0] == "result" else "params"]
            result = result["result"] if len(path) > 1 else result
            try:
                judged, dropped = _answer(result, rows, _own(assertion, caller), assertion.rows == "drop")
            except Foreign:
                return denied("SMCP704", "/" + "/".join(path), hint="rows of the caller's tenant alone")
            if judged is not result:
                hint = (
                    f"rows of another tenant that were dropped: {dropped}"
                    if dropped
                    else "texts that repeat what was judged"
                )
                reports.append(finding("SMCP704", "/" + "/".join(path), hint=hint, action=Action.REPORT))
                edit = rewritten(message if edit is None else edit, path, judged)
    return Outcome(tuple(reports), edit=edit if enforced else None) if reports else CLEAN


def _own(assertion: TenantAssertion, caller: Caller | None) -> frozenset[str]:
    """The tenants whose rows the caller may see, as texts: 42 and "42" are one."""
    if caller is None or not caller.verified:
        return frozenset()
    named = caller.tenant if assertion.claim is None else look_up(caller.claims, assertion.claim)
    several = named if isinstance(named, list | tuple) else (named,)
    return frozenset(str(each) for each in several if type(each) in (str, int) and each != "")


def _answer(result: dict[str, Any], rows: Rows, own: frozenset[str], drop: bool) -> tuple[dict[str, Any], int]:
    """(the result without foreign rows, how many there were); the very same one if nothing is to be changed."""
    content = result.get("content")
    odd = any(type(value) in (dict, list) for key, value in result.items() if key not in _KNOWN)
    if odd or result.get("toolResult") is not None or (content is not None and type(content) is not list):
        raise Foreign
    texts = [_text(block) for block in content or ()]
    structured = result.get("structuredContent")
    if structured is None:
        return _texts(result, texts, rows, own, drop)
    kept, dropped = rows.sift(structured, own, drop)
    vouched = {serialise(each) for each in (kept, *rows.parts(kept))}
    if not dropped and all(_canonical(text) in vouched for text in texts):
        return result, 0
    told = [{"type": "text", "text": serialise(kept).decode()}] if content is not None else content
    changed = {**result, "structuredContent": kept}
    return changed if told is None else {**changed, "content": told}, dropped


def _texts(
    result: dict[str, Any], texts: list[str], rows: Rows, own: frozenset[str], drop: bool
) -> tuple[dict[str, Any], int]:
    """A result of texts alone: each is JSON. Of an error those are judged that the pointer leads into."""
    failed = result.get("isError") is True
    blocks, total = list(result.get("content") or ()), 0
    for place, text in enumerate(texts):
        value = _parsed(text)
        if failed and not rows.lead_into(value):
            continue
        kept, dropped = rows.sift(value, own, drop)
        if dropped:
            blocks[place] = {**blocks[place], "text": serialise(kept).decode()}
            total += dropped
    return ({**result, "content": blocks}, total) if total else (result, 0)


def _text(block: Any) -> str:
    if type(block) is not dict or block.get("type") != "text" or type(block.get("text")) is not str:
        raise Foreign
    text: str = block["text"]
    return text


def _parsed(text: str) -> Any:
    """The JSON object or list that a text holds, None if it holds none."""
    try:
        value, _ = load(text.encode("utf-8", "surrogatepass"))
    except Malformed:
        return None
    return value if type(value) in (dict, list) else None


def _canonical(text: str) -> bytes:
    value = _parsed(text)
    return b"" if value is None else serialise(value)
