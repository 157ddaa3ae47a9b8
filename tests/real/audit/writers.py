"""Writers in processes of their own: forked, told what to write, and killed by whoever asked for them."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smcp_security.audit import FileSink
from smcp_security.audit.callers.people import open_people
from smcp_security.audit.proof import Proof
from smcp_security.audit.proving.report import Report
from smcp_security.audit.proving.verification import Verifier
from smcp_security.audit.reading.log import open_log
from smcp_security.audit.segments import files_of

WAIT = 60
"""Seconds after which a child that hangs dies by itself, and a wait in the parent counts as a hang."""


@dataclass
class Worker:
    """A child process that writes. `acks` is the end of the pipe on which it says what is on the disk."""

    pid: int
    acks: int

    def acknowledged(self) -> list[str]:
        """What it said until now, once it has ended."""
        parts = []
        while part := os.read(self.acks, 65_536):
            parts.append(part)
        os.close(self.acks)
        # The last one may be cut off.
        return b"".join(parts).decode().split("\n")[:-1]

    def kill(self) -> None:
        """As the kernel does it when the memory is short."""
        os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> int:
        """Its exit status, or minus the signal, when it has one."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def start(work: Callable[[Callable[[str], None]], None]) -> Worker:
    """A forked child that does `work`, which is given what to call with each text that is surely on the disk."""
    acks, ack = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(WAIT)
        status = 1
        try:
            os.close(acks)
            work(lambda text: (os.write(ack, f"{text}\n".encode()), None)[1])
            status = 0
        finally:
            os._exit(status)
    os.close(ack)
    return Worker(pid, acks)


def write_until_killed(path: Path, name: str, seed: int, ack: Callable[[str], None], **settings: Any) -> None:
    """Records of very different lengths, each told of when a flush says that it is kept."""
    choice, sink = random.Random(seed), FileSink(path, **settings)
    n = 0
    while True:
        texts = [f"{name}-{n + more}" for more in range(choice.randint(1, 4))]
        for text in texts:
            pad = "x" * choice.choice((10, 500, 3_000) * 10 + (200_000,) * 5 + (1_000_000,))
            sink.write({"v": 2, "kind": "test", "text": text, "pad": pad, "label": name})
        if sink.flush(WAIT):
            for text in texts:
                ack(text)
        n += len(texts)


def texts_in(*paths: Path) -> Counter[str]:
    """The texts of all records, in whichever file."""
    found: Counter[str] = Counter()
    for path in paths:
        for line in path.read_bytes().splitlines():
            if b'"text":' in line[:250]:
                try:
                    found[json.loads(line)["text"]] += 1
                except ValueError:
                    continue
    return found


def audit_files(path: Path) -> list[Path]:
    """The files of an audit, oldest first."""
    return [Path(file) for file in files_of(str(path))]


def verified(path: Path, *older: Path) -> Report:
    """What the verification says of an audit with its segments; `older`: files that were renamed from outside."""
    _, keys = open_people(f"{path}.keys", None, "hmac", {}, create=False)
    verifier = Verifier(Proof.of(keys))
    log = open_log([*map(str, older), str(path)])
    for block in log.blocks():
        verifier.feed(block)
    return verifier.finish()
