"""The descriptions rung: definitions that speak to the model or shadow another's name. Pure.

Lists of tools, prompts, resources and templates, tools that a server hands over with a sampling request, and what it
says of itself when it is greeted. A list is judged as it comes, page by page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from smcp_security.checks.edits import all_exchanged, with_value
from smcp_security.checks.examination import Examination, Shape, fewer
from smcp_security.checks.origins import asked_method
from smcp_security.checks.poison import Judge
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.checks.shown import shown
from smcp_security.decision import CLEAN, Finding, Outcome
from smcp_security.leaves import Path
from smcp_security.message import Kind, Message
from smcp_security.pins.lock import Lock
from smcp_security.policy import Policy
from smcp_security.revisions import fold
from smcp_security.rulebook import Rulebook

__all__ = ["Judge", "build"]

_TOOLS: Final = Shape("tools", "tool", "name")
_LISTS: Final[Mapping[str, Shape]] = {
    "tools/list": _TOOLS,
    "prompts/list": Shape("prompts", "prompt", "name"),
    "resources/list": Shape("resources", "resource", "uri"),
    "resources/templates/list": Shape("resourceTemplates", "template", "uriTemplate"),
}
# By what a lenient reader takes a key for; "" is the method of what is not proven to be the answer to any.
_READ_AS: Final[Mapping[str, Mapping[str, Shape]]] = {
    "": {fold(shape.key): shape for shape in _LISTS.values()},
    **{method: {fold(shape.key): shape} for method, shape in _LISTS.items()},
}
_GREETINGS: Final = frozenset({"initialize", "server/discover"})


def build(policy: Policy, defined: Rulebook, lock: Lock | None, general: Rulebook | None = None) -> Rung:
    """The rung for results.descriptions. `defined`: the rules for definitions; `general`: those for every result."""
    judge = Judge(defined, policy.injection.threshold, general)
    examined = Examination(judge, lock or Lock(), policy.injection.exclude)
    drops = policy.results.descriptions == "drop" and policy.enforces("results")

    def descriptions(context: Context) -> Outcome:
        message = context.message
        if message is None or message.kind is Kind.NOTIFICATION:
            return CLEAN
        today, findings = examined.today(context.now), list[Finding]()
        left: dict[Path, Any] = {}
        for path, shape, entries in _lists_in(context, message):
            verdict = examined.listed(shape, entries, today)
            findings += _placed(verdict.findings, path)
            if verdict.dropped:
                left[path] = [entry for place, entry in enumerate(entries) if place not in verdict.dropped]
        value = all_exchanged(message.value, left)
        if _greets(context, message):
            verdict = examined.greeting(message.value["result"], today)
            findings += _placed(verdict.findings, ("result",))
            if verdict.dropped:
                kept = (item for place, item in enumerate(value["result"].items()) if place not in verdict.dropped)
                value = {**value, "result": dict(kept)}
        if not findings:
            return CLEAN
        edit = with_value(message, value) if drops and value is not message.value else None
        return Outcome(fewer(findings), edit=edit)

    return pure(descriptions)


def _placed(findings: Iterable[Finding], path: Path) -> Iterator[Finding]:
    """The findings with pointers into the message in place of those into a part of it."""
    at = shown(path)
    return (replace(found, where=at + found.where) for found in findings)


def _lists_in(context: Context, message: Message) -> Iterator[tuple[Path, Shape, list[Any]]]:
    """The lists in a message: of the method that was asked, or of any where that is not proven; tools handed over."""
    if message.kind is Kind.REQUEST:
        yield from _handed_over(message.value, ())
    result = message.value.get("result")
    if type(result) is not dict:
        return
    shapes = _READ_AS.get(asked_method(context, message), {})
    for key, entries in result.items() if shapes else ():
        if type(entries) is list and (shape := shapes.get(fold(key))) is not None:
            yield ("result", key), shape, entries
    requests = result.get("inputRequests")
    for name, request in requests.items() if type(requests) is dict else ():
        yield from _handed_over(request, ("result", "inputRequests", name))


def _handed_over(request: Any, path: Path) -> Iterator[tuple[Path, Shape, list[Any]]]:
    """The tools that the client's model is to have for one sampling request."""
    if type(request) is dict and request.get("method") == "sampling/createMessage":
        params = request.get("params")
        for key, entries in params.items() if type(params) is dict else ():
            if type(entries) is list and fold(key) == _TOOLS.key:
                yield (*path, "params", key), _TOOLS, entries


def _greets(context: Context, message: Message) -> bool:
    """Whether a message says what the server is: no reader takes a result without capabilities for that."""
    result = message.value.get("result")
    if message.kind is not Kind.RESPONSE or type(result) is not dict:
        return False
    asked = asked_method(context, message)
    return asked in _GREETINGS or (asked == "" and "capabilities" in result)
