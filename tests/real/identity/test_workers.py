"""Four worker processes share one limit through a real Valkey: exactly while it is there, by shares when it is not."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from tests.real.backends.processes import listening
from tests.real.house import Address
from tests.real.identity.keyring import Keyring, claims
from tests.real.identity.lab import bearing
from tests.real.identity.valkey import Valkey
from tests.real.messages import Request, call
from tests.real.wire import Reply, Wire, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]

WORKERS: Final = 4
LIMIT: Final = 40
SHARE: Final = LIMIT // WORKERS
CONNECTIONS: Final = 2
TURN_LIMIT: Final = 30.0
"""Seconds; a process may go by what it knew of revocations for five, and looks for the store once a second."""
ISSUER: Final = "https://issuer.example"
AUDIENCE: Final = "https://mcp.example/mcp"
_numbers = count(1)


class Journal:
    """What the audit of one worker says of the store, read on from where it was read to."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._read = 0
        self._states: list[str] = []

    def states(self) -> list[str]:
        """ "away" and "back", in order, from the beginning."""
        if not self.file.exists():  # nothing has been judged there yet
            return self._states
        with self.file.open("rb") as lines:
            lines.seek(self._read)
            whole, _, _ = lines.read().rpartition(b"\n")
        self._read += len(whole) + 1 if whole else 0
        records = [json.loads(line) for line in whole.splitlines()]
        self._states += [record["state"] for record in records if record["kind"] == "store"]
        return self._states


@dataclass(frozen=True)
class Service:
    """Four workers behind one policy, and the store that they share."""

    addresses: tuple[Address, ...]
    store: Valkey
    keyring: Keyring
    journals: tuple[Journal, ...]

    def by(self, subject: str, tool: str = "look", **arguments: Any) -> Request:
        """A call by somebody with a token."""
        whole = claims(ISSUER, AUDIENCE, subject)
        return bearing(call("modern", tool, arguments), self.keyring.token(whole))

    def stranger(self) -> Request:
        """A call by nobody in particular, each time from another address."""
        return call("modern", "look").adding(("x-forwarded-for", str(IPv4Address("203.0.0.0") + next(_numbers))))

    async def volley(self, request: Request, each: int, begun: anyio.Event | None = None) -> list[list[str]]:
        """The fates of `each` calls at every worker, sent over several connections to all of them at once."""
        fates: list[list[str]] = [[] for _ in self.addresses]

        async def fire(worker: int, shots: int) -> None:
            async with wired(self.addresses[worker]) as wire:
                for _ in range(shots):
                    fates[worker].append(fate(await wire.ask(request)))
                    if begun is not None:
                        begun.set()

        async with anyio.create_task_group() as tasks:
            for worker in range(WORKERS):
                for _ in range(CONNECTIONS):
                    tasks.start_soon(fire, worker, each // CONNECTIONS)
        return fates

    async def until(self, state: str) -> None:
        """Until every worker has written down that the store is "away" or "back"; calls make it look."""
        with anyio.fail_after(TURN_LIMIT):
            for address, journal in zip(self.addresses, self.journals, strict=True):
                async with wired(address) as wire:
                    while journal.states()[-1:] != [state]:
                        await wire.ask(self.stranger())

    async def until_told(self, request: Request, fated: str) -> None:
        """Until every worker has this answer to a request."""
        with anyio.fail_after(TURN_LIMIT):
            for address in self.addresses:
                async with wired(address) as wire:
                    while fate(await wire.ask(request)) != fated:
                        pass


def fate(reply: Reply) -> str:
    """What became of a call: passed, or the code of the finding that refused it."""
    message: Any = json.loads(reply.body) if reply.header("content-type") == "application/json" else reply.message
    return "passed" if "result" in message else str(message["error"]["data"]["code"])


def total(fates: list[list[str]]) -> Counter[str]:
    """All fates of all workers."""
    return Counter(fate for each in fates for fate in each)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The workers, started once."""
    folder = tmp_path_factory.mktemp("service")
    store, keyring = Valkey(folder), Keyring("ES256")
    (folder / "jwks.json").write_text(json.dumps(keyring.published()))
    audits = tuple(folder / f"audit-{number}.jsonl" for number in range(WORKERS))
    store.start()
    with contextlib.ExitStack() as stack:
        stack.callback(store.kill)
        ports = [stack.enter_context(_worker(folder, store, audit)) for audit in audits]
        yield Service(tuple(map(Address, ports)), store, keyring, tuple(map(Journal, audits)))


def _worker(folder: Path, store: Valkey, audit: Path) -> contextlib.AbstractContextManager[int]:
    trusted = {"issuer": ISSUER, "jwks": str(folder / "jwks.json"), "algorithms": ["ES256"]}
    policy = {
        "version": 1,
        "server": {"resource": AUDIENCE, "flood": "off", "trusted_proxies": ["127.0.0.1"]},
        "identity": {"required": False, "jwt": [trusted]},
        "limits": [{"per": "caller", "rate": f"{LIMIT}/day", "tools": ["look"]}],
        "concurrency": [{"per": "caller", "max": 2, "tools": ["meet"]}],
        "store": store.url,
        "workers": WORKERS,
        "audit": {"file": str(audit)},
    }
    command = [sys.executable, "-m", "tests.real.identity.house", "stateless", json.dumps(policy)]
    return listening(command, os.environ)


async def test_four_workers_let_exactly_the_limit_pass(service: Service) -> None:
    fates = total(await service.volley(service.by("ann"), 30))
    assert fates == {"passed": LIMIT, "SMCP402": WORKERS * 30 - LIMIT}
    # The twin: another caller has a limit of its own.
    assert total(await service.volley(service.by("bob"), SHARE)) == {"passed": LIMIT}


async def test_a_limit_of_strangers_is_exact_too(service: Service) -> None:
    fates = total(await service.volley(service.stranger(), 20))
    assert fates == {"passed": LIMIT, "SMCP402": WORKERS * 20 - LIMIT}


async def test_without_the_store_each_worker_grants_its_share(service: Service) -> None:
    ann = service.by("someone")
    service.store.freeze()
    try:
        await service.until("away")
        fates = await service.volley(service.stranger(), 20)
        # Who calls cannot be trusted any more once nobody knows what has been revoked.
        await service.until_told(ann, "SMCP206")
    finally:
        service.store.thaw()
    assert [Counter(each) for each in fates] == [{"passed": SHARE, "SMCP402": 20 - SHARE}] * WORKERS
    await service.until("back")
    assert total(await service.volley(service.by("eve"), 20)) == {"passed": LIMIT, "SMCP402": WORKERS * 20 - LIMIT}
    assert total(await service.volley(service.stranger(), 20)) == {"passed": LIMIT, "SMCP402": WORKERS * 20 - LIMIT}


async def under_load(service: Service, strike: Callable[[], None]) -> Counter[str]:
    """The fates of a volley in the midst of which the store is struck."""
    begun, fates = anyio.Event(), []
    request = service.stranger()

    async def fire() -> None:
        fates.extend(await service.volley(request, 40, begun))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fire)
        await begun.wait()
        strike()
    return total(fates)


async def test_a_store_that_freezes_under_load_stalls_nobody_for_good(service: Service) -> None:
    try:
        sums = await under_load(service, service.store.freeze)
        await service.until("away")
    finally:
        service.store.thaw()
    assert set(sums) <= {"passed", "SMCP402"}
    assert sum(sums.values()) == WORKERS * 40
    # What the store granted before, and every worker's own share after.
    assert WORKERS * SHARE <= sums["passed"] <= 2 * LIMIT
    await service.until("back")
    assert total(await service.volley(service.stranger(), 20))["passed"] == LIMIT


async def test_a_store_that_was_killed_is_found_again_without_a_restart(service: Service) -> None:
    before = [len(journal.states()) for journal in service.journals]
    sums = await under_load(service, service.store.kill)
    await service.until("away")
    service.store.start()
    assert set(sums) <= {"passed", "SMCP402"}
    assert sum(sums.values()) == WORKERS * 40
    assert WORKERS * SHARE <= sums["passed"] <= 2 * LIMIT
    await service.until("back")
    assert total(await service.volley(service.by("kim"), 20)) == {"passed": LIMIT, "SMCP402": WORKERS * 20 - LIMIT}
    # Each worker has written down that it went and that it came, once.
    told = [journal.states()[old:] for journal, old in zip(service.journals, before, strict=True)]
    assert told == [["away", "back"]] * WORKERS


async def wait_inside(service: Service, wire: Wire, address: Address) -> None:
    """Let a call of ann's begin on a connection, and wait until it runs."""
    await wire.send(service.by("ann", "meet", others=1))
    async with wired(address) as watcher:
        with anyio.fail_after(TURN_LIMIT):
            while b'"result":1' not in (await watcher.ask(service.by("bob", "waiting"))).body.replace(b" ", b""):
                pass


async def let_in(wire: Wire, request: Request) -> None:
    """Ask until it passes."""
    with anyio.fail_after(TURN_LIMIT):
        while fate(await wire.ask(request)) != "passed":
            pass


async def test_calls_that_run_are_counted_across_the_workers(service: Service) -> None:
    first, second, third, _ = service.addresses
    quick = service.by("ann", "meet", others=0)
    async with wired(first) as one, wired(second) as two, wired(third) as other:
        await wait_inside(service, one, first)
        assert fate(await other.ask(quick)) == "passed"
        await wait_inside(service, two, second)
        assert fate(await other.ask(quick)) == "SMCP404"
        # Other callers have places of their own; with bob's help ann's first call ends, and its place is free.
        async with wired(first) as helper:
            assert fate(await helper.ask(service.by("bob", "meet", others=1))) == "passed"
        assert fate(await one.reply()) == "passed"
        await let_in(other, quick)
        # Who hangs up gives the place back as well.
        await wait_inside(service, one, first)
        assert fate(await other.ask(quick)) == "SMCP404"
        one.hang_up()
        two.hang_up()
        await let_in(other, quick)


async def test_a_revoked_subject_is_out_at_every_worker(service: Service) -> None:
    mallory = service.by("mallory")
    assert total(await service.volley(mallory, 2)) == {"passed": 2 * WORKERS}
    name = f"jwt:{ISSUER}#mallory"
    command = [sys.executable, "-m", "smcp_security.cli", "revoke", "--store", service.store.url, "--subject", name]
    await anyio.run_process(command)
    # The limit comes after the question who it is: it cannot hide that the token still counts.
    await service.until_told(mallory, "SMCP205")
    assert total(await service.volley(service.by("nora"), 2)) == {"passed": 2 * WORKERS}
