"""A checkpoint kept elsewhere: one line that says which record stood last, proved by the key of the audit. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from smcp_security.audit.keys import AuditKeys
from smcp_security.audit.proof import Proof, prover
from smcp_security.audit.reading.shape import fields_of
from smcp_security.audit.record import encode
from smcp_security.errors import AuditError

FORMAT: Final = "smcp.audit-checkpoint/1"
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Witness:
    """At `at` the last line of the log was record `seq` of `stream`, line `records` of its file, and had this hash."""

    at: str
    stream: str
    seq: int
    records: int
    hash: str


def witness_line(witness: Witness, keys: AuditKeys) -> bytes:
    r"""The one line to keep elsewhere, without `\n`: its proof is over all bytes before it, as in the log."""
    fields = {"format": FORMAT, "at": witness.at, "stream": witness.stream, "seq": witness.seq,
              "records": witness.records, "hash": witness.hash}  # fmt: skip
    return prover(keys)(encode(fields)[:-2])


def read_witnesses(text: bytes, proof: Proof, name: str) -> list[Witness]:
    """All checkpoints of a file that has one in each line. Raises `AuditError` for what is none, or is not proved."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise AuditError(f"{name}: holds no checkpoint; expected a line that `smcp audit checkpoint` printed")
    return [_read(line.strip(), proof, f"{name}, line {number}") for number, line in enumerate(lines, 1)]


def _read(line: bytes, proof: Proof, where: str) -> Witness:
    fields = fields_of(line)
    witness = None if fields is None or fields.get("format") != FORMAT else _of(fields)
    if fields is None or witness is None:
        raise AuditError(f"{where}: is no checkpoint; expected a line that `smcp audit checkpoint` printed")
    if not proof.keyless and not proof.proves(line):
        raise AuditError(f"{where}: is not of this audit's key, or was changed; give the checkpoint as it was printed")
    return witness


def _of(fields: dict[str, Any]) -> Witness | None:
    try:
        witness = Witness(fields["at"], fields["stream"], fields["seq"], fields["records"], fields["hash"])
    except KeyError:
        return None
    texts = (witness.at, witness.stream, witness.hash)
    numbers = (witness.seq, witness.records)
    right = all(type(text) is str for text in texts) and all(type(number) is int for number in numbers)
    return witness if right and _HASH.fullmatch(witness.hash) else None
