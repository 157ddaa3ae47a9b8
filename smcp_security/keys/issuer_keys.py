"""The keys of one issuer, and when they are fetched: one fetch at a time, whoever asks, and never too often.

Times are of one monotonic clock. Nothing is fetched until somebody asks: a start must not depend on an issuer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Final

import msgspec

from smcp_security.checks.rung import VerificationKey
from smcp_security.errors import Unavailable
from smcp_security.keys.errand import Errand
from smcp_security.keys.jwks import Unusable, chosen, nameless, parse_jwks

FRESH_FOR: Final = 900.0
"""Seconds after which a set is fetched anew beside the requests; from twice as many on, requests wait for it."""
LEAST_FRESH: Final = 60.0
"""However short `max_stale` is, a set counts this long: otherwise each request would fetch it."""
UNKNOWN_EVERY: Final = 60.0
RETRY_FIRST: Final = 5.0
RETRY_LAST: Final = 60.0

_log: Final = logging.getLogger("smcp_security.keys")


class KeySet(msgspec.Struct, frozen=True):
    """The keys of an issuer as they were at `fetched`."""

    keys: tuple[VerificationKey, ...]
    thumbprints: frozenset[str]
    fetched: float


class Copy(msgspec.Struct, frozen=True):
    """How old the keys are, in seconds, that an issuer gave; and whether it gives no others though they are due."""

    age: float
    failing: bool


class IssuerKeys:
    """What an issuer publishes at a URL. Thread-safe; callers of both kinds share one fetch."""

    def __init__(
        self,
        issuer: str,
        get: Callable[[], bytes],
        *,
        timeout: float,
        max_stale: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._get = get
        self._timeout = timeout
        self._fresh_for = min(FRESH_FOR, max(LEAST_FRESH, max_stale))
        self._counts_for = max(self._fresh_for, max_stale)
        self._clock = clock
        self._lock = Lock()
        self._set: KeySet | None = None
        self._errand: Errand[None] | None = None
        self._failures = 0
        self._retry_at = self._unknown_at = float("-inf")

    def reset_lock(self) -> None:
        """Call in the child after a fork: what the parent was fetching will never arrive here."""
        self._lock = Lock()
        self._errand = None

    def thumbprints(self) -> frozenset[str] | None:
        """Of the keys that count now, without fetching; None if there is no good copy."""
        known = self._set
        return known.thumbprints if known is not None and self._age(known) <= self._counts_for else None

    def copy(self) -> Copy | None:
        """The copy that is known, without fetching; None before the first one."""
        known = self._set
        return None if known is None else Copy(self._age(known), self._is_failing())

    def fetch(self, kid: str) -> Sequence[VerificationKey]:
        """The keys for `kid`. Raises `Unavailable` while there is no good copy."""
        errand = self._needed(kid)
        if errand is not None:
            with suppress(Unavailable):
                errand.wait()
        return self._answer(kid)

    def fetch_async(self, kid: str) -> Sequence[VerificationKey] | Awaitable[Sequence[VerificationKey]]:
        """`fetch`; awaitable only where something must be fetched first."""
        errand = self._needed(kid)
        return self._answer(kid) if errand is None else self._answer_after(errand, kid)

    async def _answer_after(self, errand: Errand[None], kid: str) -> Sequence[VerificationKey]:
        with suppress(Unavailable):
            await errand.wait_async()
        return self._answer(kid)

    def _answer(self, kid: str) -> Sequence[VerificationKey]:
        known = self._set
        if known is None or self._age(known) > self._counts_for:
            raise Unavailable(f"the keys of {self._issuer} cannot be had")
        found = chosen(known.keys, kid) or nameless(known.keys)
        if not found and self._is_failing():
            # It may be one that was published while the issuer does not answer.
            raise Unavailable(f"the keys of {self._issuer} cannot be renewed")
        return found

    def _age(self, known: KeySet) -> float:
        return self._clock() - known.fetched

    def _is_failing(self) -> bool:
        return self._failures > 0 or (self._errand is not None and self._errand.overdue)

    def _needed(self, kid: str) -> Errand[None] | None:
        """The errand to wait for before there is an answer, begun if it must be; None if there is one already."""
        known = self._set
        if known is not None and self._age(known) < self._fresh_for and (not kid or chosen(known.keys, kid)):
            return None
        with self._lock:
            # Another caller may have renewed the set in between.
            known = self._set
            age = float("inf") if known is None else self._age(known)
            unknown = known is not None and bool(kid) and not chosen(known.keys, kid)
            running = self._is_running() or self._begin(age, unknown)
            usable = age <= self._counts_for and not unknown
            patient = usable and (age < 2 * self._fresh_for or self._is_failing())
            return self._errand if running and not patient else None

    def _is_running(self) -> bool:
        return self._errand is not None and not self._errand.done

    def _begin(self, age: float, unknown: bool) -> bool:
        """Begin to fetch, if it is time for that."""
        now = self._clock()
        due = age >= self._fresh_for or (unknown and now >= self._unknown_at)
        if not due or now < self._retry_at:
            return False
        if unknown:
            self._unknown_at = now + UNKNOWN_EVERY
        self._errand = Errand(self._renew, self._timeout)
        return True

    def _renew(self) -> None:
        try:
            keys, left_out = parse_jwks(self._get())
        except (Unavailable, Unusable) as error:
            self._failed(str(error))
        except Exception as error:
            # A text that nobody foresaw may hold anything.
            self._failed(type(error).__name__)
            raise
        else:
            self._renewed(keys, left_out)

    def _failed(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            pause = min(RETRY_FIRST * 2 ** min(self._failures - 1, 10), RETRY_LAST)
            self._retry_at = self._clock() + pause
        _log.warning("the keys of %s cannot be fetched: %s; next attempt in %.0f s", self._issuer, reason, pause)

    def _renewed(self, keys: tuple[VerificationKey, ...], left_out: Sequence[str]) -> None:
        with self._lock:
            before, failures = self._set, self._failures
            thumbprints = frozenset(key.thumbprint for key in keys)
            if before is not None and before.thumbprints == thumbprints:
                thumbprints = before.thumbprints
            self._set = KeySet(keys, thumbprints, self._clock())
            self._failures, self._retry_at = 0, float("-inf")
        if failures:
            _log.warning("the keys of %s can be fetched again", self._issuer)
        if before is None or before.thumbprints is not thumbprints:
            _log.info("the keys of %s: %d", self._issuer, len(keys))
            for reason in sorted(set(left_out)):
                _log.warning("a key of %s is left out: %s", self._issuer, reason)
        if not keys:
            _log.warning("%s publishes no key that can be used: all its tokens are refused", self._issuer)
