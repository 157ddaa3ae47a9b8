"""Reads and writes the lock file. Who can write it decides what counts as approved."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from hmac import compare_digest
from typing import Final

from smcp_security.errors import PolicyError
from smcp_security.pins.lock import Lock, digest_of_file, read, written
from smcp_security.policy import PinsPolicy

FILE_MAX: Final = 16 * 1024 * 1024
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_MODE: Final = 0o644


def read_lock(policy: PinsPolicy) -> Lock:
    """The lock file of a policy, read once when the policy loads.

    Raises:
        PolicyError: missing, unreadable, damaged, writable by others, or with another digest than `pins.digest`.
    """
    return load_lock(policy.file, policy.digest)


def load_lock(path: str, digest: str | None = None) -> Lock:
    """The lock file at `path`, which must have that digest (`sha256:...`) unless it is None. Raises `PolicyError`."""
    data = _bytes_of(path)
    if digest is not None and not compare_digest(digest.encode(), digest_of_file(data).encode()):
        raise PolicyError(
            f"pins.digest: {path} has another one, so it is not the file that was approved; restore it, or put the"
            " digest of what you have read into the policy (`smcp pin` prints it)"
        )
    try:
        return read(data)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from None


def _bytes_of(path: str) -> bytes:
    try:
        # Without O_NONBLOCK the name of a pipe would stall whoever reads it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _check(path, os.fstat(descriptor))
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(FILE_MAX + 1)
        finally:
            # Not by `open`: one that refuses a folder leaves the descriptor behind.
            os.close(descriptor)
    except FileNotFoundError:
        raise PolicyError(
            f"pins.file: {path}: no such file; write it with `smcp pin`, or name another (a relative name counts from"
            " the current directory)"
        ) from None
    except PermissionError:
        raise PolicyError(f"pins.file: {path}: this process may not read it; change its owner or mode") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise PolicyError(f"pins.file: {path!r}: cannot be read ({reason})") from None
    if len(data) > FILE_MAX:
        raise PolicyError(f"pins.file: {path}: larger than 16 MiB; is this the right file?")
    return data


def _check(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise PolicyError(f"pins.file: {path}: not a regular file; name the one that `smcp pin` wrote")
    if status.st_mode & _OTHERS:
        raise PolicyError(
            f"pins.file: {path}: others than its owner may write it, and with it what counts as approved;"
            f" run: chmod go-w {path}"
        )


def write_lock(path: str, lock: Lock) -> str:
    """Write a lock to `path` at once or not at all; its digest, as `pins.digest` takes it.

    Raises:
        PolicyError: a link or no regular file is there, or it cannot be written.
    """
    data = written(lock)
    if len(data) > FILE_MAX:
        raise PolicyError(f"{path}: would be larger than 16 MiB, which no policy reads")
    # Whatever was written wrong would stop the next start.
    digest = read(data).digest
    draft = f"{path}.{secrets.token_hex(6)}.new"
    try:
        _write_draft(draft, data, _replaced(path))
        os.replace(draft, path)
        _sync_folder(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        advice = "make its folder first" if isinstance(error, FileNotFoundError) else "choose another with --file"
        raise PolicyError(f"{path!r}: cannot be written ({reason}); {advice}") from None
    finally:
        with suppress(OSError, ValueError):
            os.unlink(draft)
    return digest


def _replaced(path: str) -> os.stat_result | None:
    """The file that is there, None if there is none."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(status.st_mode):
        raise PolicyError(f"{path}: a link; name the file that it leads to")
    if not stat.S_ISREG(status.st_mode):
        raise PolicyError(f"{path}: not a regular file; choose another name")
    return status


def _write_draft(draft: str, data: bytes, replaced: os.stat_result | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(draft, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        if replaced is not None:
            # The server that reads it may run as another user than who pins; only root can hand a file over.
            with suppress(PermissionError):
                os.fchown(file.fileno(), replaced.st_uid, replaced.st_gid)
        # But for what a policy would refuse.
        os.fchmod(file.fileno(), _MODE if replaced is None else stat.S_IMODE(replaced.st_mode) & ~_OTHERS)
        os.fsync(file.fileno())


def _sync_folder(path: str) -> None:
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
