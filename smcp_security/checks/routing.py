"""The routing headers of 2026-07-28 against the body they mirror ("Server Validation", "Value Encoding"). Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from smcp_security import revisions
from smcp_security.checks.http import Headers
from smcp_security.message import TARGETS, Kind, Message

_OPEN: Final = "=?base64?"
_CLOSE: Final = "?="


def header_mismatch(message: Message, headers: Headers, claimed: Any) -> str:
    """The name of the first routing header that is repeated, missing or different from the body; empty if none."""
    for name in ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name") if headers.repeated else ():
        if name.lower() in headers.repeated:
            return name
    version = headers.get("mcp-protocol-version")
    if (claimed is not None or message.kind is Kind.REQUEST) and version != claimed:
        return "MCP-Protocol-Version"
    method = headers.get("mcp-method")
    if method != message.method and (method is not None or message.kind is Kind.REQUEST):
        return "Mcp-Method"
    return "Mcp-Name" if _name_differs(message, headers.get("mcp-name")) else ""


def _name_differs(message: Message, header: str | None) -> bool:
    if message.method not in revisions.MIRRORED or (value := message.params.get(TARGETS[message.method])) is None:
        return False
    # The SDKs do not send the header for tasks yet, and nothing rests on it: only a wrong one is refused.
    if header is None and message.method in revisions.TASK_METHODS:
        return False
    return bool(decoded(header) != value)


def decoded(header: str | None) -> str | None:
    """A header value without its `=?base64?...?=` wrapping; None if absent or wrapped wrongly."""
    if header is None or not (header.startswith(_OPEN) and header.endswith(_CLOSE)):
        return header
    payload = header[len(_OPEN) : -len(_CLOSE)]
    try:
        plain = base64.b64decode(payload, validate=True)
        # Only the canonical spelling: two spellings of one value are two values to a router.
        return plain.decode("utf-8") if base64.b64encode(plain).decode("ascii") == payload else None
    except (binascii.Error, ValueError):
        return None


def param_mismatch(mirrored: Mapping[str, tuple[tuple[str, ...], str]], arguments: Any, headers: Headers) -> str:
    """The name of the first `Mcp-Param-*` header that disagrees with the arguments; empty if none.

    `mirrored` is lower-case header name -> (path of the argument, its schema type), from `x-mcp-header`.
    """
    for name, (path, kind) in mirrored.items():
        value = _at(arguments, path)
        header = headers.get(name)
        if name in headers.repeated or (value is None) != (header is None):
            return name
        if value is not None and not _agrees(value, kind, decoded(header)):
            return name
    return ""


def _at(arguments: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        arguments = arguments.get(key) if type(arguments) is dict else None
    return arguments if isinstance(arguments, (str, int, float)) else None


def _agrees(value: str | int | float, kind: str, header: str | None) -> bool:
    if header is None:
        return False
    if type(value) is bool:
        return header == ("true" if value else "false")
    if kind == "integer" and isinstance(value, (int, float)) and value == int(value):
        return _integer(header) == int(value)
    return header == str(value)


def _integer(header: str) -> int | None:
    """The integer that a decimal header names ("compare integers numerically"): `42` and `42.0` agree."""
    whole, _, fraction = header.partition(".")
    digits = whole.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 1000 and set(fraction) <= {"0"}):
        return None
    return int(whole)
