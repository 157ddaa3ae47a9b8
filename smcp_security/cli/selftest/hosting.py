"""Starts MODULE:APP in a process of its own on a free loopback port, and ends it with all that it has started."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from smcp_security.cli.output import Failure

_GRACE: Final = 5.0
_MOST: Final = 65_536


@contextlib.contextmanager
def hosted(app: str, path: str, seconds: float) -> Iterator[str]:
    """The URL of a started application, for the length of the block. Raises `Failure`."""
    reader, writer = os.pipe()
    # The child reads its end of this one: it ends when we do, whatever ends us.
    leash, held = os.pipe()
    command = [sys.executable, "-m", "smcp_security.cli.selftest.serving", app, str(writer), str(leash)]
    nowhere = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            command, pass_fds=[writer, leash], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
        )  # fmt: skip
    finally:
        os.close(writer)
        os.close(leash)
    try:
        yield f"http://127.0.0.1:{_port(reader, app, seconds)}{path}"
    finally:
        os.close(held)
        os.close(reader)
        _end(process)


def _port(reader: int, app: str, seconds: float) -> int:
    ends, said = time.monotonic() + seconds, b""
    while b"\n" not in said:
        if not select.select([reader], [], [], max(ends - time.monotonic(), 0.0))[0]:
            raise Failure(
                "selftest", f"{app}: it did not listen within {seconds:g} seconds; --start-timeout gives more"
            )
        chunk = os.read(reader, _MOST)
        if not chunk or len(said) > _MOST:
            raise Failure("selftest", f"{app}: its process ended before it listened; start it by itself to see why")
        said += chunk
    facts = json.loads(said.partition(b"\n")[0])
    if "failure" in facts:
        raise Failure("selftest", f"{app}: {facts['failure']}")
    return int(facts["port"])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its leash is gone, so it is ending; what it has started may not know."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
