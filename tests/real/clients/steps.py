"""The steps that every client script understands, as plain data; each becomes one line of what the client saw."""

from __future__ import annotations

from typing import Any, Final

Step = dict[str, Any]
LIMIT: Final = 15.0
"""Seconds that a step may take inside a client before it counts as hanging."""


def step(do: str, **details: Any) -> Step:
    """Any step."""
    return {"do": do, **details}


def call(tool: str, arguments: dict[str, Any] | None = None, **details: Any) -> Step:
    """A tool call."""
    return step("call", tool=tool, arguments=arguments or {}, **details)


def add(**details: Any) -> Step:
    """A call that must always succeed."""
    return call("add", {"a": 1, "b": 2}, **details)


def succeeded(outcome: dict[str, Any]) -> bool:
    """Whether `add` came back with its sum."""
    value = outcome.get("value")
    return isinstance(value, dict) and not value.get("isError") and value.get("structuredContent") == {"result": 3}
