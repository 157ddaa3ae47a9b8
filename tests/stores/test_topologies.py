"""Every form of the URL against real servers: a unix socket, a password, TLS, a cluster, sentinels that fail over."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from redis import Redis

from smcp_security.checks.rung import Charge, Claim, Slot, Spend
from smcp_security.errors import StoreAway
from smcp_security.stores.redis import RedisStore
from smcp_security.stores.store import open_remote
from tests.stores.conftest import PATIENCE
from tests.stores.keyserver import KeyServer, free_port
from tests.stores.test_redis import AGES

Servers = Callable[..., KeyServer]


def _works(store: RedisStore) -> None:
    question = Spend([Charge("k", AGES, 3)], False, (), [Slot("s", 2, "a", 30.0)])

    async def spend() -> object:
        return await store.answer_async(question)

    assert [store.answer(question) is None, asyncio.run(spend()) is None] == [True, True]
    assert store.answer(question) is None and store.answer(question) is not None
    assert asyncio.run(spend()) is not None
    assert store.answer(Claim("session", "ann", 60.0)) == "ann"
    store.revoke("key:a")
    assert store.standing(b"").names == {"key:a"}


def test_a_unix_socket_is_a_store(servers: Servers, tmp_path: Path) -> None:
    servers("--unixsocket", str(tmp_path / "keys.sock"), "--requirepass", "a password")
    store = open_remote(f"unix://{tmp_path}/keys.sock?db=2&password=a%20password", "n", PATIENCE)
    _works(store)
    store.close()


def test_a_user_with_the_commands_of_this_package_is_enough(servers: Servers) -> None:
    commands = (
        "+evalsha +eval +select +time +get +set +incrby +pexpire +pttl +zadd +zrem +zcard +zscore +zrange".split()
    )
    server = servers("--user", "smcp", "on", ">s@cret", "~{n}:*", *commands, "+zremrangebyscore")
    store = open_remote(f"redis://smcp:s%40cret@127.0.0.1:{server.port}/1", "n", PATIENCE)
    _works(store)
    store.close()


# -- TLS ---------------------------------------------------------------------------------------------------------------


def _certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, secret = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret


class TlsFront:
    """Takes TLS on a port of its own and passes what it holds to a server."""

    def __init__(self, behind: int, certificate: Path, secret: Path) -> None:
        self.port = free_port()
        self._behind = behind
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, secret)
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context)
        )
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inward, outward = await asyncio.open_connection("127.0.0.1", self._behind)
        await asyncio.wait(
            [asyncio.ensure_future(_pump(reader, outward)), asyncio.ensure_future(_pump(inward, writer))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for stream in (writer, outward):
            stream.close()

    def close(self) -> None:
        """Stop, and leave nothing open."""
        asyncio.run_coroutine_threadsafe(self._ended(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _ended(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.05)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(65536):
        writer.write(octets)
        await writer.drain()


@pytest.fixture
def front(valkey: KeyServer, tmp_path: Path) -> Iterator[TlsFront]:
    made = TlsFront(valkey.port, *_certificate(tmp_path))
    yield made
    made.close()


def test_a_certificate_that_can_be_verified_is_needed(front: TlsFront, tmp_path: Path, namespace: str) -> None:
    trusting = open_remote(f"rediss://localhost:{front.port}/0?ssl_ca_certs={tmp_path}/cert.pem", namespace, PATIENCE)
    _works(trusting)
    trusting.close()
    for url in (
        f"rediss://localhost:{front.port}",
        f"rediss://127.0.0.1:{front.port}?ssl_ca_certs={tmp_path}/cert.pem",
    ):
        doubting = open_remote(url, namespace, PATIENCE)
        with pytest.raises(StoreAway):
            doubting.answer(Claim("k", "ann", 60.0))
        with pytest.raises(StoreAway):
            asyncio.run(doubting.answer_async(Claim("k", "ann", 60.0)))  # type: ignore[arg-type]
        doubting.close()


# -- clusters and sentinels --------------------------------------------------------------------------------------------


def _until(done: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 30
    while not done():
        assert time.monotonic() < ends, what
        time.sleep(0.02)


@pytest.fixture
def cluster(servers: Servers) -> list[KeyServer]:
    """Three shards."""
    nodes = [
        servers("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "2000")
        for _ in range(3)
    ]
    for place, node in enumerate(nodes):
        with Redis(port=node.port) as client:
            first, last = 5461 * place, 5461 * (place + 1) - 1 if place < 2 else 16383
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            for other in nodes[:place]:
                bus = other._options[other._options.index("--cluster-port") + 1]
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, bus)
    for node in nodes:
        with Redis(port=node.port) as client:
            _until(lambda client=client: _knows_all(client), "the cluster did not come together")  # type: ignore[misc]
    return nodes


def _knows_all(client: Redis) -> bool:
    told = client.execute_command("CLUSTER", "INFO")
    return all(fact in told for fact in (b"cluster_state:ok", b"cluster_slots_ok:16384", b"cluster_known_nodes:3"))


@pytest.mark.real
def test_a_cluster_keeps_all_of_a_namespace_on_one_shard(cluster: list[KeyServer]) -> None:
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster)
    for namespace in ("a", "b", "c", "d"):
        store = open_remote(f"redis+cluster://{hosts}", namespace, PATIENCE)
        _works(store)
        store.close()
        holding = 0
        for node in cluster:
            with Redis(port=node.port) as client:
                holding += any(client.scan_iter(f"{{{namespace}}}:*"))
        assert holding == 1


@pytest.mark.real
def test_sentinels_name_the_new_server_after_the_old_one_died(servers: Servers, tmp_path: Path) -> None:
    first = servers()
    second = servers("--replicaof", "127.0.0.1", str(first.port))
    port = free_port()
    settings = tmp_path / "sentinel.conf"
    settings.write_text(
        f"port {port}\nbind 127.0.0.1\nsentinel monitor service 127.0.0.1 {first.port} 1\n"
        "sentinel down-after-milliseconds service 300\nsentinel failover-timeout service 2000\n"
    )
    servers(port=port, mode=[str(settings), "--sentinel"])
    store = open_remote(f"redis+sentinel://127.0.0.1:{port}/service", "n", PATIENCE)
    _works(store)
    with Redis(port=second.port) as client:
        _until(lambda: any(client.scan_iter("{n}:*")), "the replica did not follow")
        with Redis(port=port) as sentinel:
            _until(lambda: bool(sentinel.execute_command("SENTINEL", "REPLICAS", "service")), "no replica was found")
        first.kill()
        _until(lambda: client.info("replication")["role"] == "master", "nobody took over")
    _until(lambda: _answers(store), "the store did not find the new server")
    # What the old one knew the new one knows.
    assert store.answer(Claim("session", "bob", 60.0)) != "bob"
    assert asyncio.run(store.answer_async(Claim("session", "ann", 60.0))) == "ann"  # type: ignore[arg-type]
    store.close()


def _answers(store: RedisStore) -> bool:
    try:
        store.standing(b"")
    except StoreAway:
        return False
    return True
