"""`smcp audit checkpoint`: one line that says how far the audit has come, to be kept where nobody can change it."""

from __future__ import annotations

import time

import click

from smcp_security.cli.audit.agreed import opened_as_written
from smcp_security.cli.audit.source import Source, at_audit, fail


@click.command("checkpoint")
@at_audit
def command(source: Source) -> None:
    """Print one line that proves what the audit holds now. Keep it on another machine.

    \b
      smcp audit checkpoint audit.jsonl >> /mnt/elsewhere/checkpoints.txt
      smcp audit verify audit.jsonl --checkpoint /mnt/elsewhere/checkpoints.txt

    Whoever has this machine has the key too, and could write the whole audit anew: against a line that was kept
    elsewhere it shows. It tells a number, a time and a hash, and nothing of what was recorded.
    """
    from smcp_security.audit.proof import Proof
    from smcp_security.audit.proving.witness import Witness, witness_line
    from smcp_security.audit.reading.log import open_log
    from smcp_security.audit.record import timestamp

    keys = opened_as_written(source)[1]
    last = open_log([source.file]).last_record()
    if last is None:
        fail(f"{source.file}: holds no record yet; a checkpoint is of the last one")
    line, number = last
    proof = Proof.of(keys)
    right = proof.macs if line.maced else proof.signatures
    if right is None or not right(line.text):
        fail(f"{source.file}: its last record is not proved by the key; see `smcp audit verify {source.file}`")
    witness = Witness(timestamp(time.time()), line.stream.decode(), line.seq, number, line.digest.decode())
    click.echo(witness_line(witness, keys))
