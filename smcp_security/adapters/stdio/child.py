"""The server's process, in a process group of its own: started, signalled and ended with all that it started.

A guard in the same group waits on a pipe of ours: should we be killed outright, it kills the group. POSIX only.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Final

_GUARD: Final = ("/bin/sh", "-c", "trap '' HUP INT QUIT TERM USR1 USR2; read _; kill -KILL 0")
_PIPE: Final = 1024 * 1024
_LAST: Final = 1.0
"""Seconds that a process may take to end that was killed."""


class NotStarted(Exception):
    """A command that cannot be started. The text says which and why, and not its arguments: they may be secret."""


class Child:
    """A running server. `stdin` and `stdout` are our ends of its pipes, non-blocking.

    Its stderr is `stderr`, or ours. Raises `NotStarted`.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], stderr: int | None = None) -> None:
        self._process = _started(command, environment, stderr)
        self._stdin, self._stdout = _ours(self._process.stdin), _ours(self._process.stdout)
        self.stdin, self.stdout = self._stdin.fileno(), self._stdout.fileno()
        for fd in (self.stdin, self.stdout):
            os.set_blocking(fd, False)
            _widen(fd)
        self._guard = self._guarded()

    def code(self) -> int | None:
        """The exit code of the server as a shell tells it, None while it runs."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def signal(self, number: int) -> None:
        """Pass a signal on to the server and all that it started."""
        # Once all is ended the number of the group may be another's.
        if self._stdout.closed:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def hang_up(self) -> None:
        """Close the server's stdin: it is asked to end."""
        self._stdin.close()

    def end(self) -> None:
        """Nothing of it goes on."""
        self.hang_up()
        self.signal(signal.SIGKILL)
        self._stdout.close()
        for process in (self._process, self._guard):
            if process is not None:
                _ours(process.stdin).close()
                with suppress(subprocess.TimeoutExpired):  # a disk or a network that hangs: not even SIGKILL ends it
                    process.wait(_LAST)

    def _guarded(self) -> subprocess.Popen[bytes] | None:
        try:
            return subprocess.Popen(
                _GUARD,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=self._process.pid,
                bufsize=0,
            )
        except OSError:  # no shell here, or the server has ended already
            return None


def _started(command: Sequence[str], environment: Mapping[str, str], stderr: int | None) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=stderr, env=environment, process_group=0, bufsize=0
        )
    except (OSError, ValueError) as error:
        raise NotStarted(f"{command[0][:200]!r} cannot be started: {_reason(error)}") from None


def _ours(end: IO[bytes] | None) -> IO[bytes]:
    if end is None:
        raise TypeError("a process started with pipes has them")
    return end


def _reason(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "no such program; give its path, or a name on PATH"
        case PermissionError():
            return "this user may not run it; expected an executable file"
        case OSError():
            return f"{os.strerror(error.errno) if error.errno else type(error).__name__}; expected an executable file"
        case _:
            return "a NUL byte in an argument; leave it out"


def _widen(fd: int) -> None:
    """Large messages in few pieces, where the system knows how (Linux)."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # over what one user's pipes may hold together
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE)
