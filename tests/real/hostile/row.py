"""One row of the table of hostile traffic: exact bytes, the answer they must get, what of them may reach the server.

Every row is run by a test and printed into `docs/hostile-traffic.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from smcp_security.codes import CODES
from tests.real.attacks import Attack
from tests.real.messages import Request


@dataclass(frozen=True)
class Said:
    """An HTTP answer as the table documents it.

    Status 0 is no answer at all. `code` is the finding and empty where the middleware did not refuse; `rpc` is the
    JSON-RPC error code.
    """

    status: int
    code: str = ""
    rpc: int | None = None

    @property
    def shown(self) -> str:
        """The answer as a cell of the table."""
        if not self.status:
            return "none"
        parts = [str(self.status)]
        if self.rpc is not None:
            parts.append(f"{self.rpc}")
        if self.code:
            parts.append(f"{self.code} {CODES[self.code].slug}" if self.code in CODES else self.code)
        return ", ".join(parts)


class After(StrEnum):
    """What the connection does after the answer: serve the next request, hang up, or wait for a body still to come."""

    STAYS = "stays"
    CLOSED = "is closed"
    WAITS = "waits for the body"


@dataclass(frozen=True)
class Row:
    """Bytes on a fresh connection.

    `reaches` is how many requests the server behind sees of them. `finish` is whether the client must end its side
    before there is anything to see. `twin` is of the same shape and must be served. `source` is who answers, where the
    answer itself does not say so.
    """

    name: str
    raw: bytes
    said: Said
    twin: bytes | None = None
    reaches: int = 0
    after: After = After.STAYS
    finish: bool = False
    source: str = ""

    @property
    def by(self) -> str:
        """Who gives the answer."""
        if self.source:
            return self.source
        if not self.said.status:
            return "nobody"
        if self.said.code:
            return "middleware"
        return "MCP server" if self.reaches else "HTTP server"

    def cells(self, said: Said | None = None) -> tuple[str, ...]:
        """The row as the document shows it, with the answer documented or `said`."""
        server = "sees it" if self.reaches else "untouched"
        return (self.name, (said or self.said).shown, self.by, server, str(self.after))


NO_HTTP = Said(400)
"""What the HTTP server itself answers to what is no HTTP."""
SERVED = Said(200)


def of_attacks(attacks: Iterable[Attack], prefix: str = "") -> Iterable[Row]:
    """The rows of attacks that the tests of refusals know."""
    for attack in attacks:
        rpc = RPC[attack.code] if attack.rpc is None else attack.rpc
        said = Said(attack.status, attack.code, rpc)
        yield Row(f"{prefix}{attack.name}", attack.hostile.raw(), said, attack.twin.raw())


RPC = {
    "SMCP101": -31421, "SMCP102": -31403, "SMCP103": -31431, "SMCP104": -31413, "SMCP105": -31415, "SMCP106": -31415,
    "SMCP107": -32600, "SMCP108": -31405, "SMCP109": -32600, "SMCP110": -31403, "SMCP112": -32600, "SMCP130": -32600,
    "SMCP113": -32700, "SMCP114": -32700, "SMCP115": -32700, "SMCP116": -32700, "SMCP117": -32600, "SMCP118": -32600,
    "SMCP119": -32600, "SMCP120": -32600, "SMCP121": -32600, "SMCP122": -32600, "SMCP123": -32600, "SMCP127": -32601,
    "SMCP124": -32020, "SMCP125": -32602, "SMCP126": -32022, "SMCP128": -32602, "SMCP129": -32021,
}  # fmt: skip
_STATUS = {
    "SMCP101": 421, "SMCP102": 403, "SMCP103": 431, "SMCP104": 413, "SMCP105": 415, "SMCP106": 415, "SMCP108": 405,
    "SMCP110": 403,
}  # fmt: skip


def refused(code: str, status: int = 0) -> Said:
    """The documented answer of a finding: 400 unless the table of answers says otherwise."""
    return Said(status or _STATUS.get(code, 400), code, RPC[code])


def spoiled(
    name: str, request: Request | bytes, code: str, twin: Request | bytes | None = None, *, status: int = 0, **more: Any
) -> Row:
    """A row that is refused with `code`."""
    return Row(name, _raw(request), refused(code, status), None if twin is None else _raw(twin), **more)


def served(name: str, request: Request | bytes, said: Said = SERVED, **more: Any) -> Row:
    """A row that the server behind answers."""
    return Row(name, _raw(request), said, **{"reaches": 1, **more})


def garbage(name: str, raw: bytes, twin: bytes | None = None) -> Row:
    """A row that is no HTTP: the HTTP server says so and hangs up."""
    return Row(name, raw, NO_HTTP, twin, after=After.CLOSED)


def unfinished(name: str, raw: bytes, twin: bytes | None = None) -> Row:
    """A row that stops in the middle: nobody answers a client that hung up."""
    return Row(name, raw, Said(0), twin, after=After.CLOSED, finish=True)


def _raw(request: Request | bytes) -> bytes:
    return request.raw() if isinstance(request, Request) else request
