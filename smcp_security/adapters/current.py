"""The verdict that the code running now was let through by, for edges further in: they judge nothing twice."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from smcp_security.adapters.body import Body
from smcp_security.decision import Decision
from smcp_security.framework import SMCPSecurityFramework


@dataclass(frozen=True, slots=True)
class Exchange:
    """A message that an edge has judged, and the framework that judged it.

    `serving` is the SDK's session in which it is served, where a hook in process has judged it.
    """

    framework: SMCPSecurityFramework
    decision: Decision
    serving: object = None


_EXCHANGE: Final[ContextVar[Exchange | None]] = ContextVar("smcp_exchange", default=None)


class _During:
    """Not a generator: an edge enters it several times a request."""

    __slots__ = ("_before", "_exchange")

    def __init__(self, exchange: Exchange | None) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        self._before = _EXCHANGE.set(self._exchange)

    def __exit__(self, *error: object) -> None:
        _EXCHANGE.reset(self._before)


def during(exchange: Exchange | None) -> AbstractContextManager[None]:
    """While it lasts, `exchange_here` answers with this one; None: as outside every edge."""
    return _During(exchange)


def exchange_here() -> Exchange | None:
    """The exchange of the context that runs; None outside every edge.

    Where an SDK runs the tools of a session in the context that began it (1.30), ask the request instead: its scope
    has the exchange under `SCOPE_KEY`.
    """
    return _EXCHANGE.get()


async def is_judged(given: object, framework: SMCPSecurityFramework, body: Body) -> bool:
    """Whether `given`, which a request brings along, is this framework's verdict on the very bytes that it has.

    An app may send another message on with the scope of the one that was judged.
    """
    if not isinstance(given, Exchange) or given.framework is not framework:
        return False
    forwarded = given.decision.message
    expected = forwarded if isinstance(forwarded, bytes) else b""
    return await body.read(len(expected)) == expected


SCOPE_KEY: Final = "smcp.exchange"
"""Where a scope or environ has its `Exchange`; the decision alone is under "smcp"."""
