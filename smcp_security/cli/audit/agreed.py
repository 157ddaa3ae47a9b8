"""The question before something goes that does not come back, and how the lines of an audit are proved."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Literal

import click

from smcp_security.cli.audit.source import Source, fail

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People
    from smcp_security.audit.keys import AuditKeys

_LOOKED_AT: Final = 1024 * 1024


def confirmed(question: str) -> bool:
    """Ask on the terminal. Where nobody can be asked, --yes must have said so before."""
    if sys.stdin is None or not sys.stdin.isatty():
        fail("nobody is here to confirm it; give --yes")
    return click.confirm(question, err=True)


@contextmanager
def made_for_the_server(file: str, people: People) -> Iterator[None]:
    """Between a rotation and the next record there is no live file: the server must be able to write what its operator
    makes."""
    fresh = not os.path.exists(file)
    yield
    if fresh:
        owner = os.stat(people.path)
        with suppress(OSError):
            os.chown(file, owner.st_uid, owner.st_gid)


def opened_as_written(source: Source) -> tuple[People, AuditKeys]:
    """The people and the keys, with the signature that the policy says, or the file has."""
    return source.opened(source.signature or _signature(source))


def _signature(source: Source) -> Literal["hmac", "ed25519"]:
    """What proves the last line that the key proves: anybody can write one that only looks like it."""
    from smcp_security.audit.proof import Proof
    from smcp_security.audit.segments import files_of

    proof = Proof.of(source.opened("ed25519")[1])
    for file in reversed(files_of(source.file)):
        with open(file, "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - _LOOKED_AT, 0))
            lines = stream.read(_LOOKED_AT).split(b"\n")[:-1]
        for line in reversed(lines):
            if proof.macs is not None and proof.macs(line):
                return "hmac"
            if proof.signatures is not None and proof.signatures(line):
                return "ed25519"
    return "hmac"
