"""What answers each question of a rung, once for callers that may block and once for an event loop.

A closed list, like the questions themselves: a question without a source here is a `KeyError`, and a denial.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from smcp_security.checks.custody import AskSought, OpenSecret
from smcp_security.checks.rung import (
    AskDrift,
    AskStanding,
    Claim,
    Detect,
    Drift,
    FetchKeys,
    Introspect,
    Learn,
    LookUp,
    Question,
    ReadBody,
    Recall,
    Refusal,
    Release,
    ResolveHost,
    ResolvePath,
    Settle,
    Spend,
    Standing,
    Trace,
)
from smcp_security.detectors import Detectors
from smcp_security.resolution import Resolution
from smcp_security.stores.definitions import Definitions
from smcp_security.stores.exchanges import Exchanges
from smcp_security.stores.memory import MemoryStore
from smcp_security.stores.store import Store

if TYPE_CHECKING:
    from smcp_security.keys.ring import Keys
    from smcp_security.vault.custody import Custody

Answer: TypeAlias = Callable[[Any], object]
NOBODY: Final[Mapping[str, frozenset[str]]] = {}


class Sources:
    """The outside world of one policy in force."""

    def __init__(
        self,
        definitions: Definitions,
        exchanges: Exchanges,
        flood: MemoryStore,
        store: Store,
        keys: Keys | None,
        resolution: Resolution,
        detectors: Detectors,
        custody: Custody | None = None,
    ) -> None:
        self._flood = flood
        self._store = store
        self._keys = keys
        self._standing = Standing()
        memory: dict[type[Question], Answer] = {
            Recall: definitions.recall,
            Learn: definitions.learn,
            Drift: definitions.note_drift,
            AskDrift: definitions.has_drifted,
            Trace: exchanges.trace,
        }
        self._blocking = {**memory, **self._from(store.answer, None if keys is None else keys.answer)}
        self._blocking[AskStanding] = self._ask_standing
        self._blocking.update(dict.fromkeys((ResolvePath, ResolveHost), resolution.answer))
        self._blocking[Detect] = detectors.answer
        self._awaiting = {**memory, **self._from(store.answer_async, None if keys is None else keys.answer_async)}
        self._awaiting[AskStanding] = self._ask_standing_async
        self._awaiting.update(dict.fromkeys((ResolvePath, ResolveHost), resolution.answer_async))
        self._awaiting[Detect] = detectors.answer_async
        self._ask_vault(custody)

    def _ask_vault(self, custody: Custody | None) -> None:
        """Where there is no vault nothing was handed out, and no secret is there to be opened."""
        opens = (_nothing, _nothing) if custody is None else (custody.open, custody.open_async)
        self._blocking[OpenSecret], self._awaiting[OpenSecret] = opens
        self._blocking[AskSought] = self._awaiting[AskSought] = _nothing if custody is None else custody.sought

    def _from(self, store: Answer, keys: Answer | None) -> dict[type[Question], Answer]:
        shared: dict[type[Question], Answer] = dict.fromkeys((Settle, Release, Claim), store)
        shared[Spend] = lambda question: self._guard(question) if question.local else store(question)
        if keys is not None:
            shared.update(dict.fromkeys((LookUp, FetchKeys, Introspect), keys))
        return shared

    def answer(self, question: Question) -> object:
        """Answer at once, blocking where the outside world is slow."""
        return self._blocking[type(question)](question)

    def answer_async(self, question: Question) -> object:
        """Answer, or an awaitable of the answer. What memory knows is answered at once."""
        return self._awaiting[type(question)](question)

    def _guard(self, question: Spend) -> Refusal | None:
        return self._flood.spend(question, time.monotonic())

    def _ask_standing(self, question: AskStanding) -> Standing:
        return self._stood(self._store.standing_names())

    def _ask_standing_async(self, question: AskStanding) -> Standing | Awaitable[Standing]:
        names = self._store.standing_names_async()
        return self._stood(names) if isinstance(names, frozenset) else self._stood_later(names)

    async def _stood_later(self, names: Awaitable[frozenset[str]]) -> Standing:
        return self._stood(await names)

    def _stood(self, names: frozenset[str]) -> Standing:
        """The same object while nothing has changed: it is asked for at every message."""
        published = NOBODY if self._keys is None else self._keys.thumbprints()
        before = self._standing
        if before.revoked is not names or before.keys is not published:
            self._standing = before = Standing(names, published)
        return before


def _nothing(question: Question) -> None:
    """What is not there."""


def answering(answer: Callable[[Question], object], read_body: Callable[[int], object] | None) -> Answer:
    """`answer`, and the body of one request."""
    if read_body is None:
        return answer
    return lambda question: read_body(question.limit) if type(question) is ReadBody else answer(question)
