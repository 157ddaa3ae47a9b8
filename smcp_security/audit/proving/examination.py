"""A closer look: lines that differ from what was expected, and records that speak of the chain itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from smcp_security.audit.proof import Proof
from smcp_security.audit.proving.findings import Findings
from smcp_security.audit.proving.fragments import Held
from smcp_security.audit.proving.report import Place, Report
from smcp_security.audit.proving.statements import false_checkpoint, false_citation
from smcp_security.audit.proving.streams import Stream
from smcp_security.audit.proving.vouching import Vouching
from smcp_security.audit.proving.witness import Witness
from smcp_security.audit.reading.log import Block
from smcp_security.audit.reading.shape import Line, begins_a_record, fields_of, hash_of, read_line
from smcp_security.audit.writing.chain import GENESIS

UNKNOWN: Final = b"?"
"""What is expected after a line that was changed: nobody knows its hash as it was."""

_GENESIS: Final = GENESIS.encode()
_EARLIER: Final = b'{"v":1,'
"""How a line began before lines were chained."""

_BROKEN: Final = "is not what the line after it cites: it was changed, or lines between the two were taken out"
_SPEAKING: Final = frozenset({"open", "checkpoint", "torn"})
_EXCUSING: Final = frozenset({"purged", "lost"})


class Examination:
    """The state of one verification: the streams, and the hash that the next line must cite."""

    def __init__(self, proof: Proof, witnesses: Sequence[Witness]) -> None:
        self.streams: dict[bytes, Stream] = {}
        self.prev = _GENESIS
        self.awaited = {witness.hash.encode(): witness for witness in witnesses}
        self.report = Report(fingerprint=proof.fingerprint, keyless=proof.keyless)
        self.findings = Findings(self.report)
        self.vouching = Vouching(proof, self.findings)
        self.base = b""
        """What the first line of all cites, where that is not the beginning of an audit."""
        self.base_fault = -1
        self.explained: set[bytes] = set()
        self.purged_until = ""
        self.purged = 0
        self.first_at = ""
        self.held: Held | None = None
        self.no_records = 0
        self.seen: dict[bytes, tuple[Place, int]] = {}
        self._begun = False
        self._excused = 0
        self._sought: dict[bytes, int] = {}
        self._doubt: tuple[int, bytes] | None = None
        self.earlier = 0

    @property
    def beginning_is_clear(self) -> bool:
        """Whether nothing later in the log can say what came before its first line."""
        return not self.base or self.base in self.explained or self.base_fault >= 0

    def witnessed(self, digest: bytes, number: int) -> None:
        """The line that a checkpoint kept elsewhere speaks of is there."""
        done = self.report.lines + number - self.findings.block.number + 1
        self.seen.setdefault(digest, (self.findings.place(number), done))

    def look(self, text: bytes, number: int) -> None:
        """Judge one line."""
        line = read_line(text)
        if line is None:
            self._hold(text, number)
            return
        stream = self.streams.get(line.stream)
        proved = self.vouching.of(line, stream)
        mended = self.held is not None and self._mended(line, number, proved)
        if proved is False:
            self._changed(line, number, stream)
        elif self._in_place(line, number, stream, proved):
            self._take(line, number, stream, proved)
            if line.kind == "torn" and not mended:
                self._took_fragment(line, number)
        else:
            self.no_records += 1
        if not self._begun:
            self.first_at = str((line.fields() or {}).get("at", ""))
        self._begun = True

    def ends_within(self, block: Block) -> None:
        """A file that nobody writes any more ends without a line break."""
        place = self.findings.place(block.number + len(block.lines))
        if begins_a_record(block.rest):
            self.findings.add("cut", "the file ends within a record", place)
        else:
            self.findings.add("changed", "is no beginning of a record, and has no line break", place)
        self.prev = UNKNOWN
        self._excused += 1

    def _hold(self, text: bytes, number: int) -> None:
        self.no_records += 1
        if not self._begun and text.startswith(_EARLIER):
            self.earlier += 1
            self.prev = hash_of(text)
            return
        self._begun = True
        if self.held is None:
            self.held = Held(self.findings.place(number), self.findings.before(number), self.prev)
            self._hold_what_was_split(number)
        self.held.lines.append(text)
        self.prev = UNKNOWN
        if self.held.endless:
            self.unmended(self.held)
            self.held = None

    def _hold_what_was_split(self, number: int) -> None:
        """Without a proof in each line, the first half of a line may have passed for a record."""
        place, before = self.findings.before(number)
        line = None if self.vouching.proved_so_far else read_line(before)
        if line is not None and line.fields() is None:
            self.no_records += 1
            self.held = Held(place, (place, before), line.prev, [before])

    def _mended(self, line: Line, number: int, proved: bool | None) -> bool:
        """Whether what was held is what a torn record tells of."""
        held, self.held = self.held, None
        if held is None:
            return False
        fields = line.fields() if line.kind == "torn" and proved is not False else None
        if proved is False and begins_a_record(held.lines[0]):
            # The fault is that of what was the torn record.
            return False
        if fields is None and line.kind == "torn":
            self.findings.add("changed", "is no JSON object", self.findings.place(number), line)
            return False
        if fields is None:
            self.unmended(held)
            if line.prev == held.prev:
                self.prev = held.prev
        elif not held.told_by(fields):
            self.findings.add("changed", "is a fragment that the torn record after it describes otherwise", held.place)
        else:
            self.prev = held.digest
            if fields.get("after") != held.prev.decode() and held.prev != UNKNOWN:
                self._sought[str(fields.get("after")).encode()] = self._cut_before(held)
            return True
        return False

    def _cut_before(self, held: Held) -> int:
        if self.vouching.proved_so_far:
            detail = "records before this fragment of a killed writer are gone"
            return self.findings.add("dropped", detail, held.place)
        return self.findings.add_of("changed", _BROKEN, held.before)

    def unmended(self, held: Held) -> None:
        """Nobody tells of what was held."""
        self.findings.add("changed", "is no record, and no torn record after it tells of one", held.culprit)
        self.vouching.forget()

    def _changed(self, line: Line, number: int, stream: Stream | None) -> None:
        """Its bytes are not those that were written; what it says is used as far as it fits."""
        self.vouching.changed(line, number)
        self.prev = UNKNOWN
        if stream is not None and line.seq == stream.next:
            stream.next += 1
        elif stream is None and line.kind == "open":
            stream = self._begin(line)
            stream.begin()
            stream.next = line.seq + 1
        else:
            self._excused += 1

    def _in_place(self, line: Line, number: int, stream: Stream | None, proved: bool | None) -> bool:
        """Whether the line is where it belongs, or the first behind a gap. Notes what is wrong."""
        expected = self._expected(line, stream)
        fits = self._fits(line, stream)
        if expected in (line.prev, UNKNOWN):
            if not fits and not self._forgiven(line, stream):
                self._out_of_number(line, number, stream, proved)
            return True
        if self._known_elsewhere(line, number, stream):
            return False
        self._gap(line, number, stream, fits=fits, proved=proved)
        return True

    def _expected(self, line: Line, stream: Stream | None) -> bytes:
        if stream is not None and not stream.filed:
            return stream.last
        if stream is None and line.kind == "open" and (line.fields() or {}).get("order") == "stream":
            return _GENESIS
        if not self._begun and self.prev == _GENESIS != line.prev:
            self.base = line.prev
            return line.prev
        return self.prev

    def _fits(self, line: Line, stream: Stream | None) -> bool:
        """Whether the number, and the kind, is what comes next in the stream."""
        if stream is not None:
            return not stream.ended and line.seq == stream.next and (line.kind == "open") is not stream.opened
        if self.base or self.prev == UNKNOWN:
            # Its beginning was purged, or is the line that was changed.
            return line.kind != "open" or line.seq < 2
        return line.seq == 0 and line.kind in ("open", "torn")

    def _forgiven(self, line: Line, stream: Stream | None) -> bool:
        """A record that was changed beyond recognition is missing in its stream, and was told of already."""
        gap = line.seq - stream.next if stream is not None and not stream.ended else 0
        if not 0 < gap <= self._excused:
            return False
        self._excused -= gap
        return True

    def _out_of_number(self, line: Line, number: int, stream: Stream | None, proved: bool | None) -> None:
        if stream is None:
            detail = f"is record {line.seq} of a stream that no open record began"
        elif stream.ended:
            detail = "comes after the close of its stream"
        elif line.seq == stream.next:
            detail = "an open record in the middle of a stream, or none at its beginning"
        else:
            detail = f"its number is {line.seq}; expected {stream.next}"
        self.findings.add("changed" if proved is None else "sequence", detail, self.findings.place(number), line)
        self.vouching.forget()

    def _known_elsewhere(self, line: Line, number: int, stream: Stream | None) -> bool:
        """A record that belongs to another place: it was moved here, or is here once more."""
        findings = self.findings
        if line.digest == self.base and not self.explained:
            self.base_fault = findings.add("moved", f"the line that belongs before it is line {number}", self._first())
            self.explained.add(self.base)
            return True
        fault = self._sought.pop(line.digest, -1)
        if stream is not None:
            fault = max(fault, stream.missing.pop(line.seq, -1))
        if fault >= 0:
            findings.correct(fault, "moved", f"a record that belongs before it stands at line {number}")
            return True
        if line.digest == self.prev or (stream is not None and line.seq < stream.next):
            again = "directly before it" if line.digest == self.prev else "before it"
            findings.add("repeated", f"the same record stands {again} already", findings.place(number), line)
            return True
        return False

    def _first(self) -> Place:
        return Place(self.report.first_file, 1, 0)

    def _gap(self, line: Line, number: int, stream: Stream | None, *, fits: bool, proved: bool | None) -> None:
        """The line before this one is not the one that it cites."""
        findings, place = self.findings, self.findings.place(number)
        file = findings.block.file
        if number == 1 and (file.missing or self.vouching.run is None):
            if file.missing:
                fault = findings.add("missing", f"{', '.join(file.missing)} is not there", place, line)
            else:
                detail = "does not follow the last line of the file before: lines at its end, or a file, are gone"
                fault = findings.add("cut", detail, place, line)
        elif not self.vouching.proved_so_far and fields_of(findings.before(number)[1]) is None:
            fault = findings.add_of("changed", "is no JSON object", findings.before(number))
        elif stream is not None and line.seq > stream.next:
            fault = findings.add("dropped", f"records before it are gone: {_count(stream, line)}", place, line)
        elif not fits and self.vouching.proved_so_far:
            fault = findings.add("dropped", "records before it are gone, the open of its stream too", place, line)
        elif self.vouching.proved_so_far and proved is not None:
            fault = findings.add("dropped", "a record of another stream before it is gone", place, line)
        elif self._doubt is not None and self._doubt[1] == self.prev:
            fault = self._doubt[0]
            findings.put(fault, "changed", "neither cites the line before nor is cited by the one after it", number)
            self._doubt = None
        else:
            fault = findings.add_of("changed", _BROKEN, findings.before(number))
            self._doubt = fault, line.digest
        self._sought[line.prev] = fault
        self.vouching.forget()
        if stream is not None and line.seq > stream.next:
            stream.miss(line.seq, fault)

    def _begin(self, line: Line) -> Stream:
        stream = Stream(line.stream.decode(), self.vouching.kind_of(line), next=line.seq)
        stream.proved = self.vouching.check_of(stream)
        if line.kind not in ("torn", "open") or line.seq > 1:
            # Its open was purged, or changed.
            stream.begin()
        self.streams[line.stream] = stream
        return stream

    def _take(self, line: Line, number: int, stream: Stream | None, proved: bool | None) -> None:
        """The line is a record of the chain."""
        if stream is None:
            stream = self._begin(line)
        self._heed(line, number, stream)
        self.vouching.took(line, number, stream, proved)
        self._believe(line)
        stream.next, stream.last, self.prev = line.seq + 1, line.digest, line.digest
        if line.digest in self.awaited:
            self.witnessed(line.digest, number)

    def _heed(self, line: Line, number: int, stream: Stream) -> None:
        """What a record says of the chain itself."""
        kind, fields = line.kind, {}
        if kind in _SPEAKING:
            fields = line.fields() or {}
        if kind == "open":
            stream.begin()
            stream.filed = fields.get("order") != "stream"
            self._check(false_citation(fields, line, self.streams), number, line)
        elif kind == "close":
            stream.end()
        elif kind == "checkpoint":
            self._check(false_checkpoint(fields, line, number, self.streams), number, line)
        elif kind == "torn":
            self.report.torn += bool(fields.get("bytes"))

    def _believe(self, line: Line) -> None:
        """What a record says that excuses a gap counts only if it is proved: anybody could say it."""
        if line.kind in _EXCUSING:
            fields = line.fields() or {}
            self.vouching.heed(lambda: self._excuse(line.kind, fields))

    def _excuse(self, kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "purged":
            self._purged(fields)
            return
        count = fields.get("count")
        self.report.lost += count if isinstance(count, int) else 0

    def _check(self, problem: str, number: int, line: Line) -> None:
        # Behind a fault the counts differ of necessity.
        if problem and not self.findings.here:
            self.findings.add("untrue", problem, self.findings.place(number), line)

    def _took_fragment(self, line: Line, number: int) -> None:
        """A fragment that had the form of a record was taken for one."""
        fields, before = line.fields() or {}, self.findings.before(number)[1]
        if not fields.get("bytes"):
            return
        taken = read_line(before)
        if taken is None or fields.get("sha256") != taken.digest.decode() or fields.get("after") != taken.prev.decode():
            self._check("the fragment that it tells of is not before it", number, line)
        elif fields_of(before) is None:
            self.no_records += 1

    def _purged(self, fields: Mapping[str, Any]) -> None:
        segments = fields.get("segments")
        for segment in segments if isinstance(segments, list) else ():
            if isinstance(segment, dict):
                self.explained.add(str(segment.get("hash")).encode())
                self.purged_until = max(self.purged_until, str(segment.get("last")))
                self.purged += 1


def _count(stream: Stream, line: Line) -> str:
    gone = line.seq - stream.next
    return (
        f"record {stream.next} of its stream" if gone == 1 else f"records {stream.next} to {line.seq - 1} of its stream"
    )
