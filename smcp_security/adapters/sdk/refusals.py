"""A refusal as each SDK wants to hear it from a tool: its `ToolError`, its protocol error, or neither.

Every refusal is an `SMCPDenied` besides, so that code around a call needs to know no SDK. The words are those of
`answers.py`. No SDK is imported: one that calls a tool has been.
"""

from __future__ import annotations

import logging
import sys
from functools import lru_cache
from typing import Any, Final

import msgspec

from smcp_security.adapters.sdk.requests import Host
from smcp_security.decision import Decision
from smcp_security.errors import SMCPDenied

_TOOL_ERRORS: Final = {
    Host.SDK1: "mcp.server.fastmcp.exceptions",
    Host.SDK2: "mcp.server.mcpserver.exceptions",
    Host.FASTMCP: "fastmcp.exceptions",
}
_PROTOCOL_ERRORS: Final = ("mcp.shared.exceptions", "MCPError")


def refusal(decision: Decision, host: Host | None, why: str = "") -> SMCPDenied:
    """The exception that says a denial. `why` is added to it: what only the edge knows.

    A result with `isError` becomes a `ToolError`; an error of the protocol is one on SDK 2.x, which passes it on. The
    others make a result of whatever a tool raises.
    """
    error, text = _told(decision, why)
    if host in (None, Host.SDK2) and error is not None and (kind := _protocol_error()) is not None:
        denied: SMCPDenied = kind(decision, error, text)
        return denied
    kinds = tuple(_tool_error(each) for each in ([host] if host is not None else Host))
    return _tool_denial(tuple(kind for kind in kinds if kind is not None))(decision, text)


def withholding(decision: Decision, host: Host | None) -> SMCPDenied:
    """The exception that says that a call ran and its result was withheld."""
    error: dict[str, Any] = msgspec.json.decode(bytes_of_error(decision))["error"]
    text = _line(error)
    if host in (None, Host.SDK2) and (kind := _protocol_error()) is not None:
        denied: SMCPDenied = kind(decision, error, text)
        return denied
    kinds = tuple(_tool_error(each) for each in ([host] if host is not None else Host))
    return _tool_denial(tuple(kind for kind in kinds if kind is not None))(decision, text)


def like(error: BaseException, message: str, data: Any) -> BaseException | None:
    """An error of the protocol with the code of this one and other words; None if it is none."""
    module, name = _PROTOCOL_ERRORS
    kind = getattr(sys.modules.get(module), name, None)
    if not isinstance(kind, type) or not isinstance(error, kind):
        return None
    made: BaseException = kind(error.code, message, data)  # type: ignore[attr-defined]
    return made


def tool_error(host: Host | None, text: str) -> Exception:
    """What a tool raises to say this, on the SDK that calls it."""
    kind = None if host is None else _tool_error(host)
    return RuntimeError(text) if kind is None else kind(text)


def bytes_of_error(decision: Decision) -> bytes:
    """The error that stands in place of a result."""
    return decision.message if isinstance(decision.message, bytes) else b'{"error":{"code":-31502,"message":""}}'


def _told(decision: Decision, why: str) -> tuple[dict[str, Any] | None, str]:
    """(the protocol's error if it is one, the text): the answer of every other edge, read again."""
    body = b"" if decision.answer is None else decision.answer.body
    answer: dict[str, Any] = msgspec.json.decode(body) if body else {}
    error = answer.get("error")
    if error is None:
        content = answer.get("result", {}).get("content", [])
        return None, " ".join(filter(None, ["\n".join(each.get("text", "") for each in content), why]))
    data = error.setdefault("data", {})
    if why:
        data["remediation"] = why
    return error, _line(error)


def _line(error: dict[str, Any]) -> str:
    data = error.get("data") or {}
    parts = (f"{data.get('code', '')} {data.get('reason', '')}: {error['message']}", data.get("remediation", ""))
    return " ".join(filter(None, parts))


def _tool_error(host: Host) -> type[Exception] | None:
    kind = getattr(sys.modules.get(_TOOL_ERRORS[host]), "ToolError", None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else None


def _protocol_error() -> type[Any] | None:
    module, name = _PROTOCOL_ERRORS
    kind = getattr(sys.modules.get(module), name, None)
    return _protocol_denial(kind) if isinstance(kind, type) else None


@lru_cache(maxsize=8)
def _tool_denial(kinds: tuple[type[Exception], ...]) -> type[SMCPDenied]:
    def __init__(self: Any, decision: Decision, text: str) -> None:
        Exception.__init__(self, text)
        self.decision = decision
        # FastMCP logs with this level: a refusal is no fault of the tool, and the audit has it.
        self.log_level = logging.INFO

    return type("Denied", (SMCPDenied, *kinds), {"__init__": __init__, "__doc__": SMCPDenied.__doc__})


def _text_of(denied: Any) -> str:
    return str(denied.text)


@lru_cache(maxsize=2)
def _protocol_denial(kind: type[Any]) -> type[Any]:
    def __init__(self: Any, decision: Decision, error: dict[str, Any], text: str) -> None:
        kind.__init__(self, error["code"], error["message"], error.get("data"))
        self.decision, self.text = decision, text

    # The SDK's `code` is the number of the error; ours is in its data.
    members = {"__init__": __init__, "__str__": _text_of, "__doc__": SMCPDenied.__doc__, "code": kind.code}
    return type("Denied", (SMCPDenied, kind), members)
