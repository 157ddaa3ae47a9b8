"""For tests of the verifier: a sample log in memory, and the verdict about any other bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from smcp_security.audit.keys import AuditKeys, keys_of
from smcp_security.audit.proof import Proof
from smcp_security.audit.proving.report import Report
from smcp_security.audit.proving.verification import Verifier
from smcp_security.audit.proving.witness import Witness
from smcp_security.audit.reading.log import Block, LogFile
from tests.audit.reference import SECRET, Writer, decision, outcome

ANN, BOB, EVE, KIM = (letter * 16 for letter in "abef")
SIGNATURES = ("hmac", "ed25519")


@cache
def sample(signature: str) -> tuple[bytes, ...]:
    """Two streams in two files, and in them a killed writer, checkpoints and a clean end."""
    writer = Writer(signature=signature)
    writer.open(ANN, decision(1))
    writer.open(BOB)
    for number in range(2, 6):
        writer.append(ANN, decision(number))
        writer.append(BOB, decision(number + 100), outcome(number + 100))
    writer.checkpoint(ANN)
    writer.open(EVE)
    writer.append(EVE, decision(6), decision(7))
    writer.kill(b'{"stream":"%b","seq":3,"prev":"0a' % EVE.encode(), BOB)
    writer.append(BOB, decision(8))
    writer.rotate(ANN)
    writer.append(BOB, decision(9), decision(10), decision(11))
    writer.append(ANN, decision(12), {"kind": "close", "at": ""})
    writer.append(BOB, decision(13))
    writer.checkpoint(BOB)
    writer.append(BOB, {"kind": "close", "at": ""})
    return tuple(bytes(file) for file in writer.files)


@cache
def keys(signature: str = "hmac", secret: bytes = SECRET) -> AuditKeys:
    return keys_of(secret, signature)


def proof(signature: str = "hmac", secret: bytes = SECRET) -> Proof:
    return Proof.of(keys(signature, secret))


@cache
def remembering(signature: str) -> Proof:
    """A proof that remembers: signatures are slow to check, and the same lines come thousands of times."""
    made = proof(signature)
    remembered = Proof(fingerprint=made.fingerprint)
    remembered.macs = None if made.macs is None else cache(made.macs)  # type: ignore[misc]
    remembered.signatures = None if made.signatures is None else cache(made.signatures)  # type: ignore[misc]
    return remembered


def blocks(files: Sequence[bytes], *, size: int = 0) -> Iterator[Block]:
    """Files in memory, the last one live; `size`: so many lines a block, 0 for all."""
    for index, data in enumerate(files):
        live = index == len(files) - 1
        file = LogFile("audit.jsonl" if live else f"audit.jsonl.{index + 1:06}", live)
        *lines, rest = data.split(b"\n")
        step, offset = size or max(len(lines), 1), 0
        for first in range(0, max(len(lines), 1), step):
            part = lines[first : first + step]
            last = first + step >= len(lines)
            yield Block(file, first + 1, offset, part, rest if last else b"")
            offset += sum(map(len, part)) + len(part)


def verdict(
    files: Sequence[bytes], held: Proof | None = None, *, witnesses: Sequence[Witness] = (), size: int = 0
) -> Report:
    """What the verifier says of files in memory; with a `size` it stops when the first bad record is known."""
    verifier = Verifier(proof() if held is None else held, witnesses=witnesses)
    for block in blocks(files, size=size):
        verifier.feed(block)
        if size and verifier.settled:
            return verifier.finish(complete=False)
    return verifier.finish()
