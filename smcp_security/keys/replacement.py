"""A file replaced as a whole: a draft beside it, synced and renamed. Its owner and mode stay."""

from __future__ import annotations

import logging
import os
import re
import secrets
import stat
from contextlib import suppress
from typing import Final

_log: Final = logging.getLogger("smcp_security.keys")
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def replace_file(path: str, data: bytes, *, like: str = "") -> None:
    """Put `data` at `path`, durably, or leave what is there. Raises `OSError`.

    Where its folder alone cannot be synced, it is there and told in the log: it may be gone when the power fails.
    Owner and mode are those of the file at `like`, by itself the one that is replaced; a new one is its maker's alone.
    """
    draft = f"{path}.{secrets.token_hex(6)}.new"
    try:
        with open(os.open(draft, _MAKE, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            _keep_owner(file.fileno(), like or path)
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        with suppress(OSError):
            os.unlink(draft)
    try:
        _sync_folder(path)
    except OSError as error:
        # No error to its caller, who would believe that nothing was written, and take away what belongs to it.
        _log.warning("%s: its folder cannot be synced (%s)", path, error.strerror)


def sweep_drafts(path: str) -> None:
    """Remove what writers of this file left behind that were killed. Only while no other one is at work.

    Where the folder may not be listed nothing is swept, and the file can be written all the same.
    """
    folder, name = os.path.split(path)
    draft = re.compile(re.escape(name) + r"\.[0-9a-f]{12}\.new")
    with suppress(OSError), os.scandir(folder or ".") as found:
        for left in [each.path for each in found if draft.fullmatch(each.name)]:
            with suppress(OSError):
                os.unlink(left)


def _keep_owner(draft: int, path: str) -> None:
    """The server that reads the file may run as another user than the operator who writes it."""
    try:
        before = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return
    made = os.fstat(draft)
    if (before.st_uid, before.st_gid) != (made.st_uid, made.st_gid):
        os.fchown(draft, before.st_uid, before.st_gid)
    os.fchmod(draft, stat.S_IMODE(before.st_mode))


def _sync_folder(path: str) -> None:
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
