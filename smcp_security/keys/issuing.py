"""How keys are created and revoked: the key file is written as a whole, one writer at a time, and never half."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from smcp_security.errors import KeyFileError
from smcp_security.keys.api_key import Entry, digest, moment_text, new_secret
from smcp_security.keys.key_file import Listed, parse, read_keys
from smcp_security.keys.replacement import replace_file, sweep_drafts
from smcp_security.keys.watched import FILE_MAX

LOCK_WAIT: Final = 10.0
_HEAD: Final = "# Written by `smcp keys`: digests of API keys. Comments and order of fields are not kept.\n"


def create_key(
    path: str,
    *,
    owner: str,
    roles: Sequence[str] = (),
    scopes: Sequence[str] = (),
    tenant: str = "",
    expires_at: float | None = None,
    now: float | None = None,
) -> tuple[Entry, str]:
    """A new key in the file at `path`, which is made if it is missing: the entry, and the key's text.

    Raises:
        KeyFileError: the file cannot be used or written.
    """
    with _locked(path) as real:
        listed = read_keys(real) if os.path.lexists(real) else Listed(secrets.token_hex(32))
        id, secret = _free_id(listed), new_secret()
        entry = Entry(
            id=id, owner=owner, digest=digest(bytes.fromhex(listed.salt), id, secret).hex(), roles=tuple(roles),
            scopes=tuple(scopes), tenant=tenant, created=moment_text(time.time() if now is None else now),
            expires="" if expires_at is None else moment_text(expires_at),
        )  # fmt: skip
        _write(real, Listed(listed.salt, (*listed.entries, entry)))
    return entry, f"smcp_{id}_{secret}"


def list_keys(path: str) -> Sequence[Entry]:
    """The keys of the file at `path`. Raises `KeyFileError`."""
    return read_keys(path).entries


def revoke_key(path: str, id: str, now: float | None = None) -> Entry:
    """The key of that id, which no longer counts. One that was revoked before stays as it is.

    Raises:
        KeyFileError: no such key, or the file cannot be used or written.
    """
    with _locked(path) as real:
        listed = read_keys(real)
        found = next((entry for entry in listed.entries if entry.id == id), None)
        if found is None:
            raise KeyFileError(f"{path}: no key with that id; `smcp keys list --file {path}` shows them")
        if found.revoked:
            return found
        revoked = msgspec.structs.replace(found, revoked=moment_text(time.time() if now is None else now))
        entries = tuple(revoked if entry is found else entry for entry in listed.entries)
        _write(real, Listed(listed.salt, entries))
    return revoked


def _free_id(listed: Listed) -> str:
    taken = {entry.id for entry in listed.entries}
    while (id := secrets.token_hex(6)) in taken:
        pass
    return id


@contextmanager
def _locked(path: str) -> Iterator[str]:
    """The real path of the file, while nobody else writes it. The lock is a file of its own: the other is replaced."""
    try:
        real = os.path.realpath(path)
        lock = os.open(f"{real}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    try:
        _wait_for(lock, path)
        yield real
    finally:
        os.close(lock)


def _wait_for(lock: int, path: str) -> None:
    ends = time.monotonic() + LOCK_WAIT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends:
                raise KeyFileError(f"{path}: another process holds {path}.lock; wait until it is done") from None
            time.sleep(0.02)


def _write(path: str, listed: Listed) -> None:
    data = _text(listed).encode("ascii")
    if len(data) > FILE_MAX:
        raise KeyFileError(f"{path}: has no room for another key; remove revoked and expired keys from it")
    # Whatever was written wrong would lock everybody out at the next start.
    parse(data, path)
    sweep_drafts(path)
    try:
        replace_file(path, data)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: str, error: Exception) -> KeyFileError:
    reason = getattr(error, "strerror", None) or "not a file name"
    advice = (
        "make its folder first"
        if isinstance(error, FileNotFoundError)
        else "run this as the owner of the file and of its folder"
    )
    return KeyFileError(f"{path!r}: cannot be written ({reason}); {advice}")


def _text(listed: Listed) -> str:
    # A JSON text in quotes is one in YAML; nothing in an entry needs an escape that the two read differently.
    lines = [_HEAD, "version: 1\n", f"salt: {json.dumps(listed.salt)}\n"]
    lines.append("keys:\n" if listed.entries else "keys: []\n")
    for entry in listed.entries:
        fields: dict[str, Any] = msgspec.to_builtins(entry)
        lead = "  - "
        for name, value in fields.items():
            lines.append(f"{lead}{name}: {json.dumps(value)}\n")
            lead = "    "
    return "".join(lines)
