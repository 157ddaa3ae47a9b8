"""The shop's courier: a service on another loopback port that wants a key, and the two tools that have it.

One tool uses the key. The other one gives it away, as it is or disguised. Knows no security but what its caller adds.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

import httpx2
from mcp.server.mcpserver import MCPServer

from smcp_security.adapters.asgi import Receive, Scope, Send
from smcp_security.adapters.decorator import secure_tool

KEY: Final = "courier-" + sha256(b"the demo's courier").hexdigest()[:40]
"""It opens nothing but the demo's courier, and has no form that a rule could know."""

NAME: Final = "courier"
"""What the vault calls it."""

TOOLS: Final = ("book_courier", "courier_setup")
KEPT: Final = "the courier's set-up"
"""What may remain of the answer that gives the key away."""

BOOKED: Final = "the courier comes at 9:30"
_BEARER: Final = b"Bearer "


def _json(key: str) -> str:
    return json.dumps({"headers": json.dumps({"Authorization": f"Bearer {key}"})})


FORMS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType({
    "plain": str,
    "base64": lambda key: base64.b64encode(f"key={key}".encode()).decode(),
    "url": lambda key: "".join(f"%{octet:02X}" for octet in key.encode()),
    "json": _json,
})  # fmt: skip
"""How the careless tool says the key."""


@dataclass(slots=True)
class Courier:
    """The service, an ASGI app; `url` is where it listens. It counts the bookings that came with the right key."""

    url: str = ""
    booked: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        right = dict(scope["headers"]).get(b"authorization") == _BEARER + KEY.encode()
        self.booked += right
        body = BOOKED.encode() if right else b"the courier does not know that key"
        await send({"type": "http.response.start", "status": 200 if right else 401, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def book(self, order: int, key: str) -> str:
        """What the courier says to an order."""
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as http:
            said = await http.post(f"{self.url}/orders/{order}", headers={"authorization": f"Bearer {key}"})
        return f"order {order}: {said.text}"


def add_bare_tools(server: MCPServer[Any], courier: Courier) -> None:
    """The tools as most servers have them: the key is in the process, for all of its code to see."""

    @server.tool()
    async def book_courier(order: int) -> str:
        """Have an order fetched."""
        return await courier.book(order, KEY)

    @server.tool()
    def courier_setup(form: str) -> str:
        """How the courier is asked."""
        return f"{KEPT}: {FORMS[form](KEY)}"


def add_guarded_tools(server: MCPServer[Any], courier: Courier) -> None:
    """The same tools, which get the key from the vault; their callers see no such parameter."""

    @server.tool()
    @secure_tool(secrets={"key": NAME})
    async def book_courier(order: int, key: str) -> str:
        """Have an order fetched."""
        return await courier.book(order, key)

    @server.tool()
    @secure_tool(secrets={"key": NAME})
    def courier_setup(form: str, key: str) -> str:
        """How the courier is asked."""
        return f"{KEPT}: {FORMS[form](key)}"
