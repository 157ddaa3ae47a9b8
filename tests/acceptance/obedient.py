"""A server that runs whatever it is asked, in both eras: what stands behind an edge that has no SDK. Imports none.
What the rows of answers lay into its mouth, it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from tests.acceptance.answer_rows import said

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
SESSION: Final = "a-session-that-the-server-made"
TASKS: Final = "tasks.of"
"""The tool that by mistake shows a row of another tenant."""
LARGE: Final = "large"
"""The tool that says much."""
_SAID: Final = said()
_INFO: Final = {"name": "obedient", "version": "1"}


@dataclass(frozen=True)
class Said:
    """What the server says over HTTP."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


class Obedient:
    """The server. It counts what it runs, and says so: whoever gets its answers knows what came between them."""

    def __init__(self) -> None:
        self._ran, self._seen = count(1), count(1)

    def http(self, method: str, path: str, fields: Iterable[str], body: bytes) -> Said:
        """The answer to an HTTP request. It tells its number, the names of its fields, and what its body came to."""
        said = self._said(method, path, body)
        told = (("x-seen", str(next(self._seen))), ("x-fields", ",".join(fields)), ("x-body", digest(body)))
        return Said(said.status, said.body, (*said.headers, *told))

    def _said(self, method: str, path: str, body: bytes) -> Said:
        if method == "GET" and path == "/mcp":
            return Said(405, b"", (("allow", "POST"), ("content-type", "text/plain")))
        if not body.startswith(b"{"):
            return Said(200, b"hello", (("content-type", "text/plain"),))
        answer = self.answer(json.loads(body))
        if answer is None:
            return Said(202, b"", ())
        session = (("mcp-session-id", SESSION),) if "protocolVersion" in answer["result"] else ()
        return Said(200, json.dumps(answer).encode(), (("content-type", "application/json"), *session))

    def answer(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """The JSON-RPC answer to a message; None to what wants none."""
        if "id" not in message or "method" not in message:
            return None
        params = message.get("params", {})
        result = self.result(message["method"], params)
        if "io.modelcontextprotocol/protocolVersion" in params.get("_meta", {}):
            result = {"resultType": "complete", **result}
            if message["method"] in ("tools/list", "server/discover"):
                result |= {"ttlMs": 0, "cacheScope": "private"}
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def result(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """What a method comes to."""
        target = next((str(params[key]) for key in ("name", "uri", "cursor") if key in params), "")
        if (method, target) in _SAID:
            return dict(_SAID[method, target])
        if method == "tools/call" and params["name"] == TASKS:
            rows = [{"id": 1, "workspace_id": "acme"}, {"id": 2, "workspace_id": "umbrella"}]
            text = {"type": "text", "text": json.dumps({"items": rows})}
            return {"content": [text], "structuredContent": {"items": rows}, "isError": False}
        if method == "tools/call":
            text = {"type": "text", "text": self.ran(params["name"], params["arguments"])}
            return {"content": [text], "isError": False}
        answers: dict[str, dict[str, Any]] = {
            "initialize": {"protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": _INFO},
            "server/discover": {"supportedVersions": [MODERN], "capabilities": {"tools": {}}, "serverInfo": _INFO},
            "tools/list": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("look", "erase")]},
            "prompts/get": {"messages": []},
            "resources/read": {"contents": [{"uri": params.get("uri", ""), "text": "read"}]},
            "completion/complete": {"completion": {"values": []}},
        }
        return answers.get(method, {})

    def ran(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """What a tool says that has just been run."""
        return says(next(self._ran), tool, arguments) + (" at length" * 1_000 if tool == LARGE else "")


def says(number: int, tool: str, arguments: Mapping[str, Any]) -> str:
    """What the tool says that was run as the `number`th."""
    return f"ran {number} {digest(json.dumps([tool, arguments], sort_keys=True).encode())}"


def digest(body: bytes) -> str:
    """A short name for some bytes: no text of an attack comes back in a result."""
    return hashlib.sha256(body).hexdigest()[:16]
