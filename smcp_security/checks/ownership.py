"""Tasks belong to the caller whose call started them: whose they are is claimed when they come into being. Pure.

Callers without a credential are one owner, `anonymous`. A task that is not known is answered like one of another
caller, and both like one whose owner was forgotten: after a week, or when its store was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from smcp_security.checks import task_claims
from smcp_security.checks.edits import rewritten
from smcp_security.checks.identity import RETRY_AFTER
from smcp_security.checks.origins import asked_method, tool_of
from smcp_security.checks.rung import Context, Run, Rung, pure
from smcp_security.checks.task_claims import HeldTasks
from smcp_security.decision import CLEAN, Action, Finding, Outcome, denied, finding
from smcp_security.errors import Unavailable
from smcp_security.message import Kind, Message
from smcp_security.policy import Policy
from smcp_security.policy.access import TenantAssertion
from smcp_security.policy.globs import matches

_ANONYMOUS: Final = "anonymous"
_METHODS: Final = frozenset({"tasks/get", "tasks/result", "tasks/update", "tasks/cancel"})
# One question to the store each.
_MAX_LISTED: Final = 1_000


def build_request(policy: Policy) -> Rung:
    """Only its owner asks for a task, answers it or cancels it. Denies nothing where nobody is identified."""
    if not _in_force(policy):
        return pure(lambda context: CLEAN)

    def ownership(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None or not message.method.startswith("tasks/"):
            return CLEAN
        task = message.params.get("taskId")
        if type(task) is not str:
            return denied("SMCP305", "/params/taskId") if message.method in _METHODS else CLEAN
        mine = yield from task_claims.belongs(context, task, _name_of(context))
        return CLEAN if mine else denied("SMCP305", "/params/taskId")

    return ownership


def build_response(policy: Policy) -> Rung:
    """New tasks are claimed for their caller, and a list of tasks shows it only its own."""
    if not _in_force(policy):
        return pure(lambda context: CLEAN)
    assertions = policy.results.tenant
    held = HeldTasks(assertions)

    def ownership(context: Context) -> Run[Outcome]:
        message = context.message
        if message is not None and message.kind is Kind.NOTIFICATION:
            return (yield from _announced(context, message))
        result = message.value.get("result") if message is not None and message.kind is Kind.RESPONSE else None
        if message is None or type(result) is not dict:
            return CLEAN
        if type(result.get("tasks")) is list and not asked_method(context, message):
            return (yield from _own_tasks(context, message, result["tasks"]))
        of_task = context.origin is not None and context.origin.method.startswith("tasks/")
        if of_task or (found := _created(result)) is None:
            return CLEAN
        task, where = found
        if not (yield from task_claims.begin(context, task, _name_of(context))):
            # Its owner keeps it: nobody takes a task over because a server names it twice.
            return Outcome((finding("SMCP305", where, action=Action.REPORT, hint="a task id of its own"),))
        tool = tool_of(context, message)
        if assertions and tool:
            yield from held.bind(context, task, on_tool(assertions, tool))
        return CLEAN

    return ownership


def on_tool(assertions: Sequence[TenantAssertion], tool: str) -> list[int]:
    """The places of the assertions on a tool."""
    return [place for place, each in enumerate(assertions) if any(matches(glob, tool) for glob in each.tools)]


def _in_force(policy: Policy) -> bool:
    return policy.identity is not None or policy.roles is not None


def _name_of(context: Context) -> str:
    """Who asks: on the way back, the caller of the request that is answered."""
    origin = context.origin
    if origin is not None:
        return origin.caller or _ANONYMOUS
    return (context.caller.id if context.caller is not None else "") or _ANONYMOUS


def _created(result: dict[str, Any]) -> tuple[str, str] | None:
    """(the id of the task that a result announces, where), in the shape of 2025-11-25 or of SEP-2663."""
    shapes: list[tuple[Any, str]] = [(result.get("task"), "/result/task/taskId")]
    if result.get("resultType") == "task":
        shapes.insert(0, (result, "/result/taskId"))
    for task, where in shapes:
        if type(task) is dict and type(task.get("taskId")) is str:
            return task["taskId"], where
    return None


def _announced(context: Context, message: Message) -> Run[Outcome]:
    """News of a task is for its owner: some servers tell everybody."""
    task = message.params.get("taskId")
    if not message.method.startswith("notifications/tasks") or type(task) is not str:
        return CLEAN
    try:
        mine = yield from task_claims.belongs(context, task, _name_of(context))
    except Unavailable:
        # As an outcome: it is this message that is lost, not the answer that others wait for on the stream.
        return Outcome((finding("SMCP206", retry_after=RETRY_AFTER),))
    return CLEAN if mine else denied("SMCP305", "/params/taskId")


def _own_tasks(context: Context, message: Message, tasks: list[Any]) -> Run[Outcome]:
    mine, own = _name_of(context), []
    for task, id in _named(tasks):
        if (yield from task_claims.belongs(context, id, mine)):
            own.append(task)
    reports: tuple[Finding, ...] = ()
    if len(tasks) > _MAX_LISTED:
        reports = (finding("SMCP305", "/result/tasks", action=Action.REPORT, hint=f"at most {_MAX_LISTED} tasks"),)
    edit = None if len(own) == len(tasks) else rewritten(message, ("result", "tasks"), own)
    return Outcome(reports, edit=edit) if reports or edit is not None else CLEAN


def _named(tasks: list[Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for task in tasks[:_MAX_LISTED]:
        if type(task) is dict and type(task.get("taskId")) is str:
            yield task, task["taskId"]
