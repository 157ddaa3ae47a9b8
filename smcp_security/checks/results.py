"""Response rungs: the size cap, strict parsing of what the server says, and learning schemas from lists. Pure.

The unit is one JSON body or one SSE event. Later rungs (list filtering, pins, redaction) hang on the same ladder.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from smcp_security.checks.rung import Context, Learn, Run, Rung, Trace, pure
from smcp_security.decision import CLEAN, Action, Finding, Outcome, denied, finding
from smcp_security.fields import fields_of
from smcp_security.leaves import Texts
from smcp_security.message import Era, Message, typed
from smcp_security.policy import ResultsPolicy
from smcp_security.revisions import fold
from smcp_security.schemas import ToolSchema, UnusableSchema, compile_schema
from smcp_security.strict_json import Malformed, load

# One list answer teaches at most this many tools, and reports as many problems.
_MAX_LESSONS = 1_000
_MAX_REPORTS = 20
_ENVELOPE: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_OUTCOMES: Final = frozenset({"result", "error"})
# The texts of requests; those of results are gathered with the names of their fields.
_NO_TEXTS = Texts()


def build_size(policy: ResultsPolicy) -> Rung:
    """The cap on one body or event; edges stop reading at the same number."""

    def size(context: Context) -> Outcome:
        if context.raw is not None and len(context.raw) > policy.max_size:
            return denied("SMCP701", hint=f"at most {policy.max_size} bytes")
        return CLEAN

    return pure(size)


def build_parse() -> Rung:
    """What cannot be read exactly as the client will read it is not passed on."""

    def parse(context: Context) -> Outcome:
        try:
            value, raw = load(context.raw or b"")
            if type(value) is not dict or _is_ambiguous(value):
                return denied("SMCP703")
            fields = fields_of(value)
        except Malformed:
            return denied("SMCP703")
        request = context.request
        era, revision = (Era.LEGACY, "") if request is None else (request.era, request.revision)
        message = typed(Message(value, raw, _NO_TEXTS), era, revision)
        return Outcome(edit=replace(message, fields=fields))

    return pure(parse)


def _is_ambiguous(value: dict[str, Any]) -> bool:
    """Whether clients may read another message than we do: a call that is an answer too, keys in another spelling."""
    keys = value.keys()
    if "method" in keys and not keys.isdisjoint(_OUTCOMES):
        return True
    return not keys <= _ENVELOPE and any(fold(key) in _ENVELOPE for key in keys - _ENVELOPE)


def build_trace() -> Rung:
    """Which request the message answers; what cannot be traced is judged by shape, under the strictest rules."""

    def trace(context: Context) -> Run[Outcome]:
        if context.message is None:
            return CLEAN
        caller = context.caller.id if context.caller is not None else ""
        origin = yield from Trace(context.message, context.request, context.session, caller).ask()
        return CLEAN if origin is None else Outcome(origin=origin)

    return trace


def build_learning() -> Rung:
    """Schemas from `tools/list` answers; an answer of unknown origin teaches nothing."""

    def learning(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None or context.origin is None or context.origin.method != "tools/list":
            return CLEAN
        result = message.value.get("result")
        tools = result.get("tools") if type(result) is dict else None
        findings: list[Finding] = []
        for place, tool in enumerate(tools[:_MAX_LESSONS] if type(tools) is list else []):
            findings += yield from _lesson(tool, context.upstream, f"/result/tools/{place}/inputSchema")
        return Outcome(tuple(findings[:_MAX_REPORTS])) if findings else CLEAN

    return learning


def _lesson(tool: Any, upstream: str, where: str) -> Run[list[Finding]]:
    if type(tool) is not dict or type(tool.get("name")) is not str:
        return []
    schema = _compiled(tool.get("inputSchema"))
    if schema is None:
        return [finding("SMCP505", where, action=Action.REPORT)]
    before = yield from Learn(tool["name"], schema, upstream).ask()
    output = _compiled(tool.get("outputSchema"))
    if output is not None:
        yield from Learn(tool["name"], output, upstream, output=True).ask()
    changed = before is not None and before.digest != schema.digest
    return [finding("SMCP801", where, action=Action.REPORT)] if changed else []


def _compiled(schema: Any) -> ToolSchema | None:
    try:
        return compile_schema(schema)
    except UnusableSchema:
        return None
