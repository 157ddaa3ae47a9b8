"""Whether structured content that was masked still fits the schema that it was made for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smcp_security.checks.masking import Place
from smcp_security.checks.origins import tool_of
from smcp_security.checks.rung import Context, Recall, Run
from smcp_security.message import Message
from smcp_security.schemas import ToolSchema


def schema_of(context: Context, message: Message, places: Sequence[Place]) -> Run[ToolSchema | None]:
    """The schema that the structured content was made for; None if it is not known, or no place is in it."""
    if not any(place.path[:2] == ("result", "structuredContent") for place in places):
        return None
    tool = tool_of(context, message)
    schema = (yield from Recall(tool, context.upstream, output=True).ask()) if tool else None
    return schema if schema is not None and schema.usable else None


def fits(before: dict[str, Any], after: dict[str, Any], schema: ToolSchema | None) -> bool:
    """Whether masking leaves what was valid valid. Of an error clients do not ask whether it is."""
    if schema is None:
        return True
    result = before["result"]
    if result.get("isError") is True or schema.fits_formats(after["result"]["structuredContent"]):
        return True
    return not schema.fits_formats(result["structuredContent"])
