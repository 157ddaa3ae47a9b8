"""Vaults for tests: keys that are alike on each run, a clock by hand, and a store without a disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from smcp_security.opened import Opened
from smcp_security.vault.document import Header, Line, encode, finished
from smcp_security.vault.keyring import KeyRing, MasterKey
from smcp_security.vault.providers import KeySource
from smcp_security.vault.store import FileStore, VaultStore
from smcp_security.vault.vault import Vault
from smcp_security.vault.wrapping import mac_of

START = 1_800_000_000.0
VALUE = b"a value of some length"


def key(name: str = "one") -> MasterKey:
    """The same one for the same name."""
    return MasterKey(sha256(f"a key of a test: {name}".encode()).digest(), f"env:{name.upper()}")


def given(*keys: MasterKey) -> KeySource:
    """A source of just these keys."""
    ring = KeyRing(keys or (key(),))
    return lambda derivation: ring


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Shelf:
    """A store in memory: all that the protocol asks for. `forms` are the bytes of each generation."""

    def __init__(self) -> None:
        self.name = "shelf"
        self.forms: list[bytes] = []
        self.mark: bytes | None = None

    def read(self) -> bytes | None:
        return self.forms[-1] if self.forms else None

    def write(self, data: bytes) -> None:
        self.forms.append(data)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        yield

    def signature(self) -> tuple[int, int]:
        return id(self.forms[-1]) if self.forms else 0, len(self.forms)

    def read_mark(self) -> bytes | None:
        return self.mark

    def write_mark(self, data: bytes) -> bool:
        self.mark = data
        return True


def opened(store: VaultStore, *keys: MasterKey, clock: Callable[[], float] = lambda: START, least: int = 0) -> Vault:
    """The vault of a store, seen by a process that knows nothing of it yet."""
    return Vault(store, given(*keys), clock=clock, least=least)


def filled(store: VaultStore, *keys: MasterKey, clock: Callable[[], float] = lambda: START) -> Vault:
    """A vault with two secrets, one of which a tenant has too, and one of which has two versions."""
    vault = opened(store, *keys, clock=clock)
    vault.create()
    vault.put("github", VALUE + b" 1", tags=["ci"])
    vault.put("github", VALUE + b" 2")
    vault.put("github", VALUE + b" 3", tenant="acme")
    vault.put("mail", VALUE + b" 4", expires_at=START + 60)
    return vault


def parts(secret: Opened | None) -> tuple[str, str, int, bytes] | None:
    """All there is to an opened secret, to compare it by."""
    return None if secret is None else (secret.tenant, secret.name, secret.version, secret.value)


def file_in(folder: Path) -> FileStore:
    """Where the vaults of a test lie."""
    return FileStore(str(folder / "vault.smcp"))


def signed(header: Header, lines: tuple[Line, ...], by: MasterKey) -> bytes:
    """A file as somebody makes it who has a key of the vault, and no scruples."""
    covered = encode(header, lines)
    return finished(covered, mac_of(covered, by, header.vault_id))
