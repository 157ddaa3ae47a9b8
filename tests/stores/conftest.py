"""Servers of keys for the tests of the stores: one Valkey for the session, and others that a test may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from smcp_security.stores.redis import RedisStore
from smcp_security.stores.store import open_remote
from tests.stores.keyserver import KeyServer, MissingServer, redis_binary, valkey_binary

# A machine under load answers late; the tests that wait for a time limit set their own.
PATIENCE: Final = 10.0
_namespaces: Final = count()


def _found(binary: Callable[[], str]) -> str:
    try:
        return binary()
    except MissingServer as missing:
        pytest.skip(f"missing: {missing}")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyServer]:
    """A Valkey that no test may harm."""
    server = KeyServer(_found(valkey_binary), tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def debian_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyServer]:
    """The system's Redis, where there is one."""
    server = KeyServer(_found(redis_binary), tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[KeyServer]:
    """A Valkey of this test's own."""
    server = KeyServer(_found(valkey_binary), tmp_path).start()
    yield server
    server.kill()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Callable[..., KeyServer]]:
    """Makes and starts servers with options of their own."""
    started: list[KeyServer] = []

    def start(*options: str, **settings: object) -> KeyServer:
        folder = tmp_path / f"server{len(started)}"
        folder.mkdir()
        server = KeyServer(_found(valkey_binary), folder, *options, **settings)  # type: ignore[arg-type]
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def namespace() -> str:
    """Keys of this test alone."""
    return f"test{next(_namespaces)}"


@pytest.fixture
def remote(valkey: KeyServer, namespace: str) -> Iterator[RedisStore]:
    """A store on the session's Valkey, without what is done when it is away."""
    store = open_remote(valkey.url, namespace, PATIENCE)
    yield store
    store.close()
