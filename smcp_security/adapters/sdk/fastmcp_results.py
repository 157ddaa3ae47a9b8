"""Results of FastMCP 4: as the client would get them, and in FastMCP's own shapes again as a check has left them.

What cannot be had again exactly is left out of a list, or withheld.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastmcp.prompts.base import InputRequiredPromptResult, Message, PromptResult
from fastmcp.resources.base import InputRequiredResourceResult, ResourceContent, ResourceResult
from fastmcp.tools.base import InputRequiredToolResult, ToolResult
from mcp.types import CallToolResult, InputRequiredResult, PromptMessage
from pydantic import BaseModel

from smcp_security import answers
from smcp_security.adapters.sdk.guard import Wire
from smcp_security.adapters.sdk.modern import error_of, plain

_ASKING: Final = (InputRequiredToolResult, InputRequiredResourceResult, InputRequiredPromptResult)
# Of each list: its key on the wire, what names an item there, and how FastMCP names and writes one.
_LISTS: Final[dict[str, tuple[str, str, Callable[[Any], str], Callable[[Any], Any]]]] = {
    "tools/list": ("tools", "name", lambda each: str(each.name), lambda each: each.to_mcp_tool(name=each.name)),
    "prompts/list": ("prompts", "name", lambda each: str(each.name), lambda each: each.to_mcp_prompt(name=each.name)),
    "resources/list": ("resources", "uri", lambda each: str(each.uri), lambda each: each.to_mcp_resource()),
    "resources/templates/list": (
        "resourceTemplates",
        "uriTemplate",
        lambda each: str(each.uri_template),
        lambda each: each.to_mcp_template(),
    ),
}
# What FastMCP calls the members of a definition, where it is not the name on the wire.
_OWN: Final = {
    "inputSchema": "parameters", "outputSchema": "output_schema", "mimeType": "mime_type", "_meta": "meta",
}  # fmt: skip


def on_the_wire(method: str | None, asked: Any, result: Any) -> Wire:
    """A result as the client would get it. `asked` is the message that it answers."""
    if method in _LISTS:
        key, _, _, written = _LISTS[method]
        return {key: [plain(written(each)) for each in result]}
    if isinstance(result, _ASKING):
        return plain(result.input_required)
    if isinstance(result, ToolResult):
        return _tool_result(result.to_mcp_result())
    if isinstance(result, ResourceResult):
        return plain(result.to_mcp_result(asked.uri))
    if isinstance(result, PromptResult):
        return plain(result.to_mcp_prompt_result())
    return plain(result)


def _tool_result(made: Any) -> Wire:
    if isinstance(made, tuple):
        made = CallToolResult(content=made[0], structured_content=made[1])
    elif isinstance(made, list):
        made = CallToolResult(content=made)
    return plain(made)


def changed(method: str | None, asked: Any, result: Any, answer: Wire) -> Any:
    """The result in the shape that FastMCP goes on with, as a check has left it.

    Raises the SDK's error where that shape does not come to the very answer.
    """
    if method in _LISTS:
        return _list(method, result, answer)
    if isinstance(result, Mapping):
        return answer
    made = _made(result, answer)
    if made is None or on_the_wire(method, asked, made) != answer:
        raise error_of({"error": {"code": answers.WITHHELD, "message": "The call ran; its result was withheld."}})
    return made


def _made(result: Any, answer: Wire) -> Any:
    if isinstance(result, _ASKING):
        return type(result)(InputRequiredResult.model_validate(answer))
    if isinstance(result, ToolResult):
        return ToolResult.from_mcp_result(CallToolResult.model_validate(answer))
    if isinstance(result, ResourceResult):
        return ResourceResult([_content(each) for each in answer["contents"]], answer.get("_meta"))
    if isinstance(result, PromptResult):
        messages = [PromptMessage.model_validate(each) for each in answer["messages"]]
        told = [Message(each.content, each.role) for each in messages]
        return PromptResult(told, answer.get("description"), answer.get("_meta"))
    # What the SDK answers by itself: initialize, server/discover.
    return type(result).model_validate(answer) if isinstance(result, BaseModel) else None


def _content(told: Wire) -> ResourceContent:
    held = told["text"] if "text" in told else b64decode(told["blob"])
    return ResourceContent(held, told.get("mimeType"), told.get("_meta"))


def _list(method: str, items: Any, answer: Wire) -> list[Any]:
    """The items that are left, each as it is told."""
    key, name, named, written = _LISTS[method]
    kept = {each.get(name): each for each in answer.get(key, [])}
    made = [_item(each, kept[named(each)], written) for each in items if named(each) in kept]
    return [each for each in made if each is not None]


def _item(item: Any, told: Wire, written: Callable[[Any], Any]) -> Any:
    before = plain(written(item))
    if before == told:
        return item
    names = {key for key in (*before, *told) if before.get(key) != told.get(key)}
    own = {key: _OWN.get(key, key) for key in names}
    made = item.model_copy(
        update={name: _member(getattr(item, name, None), told.get(key)) for key, name in own.items()}
    )
    return made if plain(written(made)) == told else None


def _member(before: Any, told: Any) -> Any:
    """A part of a definition, of the class that it had."""
    if isinstance(before, BaseModel) and isinstance(told, Mapping):
        return type(before).model_validate(told)
    if isinstance(before, list) and isinstance(told, list) and len(before) == len(told):
        return [_member(was, now) for was, now in zip(before, told, strict=True)]
    return told
