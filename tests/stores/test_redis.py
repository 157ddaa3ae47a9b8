"""The store on a real Valkey: what it writes there, event loops, forks, and every way in which a server can refuse."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from redis import Redis

from smcp_security.checks.rung import Charge, Claim, Draw, Question, Settle, Slot, Spend
from smcp_security.errors import StoreAway
from smcp_security.stores import calls
from smcp_security.stores.redis import CONNECTIONS, RedisStore
from smcp_security.stores.store import open_remote
from tests.stores.conftest import PATIENCE
from tests.stores.keyserver import KeyServer

AGES = 100_000.0
PERSON = "jwt:https://as.example#ann.smith@example.org"
EVERYTHING = Spend(
    [Charge(f"limit:{PERSON}", AGES, 5)], False, [Draw(f"budget:{PERSON}", 9, 1, 60.0)],
    [Slot(f"slots:{PERSON}", 3, "holder" * 20, 30.0)],
)  # fmt: skip


@pytest.fixture
def raw(valkey: KeyServer) -> Iterator[Any]:
    """A client without anything around it."""
    with Redis(port=valkey.port) as client:
        yield client


def _keys(raw: Any, namespace: str) -> list[bytes]:
    return sorted(raw.scan_iter(f"{{{namespace}}}:*"))


def _ask_all(remote: RedisStore) -> None:
    remote.answer(EVERYTHING)
    remote.answer(Settle([Draw("budget:other", 9, 1, 60.0)]))
    remote.answer(Claim(f"session:{PERSON}", PERSON, 60.0))


# -- what stands in the store ------------------------------------------------------------------------------------------


def test_every_key_has_the_one_hash_tag_and_an_end(remote: RedisStore, raw: Any, namespace: str) -> None:
    _ask_all(remote)
    keys = _keys(raw, namespace)
    assert len(keys) == 5
    assert all(0 < raw.pttl(key) <= 3_700_000 or b":rate:" in key for key in keys)
    assert all(raw.pttl(key) > 0 for key in keys)


def test_no_name_of_a_person_stands_in_the_store(remote: RedisStore, raw: Any, namespace: str) -> None:
    _ask_all(remote)
    for key in _keys(raw, namespace):
        held = raw.zrange(key, 0, -1) if b":slots:" in key else [raw.get(key)]
        assert b"ann" not in key and not any(b"ann" in value for value in held)


def test_a_stranger_to_a_claim_learns_no_name(remote: RedisStore) -> None:
    assert remote.answer(Claim("session", PERSON, 60.0)) == PERSON
    assert "ann" not in str(remote.answer(Claim("session", "bob", 60.0)))
    assert "ann" not in str(remote.answer(Claim("session", "", 60.0)))


def test_an_idle_rate_leaves_nothing_behind(remote: RedisStore, raw: Any, namespace: str) -> None:
    remote.answer(Spend([Charge("k", 0.001, 1)]))
    [key] = _keys(raw, namespace) or [b"gone already"]
    assert raw.pttl(key) <= 3


def test_two_namespaces_share_nothing_at_all(remote: RedisStore, valkey: KeyServer, namespace: str) -> None:
    other = open_remote(valkey.url, f"{namespace}other", PATIENCE)
    charge = Spend([Charge("k", AGES, 1)])
    assert remote.answer(charge) is None and other.answer(charge) is None
    assert remote.answer(charge) is not None and other.answer(charge) is not None
    remote.revoke("key:a")
    assert other.standing(b"").names == frozenset()
    other.close()


def test_a_clock_that_was_set_back_locks_nobody_out(remote: RedisStore, raw: Any, namespace: str) -> None:
    charge = Spend([Charge("k", 1.0, 2)])
    remote.answer(charge)
    [key] = _keys(raw, namespace)
    raw.set(key, int(raw.get(key)) + 3_600_000_000)
    refusal: Any = remote.answer(charge)
    assert refusal is not None and refusal.wait <= 1.0


def test_one_decision_is_one_round_trip(remote: RedisStore, raw: Any) -> None:
    remote.answer(EVERYTHING)
    before = raw.info("stats")["total_commands_processed"]
    remote.answer(EVERYTHING)
    # The second question of `raw` itself is one of them; what a script calls is counted as well.
    calls_in_it = raw.info("commandstats")["cmdstat_evalsha"]["calls"]
    remote.answer(EVERYTHING)
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] == calls_in_it + 1
    assert raw.info("stats")["total_commands_processed"] > before


def test_an_unchanged_list_of_names_is_not_sent_again(remote: RedisStore) -> None:
    remote.revoke("key:a")
    first = remote.standing(b"")
    assert first.names == {"key:a"}
    again = remote.standing(first.version)
    assert again.names is None and again.version == first.version
    remote.revoke("key:b")
    assert remote.standing(first.version).names == {"key:a", "key:b"}


def test_a_list_that_was_lost_and_begun_anew_is_another_version(remote: RedisStore, raw: Any, namespace: str) -> None:
    remote.revoke("key:a")
    first = remote.standing(b"")
    raw.delete(*_keys(raw, namespace))
    assert remote.standing(first.version).names == frozenset()
    remote.revoke("key:b")
    assert remote.standing(first.version).names == {"key:b"}


def test_a_name_that_lapses_changes_the_version(remote: RedisStore) -> None:
    remote.revoke("key:a", 0.05)
    version = remote.standing(b"").version
    for _ in range(1000):
        found = remote.standing(version)
        if found.names is not None:
            break
    assert found.names == frozenset() and found.version != version


def test_ten_thousand_revoked_names_are_one_answer(remote: RedisStore, raw: Any, namespace: str) -> None:
    raw.zadd(f"{{{namespace}}}:revoked", {f"jti:https://as.example#{place}": "+inf" for place in range(10_000)})
    names = remote.standing(b"").names
    assert names is not None and len(names) == 10_000


# -- how it is asked ---------------------------------------------------------------------------------------------------


def test_a_script_that_the_server_has_forgotten_is_sent_again(remote: RedisStore, raw: Any) -> None:
    for _ in range(2):
        assert remote.answer(Spend([Charge("k", AGES, 4)])) is None
        raw.script_flush()
    assert asyncio.run(remote.answer_async(Spend([Charge("k", AGES, 4)]))) is None
    raw.script_flush()
    assert remote.answer(Spend([Charge("k", AGES, 4)])) is None
    assert remote.answer(Spend([Charge("k", AGES, 4)])) is not None


def test_an_event_loop_and_a_thread_count_together(remote: RedisStore) -> None:
    async def spend() -> list[object]:
        question = Spend([Charge("k", AGES, 30)])
        return await asyncio.gather(*(remote.answer_async(question) for _ in range(CONNECTIONS * 4)))

    assert sum(answer is None for answer in asyncio.run(spend())) == 30
    assert remote.answer(Spend([Charge("k", AGES, 30)])) is not None


def test_each_event_loop_has_its_client_and_takes_it_along(remote: RedisStore) -> None:
    async def spend() -> object:
        return await remote.answer_async(Spend([Charge("k", AGES, 3)]))

    assert [asyncio.run(spend()) for _ in range(3)] == [None] * 3
    assert remote._looped == {}


def test_an_event_loop_that_ended_without_notice_is_forgotten(remote: RedisStore) -> None:
    ended = asyncio.new_event_loop()
    ended.close()
    remote._looped[ended] = remote._looped.get(ended)  # type: ignore[assignment]
    asyncio.run(remote.answer_async(Claim("k", "ann", 60.0)))  # type: ignore[arg-type]
    assert remote._looped == {}


def test_event_loops_in_several_threads_do_not_meet(remote: RedisStore) -> None:
    answers: list[object] = []

    async def spend() -> None:
        for _ in range(20):
            answers.append(await remote.answer_async(Spend([Charge("k", AGES, 50)])))

    threads = [Thread(target=lambda: asyncio.run(spend())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(None) == 50 and len(answers) == 80


def test_many_threads_never_get_one_too_many(remote: RedisStore) -> None:
    answers: list[object] = []

    def run() -> None:
        answers.extend(remote.answer(Spend([Charge("k", AGES, 100)])) for _ in range(25))

    threads = [Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(None) == 100 and len(answers) == 200


def test_a_store_that_is_closed_inside_its_event_loop_leaves_nothing_open(remote: RedisStore) -> None:
    async def spend() -> None:
        await remote.answer_async(Spend([Charge("k", AGES, 3)]))
        remote.close()
        with pytest.raises(StoreAway):
            remote.answer(Spend([Charge("k", AGES, 3)]))

    asyncio.run(spend())
    assert remote._looped == {}

    async def again() -> None:
        with pytest.raises(StoreAway):
            await remote.answer_async(Spend([Charge("k", AGES, 3)]))

    asyncio.run(again())


def test_an_event_loop_that_stood_still_is_no_store_that_is_away(valkey: KeyServer, namespace: str) -> None:
    """A tool that blocks its event loop must not look like an outage."""
    store = open_remote(valkey.url, namespace, 0.05)

    async def run() -> None:
        await store.answer_async(Claim("session", "ann", 60.0))
        for turns in range(6):
            task = asyncio.ensure_future(store.answer_async(Claim("session", "ann", 60.0)))
            for _ in range(turns):
                await asyncio.sleep(0)
            time.sleep(0.1)
            assert await task == "ann"

    asyncio.run(run())
    store.close()


def test_a_caller_that_goes_away_does_not_leave_its_answer_to_another(remote: RedisStore) -> None:
    """A connection whose reply nobody read must not be used again: the next caller would read it."""

    async def run() -> None:
        await remote.answer_async(Claim("session", "ann", 60.0))
        for _ in range(30):
            task = asyncio.create_task(remote.answer_async(Claim("session", "ann", 60.0)))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await remote.answer_async(Settle([Draw("k", 9, 1, 60.0)])) is None
            assert await remote.answer_async(Spend([Charge("k", 0.000_001, 1_000_000)])) is None

    asyncio.run(run())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_after_a_fork_counts_with_its_parent(remote: RedisStore) -> None:
    question = Spend([Charge("k", AGES, 4)])
    assert remote.answer(question) is None
    child = os.fork()
    if child == 0:
        remote.reset_lock()
        passed = [remote.answer(question), asyncio.run(remote.answer_async(question))].count(None)
        sys.stdout.flush()
        os._exit(passed)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert [remote.answer(question) is None for _ in range(2)] == [True, False]


# -- servers that refuse -----------------------------------------------------------------------------------------------


def _refused(store: RedisStore, question: Question = EVERYTHING) -> str:
    """The one text of the refusal, however it was asked."""
    with pytest.raises(StoreAway) as blocking:
        store.answer(question)
    with pytest.raises(StoreAway) as awaited:
        asyncio.run(store.answer_async(question))  # type: ignore[arg-type]
    store.close()
    assert str(blocking.value) == str(awaited.value)
    assert blocking.value.__cause__ is None and blocking.value.__suppress_context__
    return str(blocking.value)


def test_a_wrong_password_is_a_store_that_is_away(servers: Callable[..., KeyServer]) -> None:
    server = servers("--requirepass", "right-password")
    question = Claim("k", PERSON, 60.0)
    for user in (":wrong-password@", "nobody:wrong-password@", ""):
        told = _refused(open_remote(server.url.replace("//", f"//{user}"), "n", PATIENCE), question)
        assert told == "the store did not answer: AuthenticationError"
    right = open_remote(server.url.replace("//", "//:right-password@"), "n", PATIENCE)
    assert right.answer(EVERYTHING) is None and asyncio.run(right.answer_async(EVERYTHING)) is None
    right.close()


def test_a_full_server_is_a_store_that_is_away(servers: Callable[..., KeyServer]) -> None:
    server = servers("--maxmemory", "100kb", "--maxmemory-policy", "noeviction")
    assert "OutOfMemoryError" in _refused(open_remote(server.url, "n", PATIENCE), Spend([Charge("k", AGES, 2)]))


def test_a_key_of_another_type_is_a_store_that_is_away(remote: RedisStore, raw: Any, namespace: str) -> None:
    remote.answer(EVERYTHING)
    for key in _keys(raw, namespace):
        raw.delete(key)
        raw.lpush(key, "x")
    assert "ResponseError" in _refused(remote)


def test_a_counter_that_is_no_number_is_a_store_that_is_away(remote: RedisStore, raw: Any, namespace: str) -> None:
    remote.answer(Spend([Charge("k", AGES, 2)]))
    [key] = _keys(raw, namespace)
    raw.set(key, "x")
    assert "ResponseError" in _refused(remote, Spend([Charge("k", AGES, 2)]))


def test_a_replica_is_a_store_that_is_away(servers: Callable[..., KeyServer]) -> None:
    server = servers("--replicaof", "127.0.0.1", "1")
    assert "store did not answer" in _refused(open_remote(server.url, "n", PATIENCE))


def test_a_database_that_is_not_there_is_a_store_that_is_away(valkey: KeyServer) -> None:
    assert "store did not answer" in _refused(open_remote(valkey.url[:-1] + "9999", "n", PATIENCE))


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*1\r\n$3\r\nabc\r\n", b":7\r\n", b"+OK\r\n", b"$-1\r\n" + b"x" * 99, b""],
)
def test_what_is_no_server_of_keys_is_a_store_that_is_away(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_say, args=(listener, said), daemon=True).start()
        _refused(open_remote(f"redis://127.0.0.1:{listener.getsockname()[1]}", "n", PATIENCE), Claim("k", "ann", 60.0))


def _say(listener: socket.socket, said: bytes) -> None:
    """Answer each connection with the same few bytes, and hang up."""
    while True:
        try:
            connection = listener.accept()[0]
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(said)


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    """It takes connections, as a frozen one does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = _refused(open_remote(f"redis://127.0.0.1:{listener.getsockname()[1]}", "n", 0.05))
        assert told == "the store did not answer: TimeoutError"


def test_every_script_is_there_and_none_is_forgotten() -> None:
    folder = Path(calls.__file__).parent
    assert {path.stem for path in folder.glob("*.lua")} == {
        "spend", "settle", "renew", "release", "claim", "revoke", "standing",
    }  # fmt: skip


@pytest.mark.parametrize("host", ["a..b", "a" * 70])
def test_a_host_that_is_no_name_is_a_store_that_is_away(host: str) -> None:
    store = open_remote(f"redis://{host}:6379/0", "test", 0.2)
    with pytest.raises(StoreAway):
        store.answer(EVERYTHING)
    with pytest.raises(StoreAway):
        asyncio.run(store.answer_async(EVERYTHING))
    store.close()
