"""The chain: entries become lines, each of which proves the one before it. Pure but for random nonces and streams.

A line: {"stream":S,"seq":N,"prev":H,<the public fields>[,"person":P,"sealed":B],"mac":M}
S 16 random hex digits, one per writer and start; N counts from 0 in its stream; H SHA-256 (64 hex) of the line before
it in the *file*, whoever wrote it (zeros before the first one); P the person's handle; B base64 of nonce and
ciphertext, bound to S and N; M HMAC-SHA-256 (64 hex) over all bytes of the line before `,"mac":`. With Ed25519 there is
no "mac"; the last line of every append has "sig" (base64) instead, over the same bytes, and so vouches for all lines
since the last one signed.
"""

from __future__ import annotations

import secrets
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from smcp_security.audit.entry import Entry
from smcp_security.audit.keys import AuditKeys
from smcp_security.audit.proof import prover

GENESIS: Final = "0" * 64
"""What the first line of all cites."""


class Sealer(Protocol):
    """Who keeps a key per person: the `People` of the audit."""

    def seal(self, person: str, private: bytes, bound: bytes) -> tuple[str, bytes]:
        """The handle of the person, and `private` sealed under its key and bound to a place in a stream."""
        ...

    def flush(self) -> None:
        """Put the keys made since the last call on the disk."""
        ...

    def close(self) -> None:
        """Let the file go; the next use opens it again."""
        ...


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that are not in the file yet, and where the chain stands once they are."""

    data: bytes
    head: str
    seq: int


class Chain:
    """One stream of lines. Nothing of it changes until `commit`: lines that could not be written leave no gap."""

    def __init__(self, people: Sealer, keys: AuditKeys) -> None:
        self.people: Final = people
        self.keys: Final = keys
        self.signature: Final = "hmac" if keys.signing is None else "ed25519"
        self._proved: Final = prover(keys)
        self.renew()

    @property
    def begun(self) -> bool:
        """Whether the stream has a line in the file."""
        return self.seq > 0

    def renew(self) -> None:
        """Begin another stream: nothing is known of how the one before ended."""
        self.stream = secrets.token_hex(8)
        self.seq = 0

    def extend(self, entries: Sequence[Entry], prev: str) -> Lines:
        """The lines of `entries`, in this order after the line whose hash is `prev`.

        Raises `OSError` when a person's key cannot be kept.
        """
        stream, seal, finish = self.stream.encode(), self.people.seal, self._finish
        head, parts, last = prev.encode(), [], len(entries) - 1
        for at, entry in enumerate(entries):
            seq = self.seq + at
            body = b'{"stream":"%b","seq":%d,"prev":"%b",%b' % (stream, seq, head, entry.public[1:-1])
            if entry.private:
                handle, sealed = seal(entry.person, entry.private, b"%b:%d" % (stream, seq))
                body += b',"person":"%b","sealed":"%b"' % (handle.encode(), b2a_base64(sealed, newline=False))
            line = finish(body, last=at == last)
            parts.append(line)
            head = sha256(line).hexdigest().encode()
        parts.append(b"")
        return Lines(b"\n".join(parts), head.decode(), self.seq + len(entries))

    def commit(self, lines: Lines) -> None:
        """The lines are in the file."""
        self.seq = lines.seq

    def _finish(self, body: bytes, *, last: bool) -> bytes:
        # One signature costs as much as the MACs of twenty lines, and vouches for all that they cite.
        return self._proved(body) if last or self.signature == "hmac" else body + b"}"
