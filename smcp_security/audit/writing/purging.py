"""Removing segments that are old enough, as one more writer of the audit: `smcp audit purge`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from smcp_security.audit.keys import AuditKeys
from smcp_security.audit.writing.chain import Chain, Sealer
from smcp_security.audit.writing.expiry import Gone, Purge
from smcp_security.audit.writing.journal import Journal
from smcp_security.audit.writing.upkeep import Upkeep

__all__ = ["Gone", "Purge", "purge"]


def purge(path: str, people: Sealer, keys: AuditKeys, before: float, *, wall: Callable[[], float] = time.time) -> Purge:
    """Remove the segments of the audit at `path` that ended before the time `before`, once a record in it says so.

    Raises `OSError`.
    """
    journal = Journal(os.path.abspath(path), Chain(people, keys), Upkeep("always", size=None), wall=wall)
    try:
        done = journal.purge(before)
        journal.finish()
    finally:
        journal.close()
    return done
