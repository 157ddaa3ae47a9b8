"""Whether the secret of an audit and its file of callers belong together. Must not write."""

from __future__ import annotations

import os
from typing import Final

from smcp_security.audit.callers.file import CallersFile
from smcp_security.audit.callers.lines import Header, read_header
from smcp_security.audit.keys import AuditKeys, keys_of
from smcp_security.errors import AuditDamaged, PolicyError

_DEVICES: Final = ("/dev/", "/proc/", "/sys/")


def keys_agreed(file: CallersFile, key: str | None, secret: bytes | None, signature: str) -> AuditKeys:
    """The keys of the audit whose file of callers is `file`; `secret` is what the variable `key` holds.

    Raises:
        PolicyError: the secret is another one, or the policy names one where the file has its own.
        AuditDamaged: the first line says nothing that could be right.
        OSError: the file cannot be read.
    """
    header = _header(file)
    if header.raw_secret is not None:
        if key is not None:
            raise PolicyError(
                f"audit.key: {file.path} has a secret of its own, with which this audit began; remove audit.key, or"
                " begin another audit with other names for audit.file and audit.callers"
            )
        keys = keys_of(header.raw_secret, signature)
        if keys.fingerprint != header.fingerprint:
            raise _damaged(file.path)
        return keys
    if secret is None:
        raise PolicyError(
            f"audit.key: {file.path} was begun with a secret in the environment (fingerprint {header.fingerprint});"
            " name its variable: env:NAME"
        )
    keys = keys_of(secret, signature)
    if keys.fingerprint != header.fingerprint:
        raise PolicyError(
            f"audit.key: {key} holds another secret (fingerprint {keys.fingerprint}) than the one {file.path} was"
            f" begun with ({header.fingerprint}); put that one back, or begin another audit with other names for"
            " audit.file and audit.callers"
        )
    return keys


def check_place(path: str) -> None:
    """Nothing, if a file of callers can live there. Raises `PolicyError` for devices, where files come and go."""
    if path.startswith(_DEVICES):
        raise PolicyError(f"audit.callers: {path} would be a file among devices; name another place with audit.callers")


def missing(path: str) -> PolicyError:
    """What to say of a file of callers that is not there."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return PolicyError(f"audit.callers: the directory {folder} does not exist; create it")
    return PolicyError(
        f"audit.callers: {path} is missing, and without it nobody can prove or read the records that are there; put"
        " back a copy of it, or move the records away to begin another audit"
    )


def unusable(path: str, error: OSError) -> PolicyError:
    """What to say of a file of callers that cannot be made or read."""
    reason = error.strerror or type(error).__name__
    return PolicyError(f"audit.callers: {path} cannot be used ({reason}); name a file that this process may write")


def _header(file: CallersFile) -> Header:
    _, data = file.news()
    header = read_header(data.partition(b"\n")[0])
    if header is None:
        raise _damaged(file.path)
    return header


def _damaged(path: str) -> AuditDamaged:
    return AuditDamaged(f"{path}: its first line is damaged, or it is another file; put back a copy of it")
