"""The store of several processes: Redis or Valkey. The only module that imports `redis`.

One script call a question, by the server's clock. No retries: a call that fails is `StoreAway`, whose text names the
kind of the failure and nothing else. A server of version 6 or later that evicts no keys
(`maxmemory-policy noeviction`): an evicted key would be a limit that is forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import cache
from hashlib import sha1
from threading import BoundedSemaphore, Lock
from typing import Any, Final, NamedTuple

from redis import Redis, RedisError
from redis import asyncio as aio
from redis.asyncio.cluster import ClusterNode as AsyncNode
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import NoScriptError, RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel

from smcp_security.checks.rung import Question, Slot
from smcp_security.errors import StoreAway
from smcp_security.stores.address import Address
from smcp_security.stores.calls import Call, Calls, Revoked, source

# Of one process and event loop; who comes when all are in use waits for one, within the time limit.
CONNECTIONS: Final = 50
_LAST_TURNS: Final = 0.02
# UnicodeError: a host, told by the URL or by a sentinel, that is no name.
_FAILURES: Final = (RedisError, RedisClusterException, OSError, UnicodeError)


class _Looped(NamedTuple):
    """The client of one event loop, the places in its queue, and what ends it together with the loop."""

    client: Any
    places: asyncio.Semaphore
    life: AsyncGenerator[None, None]


class RedisStore:
    """Asks a server at `address`. `timeout` is seconds for a connection and for a command.

    Opens no connection before the first question. A blocking call waits for at most three times `timeout` (a place, a
    connection, a reply), one on an event loop for `timeout` and a moment in all. Clients of an event loop end with it.
    """

    def __init__(self, address: Address, namespace: str, timeout: float) -> None:
        self._address, self._timeout = address, timeout
        self._calls = Calls(namespace)
        self._closed = False
        # A connection that a fork copied is the parent's: to close it here could disturb it there.
        self._inherited: list[object] = []
        self._begin()

    def _begin(self) -> None:
        self._lock, self._opening = Lock(), Lock()
        self._places = BoundedSemaphore(CONNECTIONS)
        self._client: Any = None
        self._looped: dict[asyncio.AbstractEventLoop, _Looped] = {}

    def answer(self, question: Question) -> object:
        """Answer a question, blocking. Raises `StoreAway`."""
        return self._run(self._calls.of(question))

    async def answer_async(self, question: Question) -> object:
        """Answer a question. Raises `StoreAway`."""
        return await self._run_async(self._calls.of(question))

    def standing(self, version: bytes) -> Revoked:
        """The revoked names, unless the list is at this version still."""
        found: Revoked = self._run(self._calls.standing(version))
        return found

    async def standing_async(self, version: bytes) -> Revoked:
        """`standing` for an event loop."""
        found: Revoked = await self._run_async(self._calls.standing(version))
        return found

    def revoke(self, name: str, seconds: float | None = None) -> None:
        """From now on `name` does not count, for `seconds` or for ever. Other processes know within five seconds."""
        self._run(self._calls.revoke(name, seconds))

    async def revoke_async(self, name: str, seconds: float | None = None) -> None:
        """`revoke` for an event loop."""
        await self._run_async(self._calls.revoke(name, seconds))

    def restore(self, name: str) -> bool:
        """`name` counts again. False if it was not revoked."""
        known: bool = self._run(self._calls.restore(name))
        return known

    async def restore_async(self, name: str) -> bool:
        """`restore` for an event loop."""
        known: bool = await self._run_async(self._calls.restore(name))
        return known

    def renew(self, slots: Sequence[Slot]) -> None:
        """Hold slots for their time, from now."""
        self._run(self._calls.renew(slots))

    def release(self, slots: Sequence[Slot]) -> None:
        """Give slots back."""
        self._run(self._calls.release(slots))

    def reset_lock(self) -> None:
        """Call in the child after a fork: the connections are the parent's."""
        self._inherited += [self._client, self._looped]
        self._begin()

    def close(self) -> None:
        """Close all connections; those of other event loops as soon as these run."""
        with self._opening:
            self._closed = True
            client, self._client = self._client, None
        with self._lock:
            looped = list(self._looped.items())
        if client is not None:
            client.close()
            if self._address.kind == "sentinel":
                client.connection_pool.sentinel_manager.close()
        for loop, held in looped:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_end, loop, held.life)

    # -- calls -------------------------------------------------------------------------------------------------------

    def _run(self, call: Call | None) -> Any:
        if call is None:
            return None
        arguments = _arguments(call)
        if not self._places.acquire(timeout=self._timeout):
            raise StoreAway("no connection to the store came free in time")
        try:
            client = self._connected()
            try:
                reply = client.execute_command("EVALSHA", _digest(call.script), *arguments)
            except NoScriptError:
                reply = client.execute_command("EVAL", source(call.script), *arguments)
        except _FAILURES as error:
            raise _away(error) from None
        finally:
            self._places.release()
        return _read(call, reply)

    async def _run_async(self, call: Call | None) -> Any:
        if call is None:
            return None
        try:
            async with asyncio.timeout(None) as limit:
                warning = asyncio.get_running_loop().call_later(self._timeout, _last_turns, limit)
                try:
                    reply = await self._replied(call)
                finally:
                    warning.cancel()
        except (*_FAILURES, RuntimeError) as error:  # RuntimeError: an event loop that is not asyncio's, or ends
            raise _away(error) from None
        return _read(call, reply)

    async def _replied(self, call: Call) -> Any:
        arguments, held = _arguments(call), await self._of_loop()
        async with held.places:
            try:
                return await held.client.execute_command("EVALSHA", _digest(call.script), *arguments)
            except NoScriptError:
                return await held.client.execute_command("EVAL", source(call.script), *arguments)

    # -- clients -----------------------------------------------------------------------------------------------------

    def _connected(self) -> Any:
        # A cluster is asked for its shards here: nothing that an event loop waits for may be locked meanwhile.
        with self._opening:
            if self._closed:
                raise StoreAway("the store is closed")
            if self._client is None:
                self._client = _opened(_BLOCKING, self._address, self._timeout)
            return self._client

    async def _of_loop(self) -> _Looped:
        loop = asyncio.get_running_loop()
        held = self._looped.get(loop)
        if held is not None:
            return held
        with self._lock:
            if self._closed:
                raise StoreAway("the store is closed")
            held = self._looped.get(loop)
            if held is not None:
                return held
            for ended in [known for known in self._looped if known.is_closed()]:
                del self._looped[ended]
            client = _opened(_AWAITING, self._address, self._timeout)
            held = _Looped(client, asyncio.Semaphore(CONNECTIONS), self._life(loop, client))
            self._looped[loop] = held
        await anext(held.life)
        return held

    async def _life(self, loop: asyncio.AbstractEventLoop, client: Any) -> AsyncGenerator[None, None]:
        """Waits for the end of the event loop, which closes the generators that it has seen, and this its client."""
        try:
            yield
        finally:
            self._looped.pop(loop, None)
            await client.aclose()
            if self._address.kind == "sentinel":
                await client.connection_pool.sentinel_manager.aclose()


def _end(loop: asyncio.AbstractEventLoop, life: AsyncGenerator[None, None]) -> None:
    task = loop.create_task(life.aclose())
    _ENDING.add(task)
    task.add_done_callback(_ENDING.discard)


# An event loop keeps no task alive by itself.
_ENDING: Final[set[asyncio.Task[None]]] = set()


def _last_turns(limit: asyncio.Timeout) -> None:
    """Time is up. Where it was the event loop that stood still, the reply is there and needs a turn or two."""
    limit.reschedule(asyncio.get_running_loop().time() + _LAST_TURNS)


def _arguments(call: Call) -> list[str | bytes | int]:
    return [len(call.keys), *call.keys, *call.arguments]


def _read(call: Call, reply: Any) -> Any:
    try:
        return call.read(reply)
    except (TypeError, ValueError, IndexError, AttributeError):
        raise StoreAway("the store answered what no script of this package answers") from None


@cache
def _digest(script: str) -> str:
    """What servers call a script; not a matter of secrecy."""
    return sha1(source(script).encode(), usedforsecurity=False).hexdigest()


def _away(error: Exception) -> StoreAway:
    """The kind of the failure alone: the text of an error names hosts, and may quote a command."""
    return error if isinstance(error, StoreAway) else StoreAway(f"the store did not answer: {type(error).__name__}")


class _Kit(NamedTuple):
    """What a client is made of. The two kinds take the same arguments, and are typed too loosely to say more."""

    client: Any
    pool: Any
    tcp: Any
    tls: Any
    unix: Any
    cluster: Any
    node: Any
    sentinel: Any
    retry: Any


_BLOCKING: Final = _Kit(
    Redis, ConnectionPool, Connection, SSLConnection, UnixDomainSocketConnection, RedisCluster, ClusterNode, Sentinel,
    Retry,
)  # fmt: skip
_AWAITING: Final = _Kit(
    aio.Redis, aio.ConnectionPool, aio.Connection, aio.SSLConnection, aio.UnixDomainSocketConnection, aio.RedisCluster,
    AsyncNode, AsyncSentinel, AsyncRetry,
)  # fmt: skip


def _opened(kit: _Kit, address: Address, timeout: float) -> Any:
    """A client for an address. It connects when it is asked, but for a blocking one of a cluster.

    One on an event loop has no time limit of its own for a reply: the whole call has one, and Python 3.11 may lose the
    cancellation of a call where two are nested.
    """
    options: dict[str, Any] = {
        "username": address.username,
        "password": address.password,
        "socket_timeout": timeout if kit is _BLOCKING else None,
        "socket_connect_timeout": timeout,
        "retry": kit.retry(NoBackoff(), 0),
        # The newer protocol costs a greeting for each connection, and brings nothing that is used here.
        "protocol": 2,
        "driver_info": None,
    }
    secure = {"ssl": True, **address.files} if address.tls else {}
    if address.kind == "cluster":
        return kit.cluster(startup_nodes=[kit.node(*host) for host in address.hosts], **options, **secure)
    if address.kind == "sentinel":
        own = {"username": address.sentinel_username, "password": address.sentinel_password}
        watched = kit.sentinel(address.hosts, sentinel_kwargs={**options, **own, **secure})
        return watched.master_for(address.service, db=address.db, **options, **secure)
    if address.kind == "unix":
        place: dict[str, Any] = {"connection_class": kit.unix, "path": address.path}
    else:
        [(host, port)] = address.hosts
        place = {"connection_class": kit.tls if address.tls else kit.tcp, "host": host, "port": port, **address.files}
    return kit.client.from_pool(kit.pool(db=address.db, **place, **options))
