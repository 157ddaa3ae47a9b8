"""Is this body MCP? Asked of requests to paths that the policy does not name. Pure.

Lenient on purpose, as the parsers behind it are: any encoding that Python's `json` sniffs, batches, duplicate keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from smcp_security import revisions
from smcp_security.policy.globs import matches


class _Pairs(list[tuple[str, Any]]):
    """An object with its duplicates: whichever copy a parser behind us keeps, it is seen here."""


def is_mcp(body: bytes, extra_methods: Sequence[str]) -> bool:
    """Whether the body holds a JSON-RPC message with a method of MCP (or one of `extra_methods`)."""
    try:
        value = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return False
    messages = value if type(value) is list else [value]
    return any(_is_mcp_method(method, message, extra_methods) for message in messages for method in _methods(message))


def _methods(message: Any) -> Iterator[str]:
    """Every method of an object that claims to be JSON-RPC, however the keys are spelt."""
    if not isinstance(message, _Pairs) or not any(_folds_to(key, "jsonrpc") for key, _ in message):
        return
    for key, value in message:
        if _folds_to(key, "method") and isinstance(value, str):
            yield value


def _folds_to(key: str, word: str) -> bool:
    """Whether a lenient parser may take `key` for `word`. Most keys are plain, and many: those are not normalised."""
    if key.isascii():
        return len(key) <= 64 and key.replace("_", "").lower() == word
    return len(key) <= 32 and revisions.fold(key) == word


def _is_mcp_method(method: str, message: _Pairs, extra_methods: Sequence[str]) -> bool:
    if method in ("initialize", "ping"):
        # Other protocols over JSON-RPC (LSP among them) have methods of these names: MCP's initialize says so.
        return method == "initialize" and _speaks_mcp(message)
    return method in revisions.methods() or any(matches(glob, method) for glob in extra_methods)


def _speaks_mcp(message: _Pairs) -> bool:
    return any(
        key == "params" and isinstance(value, _Pairs) and any(name == "protocolVersion" for name, _ in value)
        for key, value in message
    )
