"""One JSON-RPC message as it was read: its canonical bytes, its kind, what it works on. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from smcp_security.fields import Fields
from smcp_security.leaves import Texts, gather
from smcp_security.strict_json import Malformed, load

# Where each method names what it works on. The tasks: 2025-11-25, and SEP-2663.
TARGETS: Final[Mapping[str, str]] = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "resources/subscribe": "uri",
    "resources/unsubscribe": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
    "tasks/result": "taskId",
}
_REFERENCES: Final[Mapping[str, str]] = {"ref/prompt": "name", "ref/resource": "uri"}


class Kind(StrEnum):
    """The three kinds of JSON-RPC message. A response is a result or an error."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESPONSE = "response"


class Era(StrEnum):
    """Revisions up to 2025-11-25 shake hands first (legacy); from 2026-07-28 on each request stands alone (modern)."""

    LEGACY = "legacy"
    MODERN = "modern"


class Message(msgspec.Struct, frozen=True):
    """One JSON-RPC message. `raw` is canonical: what was inspected, byte for byte what goes on.

    `kind`, `id`, `method`, `params`, `era` and `revision` are empty until the envelope is judged.
    """

    value: dict[str, Any]
    raw: bytes
    texts: Texts
    kind: Kind = Kind.REQUEST
    id: str | int | None = None
    method: str = ""
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    era: Era = Era.LEGACY
    revision: str = ""
    # The texts of a server's message; None until they are gathered.
    fields: Fields | None = None

    def __repr__(self) -> str:
        """Without what came: error pages and crash reports print what lies around."""
        return f"Message(kind={self.kind.value!r}, era={self.era.value!r}, size={len(self.raw)})"

    @property
    def target(self) -> str:
        """The tool, prompt, resource or task that the method works on; empty if none. Other params do not count."""
        params, key = self.params, TARGETS.get(self.method, "")
        if self.method == "completion/complete":
            ref = params.get("ref")
            params = ref if type(ref) is dict else {}
            key = _REFERENCES.get(str(params.get("type")), "")
        named = params.get(key)
        return named if type(named) is str else ""


def parse(raw: bytes, *, max_depth: int) -> Message:
    """Parse one message strictly. Raises `Malformed` with the finding code of what is wrong."""
    value, canonical = load(raw)
    if type(value) is list:
        raise Malformed("SMCP119")
    if type(value) is not dict:
        raise Malformed("SMCP120")
    return Message(value=value, raw=canonical, texts=gather(value, max_depth))


def typed(message: Message, era: Era = Era.LEGACY, revision: str = "") -> Message:
    """The message with kind, id, method and params read off its envelope. The envelope itself is judged elsewhere."""
    value = message.value
    kind = Kind.RESPONSE if "method" not in value else Kind.REQUEST if "id" in value else Kind.NOTIFICATION
    params, id, method = value.get("params"), value.get("id"), value.get("method", "")
    return Message(
        value,
        message.raw,
        message.texts,
        kind,
        id if type(id) in (str, int) else None,
        method if type(method) is str else "",
        params if type(params) is dict else {},
        era,
        revision,
    )
