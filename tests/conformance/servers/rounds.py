"""Questions on round trips of results (SEP-2322), as in 2026-07-28: the SDK seals the state, the tools read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

_STATE = "asked"


def form(message: str, field: str, kind: str = "string") -> ElicitRequest:
    """A question to the person for one value."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str, limit: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=limit))


def _ask(questions: Mapping[str, Any], state: str | None = None) -> InputRequiredResult:
    return InputRequiredResult(input_requests=dict(questions), request_state=state)


def _answers(ctx: Context) -> Mapping[str, Any]:
    return ctx.input_responses or {}


def add_single_questions(server: MCPServer) -> None:
    """One question each; an answer of another kind is asked for again."""

    @server.tool()
    async def test_input_required_result_elicitation(ctx: Context) -> str | InputRequiredResult:
        """Ask the person for a name."""
        answer = _answers(ctx).get("user_name")
        if isinstance(answer, ElicitResult) and answer.content:
            return f"Hello, {answer.content['name']}!"
        return _ask({"user_name": form("What is your name?", "name")})

    @server.tool()
    async def test_input_required_result_sampling(ctx: Context) -> str | InputRequiredResult:
        """Ask the client's model."""
        answer = _answers(ctx).get("capital_question")
        if isinstance(answer, CreateMessageResult):
            return f"The model says: {getattr(answer.content, 'text', '')}"
        return _ask({"capital_question": _sample("What is the capital of France?", 100)})

    @server.tool()
    async def test_input_required_result_list_roots(ctx: Context) -> str | InputRequiredResult:
        """Ask for the roots."""
        answer = _answers(ctx).get("client_roots")
        if isinstance(answer, ListRootsResult):
            return "Roots: " + ", ".join(f"{root.name} {root.uri}" for root in answer.roots)
        return _ask({"client_roots": ListRootsRequest()})

    @server.tool()
    async def test_streaming_elicitation(ctx: Context) -> str | InputRequiredResult:
        """Ask; no request of the server's own may stand on the stream of this call."""
        return "Answered." if _answers(ctx) else _ask({"go_on": form("Go on?", "ok", "boolean")})


def add_stateful_questions(server: MCPServer) -> None:
    """Questions with a state that comes back, over one round or two."""

    @server.tool()
    async def test_input_required_result_request_state(ctx: Context) -> str | InputRequiredResult:
        """Ask, and know the question again by the state."""
        if ctx.request_state == _STATE and "confirm" in _answers(ctx):
            return "state-ok"
        return _ask({"confirm": form("Please confirm", "ok", "boolean")}, _STATE)

    @server.tool()
    async def test_input_required_result_tampered_state(ctx: Context) -> str | InputRequiredResult:
        """The same; the scenario sends the state back damaged."""
        if ctx.request_state == _STATE:
            return "The state was whole."
        return _ask({"confirm": form("Please confirm", "ok", "boolean")}, _STATE)

    @server.tool()
    async def test_input_required_result_multi_round(ctx: Context) -> str | InputRequiredResult:
        """Ask for a name, then for a colour."""
        if ctx.request_state == "second":
            return "Both steps are done."
        if ctx.request_state == "first":
            return _ask({"step2": form("Step 2: What is your favorite color?", "color")}, "second")
        return _ask({"step1": form("Step 1: What is your name?", "name")}, "first")


def add_joined_questions(server: MCPServer) -> None:
    """Several questions at once, those a client can answer, and a prompt that asks."""

    @server.tool()
    async def test_input_required_result_multiple_inputs(ctx: Context) -> str | InputRequiredResult:
        """Ask the person, the model and the host at once."""
        questions = {
            "user_name": form("What is your name?", "name"),
            "greeting": _sample("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        }
        return "All answered." if questions.keys() <= _answers(ctx).keys() else _ask(questions, _STATE)

    @server.tool()
    async def test_input_required_result_capabilities(ctx: Context) -> str | InputRequiredResult:
        """Ask only what the client says it can answer."""
        able = ctx.client_capabilities
        questions: dict[str, Any] = {}
        if able and able.sampling:
            questions["thought"] = _sample("Name a colour.", 50)
        if able and able.elicitation:
            questions["choice"] = form("Name a colour.", "colour")
        return _ask(questions) if questions and not _answers(ctx) else "Nothing to ask."

    @server.prompt(description="A prompt that asks first")
    async def test_input_required_result_prompt(ctx: Context) -> Any:
        answer = _answers(ctx).get("user_context")
        if isinstance(answer, ElicitResult):
            text = f"Context: {(answer.content or {}).get('context')}"
            return [{"role": "user", "content": {"type": "text", "text": text}}]
        return _ask({"user_context": form("What context should the prompt use?", "context")})
