"""The internals rung: errors of the server tell nothing of its insides, nor what was asked. Pure.

Errors are those of JSON-RPC, results with `isError`, and failed tasks. What is here for `hide` leaves the code, and the
data that the protocol itself asks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from smcp_security.checks.echoes import Echoes
from smcp_security.checks.edits import exchanged, with_value
from smcp_security.checks.masking import Place, masked
from smcp_security.checks.protocol_places import covers
from smcp_security.checks.redaction import told
from smcp_security.checks.repeats import TooManyRepeats
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.checks.shown import shown
from smcp_security.decision import CLEAN, Action, Outcome, denied, finding
from smcp_security.fields import fields_of
from smcp_security.leaves import Path
from smcp_security.message import Message
from smcp_security.policy import Policy
from smcp_security.redaction.redactor import Redactor, Span
from smcp_security.redaction.scan import SpanFlood

FAILED: Final = "The tool failed; its details are in the server's log."
_ERRORS: Final[Mapping[int, str]] = {
    -32700: "The server could not parse the message.",
    -32600: "The server says that the request is invalid.",
    -32601: "The server does not know the method.",
    -32602: "The server says that the parameters are invalid.",
    -32002: "The server does not have the resource.",
    -32020: "The server says that the headers disagree with the message.",
    -32021: "The server needs a capability that the client has not declared.",
    -32022: "The server does not speak this revision of the protocol.",
    -32042: "The server needs the user to open a page first.",
}
_ERROR: Final = "The server failed; its details are in the server's log."
# Their data says what the client is to do next: capabilities, revisions, pages to open.
_GUIDING: Final = frozenset({-32021, -32022, -32042})
_FLAGS: Final = ("isError", "resultType")
_INTERNAL: Final = -32603
_MAX_FINDINGS: Final = 20


def build(policy: Policy, redactor: Redactor) -> Rung:
    """The internals rung for `results.errors`. In monitor mode it reports and changes nothing."""
    enforced = policy.enforces("results")
    judge = _hidden if policy.results.errors == "hide" else _Masking(redactor)

    def internals(context: Context) -> Outcome:
        message = context.message
        failures = () if message is None else tuple(_failures(message.value))
        if message is None or not failures:
            return CLEAN
        try:
            value, found = judge(message, failures, context)
        except (SpanFlood, TooManyRepeats):
            return denied("SMCP712", shown(failures[0]))
        if not found:
            return CLEAN
        reports = tuple(
            finding("SMCP708", shown(path), hint=hint, action=Action.REPORT) for path, hint in found[:_MAX_FINDINGS]
        )
        return Outcome(reports, edit=with_value(message, value) if enforced else None)

    return pure(internals)


def _failures(value: Mapping[str, Any]) -> Iterator[Path]:
    """Where a message tells of a failure: errors, results with `isError`, failed tasks."""
    if type(value.get("error")) is dict:
        yield ("error",)
    method, params = value.get("method"), value.get("params")
    if type(method) is str and method.startswith("notifications/tasks") and type(params) is dict:
        yield from _of_task(params, ("params",))
    result = value.get("result")
    if type(result) is dict:
        if _failed(result):
            yield ("result",)
        else:
            yield from _of_task(result, ("result",))


def _of_task(task: Mapping[str, Any], path: Path) -> Iterator[Path]:
    if type(task.get("error")) is dict and type(task["error"].get("code")) is int:
        yield (*path, "error")
    if type(task.get("result")) is dict and _failed(task["result"]):
        yield (*path, "result")
    if task.get("status") == "failed" and type(task.get("statusMessage")) is str:
        yield (*path, "statusMessage")


def _failed(result: Mapping[str, Any]) -> bool:
    return result.get("isError") is True


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


_Found = tuple[dict[str, Any], list[tuple[Path, str]]]


def _hidden(message: Message, failures: Sequence[Path], context: Context) -> _Found:
    """Each failure without any detail."""
    value, found = message.value, []
    for path in failures:
        before = _at(value, path)
        after = _general(path[-1], before)
        if after != before:
            value = exchanged(value, path, after)
            found.append((path, "hidden"))
    return value, found


def _general(name: str | int, failure: Any) -> Any:
    """What is told in place of a failure: what the protocol itself needs, and a sentence. `name` is the member's."""
    if name == "statusMessage":
        return FAILED
    if name == "result":
        kept = {key: failure[key] for key in _FLAGS if type(failure.get(key)) in (str, bool)}
        return {"content": [{"type": "text", "text": FAILED}], **kept}
    code = failure.get("code")
    if type(code) is not int:
        return {"code": _INTERNAL, "message": _ERROR}
    general = {"code": code, "message": _ERRORS.get(code, _ERROR)}
    return {**general, "data": failure["data"]} if code in _GUIDING and "data" in failure else general


class _Masking:
    """Insides and echoes masked in failures, the rest left as it is."""

    __slots__ = ("_redactor",)

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, message: Message, failures: Sequence[Path], context: Context) -> _Found:
        echoes = Echoes(context.request)

        def find(texts: Sequence[str], names: Sequence[str]) -> Sequence[Span]:
            return echoes.added(texts, self._redactor.internals(texts))

        value, found = message.value, []
        for path in failures:
            # As a message of its own: nothing outside of the failure is looked at.
            part = {str(path[0]): _within(value, path)}
            result = masked(part, fields_of(part), find, covers, every=True)
            if result is not None:
                value = exchanged(value, path, _at(result.value, path))
                found += [(place.path, _told(place)) for place in result.places]
        return value, found


def _within(value: Mapping[str, Any], path: Path) -> Any:
    """What stands at the path, in nothing but the objects that lead there."""
    part = _at(value, path)
    for step in reversed(path[1:]):
        part = {step: part}
    return part


def _told(place: Place) -> str:
    masks: Counter[str] = Counter()
    for (mask, _), count in place.masks.items():
        masks[mask] += count
    return told(masks)
