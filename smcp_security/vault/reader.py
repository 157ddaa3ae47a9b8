"""What a store holds now: read again when it changed, verified, and never older than what was seen before."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock

import msgspec
from msgspec.structs import replace

from smcp_security.errors import VaultError
from smcp_security.vault.contents import Contents, verified
from smcp_security.vault.document import Document, parse
from smcp_security.vault.keyring import KeyRing
from smcp_security.vault.mark import Mark, Seen, check_later, check_least, check_marked, mark_of, parse_mark
from smcp_security.vault.providers import Derivation, KeySource
from smcp_security.vault.store import VaultStore


class _Held(msgspec.Struct, frozen=True):
    """What was read last, and by what it is known again."""

    contents: Contents
    mark: Mark
    signature: Hashable | None


class Reader:
    """One store, as one process sees it. Thread-safe. Raises `VaultError` and `VaultDamaged`."""

    def __init__(self, store: VaultStore, keys: KeySource, least: int) -> None:
        self._store = store
        self._keys = keys
        self._least = least
        self._lock = Lock()
        self._held: _Held | None = None
        self._ring: tuple[Derivation | None, KeyRing] | None = None

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._lock = Lock()

    @property
    def changed(self) -> float:
        """The latest time that what was read last speaks of."""
        held = self._held
        return 0.0 if held is None else held.contents.header.changed

    @property
    def seen(self) -> Seen | None:
        """What was read last; None before anything was."""
        held = self._held
        return None if held is None else Seen(held.mark, held.contents.header)

    def current(self) -> Contents:
        """What is stored: the same object as long as nothing changes."""
        held = self._held
        if held is not None and held.signature is not None and held.signature == self._store.signature():
            return held.contents
        return self.fresh()

    def fresh(self) -> Contents:
        """What is stored, whatever the signature says."""
        with self._lock:
            # In this order: a writer replaces the vault first and its mark then, so the mark is never ahead by right.
            mark = self._store.read_mark()
            signature = self._store.signature()
            held = self._judged(self._store.read(), signature)
            if mark is not None:
                check_marked(held.mark, parse_mark(mark, self._store.name), self._store.name)
            # Nothing that is wrong gets here, and takes the place of what is right.
            self._held = held
            return held.contents

    def wrote(self, contents: Contents, data: bytes) -> Mark:
        """`contents` was just written, as `data`."""
        mark = mark_of(contents.header, data)
        with self._lock:
            self._held = _Held(contents, mark, None)
        return mark

    def ring_for(self, derivation: Derivation | None) -> KeyRing:
        """The keys that are given: asked for once, as those of passphrases take a while."""
        if self._ring is None or self._ring[0] != derivation:
            self._ring = (derivation, self._keys(derivation))
        return self._ring[1]

    def _judged(self, data: bytes | None, signature: Hashable | None) -> _Held:
        name, before = self._store.name, self._held
        if data is None:
            raise VaultError(
                f"{name}: no such vault; make it with `smcp vault init` (a relative name counts from the current"
                " directory)"
            )
        if before is not None and before.mark.is_of(data):
            return replace(before, signature=signature)
        document = parse(data, name)
        contents = self._verified(document)
        mark = mark_of(document.header, data)
        check_least(mark.generation, self._least, name)
        if before is not None:
            check_later(Seen(mark, document.header), Seen(before.mark, before.contents.header), name)
        return _Held(contents, mark, signature)

    def _verified(self, document: Document) -> Contents:
        header, before = document.header, self._ring
        ring = self.ring_for(header.derivation)
        wanted = [key.fingerprint for key in header.keys if key.id >= header.least_key_id]
        if before is not None and before[1] is ring and any(ring.find(each) is None for each in wanted):
            # Keys are exchanged under a running server, too: those that are given may be others by now.
            self._ring = None
            ring = self.ring_for(header.derivation)
        return verified(document, ring, self._store.name)
