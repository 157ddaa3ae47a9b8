"""The settings of every gunicorn of this suite: it says which port it got, and stops within a second."""

from __future__ import annotations

from typing import Any

bind = "127.0.0.1:0"
graceful_timeout = 1
timeout = 60
# A worker says there that it lives; a disk would do, and be slower.
worker_tmp_dir = "/dev/shm"


def when_ready(server: Any) -> None:
    """What the tests wait for."""
    print("listening", server.LISTENERS[0].getsockname()[1], flush=True)
