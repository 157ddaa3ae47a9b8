"""What the verifier says of honest logs, of what is no fault, and of keys that are not those of the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smcp_security.audit import FileSink
from smcp_security.audit.entry import Entry
from smcp_security.audit.proof import Proof
from smcp_security.audit.proving.verification import Verifier
from smcp_security.audit.proving.witness import Witness, read_witnesses, witness_line
from smcp_security.audit.reading.log import open_log
from smcp_security.audit.record import encode
from smcp_security.audit.writing.chain import Chain
from smcp_security.audit.writing.marks import opened
from smcp_security.errors import AuditError
from tests.audit.proving.proving import ANN, BOB, EVE, SIGNATURES, blocks, keys, proof, sample, verdict
from tests.audit.reference import AT, OTHER_SECRET, SECRET, Writer, decision, derived, digest


class NoPeople:
    """Seals for nobody."""

    def seal(self, person: str, private: bytes, bound: bytes) -> tuple[str, bytes]:
        raise AssertionError("nothing here is private")

    def flush(self) -> None:
        """Nothing to keep."""


def written(*appends: tuple[str, list[dict[str, object]]], signature: str = "hmac") -> Writer:
    writer = Writer(signature=signature)
    for stream, records in appends:
        writer.append(stream, *records)
    return writer


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("size", [0, 1, 3])
def test_an_honest_log_is_whole_and_the_report_counts_it(signature: str, size: int) -> None:
    report = verdict(sample(signature), proof(signature), size=size)
    assert report.faults == []
    assert (report.records, report.lines, report.streams, report.files, report.torn) == (30, 31, 3, 2, 1)
    assert report.fingerprint == derived(SECRET, "fingerprint")[:8].hex()
    assert report.first == AT
    assert [note for note in report.notes if f"stream {EVE} has no close after record 2" in note] == report.notes


@pytest.mark.parametrize("record", [{"n": 1}, {"kind": "mine"}, {"n": 1, "v": 2, "kind": "purged", "segments": []}])
def test_a_record_of_somebodys_own_is_whole_and_speaks_of_nothing_else(
    tmp_path: Path, record: dict[str, object]
) -> None:
    sink = FileSink(tmp_path / "audit.jsonl")
    sink.write(record)
    sink.close()
    verifier = Verifier(Proof.of(sink.keys))
    for block in open_log([sink.path]).blocks():
        verifier.feed(block)
    report = verifier.finish()
    assert report.whole and report.records == 3


@pytest.mark.parametrize("signature", SIGNATURES)
def test_the_lines_of_the_writer_are_those_of_the_reference(signature: str) -> None:
    chain = Chain(NoPeople(), keys(signature))
    chain.stream = ANN
    record = {"v": 2, **decision(1)}
    mark = opened(0.0, order="file", key=keys().fingerprint, signature=signature, cites=None)
    lines = chain.extend([mark, Entry(encode(record).rstrip(b"\n"))], "0" * 64)
    reference = Writer(signature=signature)
    fields = json.loads(mark.public)
    del fields["v"]
    reference.append(ANN, fields, decision(1))
    assert bytes(reference.files[0]) == lines.data
    assert verdict([lines.data], proof(signature)).whole


def test_the_secret_proves_both_kinds_of_signature_and_streams_may_differ() -> None:
    writer = Writer()
    writer.open(ANN, decision(1))
    writer.signature = "ed25519"
    writer.open(BOB, decision(2))
    writer.signature = "hmac"
    writer.append(ANN, decision(3))
    assert verdict([bytes(writer.files[0])], proof("ed25519")).whole


def test_another_key_is_told_from_tampering() -> None:
    with pytest.raises(AuditError, match=f"another key .fingerprint {keys().fingerprint}"):
        verdict(sample("hmac"), proof("hmac", OTHER_SECRET))
    with pytest.raises(AuditError, match="another key"):
        verdict(sample("ed25519"), proof("ed25519", OTHER_SECRET))
    forged = sample("hmac")[0].replace(keys().fingerprint.encode(), b"0" * 16, 1)
    report = verdict([forged, sample("hmac")[1]])
    assert [fault.place.line for fault in report.faults] == [1]


def test_a_key_of_the_wrong_sort_is_a_mistake_and_no_fault_of_the_log() -> None:
    public = Proof(public=keys("ed25519").public)
    assert verdict(sample("ed25519"), public).whole
    with pytest.raises(AuditError, match="which a public key cannot check"):
        verdict(sample("hmac"), public)
    with pytest.raises(AuditError, match="give --public-key, or the secret"):
        verdict(sample("ed25519"), Proof(mac=keys().mac))
    with pytest.raises(AuditError, match="64 hexadecimal digits"):
        Proof(public="abc")


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_beginning_of_a_last_line_is_one_that_is_being_written(signature: str) -> None:
    first, second = sample(signature)
    last = second.rindex(b"\n", 0, -1) + 1
    for cut in range(last + 1, len(second)):
        report = verdict((first, second[:cut]), proof(signature))
        assert (report.whole, report.records) == (True, 29)
        assert "is being written, or was torn" in report.notes[0]
    for end in (b"x", second[last:-1] + b"x", b"{}", b'{"stream":"a"}\r'):
        assert verdict((first, second[:last] + end), proof(signature)).faults[0].wrong == "changed"


def test_a_file_that_is_no_longer_written_must_not_end_within_a_line() -> None:
    first, second = sample("hmac")
    report = verdict((first[:-40], second))
    assert (report.faults[0].wrong, report.faults[0].place.line) == ("cut", 23)


def test_a_writer_killed_while_it_told_of_a_fragment_is_told_of_by_the_next() -> None:
    writer = Writer()
    writer.open(ANN, decision(1))
    writer.kill(b'{"stream":"%b","se\n{"stream":"' % ANN.encode(), BOB)
    writer.open(BOB)
    assert verdict([bytes(writer.files[0])]).faults == []


def test_records_that_were_never_signed_are_told_of_and_those_put_in_are_a_fault() -> None:
    writer = Writer(signature="ed25519")
    writer.open(ANN, decision(1))
    half = Writer(signature="ed25519", files=[writer.files[0]], prev=writer.prev, seqs=writer.seqs)
    half.append(ANN, decision(2), decision(3))
    unsigned = bytes(half.files[0]).splitlines(keepends=True)[:-1]
    end = verdict([b"".join(unsigned)], proof("ed25519"))
    assert [(fault.wrong, fault.place.line) for fault in end.faults] == [("unsigned", 3)]
    for told in (True, False):
        prev = digest(unsigned[-1].rstrip(b"\n"))
        after = Writer(signature="ed25519", files=[bytearray(b"".join(unsigned))], prev=prev)
        torn = {"kind": "torn", "at": AT, "bytes": 0, "sha256": digest(b""), "after": prev}
        said = json.loads(unsigned[0])
        mark = {name: said[name] for name in ("kind", "at", "version", "order", "key", "signature", "cites")}
        after.append(BOB, *([torn] if told else []), mark, decision(4))
        report = verdict([bytes(after.files[0])], proof("ed25519"))
        if told:
            assert "1 records of stream" in report.notes[0]
        else:
            assert [(fault.wrong, fault.place.line) for fault in report.faults] == [("unsigned", 3)]


@pytest.mark.parametrize(
    ("records", "streams"),
    [(3, {ANN: 2}), (5, {ANN: 2}), (4, {ANN: 1}), (4, {ANN: 9}), (4, {BOB: 1}), ("4", {}), (4, None)],
)
def test_a_checkpoint_that_says_what_is_not_so_is_a_fault(records: object, streams: object) -> None:
    writer = Writer()
    writer.open(ANN, decision(1), decision(2))
    writer.append(ANN, {"kind": "checkpoint", "at": AT, "records": records, "streams": streams})
    assert [fault.wrong for fault in verdict([bytes(writer.files[0])]).faults] == ["untrue"]
    honest = Writer()
    honest.open(ANN, decision(1), decision(2))
    honest.checkpoint(ANN)
    assert verdict([bytes(honest.files[0])]).whole


@pytest.mark.parametrize(
    ("appends", "wrong"),
    [
        ([(ANN, [decision(1)])], "is record 0 of a stream that no open record began"),
        ([(ANN, [{"kind": "torn", "bytes": 0}, decision(1)])], "none at its beginning"),
        ([(ANN, [{"kind": "open"}, {"kind": "open"}])], "in the middle of a stream"),
        ([(ANN, [{"kind": "open"}, {"kind": "close"}, decision(1)])], "after the close"),
    ],
)
def test_who_has_the_key_and_breaks_the_rules_is_told_of(
    appends: list[tuple[str, list[dict[str, object]]]], wrong: str
) -> None:
    report = verdict([bytes(written(*appends).files[0])])
    assert [fault.wrong for fault in report.faults] == ["sequence"]
    assert wrong in report.faults[0].detail


def test_what_was_purged_explains_a_beginning_in_the_middle() -> None:
    writer = Writer()
    writer.open(ANN, decision(1))
    writer.rotate(ANN)
    gone = {"name": "audit.jsonl.000001", "first": AT, "last": AT, "records": 3, "hash": writer.prev}
    writer.append(ANN, decision(2))
    before = bytes(writer.files[1])
    writer.append(ANN, {"kind": "purged", "at": AT, "segments": [gone]})
    report = verdict([bytes(writer.files[1])])
    assert report.faults == []
    assert "were purged, as the log says" in report.notes[0]
    assert [(fault.wrong, fault.place.line) for fault in verdict([before]).faults] == [("cut", 1)]
    alone = Verifier(proof(), beginning=False)
    for block in blocks([before]):
        alone.feed(block)
    assert "begins in the middle" in alone.finish().notes[0]


def test_a_checkpoint_of_what_was_purged_since_proves_nothing_and_is_no_fault() -> None:
    writer = Writer()
    writer.open(ANN)
    writer.rotate(ANN)
    old, newer = Witness(AT, ANN, 1, 2, writer.prev), Witness("2027-01-01", ANN, 1, 2, writer.prev)
    gone = {"name": "audit.jsonl.000001", "first": AT, "last": AT, "records": 2, "hash": writer.prev}
    writer.append(ANN, {"kind": "purged", "at": AT, "segments": [gone]})
    live = bytes(writer.files[1])
    assert verdict([live], witnesses=[old]).whole
    assert verdict([live], witnesses=[newer]).faults[0].wrong == "cut"


def test_a_log_rewritten_by_who_has_the_key_differs_from_a_checkpoint_kept_elsewhere() -> None:
    writer, anew = Writer(), Writer()
    writer.open(ANN, decision(1), decision(2))
    anew.open(ANN, decision(1), decision(3))
    witness = Witness(AT, ANN, 2, 3, writer.prev)
    assert verdict([bytes(writer.files[0])], witnesses=[witness]).witnessed[0].place.line == 3
    report = verdict([bytes(anew.files[0])], witnesses=[witness])
    assert "written anew" in report.faults[0].detail


def test_lines_of_the_format_before_are_said_to_be_unproved() -> None:
    earlier = b'{"v":1,"kind":"decision","id":"1"}'
    writer = Writer(files=[bytearray(earlier + b"\n")], prev=digest(earlier))
    said = {"version": "0", "order": "file", "key": keys().fingerprint, "signature": "hmac", "cites": None}
    writer.append(ANN, {"kind": "open", "at": AT, **said}, decision(1))
    report = verdict([bytes(writer.files[0])])
    assert (report.faults, report.records) == ([], 2)
    assert "first 1 lines were written before" in report.notes[0]
    changed = bytes(writer.files[0]).replace(b'"id":"1"', b'"id":"2"', 1)
    assert not verdict([changed]).whole


def test_an_empty_log_is_no_whole_log() -> None:
    assert [fault.wrong for fault in verdict([b""]).faults] == ["empty"]


def test_lost_records_that_the_log_tells_of_are_counted() -> None:
    writer = Writer()
    writer.open(ANN, {"kind": "lost", "at": AT, "count": 12}, {"kind": "lost", "at": AT, "count": 3})
    assert verdict([bytes(writer.files[0])]).lost == 15


def test_records_of_a_pipe_cite_those_of_their_own_stream() -> None:
    lines = {}
    for stream in (ANN, BOB):
        writer = Writer()
        said = {"version": "0", "order": "stream", "key": keys().fingerprint, "signature": "hmac", "cites": None}
        writer.append(stream, {"kind": "open", "at": AT, **said}, decision(1), decision(2))
        lines[stream] = bytes(writer.files[0]).splitlines(keepends=True)
    mixed = [line for pair in zip(lines[ANN], lines[BOB], strict=True) for line in pair]
    assert verdict([b"".join(mixed)]).faults == []
    assert verdict([b"".join(mixed[:2] + mixed[3:])]).faults[0].wrong == "dropped"


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_checkpoint_is_proved_by_the_key_and_nothing_else(signature: str) -> None:
    witness = Witness(AT, ANN, 3, 4, "0" * 64)
    line = witness_line(witness, keys(signature))
    assert read_witnesses(line + b"\n\n" + line, proof(signature), "kept") == [witness, witness]
    for at in range(len(line)):
        with pytest.raises(AuditError, match="kept, line 1"):
            read_witnesses(line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :], proof(signature), "kept")
    with pytest.raises(AuditError, match="holds no checkpoint"):
        read_witnesses(b"\n", proof(signature), "kept")


def test_hostile_lines_neither_crash_the_verifier_nor_fill_its_memory() -> None:
    first, second = sample("hmac")
    deep = b'{"stream":"%b","seq":1,"prev":"%b","v":2,"kind":"open","x":%b}' % (b"0" * 16, b"0" * 64, b"[" * 100_000)
    for junk in (deep, b"\xff" * 1000, b"\n" * 20_000, b"[" * 100_000):
        report = verdict((first + junk + b"\n", second))
        assert report.faults[0].place.line >= 23
    assert verdict([b"x\n" * 20_000]).faults[0].place.line == 1


def test_what_a_forger_calls_his_key_cannot_move_a_cursor() -> None:
    writer = Writer(OTHER_SECRET)
    said = {"version": "0", "order": "file", "key": "\x1b[2J", "signature": "hmac", "cites": None}
    writer.append(ANN, {"kind": "open", "at": AT, **said})
    with pytest.raises(AuditError, match=r"fingerprint \\u001b\[2J"):
        verdict([bytes(writer.files[0])])
