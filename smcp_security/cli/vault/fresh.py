"""A fresh key: shown once, alone on the last line of stdout, or written to a file that nobody else may read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smcp_security.cli.vault.place import failure
from smcp_security.errors import SMCPError

if TYPE_CHECKING:
    from smcp_security.vault.providers import KeySource

_NAME: Final = "NEW_KEY"
_F = TypeVar("_F", bound=Callable[..., object])


@dataclass(frozen=True)
class Fresh:
    """Where a fresh key went: its reference, "" for one that was only shown; and the key itself for the vault."""

    reference: str
    source: KeySource


def fresh_options(function: _F) -> _F:
    """Give a command the options that make a key."""
    shown = click.option("--new-key", is_flag=True, help="Make a fresh key; it is the last line of the output.")
    kept = click.option("--key-out", metavar="FILE", help="Make a fresh key and write it to FILE, mode 0600.")
    return shown(kept(function))


@contextmanager
def fresh_key(key_out: str | None) -> Iterator[Fresh]:
    """A fresh key, handed out before anything depends on it; a file of it is taken away again if the block fails."""
    from smcp_security.vault.key_text import new_key
    from smcp_security.vault.providers import from_references

    if key_out is None and sys.stdout is None:
        # The key would be nowhere, and the vault under it.
        raise failure("stdout is closed; give --key-out FILE")
    text = new_key()
    if key_out is None:
        click.echo(text)
        yield Fresh("", from_references([f"env:{_NAME}"], {_NAME: text}))
        return
    write_private(key_out, f"{text}\n".encode("ascii"))
    reference = f"file:{key_out}"
    try:
        yield Fresh(reference, from_references([reference], {}))
    except SMCPError:
        with suppress(OSError):
            os.unlink(key_out)
        raise


def write_private(path: str, data: bytes) -> None:
    """A new file that only its owner may read. Never replaces one."""
    if path in ("", "-"):
        raise failure("expected the name of a new file; stdout is where it goes without that option")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise failure(f"{path}: is there already and is not replaced; name a new file") from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            os.unlink(path)
        raise _unwritable(path, error) from None


def _unwritable(path: str, error: Exception) -> click.ClickException:
    reason = getattr(error, "strerror", None) or "not a file name"
    return failure(f"{path!r}: cannot be written ({reason}); name a file in a folder that you may write")
