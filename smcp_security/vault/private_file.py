"""Files that hold a key or a passphrase: read only if nobody but their owner can."""

from __future__ import annotations

import os
import shlex
import stat
from typing import Final

from smcp_security.errors import VaultError

LARGEST: Final = 4096
"""Bytes. A key takes 64, a passphrase hardly more."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_private(name: str) -> str:
    """The text of the file of that name; a link is followed.

    Raises:
        VaultError: unreadable, not a regular file, of another owner than this process or root, open to its group or
            to others, empty, over 4 KiB, or not UTF-8.
    """
    path = name if name.isprintable() else ascii(name)
    try:
        # Without O_NONBLOCK the name of a pipe would stall whoever reads it.
        file = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            _check(path, os.fstat(file))
            data = os.read(file, LARGEST + 1)
        finally:
            os.close(file)
    except FileNotFoundError:
        raise VaultError(
            f"{path}: no such file with the key of the vault; a relative name counts from the current directory"
        ) from None
    except PermissionError:
        raise VaultError(f"{path}: this process may not read it; make its user the owner of the file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise VaultError(f"{path}: cannot be read ({reason}); name the file that holds the key") from None
    return _text(path, data)


def _check(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise VaultError(f"{path}: not a regular file; name the file that holds the key")
    if status.st_uid not in (os.geteuid(), 0):
        raise VaultError(
            f"{path}: belongs to user {status.st_uid}, who could exchange the key, and this process runs as user"
            f" {os.geteuid()}; change the owner of the file, or run this as that user"
        )
    if status.st_mode & _OTHERS:
        raise VaultError(
            f"{path}: mode {stat.S_IMODE(status.st_mode):04o} lets others read the key, and with it every secret;"
            f" run: chmod 600 {shlex.quote(path)} (of a mounted secret set the mode to 0400)"
        )


def _text(path: str, data: bytes) -> str:
    if not data.strip():
        raise VaultError(f"{path}: is empty; put the key into it, alone")
    if len(data) > LARGEST:
        raise VaultError(f"{path}: larger than {LARGEST} bytes; is this the right file?")
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    raise VaultError(f"{path}: not text; put the key into it in base64: openssl rand -base64 32 > {shlex.quote(path)}")
