"""What a store is, and which one the policy asks for. `redis` is imported only where a URL names a server."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from smcp_security.checks.rung import Question, Slot
from smcp_security.errors import PolicyError
from smcp_security.stores.memory import MemoryStore

if TYPE_CHECKING:
    from smcp_security.policy.store import StorePolicy
    from smcp_security.stores.redis import RedisStore

MEMORY: Final = "memory://"
_LONGEST_URL: Final = 4096
# What checks look for; the sources of callers stand before their ids.
_REVOCABLE: Final = re.compile(r"jti:.+#.+|key:.+|sub:(key|jwt|introspection|user|cert):.+", re.DOTALL)


class Store(Protocol):
    """Answers `Spend`, `Settle`, `Release`, `Claim` and the revoked part of `AskStanding`.

    `reset_lock` is called in the child after a fork. What a store cannot know it does not guess: `StoreAway`.
    """

    def answer(self, question: Question) -> object:
        """Answer, blocking for as long as the store may take."""
        ...

    def answer_async(self, question: Question) -> object:
        """Answer, or an awaitable of the answer."""
        ...

    def hold(self, slots: Sequence[Slot], owner: object) -> None:
        """Renew slots that were spent, until they are released or `owner`, referred to weakly, is no more."""
        ...

    def lapse(self, slots: Sequence[Slot]) -> None:
        """Renew slots no more: they end with their time, or are released before."""
        ...

    def standing_names(self) -> frozenset[str]:
        """The revoked names, at most five seconds old; the same object while they stay the same."""
        ...

    def standing_names_async(self) -> frozenset[str] | Awaitable[frozenset[str]]:
        """The same for an event loop."""
        ...

    def revoke(self, name: str, seconds: float | None = None) -> None:
        """From now on `name` does not count, for `seconds` or for ever."""
        ...

    def restore(self, name: str) -> bool:
        """`name` counts again. False if it was not revoked."""
        ...

    def revoked(self) -> frozenset[str]:
        """The revoked names, as they are now."""
        ...

    async def revoke_async(self, name: str, seconds: float | None = None) -> None:
        """`revoke` for an event loop."""
        ...

    async def restore_async(self, name: str) -> bool:
        """`restore` for an event loop."""
        ...

    async def revoked_async(self) -> frozenset[str]:
        """`revoked` for an event loop."""
        ...

    def close(self) -> None:
        """Give back what is held, and let go of all connections and threads."""
        ...

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        ...


def open_store(
    policy: StorePolicy,
    workers: int,
    *,
    on_change: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> Store:
    """The store of the policy. A server is not asked yet: one that is away stops no start.

    `on_change` is told "away" and "back". Raises `PolicyError` if the URL cannot be used, the variable that it names is
    not set, or the package for it is missing.
    """
    url = resolved(policy.url, environ)
    if url == MEMORY:
        return MemoryStore()
    remote = open_remote(url, policy.namespace, policy.timeout_ms / 1000)
    from smcp_security.stores.shared import SharedStore

    return SharedStore(remote, workers, on_change)


def resolved(url: str, environ: Mapping[str, str]) -> str:
    """The URL itself, or the one that `env:NAME` holds. Raises `PolicyError`, which never shows it."""
    if not url.startswith("env:"):
        return url
    name = url.removeprefix("env:")
    value = environ.get(name, "").strip()
    if not value:
        raise PolicyError(
            f"store.url: the environment variable {name[:128]} is not set; set it to the URL of the store"
        )
    if len(value) > _LONGEST_URL or re.search(r"[\x00-\x20\x7f]", value):
        raise PolicyError(f"store.url: the environment variable {name[:128]} holds no URL: blanks, or too long")
    return value


def revocable(name: str) -> str:
    """`name`, if a check looks for such a one. Raises `ValueError` for another: to revoke it would stop nobody."""
    if _REVOCABLE.fullmatch(name) is None:
        raise ValueError(
            "expected jti:ISSUER#JTI, key:ID or sub:CALLER with the caller's source, such as sub:jwt:ISSUER#SUBJECT, "
            "sub:introspection:ISSUER#SUBJECT, sub:key:OWNER, sub:user:NAME or sub:cert:SUBJECT"
        )
    return name


def open_remote(url: str, namespace: str, timeout: float) -> RedisStore:
    """The server at `url`, alone, without what is done while it is away. Raises `PolicyError`."""
    from smcp_security.stores.address import parse_address

    address = parse_address(url)
    try:
        from smcp_security.stores.redis import RedisStore
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "redis":
            raise
        raise PolicyError("store.url: a shared store needs pip install 'smcp-security[redis]'") from None
    return RedisStore(address, namespace, timeout)
