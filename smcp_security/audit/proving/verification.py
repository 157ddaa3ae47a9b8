"""The proof of an audit: each line is the one that was written, and stands where it was written. Pure, over lines.

What is usual goes through `Verifier.feed` in one comparison, one hash and one MAC a line. Whatever differs, and every
record that speaks of the chain itself, is looked at in `smcp_security.audit.proving.examination`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from smcp_security.audit.proof import Proof
from smcp_security.audit.proving.conclusion import concluded
from smcp_security.audit.proving.examination import Examination
from smcp_security.audit.proving.report import Report
from smcp_security.audit.proving.witness import Witness
from smcp_security.audit.reading.log import Block
from smcp_security.audit.reading.shape import PLAIN, STREAM, hash_of

_ENOUGH: Final = 2
"""Lines looked at after the first fault: two records that were exchanged are told apart from one that is gone."""

_HOPELESS: Final = 1000
"""Lines after the first fault without any that the key proves: it is another key, or another file."""


class Verifier:
    """Takes the blocks of a log in order; `finish` says what was found. For one log, once.

    `beginning`: the log is all there is, so that its first line must cite nothing, or what was purged.
    """

    def __init__(self, proof: Proof, *, witnesses: Sequence[Witness] = (), beginning: bool = True) -> None:
        self._found = Examination(proof, witnesses)
        self._beginning = beginning

    @property
    def settled(self) -> bool:
        """Whether the first bad record is known, and what was done to it."""
        found = self._found
        since = found.findings.since_first()
        if not (found.vouching.verified or found.report.keyless):
            return since > _HOPELESS
        return since > _ENOUGH and found.beginning_is_clear

    def feed(self, block: Block) -> None:
        """Look at the lines of a block."""
        found = self._found
        found.findings.enter(block)
        streams, awaited, prev = found.streams, found.awaited, found.prev
        for number, line in enumerate(block.lines, block.number):
            stream = streams.get(line[STREAM])
            if stream is not None:
                head = stream.head % (stream.next, prev if stream.filed else stream.last)
                start = len(head)
                # The kind is compared whole, so that none passes for another.
                if (
                    line.startswith(head)
                    and line[start : line.find(b'"', start)] in PLAIN
                    and stream.proved(line, number)
                ):
                    stream.last = prev = hash_of(line)
                    stream.next += 1
                    if prev in awaited:
                        found.witnessed(prev, number)
                    continue
            found.prev = prev
            found.look(line, number)
            prev = found.prev
        found.prev = prev
        if block.rest and not block.file.live:
            found.ends_within(block)
        found.findings.leave(block)

    def finish(self, *, complete: bool = True) -> Report:
        """What was found; `complete`: the log was read to its end. Raises `AuditError` if it has another key."""
        return concluded(self._found, beginning=self._beginning, complete=complete)
