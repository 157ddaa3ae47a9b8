"""The question before something goes that does not come back, and how the lines of an audit are proved."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, Literal

import click

from smcp_security.cli.audit.source import Source, fail

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People
    from smcp_security.audit.keys import AuditKeys

_LOOKED_AT: Final = 1024 * 1024
_LINE: Final = b'{"stream":"'
_MAC: Final = b',"mac":"'
_MAC_BYTES: Final = len(_MAC) + 64 + len(b'"}')


def confirmed(question: str) -> bool:
    """Ask on the terminal. Where nobody can be asked, --yes must have said so before."""
    if sys.stdin is None or not sys.stdin.isatty():
        fail("nobody is here to confirm it; give --yes")
    return click.confirm(question, err=True)


def opened_as_written(source: Source) -> tuple[People, AuditKeys]:
    """The people and the keys, with the signature that the policy says, or the file has."""
    return source.opened(source.signature or _signature(source.file))


def _signature(path: str) -> Literal["hmac", "ed25519"]:
    from smcp_security.audit.segments import files_of

    for file in reversed(files_of(path)):
        with open(file, "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - _LOOKED_AT, 0))
            lines = stream.read(_LOOKED_AT).split(b"\n")[:-1]
        for line in reversed(lines):
            if line.startswith(_LINE):
                return "hmac" if line.startswith(_MAC, len(line) - _MAC_BYTES) else "ed25519"
    return "hmac"
