"""What somebody without the key writes into a log: it excuses nothing, and counts as proved nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smcp_security.audit.proving.report import Report
from smcp_security.audit.proving.witness import Witness
from tests.audit.proving.proving import ANN, BOB, EVE, proof, verdict
from tests.audit.reference import AT, Writer, decision, digest

GONE = "5" * 64
"""The hash of the line that the forged log cites as the one before it."""

WITNESS = Witness(AT, "7" * 16, 41, 42, "6" * 64)
PURGED: dict[str, Any] = {
    "kind": "purged",
    "at": AT,
    "segments": [{"name": "audit.jsonl.000001", "first": AT, "last": "9999", "records": 3, "hash": GONE}],
}


class Forger(Writer):
    """Writes lines that claim to be of an Ed25519 writer who did not come to sign them."""

    def append(self, stream: str, *records: dict[str, Any]) -> None:
        for record in records:
            seq = self.seqs[stream] = self.seqs.get(stream, -1) + 1
            fields = {"stream": stream, "seq": seq, "prev": self.prev, "v": 2, **record}
            line = json.dumps(fields, separators=(",", ":")).encode()
            self.files[-1] += line + b"\n"
            self.prev = digest(line)


def start_after(forged: Writer, signature: str) -> bytes:
    """A server with the key starts on the log, and tells of the lines without a signature."""
    writer = Writer(signature=signature, files=forged.files, prev=forged.prev)
    torn = {"kind": "torn", "at": AT, "bytes": 0, "sha256": digest(b""), "after": forged.prev}
    said = {"version": "0", "order": "file", "key": proof().fingerprint, "signature": signature, "cites": None}
    writer.append(BOB, torn, {"kind": "open", "at": AT, **said}, decision(9))
    return bytes(writer.files[0])


def wrongs(report: Report) -> list[tuple[str, int]]:
    return [(fault.wrong, fault.place.line) for fault in report.faults]


def test_a_purge_that_nobody_signed_explains_no_missing_beginning_and_no_missing_checkpoint() -> None:
    forger = Forger(signature="ed25519", prev=GONE)
    forger.open(ANN, PURGED, decision(1))
    report = verdict([start_after(forger, "ed25519")], proof("ed25519"), witnesses=[WITNESS])
    assert sorted(wrongs(report)) == [("cut", 1), ("cut", 6)]


@pytest.mark.parametrize("behind", [(), (decision(1), decision(2))])
def test_a_purge_that_a_signature_vouches_for_explains_both(behind: tuple[dict[str, Any], ...]) -> None:
    writer = Writer(signature="ed25519", prev=GONE)
    writer.open(ANN, PURGED, *behind)
    report = verdict([bytes(writer.files[0])], proof("ed25519"), witnesses=[WITNESS])
    assert report.whole
    assert "were purged, as the log says" in report.notes[0]


def test_records_without_a_signature_are_a_fault_where_the_key_signs_none() -> None:
    honest = Writer()
    honest.open(ANN, decision(1))
    forger = Forger(signature="ed25519", files=honest.files, prev=honest.prev)
    forger.open(EVE, decision(2))
    assert wrongs(verdict([start_after(forger, "hmac")], proof("ed25519"))) == [("unsigned", 3)]


def test_half_a_line_at_the_end_hides_no_records_without_a_signature() -> None:
    forger = Forger(signature="ed25519")
    forger.open(ANN, decision(1))
    forged = bytes(forger.files[0]) + b'{"stream":"'
    assert wrongs(verdict([forged], proof("ed25519"))) == [("unsigned", 1)]


def test_a_writer_killed_before_it_signed_is_told_of_and_its_records_are_counted() -> None:
    writer = Writer(signature="ed25519")
    writer.open(ANN, decision(1))
    killed = Forger(signature="ed25519", files=writer.files, prev=writer.prev, seqs=writer.seqs)
    killed.append(ANN, decision(2), decision(3))
    torn = verdict([bytes(killed.files[0]) + b'{"stream":"'], proof("ed25519"))
    assert (torn.whole, torn.unsigned) == (True, 2)
    mended = verdict([start_after(killed, "ed25519")], proof("ed25519"))
    assert (mended.whole, mended.unsigned) == (True, 2)


def test_a_loss_that_nobody_signed_is_not_counted() -> None:
    writer = Writer(signature="ed25519")
    writer.open(ANN, {"kind": "lost", "at": AT, "count": 3}, decision(1))
    forger = Forger(signature="ed25519", files=writer.files, prev=writer.prev)
    forger.open(EVE, {"kind": "lost", "at": AT, "count": 1000})
    assert verdict([start_after(forger, "ed25519")], proof("ed25519")).lost == 3
