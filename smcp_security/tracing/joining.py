"""The span that an MCP SDK makes of a call gets the verdict on it, also where the verdict came first.

An edge in front of the SDK judges before that span exists. The verdict waits in a context variable, which the SDKs hand
on with each message, and a span processor puts it on the first server span of theirs that starts there.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from threading import Lock
from typing import Any, Final, TypeAlias
from weakref import WeakSet

from opentelemetry.context import Context as SpanContext
from opentelemetry.trace import Span, SpanKind, TracerProvider

SCOPE: Final = "smcp_security"
"""The name of our own tracer and meter."""

SCOPES: Final = frozenset({"mcp-python-sdk", "fastmcp"})
"""The tracers of mcp 2 and FastMCP 4; both make one server span of each message."""

MOST_OPEN: Final = 10_000
"""Calls whose end is awaited; of more, the oldest get no span of ours."""

Attribute: TypeAlias = "str | float | tuple[str, ...]"
Attributes: TypeAlias = Mapping[str, Attribute]


class Judged:
    """An allowed message on its way to the span that somebody further in makes of it.

    `outer` is the span that was current at the verdict, `span` the SDK's. `name`, `parent` and `started` (nanoseconds)
    are for a span of ours, where there is neither. `before` is the call around, where a server asks itself something.
    """

    __slots__ = ("attributes", "before", "method", "name", "outer", "parent", "span", "started")

    def __init__(
        self, method: str, attributes: Attributes, name: str, parent: SpanContext | None, started: int
    ) -> None:
        self.method = method
        self.attributes = attributes
        self.name = name
        self.parent = parent
        self.started = started
        self.before: Judged | None = None
        self.outer: Span | None = None
        self.span: Span | None = None


class Calls:
    """The calls of a process whose end is awaited, whichever policy judged them."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Judged] = OrderedDict()
        self._lock = Lock()

    def put(self, id: str, judged: Judged) -> None:
        """A call begins."""
        with self._lock:
            self._open[id] = judged
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)

    def pop(self, id: str) -> Judged | None:
        """A call has ended; None where it was not awaited."""
        with self._lock:
            return self._open.pop(id, None)

    def begin_anew(self) -> None:
        """In the child after a fork: the calls are the parent's."""
        self._open, self._lock = OrderedDict(), Lock()


JUDGED: Final[ContextVar[Judged | None]] = ContextVar("smcp_judged", default=None)


class Joining:
    """A span processor in shape: the API has no class for it, and the SDK is not ours to import."""

    def on_start(self, span: Any, parent_context: SpanContext | None = None) -> None:
        """A span starts; if it is the SDK's of a message that was judged, it gets the verdict."""
        judged = JUDGED.get()
        if judged is None or not is_of_sdk(span):
            return
        # By its method: FastMCP looks up its own list first, with a span of that.
        method = span.name.partition(" ")[0]
        for each in (judged, judged.before):
            if each is not None and each.span is None and each.method == method:
                each.span = span
                span.set_attributes(each.attributes)
                return

    def _on_ending(self, span: Any) -> None:
        """Nothing is to be done."""

    def on_end(self, span: Any) -> None:
        """Nothing is to be done."""

    def shutdown(self) -> None:
        """Nothing is to be done."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits."""
        return True


CALLS: Final = Calls()


def expect(judged: Judged) -> None:
    """From here on a span of the SDK's may be that of this message; or of the one around, and no further back."""
    around = JUDGED.get()
    if around is not None:
        around.before = None
        judged.before = around
    JUDGED.set(judged)


def expect_no_more(judged: Judged) -> None:
    """Whoever comes after in this context is another call's."""
    now = JUDGED.get()
    if now is judged:
        JUDGED.set(judged.before)
    elif now is not None and now.before is judged:
        now.before = None


_JOINED: Final[WeakSet[TracerProvider]] = WeakSet()
_JOINING: Final = Lock()


def is_of_sdk(span: object) -> bool:
    """Whether a span is the one that an MCP SDK makes of a message it serves."""
    scope = getattr(span, "instrumentation_scope", None)
    return getattr(scope, "name", "") in SCOPES and getattr(span, "kind", None) is SpanKind.SERVER


def join(provider: TracerProvider) -> None:
    """See the spans of a provider start, once for each. One that takes no processors is left alone."""
    if provider in _JOINED:
        return
    add = getattr(provider, "add_span_processor", None)
    with _JOINING:
        if provider in _JOINED:
            return
        try:
            _JOINED.add(provider)
        except TypeError:  # no reference to it can be weak, so it could not be told from the next one
            return
        if add is not None:
            add(Joining())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CALLS.begin_anew)
