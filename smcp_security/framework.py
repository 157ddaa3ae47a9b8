"""`SMCPSecurityFramework`: one policy in force, until another one is; messages handed over in process; revocation."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Final

from smcp_security import audit, contexts, forks
from smcp_security.armed import PolicySource, Surroundings, arm, reset_locks, retire
from smcp_security.checks.budgets import Tokenizer
from smcp_security.contexts import Facts, Incoming, as_given
from smcp_security.decision import Decision
from smcp_security.detectors import Detector
from smcp_security.errors import AuditUnavailable, FrameworkClosed
from smcp_security.health import Health
from smcp_security.health.checkup import Checkup, loaded_from
from smcp_security.inspection import Inspection
from smcp_security.policy import Policy
from smcp_security.resolution import Resolution
from smcp_security.settlement import ends_exchange, error_of
from smcp_security.stores.exchanges import Exchanges
from smcp_security.stores.memory import MemoryStore
from smcp_security.stores.store import revocable

if TYPE_CHECKING:
    from smcp_security.vault.providers import KeyProvider

_log: Final = logging.getLogger("smcp_security")


class SMCPSecurityFramework(Inspection):
    """One policy, one engine. Thread-safe, fork-safe, and a context manager that flushes the audit.

    `count_tokens` tells how many tokens a text has, for budgets; left out, four characters are one. `detectors` look at
    every message besides the rules. `vault_key` gives the key of the vault in place of what `vault.key` names: 32
    random bytes, or several keys of which the first one seals. `resolution` looks up host names and paths, in place of
    this machine's resolver and file system.
    Raises `PolicyError`, `KeyFileError`, `VaultError` or `RulesError` if the policy, its keys, the vault or the rules
    cannot be used: nothing is served then.
    """

    def __init__(
        self,
        policy: PolicySource = None,
        *,
        count_tokens: Tokenizer | None = None,
        detectors: Sequence[Detector] = (),
        vault_key: KeyProvider | None = None,
        resolution: Resolution | None = None,
    ) -> None:
        self._around = Surroundings(
            MemoryStore(),
            Exchanges(),
            self._store_changed,
            resolution or Resolution(),
            count_tokens,
            tuple(detectors),
            vault_key,
        )
        self._closed = False
        self._changing = Lock()
        self._checkup = Checkup()
        loaded = loaded_from(policy)
        self._armed = arm(policy, self._around)
        self._checkup.armed(self._armed, loaded)
        forks.watch(self)
        _log.info("%s", self._armed.summary())

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._armed.policy

    def reload(self, policy: PolicySource) -> None:
        """Put another policy in force at once. If it cannot be used, this raises and the last good one stays.

        Raises `FrameworkClosed` after `close`.
        """
        with self._changing:
            if self._closed:
                raise FrameworkClosed("the framework is closed")
            loaded = loaded_from(policy)
            before, self._armed = self._armed, arm(policy, self._around, self._armed)
            self._checkup.armed(self._armed, loaded)
            self._tell(before, lambda observer: observer.close(), closing=True)
            retire(before, self._armed)
        _log.info("policy reloaded: %s", self._armed.summary())

    def close(self) -> None:
        """Flush and close the audit. Messages offered afterwards are denied."""
        with self._changing:
            self._closed = True
            self._checkup.close()
            self._tell(self._armed, lambda observer: observer.close(), closing=True)
            retire(self._armed, None)
            self._around.resolution.close()

    def __enter__(self) -> SMCPSecurityFramework:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- in process --------------------------------------------------------------------------------------------------

    async def process_request(self, request: Incoming, context: Facts = None) -> Decision:
        """Judge one message in process. `decision.message` is what to forward: canonical bytes, or the dict given.

        `request` is a JSON-RPC message as a dict or bytes. Never raises for what the message holds.
        """
        decision = await self.inspect(contexts.in_process(request, context), edge="process")
        return as_given(decision, request)

    def process_request_sync(self, request: Incoming, context: Facts = None) -> Decision:
        """`process_request` without an event loop."""
        decision = self.inspect_sync(contexts.in_process(request, context), edge="process")
        return as_given(decision, request)

    async def process_response(self, message: Incoming, decision: Decision) -> Decision:
        """Judge what the server answered to an allowed request, and note the outcome.

        `decision.message` is what to send to the client: the answer as it came, or an error in its place.
        """
        started = time.monotonic()
        judged = await self.inspect_response(contexts.octets(message), decision)
        if ends_exchange(judged):
            await self.settle(decision)
        return self._outcome(message, judged, decision, started)

    def process_response_sync(self, message: Incoming, decision: Decision) -> Decision:
        """`process_response` without an event loop."""
        started = time.monotonic()
        judged = self.inspect_response_sync(contexts.octets(message), decision)
        if ends_exchange(judged):
            self.settle_sync(decision)
        return self._outcome(message, judged, decision, started)

    def _outcome(self, message: Incoming, judged: Decision, decision: Decision, started: float) -> Decision:
        self.finish(
            decision,
            result="complete" if judged.allowed else "withheld",
            size=len(judged.context.raw or b"") if judged.context is not None else 0,
            seconds=time.monotonic() - started,
            error=error_of(judged),
            findings=judged.findings,
            beside=not ends_exchange(judged),
        )
        return as_given(judged, message)

    # -- who does not count any more ---------------------------------------------------------------------------------

    def revoke(self, name: str, seconds: float | None = None) -> None:
        """From now on `name` does not count, for `seconds` or for ever; in other workers within five seconds.

        `name` is `jti:<issuer>#<jti>`, `sub:<caller.id>` or `key:<key id>`. Raises `StoreAway`, and
        `ValueError` for a name that is none of these: to revoke it would stop nobody.
        """
        self._armed.store.revoke(revocable(name), seconds)

    def restore(self, name: str) -> bool:
        """A revoked name counts again; False if it was not revoked. Raises `StoreAway`."""
        return self._armed.store.restore(name)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait up to `timeout` seconds until the audit is written; whether it is."""
        return self._armed.sink.flush(timeout)

    # -- how it is ---------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it was closed: every message is denied from then on."""
        return self._closed

    async def health(self, deadline: float | None = None) -> Health:
        """What works now of all that judging needs: store, keys, vault, audit and policy, asked all at once.

        What gives no answer within `deadline` seconds counts as failing; left out, `probes.deadline`. Never raises for
        what it finds, and what was found less than a second ago is not asked again.
        """
        return await self._checkup.health_async(deadline)

    def health_sync(self, deadline: float | None = None) -> Health:
        """`health` without an event loop."""
        return self._checkup.health(deadline)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _store_changed(self, state: str) -> None:
        """The store went away or came back: it is a line of the audit, whatever is recorded else."""
        try:
            self._armed.sink.write(audit.store_record(at=time.time(), state=state))
        except (AuditUnavailable, AttributeError):  # while the framework is made, or its audit is full
            _log.error("audit: that the store is %s could not be recorded", state)

    def reset_locks(self) -> None:
        """Called in the child after a fork."""
        self._changing = Lock()
        self._checkup.reset_locks()
        reset_locks(self._armed, self._around)
