"""`Vault`: put secrets in, take them out, exchange keys. A change is read, made and written under the store's lock."""

from __future__ import annotations

import logging
import secrets as random
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from smcp_security.errors import VaultError
from smcp_security.opened import Opened
from smcp_security.vault.changes import (
    Progress,
    Secret,
    key_line,
    missing,
    pruned,
    rewrapped_all,
    told,
    warnings,
    with_first,
    with_key,
    with_versions,
    without,
    without_keys,
)
from smcp_security.vault.contents import Contents, entry_of, is_expired, needed
from smcp_security.vault.document import BYTES_MAX, FORMAT, MOMENT_MAX, Header, KeyLine, Line, encode, finished
from smcp_security.vault.envelope import KEY_BYTES
from smcp_security.vault.facts import Entry, KeyState, Report
from smcp_security.vault.keyring import KeyRing, MasterKey
from smcp_security.vault.mark import Seen, encode_mark
from smcp_security.vault.providers import Derivation, KeySource
from smcp_security.vault.reader import Reader
from smcp_security.vault.store import VaultStore
from smcp_security.vault.wrapping import mac_of

__all__ = ["Entry", "KeyState", "Progress", "Report", "Secret", "Vault"]

SALT_BYTES: Final = 16

Lines: TypeAlias = tuple[Line, ...]

_log: Final = logging.getLogger("smcp_security.vault")


class Vault:
    """The secrets of one store. Thread-safe; what is read is verified as a whole before anything is believed.

    Raises `VaultError` (cannot be used), `VaultDamaged` (torn, tampered with, rolled back).
    """

    def __init__(self, store: VaultStore, keys: KeySource, *, clock: Callable[[], float], least: int = 0) -> None:
        """`least` is the generation that the store must have reached."""
        self._store = store
        self._clock = clock
        self._reader = Reader(store, keys, least)
        self._latest = 0.0

    def __repr__(self) -> str:
        return f"Vault({self._store.name!r})"

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._reader.reset_lock()

    @property
    def seen(self) -> Seen | None:
        """What was read last; None before anything was."""
        return self._reader.seen

    def now(self) -> float:
        """The time, which never goes back: what this process or any writer saw expire stays expired."""
        self._latest = max(self._latest, self._clock(), self._reader.changed)
        return self._latest

    def current(self) -> Contents:
        """All that is in it: the same object as long as nothing changes. A look costs one `stat`."""
        return self._reader.current()

    def create(self, *, passphrase: bool = False) -> Report:
        """A new, empty vault; refuses to replace one. `passphrase`: keys of passphrases may be used with it."""
        derivation = Derivation(random.token_bytes(SALT_BYTES)) if passphrase else None
        ring = self._reader.ring_for(derivation)
        with self._store.exclusive():
            if self._store.read() is not None:
                raise VaultError(f"{self._store.name}: is there already; choose another name, or remove it first")
            now = self.now()
            header = Header(
                FORMAT, random.token_hex(16), 0, now, now, 1, 1, (KeyLine(1, ring.first.fingerprint, 0),), derivation
            )
            return self._report(self._write(Contents(header, (), ring, self._store.name), header, ()))

    def put(
        self, name: str, value: bytes, *, tenant: str = "", expires_at: float | None = None, tags: Sequence[str] = ()
    ) -> Entry:
        """A new version of a secret, the first one or one more."""
        return self.put_all([Secret(name, value, tenant, expires_at, tuple(tags))])[0]

    def put_all(self, secrets: Sequence[Secret]) -> tuple[Entry, ...]:
        """New versions of many secrets in one write: all of them, or none."""
        with self._store.exclusive():
            before = self._reader.fresh()
            data_keys = (random.token_bytes(KEY_BYTES) for _ in secrets)
            header, lines, made = with_versions(before, secrets, data_keys, self.now())
            after = self._write(before, header, lines)
        return tuple(entry_of(line, line is after.line(line.name, line.tenant)) for line in made)

    def get(self, name: str, *, tenant: str = "", version: int | None = None) -> Opened:
        """A secret opened, its newest version. Raises `VaultError` if there is none or it has expired."""
        contents = self.current()
        found = contents.find(name, tenant, version, now=self.now())
        if found is not None:
            return found
        if contents.line(name, tenant, version) is None:
            raise VaultError(missing(contents, name, tenant, version))
        raise VaultError(f"{contents.name}: secret {name!r} has expired; put in a new version")

    def find(self, name: str, *, tenant: str = "", version: int | None = None) -> Opened | None:
        """`get`, but None if there is none or it has expired."""
        return self.current().find(name, tenant, version, now=self.now())

    def entries(self) -> Sequence[Entry]:
        """Everything that may be known, ordered by tenant, name and version."""
        return self.current().entries()

    def keys(self) -> tuple[KeyState, ...]:
        """All keys that it ever had, the oldest one first."""
        return self.current().keys()

    def ring(self) -> KeyRing:
        """The keys that are given for it."""
        return self.current().ring

    def remove(self, name: str, *, tenant: str = "", version: int | None = None) -> int:
        """Remove all versions of a secret, or one; how many. Raises `VaultError` if there is none."""
        with self._store.exclusive():
            before = self._reader.fresh()
            lines = without(before, name, tenant, version)
            self._write(before, before.header, lines)
        return len(before.lines) - len(lines)

    def prune(self, *, keep: int) -> int:
        """Remove all but the newest `keep` versions of each secret, and what has expired; how many.

        A secret whose newest version has expired goes as a whole: no older one takes its place.
        """
        with self._store.exclusive():
            before = self._reader.fresh()
            lines = pruned(before, keep, self.now())
            if len(lines) < len(before.lines):
                self._write(before, before.header, lines)
        return len(before.lines) - len(lines)

    def add_key(self, key: MasterKey) -> KeyState:
        """Phase 1 of an exchange: `key` may open from now on. It must be in the ring of every reader before phase 2."""
        return self._change_keys(lambda before: with_key(before, key.fingerprint), key.fingerprint)

    def make_first(self, fingerprint: str) -> KeyState:
        """Phase 2: that key seals from now on. Raises `VaultError` if the ring does not have it."""
        return self._change_keys(lambda before: with_first(before, fingerprint), fingerprint)

    def rewrap(self, progress: Progress | None = None) -> int:
        """Wrap every data key anew under the first key; no value is touched. How many were wrapped under another."""
        with self._store.exclusive():
            before = self._reader.fresh()
            header, lines, moved = rewrapped_all(before, progress)
            if moved:
                self._write(before, header, lines)
        return moved

    def retire_key(self, id: int) -> KeyState:
        """Phase 3: keys up to `id` open nothing any more. Raises `VaultError` while something is wrapped under one."""
        with self._store.exclusive():
            before = self._reader.fresh()
            header = without_keys(before, id)
            after = before if header is None else self._write(before, header, before.lines)
        return after.key_state(after.header.keys[id - 1])

    def verify(self, progress: Progress | None = None) -> Report:
        """Open everything once. Raises `VaultDamaged` with the name of what does not open."""
        contents = self._reader.fresh()
        for line in told(contents.lines, progress):
            contents.open(line)
        return self._report(contents)

    def _change_keys(self, change: Callable[[Contents], Header | None], fingerprint: str) -> KeyState:
        with self._store.exclusive():
            before = self._reader.fresh()
            header = change(before)
            after = before if header is None else self._write(before, header, before.lines)
        return after.key_state(key_line(after, fingerprint))

    def _write(self, before: Contents, header: Header, lines: Lines) -> Contents:
        """The next generation, in the store. Under its lock."""
        generation = before.generation + 1
        header = replace(header, generation=generation, changed=max(header.changed, self.now()))
        if header.changed > MOMENT_MAX:
            # Nobody could read it again.
            raise VaultError(f"{before.name}: this machine's clock is past the year 9999; set it")
        after = Contents(header, lines, before.ring, before.name)
        covered = encode(header, lines)
        key = needed(after.ring, after.first, after.name)
        data = finished(covered, mac_of(covered, key, header.vault_id))
        if len(data) > BYTES_MAX:
            raise VaultError(f"{after.name}: has no room for more than 64 MiB; prune or remove some secrets")
        self._store.write(data)
        mark = self._reader.wrote(after, data)
        if not self._store.write_mark(encode_mark(mark)):
            _log.warning("%s.mark: cannot be written; until it can, an older copy may pass for new", after.name)
        return after

    def _report(self, contents: Contents) -> Report:
        now, header = self.now(), contents.header
        return Report(
            vault_id=header.vault_id, generation=header.generation, keys=contents.keys(),
            least_key_id=header.least_key_id, secrets=contents.secrets, versions=len(contents.lines),
            expired=sum(is_expired(line, now) for line in contents.lines),
            warnings=tuple(warnings(contents, self._clock())),
        )  # fmt: skip
