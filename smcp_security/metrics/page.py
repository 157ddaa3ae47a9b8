"""What Prometheus reads: of this process, or of all workers that write to one folder."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from smcp_security.metrics.desk import refresh_all
from smcp_security.metrics.instruments import MULTIPROCESS

_LIVE: Final = re.compile(r"gauge_live[a-z]*_([0-9]+)\.db")


def exposed(registry: CollectorRegistry | None = None) -> tuple[bytes, str]:
    """The text and its content type. Raises `OSError` where the folder of the workers is gone."""
    folder = os.environ.get(MULTIPROCESS)
    if folder is None or registry is not None:
        return generate_latest(REGISTRY if registry is None else registry), CONTENT_TYPE_LATEST
    refresh_all()
    _bury(folder)
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
    return generate_latest(together), CONTENT_TYPE_LATEST


def _bury(folder: str) -> None:
    """Forget the gauges of workers that ended without a word: a store that one of them found away would stay away."""
    found = (_LIVE.fullmatch(path.name) for path in Path(folder).iterdir())
    for pid in {int(match[1]) for match in found if match is not None}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
        except OSError:  # somebody else's process, so it lives
            pass
