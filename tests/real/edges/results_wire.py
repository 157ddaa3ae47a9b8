"""What the tests of results over sockets and pipes share: a policy, a leak, an ASGI app that speaks piece by piece."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio

from tests.audit.records import read_records
from tests.toolbox.shelf import ROOT

# In parts, so that no scanner of this repository takes it for one.
TOKEN: Final = "".join(("gh", "p_", "n3V5uQ8wXz2LkD7Rt1", "YbGcJ4mHs6PaEf9ToK"))
MASK: Final = "[redacted:github-token]"
MASKED: Final = f"key {MASK} there"
"""What the leaky server says, as it must come."""
PROGRAM: Final = str(ROOT / "tests/real/edges/results_server.py")
PATIENCE: Final = 60.0


def environment_of(folder: Path, audit: Path) -> dict[str, str]:
    """The environment of processes: a policy, which is written to `folder`, and where this package is."""
    policy = {
        "version": 1, "limits": [], "server": {"flood": "off"}, "results": {"redact": ["secrets"]},
        "audit": {"file": str(audit)},
    }  # fmt: skip
    file = folder / "policy.json"
    file.write_text(json.dumps(policy))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SMCP_POLICY": str(file)}


def codes_of(audit: Path) -> set[str]:
    """The codes of all findings that were written down."""
    return {found["code"] for record in read_records(audit) for found in record.get("findings", ())}


def answer(text: str, *, id: Any = 1, **members: Any) -> dict[str, Any]:
    """The answer of a tool."""
    return {"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": text}], **members}}


def event(message: Mapping[str, Any]) -> bytes:
    """One SSE event."""
    return b"event: message\r\ndata: " + json.dumps(message).encode() + b"\r\n\r\n"


@dataclass
class Speaker:
    """Says `pieces`, each as a chunk of its own; before that of index `held` it waits for `release`."""

    pieces: list[bytes]
    kind: str = "text/event-stream"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    held: int = -1
    release: anyio.Event = field(default_factory=anyio.Event)
    left: anyio.Event = field(default_factory=anyio.Event)
    sent: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI app."""
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        fields = [(b"content-type", self.kind.encode()), *self.headers]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, receive, group.cancel_scope)
                for place, piece in enumerate(self.pieces):
                    if place == self.held:
                        await self.release.wait()
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    self.sent += 1
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                group.cancel_scope.cancel()
        finally:
            self.left.set()

    async def _watch(self, receive: Any, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()
