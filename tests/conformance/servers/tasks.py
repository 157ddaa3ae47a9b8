"""The tasks extension (SEP-2663) as far as its scenarios go. No clock: what is asked to take a minute waits to be
cancelled, everything else is done by the time it is looked at, so that two runs take the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import (
    Context,
    Extension,
    MCPServer,
    MethodBinding,
    require_client_extension,
)
from mcp.shared.exceptions import MCPError
from mcp_types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    ElicitResult,
    InputRequiredResult,
    RequestParams,
)

from tests.conformance.servers.rounds import form

_REVISION = frozenset({"2026-07-28"})
_EPOCH = "2026-07-28T00:00:00Z"
_A_MINUTE = 60


class TaskParams(RequestParams):
    """What every method of the extension names."""

    task_id: str


class UpdateParams(TaskParams):
    """The client's answers to what a task asked."""

    input_responses: dict[str, Any]


@dataclass
class _Task:
    """One task. `asks` are its open questions; `outcome` is what it will have ended with once there are none."""

    outcome: Mapping[str, Any]
    asks: dict[str, Any] = field(default_factory=dict)
    status: str = "working"
    id: str = field(default_factory=lambda: uuid4().hex)

    def settle(self) -> None:
        if self.status in ("working", "input_required"):
            ended = "failed" if "error" in self.outcome else "completed"
            self.status = "input_required" if self.asks else ended if self.outcome else "working"

    def shown(self) -> dict[str, Any]:
        times = {"createdAt": _EPOCH, "lastUpdatedAt": _EPOCH, "ttlMs": 600_000, "pollIntervalMs": 50}
        return {"taskId": self.id, "status": self.status, **times}


def _result(text: str, error: bool = False) -> dict[str, Any]:
    return {"result": {"content": [{"type": "text", "text": text}], "isError": error, "resultType": "complete"}}


def _computed(arguments: Mapping[str, Any]) -> _Task:
    return _Task({} if arguments["seconds"] >= _A_MINUTE else _result("Computed."))


def _questions(*names: str) -> dict[str, Any]:
    asks = {name: form(f"Confirm {name}?", "confirm", "boolean") for name in names}
    return {name: ask.model_dump(by_alias=True, mode="json", exclude_none=True) for name, ask in asks.items()}


_JOBS: Mapping[str, Callable[[Mapping[str, Any]], _Task]] = {
    "slow_compute": _computed,
    "failing_job": lambda _: _Task(_result("The job failed.", error=True)),
    "protocol_error_job": lambda _: _Task({"error": {"code": INTERNAL_ERROR, "message": "The job broke."}}),
    "confirm_delete": lambda _: _Task(_result("Deleted."), asks=_questions("delete")),
    "multi_input": lambda _: _Task(_result("Both answered."), asks=_questions("first", "second")),
}


class Tasks(Extension):
    """Tools that a client which declares the extension gets a task for, and the methods to follow one."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}

    def methods(self) -> Sequence[MethodBinding]:
        """The three methods that the extension has left."""
        bindings = (("get", TaskParams, self._get), ("update", UpdateParams, self._update))
        bindings = (*bindings, ("cancel", TaskParams, self._cancel))
        return [MethodBinding(f"tasks/{name}", params, handler, _REVISION) for name, params, handler in bindings]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Answer with a task where the client can follow one; one job cannot be done without."""
        if params.name == "failing_job":
            require_client_extension(ctx, self.identifier)
        able = ctx.session.client_capabilities
        if not (able and able.extensions and self.identifier in able.extensions):
            return await call_next(ctx)
        if params.name in _JOBS:
            return self._created(_JOBS[params.name](params.arguments or {}))
        done = await call_next(ctx)
        if params.name != test_tool_with_task.__name__ or isinstance(done, InputRequiredResult):
            return done
        return self._created(_Task({"result": done.model_dump(by_alias=True, mode="json", exclude_none=True)}))

    def _created(self, task: _Task) -> dict[str, Any]:
        self._tasks[task.id] = task
        shown = {"resultType": "task", **task.shown()}
        task.settle()
        return shown

    def _found(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> _Task:
        require_client_extension(ctx, self.identifier)
        if ctx.request is not None and ctx.request.headers.get("mcp-name") != params.task_id:
            # The extension demands it; the SDK knows the header for its own methods only.
            raise MCPError(code=HEADER_MISMATCH, message="Mcp-Name does not match params.taskId")
        if params.task_id not in self._tasks:
            raise MCPError(code=INVALID_PARAMS, message="Unknown task")
        return self._tasks[params.task_id]

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> dict[str, Any]:
        task = self._found(ctx, params)
        if task.status == "input_required":
            return {**task.shown(), "inputRequests": task.asks}
        return {**task.shown(), **(task.outcome if task.status in ("completed", "failed") else {})}

    async def _update(self, ctx: ServerRequestContext[Any, Any], params: UpdateParams) -> dict[str, Any]:
        task = self._found(ctx, params)
        for name in params.input_responses:
            task.asks.pop(name, None)
        task.settle()
        return {}

    async def _cancel(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> dict[str, Any]:
        task = self._found(ctx, params)
        if task.status in ("working", "input_required"):
            task.status = "cancelled"
        return {}


def add_task_tools(server: MCPServer) -> None:
    """The extension's tools. Called without it they answer at once."""
    jobs = (slow_compute, failing_job, protocol_error_job, confirm_delete, multi_input)
    for tool in (greet, *jobs, test_tool_with_task):
        server.add_tool(tool)


def greet(name: str) -> str:
    """Greet somebody; never a task."""
    return f"Hello, {name}!"


def slow_compute(seconds: int, label: str = "") -> str:
    """Compute something."""
    return "Computed."


def failing_job() -> str:
    """Fail."""
    raise ValueError("The job failed.")


def protocol_error_job() -> str:
    """Break."""
    raise MCPError(code=INTERNAL_ERROR, message="The job broke.")


def confirm_delete(filename: str) -> str:
    """Delete after asking."""
    return f"Deleted {filename}."


def multi_input() -> str:
    """Ask two things at once."""
    return "Both answered."


async def test_tool_with_task(ctx: Context) -> str | InputRequiredResult:
    """Ask for a name on a round trip, then do the rest as a task."""
    answer = (ctx.input_responses or {}).get("user_name")
    if isinstance(answer, ElicitResult) and answer.content:
        return f"Done for {answer.content['name']}."
    return InputRequiredResult(input_requests={"user_name": form("What is your name?", "name")})
