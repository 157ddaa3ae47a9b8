"""The texts of a result that a model is to read: blocks of content, resources, messages of prompts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from smcp_security.leaves import Path

_TEXT: Final = ("text",)
_OF_RESOURCE: Final = ("resource", "text")
_OF_LINK: Final = ("description",)


def results_of(value: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The result of a message, and that of a task in it, with their places."""
    root = "result" if "method" not in value else "params"
    result = value.get(root)
    if type(result) is not dict:
        return
    if root == "result":
        yield (root,), result
    if type(result.get("result")) is dict:
        yield (root, "result"), result["result"]


def blocks_of(value: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each text with its path, in the order of the message. What structured content says is none of them."""
    for path, result in results_of(value):
        yield from _blocks(result.get("content"), (*path, "content"))
        yield from _blocks(result.get("contents"), (*path, "contents"))
        messages = result.get("messages")
        for place, message in enumerate(messages if type(messages) is list else ()):
            if type(message) is dict:
                yield from _blocks(message.get("content"), (*path, "messages", place, "content"))


def _blocks(node: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if type(node) is list:
        for place, block in enumerate(node):
            yield from _block(block, (*path, place))
    else:
        yield from _block(node, path)


def _block(block: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if type(block) is not dict:
        return
    for way in (_OF_LINK,) if block.get("type") == "resource_link" else (_TEXT, _OF_RESOURCE):
        node: Any = block
        for step in way:
            node = node.get(step) if type(node) is dict else None
        if type(node) is str:
            yield (*path, *way), node
