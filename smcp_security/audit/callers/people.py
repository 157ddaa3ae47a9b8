"""The file with a key per person: who is erased from it is read by nobody any more, and the chain still verifies."""

from __future__ import annotations

import errno
import os
import secrets
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, Literal

from smcp_security.audit.callers.beginning import check_place, keys_agreed, missing, unusable
from smcp_security.audit.callers.file import CallersFile
from smcp_security.audit.callers.lines import (
    NONCE_BYTES,
    Known,
    handle_of,
    header_line,
    new_person,
    person_line,
    read_header,
    read_person,
)
from smcp_security.audit.callers.roll import Roll
from smcp_security.audit.keys import KEY_BYTES, AuditKeys, keys_of, secret_of
from smcp_security.errors import AuditDamaged, PolicyError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CIPHERS: Final = 4_096
"""Ciphers kept for those who were seen last: making one takes longer than a seal."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is behind a handle: 16 random hex digits, in every record. `name` is as `entry.person_of` says it."""

    handle: str
    name: str


class People:
    """The keys of one audit file. Shared by processes: each change holds the file's lock; seals of one key are AES-GCM.

    Writers call `seal`; readers `open_sealed`, `find` and `everybody`. Threads may share it, and a fork has its own.
    """

    def __init__(self, path: str, keys: AuditKeys) -> None:
        """Touches nothing."""
        self._keys = keys
        self._file = CallersFile(path)
        self._wrapping = _cipher(keys.wrapping)
        self._ciphers = lru_cache(CIPHERS)(_cipher)
        self._lock = threading.Lock()
        self._unsynced = self._current = self._distrusted = False
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=partial(_renew, weakref.ref(self)))

    @property
    def path(self) -> str:
        """Where the file is."""
        return self._file.path

    # -- for writers -------------------------------------------------------------------------------------------------

    def seal(self, person: str, private: bytes, bound: bytes) -> tuple[str, bytes]:
        """The handle of a person, who gets a key if there is none yet, and `private` sealed: nonce(12) || ciphertext.

        Raises `OSError` when a new key cannot be put on the disk: the key is there before anything sealed with it.
        """
        with self._lock, self._as_disk():
            known = self._known(person)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return known.handle, nonce + self._ciphers(known.key).encrypt(nonce, private, bound)

    def flush(self) -> None:
        """Put the keys made since the last call on the disk (one fsync for all); the next `seal` looks who was erased.

        Raises `OSError`; then nothing that was sealed since may be written.
        """
        with self._lock:
            self._current = False
            if self._unsynced:
                with self._as_disk():
                    self._sync()
                self._unsynced = False

    def close(self) -> None:
        """Let the file go; the next use opens it again."""
        with self._lock:
            self._file.close()
            self._current = False

    # -- for readers -------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take up who came and forget who was erased since. Raises `OSError`, `AuditDamaged`, `PolicyError`."""
        with self._lock:
            self._take_up()

    def open_sealed(self, handle: str, sealed: bytes, bound: bytes) -> bytes | None:
        """What was sealed; None if the person was erased. Raises `AuditDamaged` if it was tampered with."""
        from cryptography.exceptions import InvalidTag

        with self._lock:
            known = self._roll.by_handle(handle)
            if known is None:
                self._take_up()
                known = self._roll.by_handle(handle)
        if known is None:
            return None
        try:
            return self._ciphers(known.key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            pass
        raise AuditDamaged(f"what is sealed for {handle} was changed, or is not of this place in the audit")

    def find(self, name: str) -> tuple[Person, ...]:
        """Everybody of that name: `caller:ann` exactly, or `ann` whatever the kind."""
        with self._lock:
            self._take_up()
            return _persons(self._roll.found(name))

    def everybody(self) -> tuple[Person, ...]:
        """All who have a key, in the order in which they came."""
        with self._lock:
            self._take_up()
            return _persons(self._roll)

    # -- for the operator --------------------------------------------------------------------------------------------

    def erase(self, name: str) -> tuple[Person, ...]:
        """Destroy the keys of everybody of that name; who that was. The file is replaced as a whole and synced.

        Raises `OSError`: then nobody is erased, or (where only its folder cannot be synced) not for certain.
        """
        with self._lock, self._file.exclusive():
            # A draft that a killed `erase` left has the keys of everybody else.
            self._file.sweep_drafts()
            self._take_up()
            found = _persons(self._roll.found(name))
            if found:
                gone = {person.handle for person in found}
                self._file.replace(line for line in self._file.lines() if handle_of(line) not in gone)
                self._forget()
            return found

    # -- with the lock held ------------------------------------------------------------------------------------------

    @contextmanager
    def _as_disk(self) -> Iterator[None]:
        """For a writer whatever is wrong with the file is a disk to be tried again, until somebody has put it right."""
        try:
            yield
        except (AuditDamaged, PolicyError) as error:
            raise OSError(errno.EBADMSG, str(error), self.path) from None
        except FileNotFoundError:
            raise OSError(errno.EBADMSG, f"{self.path} is missing; put back a copy of it", self.path) from None

    def _known(self, person: str) -> Known:
        if not self._current:
            self._take_up()
            self._current = True
        return self._roll.lookup(person) or self._added(person)

    def _added(self, person: str) -> Known:
        with self._file.exclusive():
            self._take_up()
            known = self._roll.lookup(person)
            if known is None:
                known = new_person(self._roll.key_name(person))
                self._file.append(person_line(known, self._wrapping, self._id))
                self._unsynced = True
                self._line += 1
                self._roll.keep(known)
            return known

    def _sync(self) -> None:
        if self._distrusted:
            # After a failed sync the system may believe that it wrote what it did not: another file has all of it.
            with self._file.exclusive():
                self._file.replace(self._file.lines())
            self._distrusted = False
            return
        try:
            self._file.sync()
        except OSError:
            self._distrusted = True
            raise

    def _take_up(self) -> None:
        anew, data = self._file.news()
        lines = data.split(b"\n")[:-1]
        if anew:
            self._forget()
            self._begin(lines[:1])
            del lines[:1]
        for line in lines:
            self._line += 1
            try:
                new = self._roll.keep(read_person(line, self._wrapping, self._id))
            except AuditDamaged:
                new = False
            if not new:
                # The next use reads all of it again: somebody may have put it right.
                self._file.close()
                raise AuditDamaged(f"{self.path}: line {self._line} is damaged; put back a copy of the file")
        # Another process may not have synced them yet, and what is sealed now may be on the disk before it does.
        self._unsynced = self._unsynced or bool(lines)

    def _begin(self, first: list[bytes]) -> None:
        header = read_header(first[0]) if first else None
        if header is None or header.fingerprint != self._keys.fingerprint:
            self._file.close()
            raise AuditDamaged(f"{self.path}: is no file of callers of this audit; put back a copy of it")
        self._id, self._line = header.id, 1

    def _forget(self) -> None:
        self._roll = Roll()
        self._id, self._line = "", 0
        self._ciphers.cache_clear()


def open_people(
    path: str, key: str | None, signature: Literal["hmac", "ed25519"], environ: Mapping[str, str], *, create: bool
) -> tuple[People, AuditKeys]:
    """The people and the keys of an audit whose file of callers is `path`, its secret `key` (env:NAME) or in the file.

    `create`: make the file if there is none. Raises `PolicyError` where the secret or the file cannot be used, each in
    one line; `AuditDamaged` where the file is damaged.
    """
    secret = None if key is None else secret_of(key, environ)
    file = CallersFile(path)
    try:
        if create:
            check_place(file.path)
            fresh = secrets.token_bytes(KEY_BYTES)
            file.make(header_line(keys_of(secret or fresh, signature).fingerprint, None if secret else fresh))
        keys = keys_agreed(file, key, secret, signature)
        people = People(path, keys)
        people.refresh()
    except FileNotFoundError:
        raise missing(file.path) from None
    except OSError as error:
        raise unusable(file.path, error) from None
    finally:
        file.close()
    return people, keys


def people_file(file: str, callers: str | None) -> str:
    """The absolute path of the file of callers of the audit `file`."""
    return os.path.abspath(callers or f"{file}.keys")


def _persons(known: Iterable[Known]) -> tuple[Person, ...]:
    return tuple(Person(each.handle, each.name) for each in known)


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _renew(reference: weakref.ref[People]) -> None:
    """In a child: a thread that exists no more may hold the lock, and a shared descriptor would share the file's."""
    people = reference()
    if people is not None:
        people._lock = threading.Lock()
        people._file.drop()
        people._file = CallersFile(people.path)
        people._unsynced = people._current = people._distrusted = False
        people._forget()
