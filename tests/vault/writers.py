"""Writers that are killed, fill their disk or meet each other: run as `python -m tests.vault.writers SCENE FOLDER`.

A process of its own, without threads, so that it may fork; it prints what it saw as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from smcp_security.errors import VaultError
from smcp_security.keys import replacement
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Secret, Vault
from tests.vault.chest import VALUE, key, opened

STEPS = ("open", "fstat", "stat", "scandir", "fchmod", "fsync", "replace", "unlink", "close")
LAST_STEP = 28
"""No change has as many."""
KILLS = 100
PUTS = 50


def _vault(folder: str) -> Vault:
    return opened(FileStore(f"{folder}/vault.smcp"), key("two"), key())


def _drafts(folder: str) -> int:
    return sum(name.endswith(".new") for name in os.listdir(folder))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _in_child(work: Callable[[], object]) -> bool:
    """Whether it came to its end."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


# -- killed at each step


def _armed(at: int, told: int) -> None:
    """From now on this process dies before the step of that number, whose name goes to the file `told`."""
    count = 0

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == at:
                os.write(told, f"{name}\n".encode())
                _die()
            return real(*args, **named)

        return step

    for name in STEPS:
        setattr(os, name, counting(name, getattr(os, name)))


def _half_written() -> None:
    """From now on the first write to a file gets half of it there, and the process dies."""

    class Half:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __enter__(self) -> Half:
            return self

        def __exit__(self, *args: object) -> None:
            self._file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def write(self, data: bytes) -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()
            _die()

    def half_open(file: int, mode: str) -> Any:
        return Half(open(file, mode)) if "w" in mode else open(file, mode)

    replacement.open = half_open  # type: ignore[attr-defined]


CHANGES: dict[str, Callable[[Vault], object]] = {
    "put": lambda vault: vault.put("more", VALUE),
    "prune": lambda vault: vault.prune(keep=1),
    "add_key": lambda vault: vault.add_key(key("two")),
    "make_first": lambda vault: vault.make_first(key("two").fingerprint),
    "rewrap": lambda vault: vault.rewrap(),
    "retire_key": lambda vault: vault.retire_key(1),
}


def steps(folder: str) -> dict[str, Any]:
    """Each kind of change, killed before each of its steps; then made again by somebody who lives."""
    store = FileStore(f"{folder}/vault.smcp")
    opened(store, key()).create()
    _vault(folder).put_all([Secret("less", VALUE)] * 20)
    told = os.open(f"{folder}/told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    faults: list[str] = []
    kills = 0
    for name, change in CHANGES.items():
        saved = (store.read(), store.read_mark())
        for arm in _ways(told):
            _restore(store, saved)
            before = _vault(folder).verify().generation
            through = _in_child(_then(arm, change, folder))
            report, drafts = _vault(folder).verify(), _drafts(folder)
            if report.generation not in (before + 1, before + through):
                faults.append(f"{name}: generation {before} became {report.generation}")
            if drafts > 1:
                faults.append(f"{name}: {drafts} drafts")
            change(_vault(folder))
            if _drafts(folder) and report.generation == before:
                faults.append(f"{name}: a draft outlived the next write")
            kills += not through
    with open(f"{folder}/told") as file:
        seen = sorted(set(file.read().splitlines()))
    return {"kills": kills, "faults": faults, "steps": seen, "least": _vault(folder).verify().least_key_id}


def _then(arm: Callable[[], None], change: Callable[[Vault], object], folder: str) -> Callable[[], object]:
    def work() -> None:
        arm()
        change(_vault(folder))

    return work


def _restore(store: FileStore, saved: tuple[bytes | None, bytes | None]) -> None:
    data, mark = saved
    assert data is not None and mark is not None
    with store.exclusive():
        store.write(data)
        store.write_mark(mark)


def _ways(told: int) -> Iterator[Callable[[], None]]:
    yield _half_written
    for at in range(1, LAST_STEP):
        yield lambda at=at: _armed(at, told)  # type: ignore[misc]


# -- killed at any time


def kills(folder: str) -> dict[str, Any]:
    """A writer that is killed from outside, again and again: what it had acknowledged is there."""
    _vault(folder).create()
    chance, faults, acknowledged = random.Random(7), [], 0
    for _ in range(KILLS):
        last = _killed_writer(folder, acknowledged, chance)
        versions = _vault(folder).current().versions("counted")
        newest = versions[-1].version if versions else 0
        # One more may have got there, and been killed before it could say so.
        if newest not in (last, last + 1) or _vault(folder).verify().generation != newest + 1:
            faults.append(f"acknowledged {last}, found {newest}")
        if _drafts(folder) > 1:
            faults.append(f"{_drafts(folder)} drafts")
        acknowledged = newest
    _vault(folder).put("counted", VALUE)
    return {"kills": KILLS, "faults": faults, "versions": acknowledged, "drafts": _drafts(folder)}


def _killed_writer(folder: str, start: int, chance: random.Random) -> int:
    """The last version that it acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        vault = _vault(folder)
        while True:
            os.write(writing, vault.put("counted", VALUE).version.to_bytes(4, "big"))
    os.close(writing)
    last = start
    for _ in range(chance.randrange(4)):
        last = int.from_bytes(os.read(reading, 4), "big")
    for _ in range(chance.randrange(60_000)):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reading, 4):
        last = int.from_bytes(more, "big")
    os.close(reading)
    return last


# -- more than one


def pair(folder: str) -> dict[str, Any]:
    """Two writers and one who reads, at once."""
    _vault(folder).create()
    children = []
    for writer in range(2):
        child = os.fork()
        if child == 0:
            vault = _vault(folder)
            for number in range(PUTS):
                vault.put("both", VALUE)
                vault.put(f"w{writer}-{number}", VALUE)
            os._exit(0)
        children.append(child)
    reader, seen = _vault(folder), 0
    while children:
        seen = max(seen, reader.current().generation)
        with contextlib.suppress(ChildProcessError):
            done, status = os.waitpid(children[0], os.WNOHANG)
            if done:
                children.pop(0)
                assert status == 0
    report = reader.verify()
    names = {entry.name for entry in reader.entries()}
    return {
        "generation": report.generation, "versions": report.versions, "names": len(names),
        "both": reader.get("both").version, "drafts": _drafts(folder), "seen": seen,
    }  # fmt: skip


# -- no room


def full(folder: str) -> dict[str, Any]:
    """Puts until the disk is full, and again once there is room."""
    ballast = f"{folder}/ballast"
    with open(ballast, "wb") as file:
        file.write(bytes(64 * 1024))
    return _filling(folder, lambda: os.unlink(ballast))


def limited(folder: str) -> dict[str, Any]:
    """The same, where a process may write no larger files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    return _filling(folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before))


def _filling(folder: str, make_room: Callable[[], None]) -> dict[str, Any]:
    vault = _vault(folder)
    vault.create()
    done, fault = 0, ""
    while not fault:
        try:
            done = vault.put("large", bytes(8 * 1024)).version
        except VaultError as error:
            fault = str(error)
    found = _vault(folder).verify().versions
    drafts = _drafts(folder)
    make_room()
    after = vault.put("large", bytes(8 * 1024)).version
    return {"done": done, "found": found, "fault": fault, "drafts": drafts, "after": after}


def shut(folder: str) -> dict[str, Any]:
    """A folder in which this process may write nothing."""
    _vault(folder).create()
    _vault(folder).put("kept", VALUE)
    for name in os.listdir(folder):
        os.chown(f"{folder}/{name}", 65534 if os.geteuid() == 0 else -1, -1)
    os.chmod(folder, 0o555)
    if os.geteuid() == 0:
        os.setuid(65534)
    fault, vault = "", _vault(folder)
    try:
        vault.put("more", VALUE)
    except VaultError as error:
        fault = str(error)
    return {"fault": fault, "value": vault.get("kept").value.decode(), "generation": vault.verify().generation}


if __name__ == "__main__":
    scenes = {scene.__name__: scene for scene in (steps, kills, pair, full, limited, shut)}
    print(json.dumps(scenes[sys.argv[1]](sys.argv[2])))
