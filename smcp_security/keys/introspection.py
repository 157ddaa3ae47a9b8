"""What an issuer says of opaque tokens (RFC 7662), remembered for a short time by digest of the token."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

import msgspec

from smcp_security.checks.rung import Introspect
from smcp_security.errors import Unavailable
from smcp_security.keys.client_secret import ClientSecret, OpenVault
from smcp_security.keys.errand import Errand
from smcp_security.keys.faults import Unreachable
from smcp_security.keys.fetch import Fetcher, Resolve, check_source, resolve_name
from smcp_security.policy.identity import IntrospectionPolicy
from smcp_security.strict_json import Malformed, load

REMEMBERED: Final = 10_000
NEGATIVE_FOR: Final = 5.0
"""Seconds for which "no" counts, and a question that found no answer is not asked again."""
AT_ONCE_MAX: Final = 32
"""Questions under way. More would let strangers with made-up tokens fill the process with threads."""
ANSWER_KEPT: Final = 64 * 1024
PAUSE: Final = 2.0
"""Seconds for which nothing is asked after the issuer could not be reached at all."""

_log: Final = logging.getLogger("smcp_security.keys")

Claims = Mapping[str, Any] | None


class Known(msgspec.Struct, frozen=True):
    """An answer. `fault` says that there was none. It counts until `until` (monotonic) and before `ends` (unix)."""

    claims: Claims
    until: float
    ends: float = float("inf")
    fault: str = ""

    def __repr__(self) -> str:
        return f"Known({self.claims is not None}, {self.fault!r})"


class Introspections:
    """Answers `Introspect`. Thread-safe. Raises `PolicyError` if a secret is not where the policy says it is."""

    def __init__(
        self,
        policies: Sequence[IntrospectionPolicy],
        environ: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        resolve: Resolve = resolve_name,
        vault: OpenVault | None = None,
    ) -> None:
        self._issuers = {
            policy.issuer: _Issuer(policy, _secret(policy, index, environ, vault), clock, wall, resolve)
            for index, policy in enumerate(policies)
        }

    def fetch(self, question: Introspect) -> Claims:
        """The claims of the token; None if it is not active. Raises `Unavailable`."""
        issuer = self._issuers.get(question.issuer)
        return None if issuer is None else issuer.fetch(question.token)

    def fetch_async(self, question: Introspect) -> Claims | Awaitable[Claims]:
        """`fetch`; awaitable where the issuer must be asked."""
        issuer = self._issuers.get(question.issuer)
        return None if issuer is None else issuer.fetch_async(question.token)

    def adopt(self, before: Introspections) -> None:
        """Go on with what was answered by issuers whose policy and secret are the same."""
        for name, issuer in self._issuers.items():
            other = before._issuers.get(name)
            if other is not None and other.same_as(issuer):
                self._issuers[name] = other

    def reset_locks(self) -> None:
        """Call in the child after a fork."""
        for issuer in self._issuers.values():
            issuer.reset_lock()


def _secret(
    policy: IntrospectionPolicy, index: int, environ: Mapping[str, str], vault: OpenVault | None
) -> ClientSecret:
    where = f"identity.introspection[{index}]"
    check_source(f"{where}.endpoint")
    return ClientSecret(policy.client_secret, f"{where}.client_secret", environ, vault)


class _Issuer:
    """One introspection endpoint, what it has said, and what it is being asked."""

    def __init__(
        self,
        policy: IntrospectionPolicy,
        secret: ClientSecret,
        clock: Callable[[], float],
        wall: Callable[[], float],
        resolve: Resolve,
    ) -> None:
        self._policy = policy
        self._secret = secret
        self._clock = clock
        self._wall = wall
        self._fetcher = Fetcher(policy, resolve)
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._asking: dict[bytes, Errand[Known]] = {}
        self._lock = Lock()
        self._pause_until = float("-inf")

    def same_as(self, other: _Issuer) -> bool:
        return self._policy == other._policy and self._secret.same_as(other._secret)

    def reset_lock(self) -> None:
        self._lock = Lock()
        self._asking = {}

    def fetch(self, token: str) -> Claims:
        known = self._begun(token)
        return _claims(known.wait() if isinstance(known, Errand) else known)

    def fetch_async(self, token: str) -> Claims | Awaitable[Claims]:
        known = self._begun(token)
        return _claims_after(known) if isinstance(known, Errand) else _claims(known)

    def _begun(self, token: str) -> Known | Errand[Known]:
        """What is known of the token, or the errand that asks."""
        name = sha256(token.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            now = self._clock()
            known = self._known.get(name)
            if known is not None and now < known.until and self._wall() < known.ends:
                return known
            if name in self._asking:
                return self._asking[name]
            if now < self._pause_until or len(self._asking) >= AT_ONCE_MAX:
                raise Unavailable(f"{self._policy.issuer} cannot be asked now")
            errand = Errand(lambda: self._ask(name, token), self._fetcher.timeout)
            self._asking[name] = errand
            return errand

    def _ask(self, name: bytes, token: str) -> Known:
        known: Known | None = None
        try:
            known = self._answered(token)
        finally:
            with self._lock:
                self._asking.pop(name, None)
                if known is not None:
                    self._remember(name, known)
        return known

    def _answered(self, token: str) -> Known:
        form = {"token": token, "token_type_hint": "access_token"}
        try:
            body = self._fetcher.post(self._policy.endpoint, form, (self._policy.client_id, self._secret.now()))
            return self._judged(body)
        except Unreachable as error:
            self._pause_until = self._clock() + PAUSE
            return self._failed(str(error))
        except (Unavailable, Malformed) as error:
            return self._failed("answers with what is not JSON" if isinstance(error, Malformed) else str(error))

    def _judged(self, body: bytes) -> Known:
        answer, _ = load(body)
        active = answer.get("active") if isinstance(answer, dict) else None
        if active is False:
            return Known(None, self._clock() + NEGATIVE_FOR)
        if active is not True:
            return self._failed("answers without active: true or false")
        ends = answer.get("exp", float("inf"))
        # An exp that is no number is for the identity rung to refuse, each time.
        sound = isinstance(ends, int | float) and not isinstance(ends, bool) and len(body) <= ANSWER_KEPT
        until = self._clock() + (self._policy.cache if sound else 0)
        return Known(MappingProxyType(answer), until, ends if sound else float("inf"))

    def _failed(self, reason: str) -> Known:
        _log.warning("introspection at %s failed: %s", self._policy.issuer, reason)
        return Known(None, self._clock() + NEGATIVE_FOR, fault=reason)

    def _remember(self, name: bytes, known: Known) -> None:
        if known.until <= self._clock():
            return
        self._known[name] = known
        self._known.move_to_end(name)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _claims(known: Known) -> Claims:
    if known.fault:
        raise Unavailable(known.fault)
    return known.claims


async def _claims_after(errand: Errand[Known]) -> Claims:
    return _claims(await errand.wait_async())
