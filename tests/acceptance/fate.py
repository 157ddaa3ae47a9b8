"""What an edge is to the table: how a message gets in, what became of it, and which messages it can tell apart."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

from smcp_security import SMCPSecurityFramework
from smcp_security.decision import Decision
from tests.acceptance.table import Row, Sees, Sent
from tests.envelopes import encoded

_LINE: Final = re.compile(r"^- (?P<code>SMCP[0-9]{3}) [a-z0-9-]+(?: at (?P<where>\S+))?: ", re.MULTILINE)
CALL: Final = "tools/call"


@dataclass(frozen=True)
class Fate:
    """What became of a message: what the server got, what the client was told, and the findings."""

    reached: tuple[bytes, ...]
    told: bytes
    codes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


Run = Callable[[Sent], Awaitable[Fate]]
Open = Callable[[SMCPSecurityFramework], AbstractAsyncContextManager[Run]]


@dataclass(frozen=True)
class Edge:
    """One way in. `open` makes it ready for as many messages as wanted."""

    name: str
    sees: Sees
    open: Open
    carries: frozenset[str] | None = None
    """The methods that come this way; None: all."""
    got: Callable[[Sent], bytes] = lambda sent: sent.raw
    """What the server must have got of a message that passed."""

    def takes(self, sent: Sent) -> bool:
        """Whether the message can come this way at all."""
        return self.carries is None or method_of(sent) in self.carries

    def tells(self, row: Row, sent: Sent) -> bool:
        """Whether the edge holds what tells the message from an honest one."""
        return self.takes(sent) and (sent.sees or row.sees).value <= self.sees.value


def method_of(sent: Sent) -> str:
    """The method of a message; of bytes, of which readers may take another, none."""
    return "" if isinstance(sent.message, bytes) else str(sent.message["method"])


def gist(sent: Sent) -> bytes:
    """Method and parameters of a message, without what the protocol itself adds to them."""
    assert not isinstance(sent.message, bytes)
    return gist_of(sent.message["method"], sent.message["params"])


def gist_of(method: str, params: Mapping[str, Any]) -> bytes:
    """The same, from the two."""
    return encoded([method, {key: value for key, value in params.items() if key != "_meta"}])


def judged(decision: Decision) -> Fate:
    """The fate that a verdict of the framework is."""
    codes = tuple(finding.code for finding in decision.findings)
    places = tuple(finding.where for finding in decision.findings)
    if decision.allowed:
        assert isinstance(decision.message, bytes)
        return Fate((decision.message,), b"", codes, places)
    assert decision.answer is not None
    return Fate((), decision.answer.body, codes, places)


def answered(reached: tuple[bytes, ...], body: bytes) -> Fate:
    """The fate that a client reads from an answer, whichever of the two forms it has."""
    if not body.startswith(b"{"):
        return Fate(reached, b"")
    found: list[Any] = []
    _collect(json.loads(body), found)
    codes = tuple(item["code"] for item in found)
    return Fate(reached, body, codes, tuple(item.get("where") or "" for item in found))


def _collect(value: Any, found: list[Any]) -> None:
    if isinstance(value, dict):
        if str(value.get("code", "")).startswith("SMCP"):
            found.append(value)
        if value.get("isError"):
            # What a model reads, so that it can correct itself.
            found += [item.groupdict() for item in _LINE.finditer(value["content"][0]["text"])]
        for inner in value.values():
            _collect(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)
