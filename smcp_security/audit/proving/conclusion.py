"""What is to be said once a log has been read: how it begins and ends, who wrote it, what was proved. Pure."""

from __future__ import annotations

from typing import Final

from smcp_security.audit.proving.examination import Examination
from smcp_security.audit.proving.report import Place, Report, Witnessed
from smcp_security.audit.proving.witness import Witness
from smcp_security.audit.reading.shape import STREAM, begins_a_record, fields_of
from smcp_security.errors import AuditError

_NAMED: Final = 20
"""Streams without a close that are named one by one."""


def concluded(found: Examination, *, beginning: bool, complete: bool) -> Report:
    """The report of a log that was read, to its end if `complete`."""
    report = found.report
    if found.vouching.other_key and not found.vouching.verified:
        raise AuditError(
            f"{report.first_file}: was written with another key (fingerprint {found.vouching.other_key}) than the one"
            f" given ({report.fingerprint}); give the key of this audit"
        )
    report.records = report.lines - found.no_records
    report.streams = len(found.streams)
    _times(found)
    report.complete = complete
    if complete:
        _beginning(found, asked=beginning)
        _end(found)
        _witnesses(found)
        _streams(found)
    report.faults.sort(key=lambda fault: (found.findings.files.index(fault.place.file), fault.place.line))
    return report


def _times(found: Examination) -> None:
    found.report.first = found.first_at
    found.report.last = str((fields_of(found.findings.last_line) or {}).get("at", ""))


def _beginning(found: Examination, *, asked: bool) -> None:
    report = found.report
    if found.earlier:
        report.notes.append(
            f"the first {found.earlier} lines were written before lines were chained: nothing proves them"
        )
    if not found.base or found.base_fault >= 0:
        return
    if found.base in found.explained:
        report.notes.append(
            f"{found.purged} segments before it, until {found.purged_until}, were purged, as the log says"
        )
    elif asked:
        detail = "cites a line that is not there: the beginning of the log is gone, and no purge tells of it"
        found.findings.add("cut", detail, Place(report.first_file, 1, 0))
    else:
        report.notes.append("it begins in the middle of an audit: what came before was not looked at")


def _end(found: Examination) -> None:
    findings, rest = found.findings, found.findings.block.rest
    if found.held is not None:
        found.unmended(found.held)
    torn = bool(rest and findings.block.file.live)
    if torn:
        _rest(found, rest)
    if found.vouching.run is not None:
        # In front of half a line the signature is still to come; but only of a key that has signed before.
        left = found.vouching.killed if torn and found.vouching.signed else found.vouching.left_over
        left(found.vouching.run)
    if not found.report.records and not found.report.faults:
        findings.add(
            "empty", "holds no record; a log begins with an open record", Place(findings.block.file.path, 1, 0)
        )


def _rest(found: Examination, rest: bytes) -> None:
    block = found.findings.block
    number = block.number + len(block.lines)
    place = found.findings.place(number)
    if not begins_a_record(rest):
        found.findings.add("changed", "is no beginning of a record, and has no line break", place)
    else:
        found.report.notes.append(f"{place}: the last line is being written, or was torn by a kill; it is not counted")


def _witnesses(found: Examination) -> None:
    for digest, witness in found.awaited.items():
        if digest in found.seen:
            place, lines = found.seen[digest]
            found.report.witnessed.append(Witnessed(witness.at, place, found.report.lines - lines))
        elif found.purged_until and witness.at <= found.purged_until:
            found.report.notes.append(
                f"the checkpoint of {witness.at} is of a record that was purged since: give a newer one"
            )
        else:
            whose = witness.stream, witness.seq
            found.findings.add("cut", _gone(found, witness), found.findings.end, whose)


def _gone(found: Examination, witness: Witness) -> str:
    stream = found.streams.get(witness.stream.encode())
    whose = f"record {witness.seq} of stream {witness.stream}, which the checkpoint of {witness.at} saw"
    if stream is not None and stream.next > witness.seq:
        return f"{whose}, is another one now: the log was written anew"
    return f"{whose}, is not there: the log ends too early, or was written anew"


def _streams(found: Examination) -> None:
    last = found.findings.last_line[STREAM]
    loose = [stream for name, stream in found.streams.items() if not stream.ended and name != last]
    for stream in loose[:_NAMED]:
        found.report.notes.append(
            f"stream {stream.name} has no close after record {stream.next - 1}: its writer still runs, was killed, or"
            " the end was cut"
        )
    if len(loose) > _NAMED:
        found.report.notes.append(f"{len(loose) - _NAMED} more streams have no close")
