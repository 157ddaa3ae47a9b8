"""What a guard is asked: each part that judging needs, by the same ways that a message takes.

A part is vital where every message is denied without it: the store while the revocations that credentials are held
against live there, the keys where a credential is required, the audit where `on_failure` denies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from smcp_security.checks.rung import Claim, FetchKeys, LookUp
from smcp_security.health import records
from smcp_security.health.asking import Ailing, Question
from smcp_security.health.freshness import Original
from smcp_security.stores.memory import MemoryStore

if TYPE_CHECKING:
    from smcp_security.armed import Armed
    from smcp_security.keys.ring import Keys
    from smcp_security.policy import IdentityPolicy
    from smcp_security.stores.store import Store
    from smcp_security.vault.custody import Custody

_CLAIM: Final = Claim("health", "", 1.0, begin=False)
"""Claims nothing: asks who owns a name that nobody ever has."""


class Loaded:
    """When a policy came into force, and the files that it came from."""

    def __init__(self, policy: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        """`policy` is the file that is about to be read; None where it comes from elsewhere."""
        self._clock, self._at = clock, clock()
        self._policy = None if policy is None else Original(policy)
        self._lock: Original | None = None

    def pinned(self, path: str, digest: str) -> None:
        """The lock file that was read with it, with its digest as `pins.digest` has it."""
        self._lock = Original(path, digest.removeprefix("sha256:"))

    def reset_locks(self) -> None:
        """Call in the child after a fork."""
        for file in (self._policy, self._lock):
            if file is not None:
                file.reset_lock()

    def told(self) -> str:
        """How old the policy in force is. Raises `Ailing` where it is not what its file says now."""
        since = f"loaded {_ago(self._clock() - self._at)} ago"
        for what, file in (("the policy", self._policy), ("the lock file", self._lock)):
            if file is not None and file.changed:
                raise Ailing(f"{since}; {what} {file.path} has changed since: reload, or restart")
        return since if self._policy is not None else f"{since}, from no file"


def questions(armed: Armed, loaded: Loaded) -> tuple[Question, ...]:
    """What to ask a guard, part by part."""
    policy = armed.policy
    needed = policy.identity is not None and policy.identity.required
    found = [Question("store", partial(_store, armed.store), needed)]
    if policy.identity is not None and armed.keys is not None:
        found += _keys(armed.keys, policy.identity)
    if policy.vault is not None and armed.custody is not None:
        found.append(Question("vault", partial(_vault, armed.custody)))
    found += records.questions(armed.sink, policy.audit)
    found.append(Question("policy", loaded.told))
    return tuple(found)


def _store(store: Store) -> str:
    store.answer(_CLAIM)
    return "in memory" if isinstance(store, MemoryStore) else "answers"


def _keys(keys: Keys, identity: IdentityPolicy) -> Iterator[Question]:
    """A question for each source; those that nothing can be asked of, or that answer for others, are taken as there."""
    needed = identity.required
    if identity.api_keys is not None and identity.api_keys.file is not None:
        yield Question("keys", partial(_key_file, keys), needed)
    for issuer in identity.jwt:
        yield Question("keys", partial(_issuer, keys, issuer.issuer), needed)
    by_word = {
        "SMCP_API_KEY": keys.environment_key,
        "introspection, which is not asked": bool(identity.introspection),
        "a gateway's word": identity.forwarded is not None,
        "client certificates": identity.certificate is not None,
    }
    if others := [source for source, there in by_word.items() if there]:
        yield Question("keys", lambda: ", ".join(others), needed)


def _key_file(keys: Keys) -> str:
    keys.answer(LookUp(""))
    return "the file of API keys can be read"


def _issuer(keys: Keys, issuer: str) -> str:
    """Fetches what a token of the issuer would need now, if nobody has yet."""
    keys.answer(FetchKeys(issuer))
    copy = keys.copy_of(issuer)
    if copy is None:
        return f"the keys of {issuer} are there"
    told = f"the keys of {issuer} are {_ago(copy.age)} old"
    if copy.failing:
        raise Ailing(f"{told}, and it gives no others now")
    return told


def _vault(custody: Custody) -> str:
    custody.holds("", "shared")
    return "can be opened"


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
