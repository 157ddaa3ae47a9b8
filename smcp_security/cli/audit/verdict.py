"""What a verification found, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from smcp_security.audit.reading.plain import plain

if TYPE_CHECKING:
    from smcp_security.audit.proving.report import Fault, Report


def facts(file: str, report: Report) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "file": file, "whole": report.whole, "read_to_the_end": report.complete, "records": report.records,
        "streams": report.streams, "files": report.files, "lost": report.lost, "torn": report.torn,
        "unsigned": report.unsigned, "first": report.first, "last": report.last,
        "key": None if report.keyless else report.fingerprint,
        "end": [
            {"at": each.at, **asdict(each.place), "records_after": each.after} for each in report.witnessed
        ],
        "faults": [_fault(fault) for fault in report.faults], "more_faults": report.more, "notes": list(report.notes),
    }  # fmt: skip


def print_report(file: str, report: Report, *, every: bool) -> None:
    """The report as text: what is wrong first, else what was proved and what was not."""
    if not report.whole:
        _print_faults(file, report, every=every)
        return
    _say(f"{file}: whole")
    _say(f"  records  {_count(report.records, 'record')} in {_count(report.streams, 'stream')}"
               f" and {_count(report.files, 'file')}, {_times(report)}")  # fmt: skip
    if report.lost:
        _say(f"  lost     {_count(report.lost, 'record')} could not be taken, as the log itself says")
    _say("  chain    every line cites the line before it; no record of a stream is missing")
    _say(f"  proof    {_proof(report)}")
    _say(f"  end      {_end(report)}")
    for note in report.notes:
        _say(f"  note     {note}")


def _print_faults(file: str, report: Report, *, every: bool) -> None:
    first, rest = report.faults[0], report.faults[1:]
    _say(f"{file}: NOT whole")
    _say(f"  first bad record  {_whose(first)}")
    _say(f"  where             {first.place}")
    _say(f"  what              {first.wrong}: {first.detail}")
    _say(f"  that means        {first.meaning}")
    if every:
        for fault in rest:
            _say(f"  also              {fault}")
        for note in report.notes:
            _say(f"  note              {note}")
    if not report.complete:
        _say("  the rest was not read; --all names every bad record")
    elif rest and not every:
        _say(f"  {_count(len(rest) + report.more, 'more fault')}; --all names them")
    elif report.more:
        _say(f"  {_count(report.more, 'more fault')}, which are not kept")


def _say(line: str) -> None:
    """What stands in a log that is not proved may be made to move a cursor."""
    click.echo(plain(line))


def _proof(report: Report) -> str:
    if report.keyless:
        return (
            "none (--no-key): whoever can write the file can have written all of it anew, and its last record is"
            " proved by nothing"
        )
    which = f"every record but {report.unsigned:,} without a signature" if report.unsigned else "every record"
    return f"{which} was written by who has the key {report.fingerprint}".rstrip()


def _end(report: Report) -> str:
    if not report.witnessed:
        return "not proved: who cuts off the newest records leaves no trace; keep a checkpoint elsewhere"
    last = max(report.witnessed, key=lambda each: each.at)
    behind = f"; the {_count(last.after, 'line')} after it are not" if last.after else ""
    return f"proved up to {last.place} by the checkpoint of {last.at}{behind}"


def _whose(fault: Fault) -> str:
    return f"record {fault.seq} of stream {fault.stream}" if fault.stream else "a line that is no record"


def _times(report: Report) -> str:
    return f"{report.first} to {report.last}" if report.first else "without times"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        **asdict(fault.place), "stream": fault.stream, "seq": fault.seq, "wrong": fault.wrong, "detail": fault.detail,
        "meaning": fault.meaning,
    }  # fmt: skip
