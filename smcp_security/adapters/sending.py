"""An answer of ours as the ASGI messages of a whole response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from smcp_security.decision import Answer

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def send_answer(answer: Answer, send: Send) -> None:
    """Send it. Of an answer to HEAD the server leaves out the body (RFC 9110, 9.3.2)."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
