"""Processes that are killed, or meet each other, at one file of callers: `python -m tests.audit.joiners SCENE FOLDER`.

A process of its own, without threads, so that it may fork; it prints what it saw as JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.audit.crowd import BOUND, came, opened, readable

STEPS = (
    "open",
    "fstat",
    "stat",
    "flock",
    "pread",
    "write",
    "ftruncate",
    "scandir",
    "fchmod",
    "fsync",
    "replace",
    "close",
)
LAST_STEP = 60
"""Nothing here takes as many."""
PERSONS = 200
WORKERS = 4


def _in_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


def _ended(child: int) -> bool:
    return os.waitpid(child, 0)[1] == 0


def _dying(at: int) -> None:
    """From now on this process dies before the step of that number."""
    count = 0

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **named)

        return step

    for name in STEPS:
        home = fcntl if name == "flock" else os
        setattr(home, name, counting(getattr(home, name)))


def killed(folder: str) -> dict[str, Any]:
    """Kill at each step somebody who makes the file, adds persons, or erases one; see what is left."""
    seen: dict[str, Any] = {"kills": 0, "wrong": [], "erased": 0, "kept": 0}
    for scene in ("make", "add", "erase"):
        for at in range(1, LAST_STEP):
            place = Path(folder) / f"{scene}-{at}"
            place.mkdir()
            if not _killed_at(scene, at, place / "keys", seen):
                break
        else:
            seen["wrong"].append(f"{scene}: never came to its end")
    return seen


def _killed_at(scene: str, at: int, file: Path, seen: dict[str, Any]) -> bool:
    there = {} if scene == "make" else came(opened(file), "caller:ann", "caller:bob")

    def work() -> None:
        people = None if scene == "make" else opened(file)
        _dying(at)
        if people is None:
            opened(file)
        elif scene == "add":
            came(people, "caller:eve", "caller:joe")
        else:
            people.erase("ann")

    if _ended(_in_child(work)):
        return False
    seen["kills"] += 1
    people = opened(file)
    left = readable(people, there)
    if scene == "erase":
        seen["kept" if "caller:ann" in left else "erased"] += 1
        there.pop("caller:ann")
    if not set(there) <= left or readable(people, came(people, "caller:zoe")) != {"caller:zoe"}:
        seen["wrong"].append(f"{scene} {at}: {sorted(left)}")
    people.erase("bob")
    if len(os.listdir(file.parent)) != 1 or readable(opened(file), there) & {"caller:bob"}:
        seen["wrong"].append(f"{scene} {at}: {os.listdir(file.parent)}")
    return True


def race(folder: str) -> dict[str, Any]:
    """Several processes bring the same persons, each in an order of its own."""
    file = Path(folder) / "keys"
    children = [_in_child(lambda worker=worker: _bring(file, Path(folder), worker)) for worker in range(WORKERS)]
    ended = [_ended(child) for child in children]
    told = [json.loads((Path(folder) / f"told-{worker}").read_text()) for worker in range(WORKERS)]
    people = opened(file)
    return {
        "ended": all(ended),
        "agreed": all(each == told[0] for each in told),
        "persons": len(people.everybody()),
        "handles": len(set(told[0].values())),
    }


def _bring(file: Path, folder: Path, worker: int) -> None:
    people = opened(file)
    names = [f"caller:{number}" for number in range(PERSONS)]
    random.Random(worker).shuffle(names)
    told: dict[str, str] = {}
    for start in range(0, PERSONS, 10):
        told |= {name: handle for name, (handle, _) in came(people, *names[start : start + 10]).items()}
    (folder / f"told-{worker}").write_text(json.dumps(told, sort_keys=True))


def erasing(folder: str) -> dict[str, Any]:
    """Two processes seal for the same few persons all the time, while a third one erases them again and again."""
    file = Path(folder) / "keys"
    opened(file)
    children = [_in_child(lambda worker=worker: _keep_coming(file, worker)) for worker in range(2)]
    erased = 0
    eraser = opened(file)
    ends: dict[int, int] = {}
    while len(ends) < len(children):
        erased += len(eraser.erase(f"caller:{random.randrange(5)}"))
        ends |= {
            child: status
            for child, status in (os.waitpid(child, os.WNOHANG) for child in children if child not in ends)
            if child
        }
    names = [person.name for person in opened(file).everybody()]
    return {
        "erased": erased > 0,
        "ended": not any(ends.values()),
        "twice": len(names) - len(set(names)),
        "files": os.listdir(folder),
    }


def _keep_coming(file: Path, worker: int) -> None:
    people = opened(file)
    reader = opened(file)
    for turn in range(400):
        name = f"caller:{turn % 5}"
        handle, sealed = people.seal(name, name.encode(), BOUND)
        people.flush()
        found = reader.open_sealed(handle, sealed, BOUND)
        # Erased meanwhile, or readable by everybody else: never anything between.
        if found not in (None, name.encode()):
            os._exit(1)


if __name__ == "__main__":
    print(json.dumps({"killed": killed, "race": race, "erasing": erasing}[sys.argv[1]](sys.argv[2])))
