"""Where the bytes of a vault lie: a protocol, and the file that keeps to it."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from typing import Protocol

from smcp_security.vault.file_store import FileStore as FileStore


class VaultStore(Protocol):
    """Keeps the bytes of one vault. Raises `VaultError` for what cannot be read or written."""

    name: str
    """What errors call it."""

    def read(self) -> bytes | None:
        """All of it; None if there is none yet."""
        ...

    def write(self, data: bytes) -> None:
        """Put `data` in its place as a whole or not at all, and durably. Only inside of `exclusive`."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """While it is entered, nobody else writes."""
        ...

    def signature(self) -> Hashable | None:
        """Something cheap that is another one whenever what is stored is; None: unknown, so it is read again."""
        ...

    def read_mark(self) -> bytes | None:
        """What `write_mark` kept last, apart from the vault itself, so that an older copy of that shows."""
        ...

    def write_mark(self, data: bytes) -> bool:
        """Keep a few bytes; whether that was done. Only inside of `exclusive`, after `write`."""
        ...
