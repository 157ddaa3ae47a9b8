"""Whatever is done to a log of two files is noticed, and the record that is named is the right one: exhaustively."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.audit.proof import Proof
from smcp_security.audit.proving.report import Report
from smcp_security.audit.proving.witness import Witness
from tests.audit.proving.proving import SIGNATURES, proof, remembering, sample, verdict
from tests.audit.reference import AT, OTHER_SECRET, SECRET, Writer, digest

NAMES = ("audit.jsonl.000001", "audit.jsonl")
FRAGMENT = 20
"""Which line of the first file of the sample is what a killed writer left; the torn record follows."""


def lines_of(signature: str) -> list[bytes]:
    return [line for file in sample(signature) for line in file.splitlines(keepends=True)]


def refiled(lines: Sequence[bytes], signature: str, shift: int = 0) -> tuple[bytes, bytes]:
    """Lines of the sample in two files, cut where the sample is; `shift`: so many lines more in the first."""
    first = sample(signature)[0].count(b"\n") + shift
    return b"".join(lines[:first]), b"".join(lines[first:])


def named(report: Report, signature: str, shift: int = 0) -> int:
    """Which line of the whole log is named first; 0 for none."""
    if not report.faults:
        return 0
    place = report.faults[0].place
    return place.line + NAMES.index(place.file) * (sample(signature)[0].count(b"\n") + shift)


def changes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Every byte changed in two ways: a bit, and a line break put there or taken away."""
    for at, old in enumerate(data):
        for new in (old ^ 1, 0x20 if old == 0x0A else 0x0A):
            yield at, data[:at] + bytes([new]) + data[at + 1 :]


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("which", [0, 1])
def test_every_byte_that_is_changed_is_noticed_and_its_line_is_named(signature: str, which: int) -> None:
    files, held = sample(signature), remembering(signature)
    starts = list(accumulate((len(line) + 1 for line in files[which].split(b"\n")), initial=0))
    line = 0
    for at, changed in changes(files[which]):
        line += at >= starts[line + 1]
        report = verdict([changed if index == which else file for index, file in enumerate(files)], held, size=5)
        assert report.faults, (at, line)
        assert (report.faults[0].place.file, report.faults[0].place.line) == (NAMES[which], line + 1), report.faults
        assert report.faults[0].place.offset == starts[line]


def test_without_a_key_a_byte_is_noticed_beside_its_line_but_not_in_the_last() -> None:
    files = sample("hmac")
    for at, changed in changes(files[1]):
        report = verdict((files[0], changed), Proof())
        line, last = changed.count(b"\n", 0, at) + 1, at > files[1].rindex(b"\n", 0, -1)
        assert bool(report.faults) or last, at
        if report.faults and not last:
            assert abs(report.faults[0].place.line - line) <= 1, report.faults


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_record_that_is_dropped_is_noticed_where_it_is_gone(signature: str) -> None:
    lines = lines_of(signature)
    for index in range(len(lines) - 1):
        shift = -(index < sample(signature)[0].count(b"\n"))
        report = verdict(refiled([*lines[:index], *lines[index + 1 :]], signature, shift), remembering(signature))
        # The torn record after a fragment tells of it: without, it is the fragment that nobody tells of.
        expected = {index + 1} if index != FRAGMENT else {FRAGMENT}
        # Lines of one append with a signature at its end: the line before, or what followed it.
        allowed = expected if signature == "hmac" else {index, index + 1}
        assert named(report, signature, shift) in allowed, (index, report.faults)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_two_records_that_are_swapped_are_noticed_at_the_first(signature: str) -> None:
    lines = lines_of(signature)
    for index in range(len(lines) - 1):
        swapped = [*lines[:index], lines[index + 1], lines[index], *lines[index + 2 :]]
        report = verdict(refiled(swapped, signature), remembering(signature))
        # A record between a fragment and its torn record: it is the fragment that nobody tells of.
        alone = signature == "hmac" and index != FRAGMENT
        assert named(report, signature) in ({index + 1} if alone else {index, index + 1}), (index, report.faults)
        if signature == "hmac" and index + 1 not in (FRAGMENT - 1, FRAGMENT, FRAGMENT + 1, len(lines) - 1):
            assert report.faults[0].wrong in ("moved", "cut"), (index, report.faults)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_record_that_is_there_twice_is_noticed(signature: str) -> None:
    lines = lines_of(signature)
    for index in range(len(lines)):
        shift = index < sample(signature)[0].count(b"\n")
        report = verdict(refiled([*lines[: index + 1], *lines[index:]], signature, shift), remembering(signature))
        if index + 1 == FRAGMENT:
            assert named(report, signature, shift) == FRAGMENT
        else:
            assert named(report, signature, shift) == index + 2, (index, report.faults)
            assert [fault.wrong for fault in report.faults] == ["repeated"]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_end_that_is_cut_off_is_noticed_against_a_checkpoint_kept_elsewhere(signature: str) -> None:
    files = sample(signature)
    last = json.loads(files[1].splitlines()[-1])
    witness = Witness(AT, last["stream"], last["seq"], files[1].count(b"\n"), digest(files[1].splitlines()[-1]))
    whole = verdict(files, remembering(signature), witnesses=[witness])
    assert (whole.whole, whole.witnessed[0].after, whole.witnessed[0].place.line) == (True, 0, 8)
    for cut in range(len(files[1])):
        report = verdict((files[0], files[1][:cut]), remembering(signature), witnesses=[witness])
        assert report.faults, cut
        assert report.faults[-1].wrong == "cut", (cut, report.faults)
        assert (report.faults[-1].stream, report.faults[-1].seq) == (last["stream"], last["seq"])


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_cut_end_alone_leaves_no_trace_and_the_report_proves_no_end(signature: str) -> None:
    lines = lines_of(signature)
    report = verdict(refiled(lines[:-1], signature), remembering(signature))
    assert (report.whole, report.witnessed, report.records) == (True, [], len(lines) - 2)


@pytest.mark.parametrize("signature", SIGNATURES)
@given(data=st.data())
def test_any_lines_in_any_other_order_are_noticed(signature: str, data: st.DataObject) -> None:
    lines = lines_of(signature)
    kept = data.draw(st.lists(st.sampled_from(range(len(lines))), max_size=len(lines)))
    report = verdict(refiled([lines[index] for index in kept], signature), remembering(signature))
    # Nothing but a whole beginning of the log is taken for one.
    assert report.whole == (kept == list(range(len(kept))) and len(kept) > 0 and _ends_well(lines, len(kept)))


def _ends_well(lines: Sequence[bytes], count: int) -> bool:
    """A log may end before or after a fragment and its torn record, and with Ed25519 behind a signature."""
    return count != FRAGMENT and (b'"mac":' in lines[count - 1] or b'"sig":' in lines[count - 1])


@given(at=st.integers(0, 8724), junk=st.binary(min_size=1, max_size=300))
def test_any_bytes_put_in_anywhere_are_noticed(at: int, junk: bytes) -> None:
    first, second = sample("hmac")
    whole = first + second
    made = whole[:at] + junk + whole[at:]
    if made.startswith(whole) and b"\n" not in junk:
        return
    cut = len(first) + (len(junk) if at < len(first) else 0)
    assert not verdict((made[:cut], made[cut:]), remembering("hmac")).whole


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_log_written_anew_without_the_key_is_noticed(signature: str) -> None:
    """Hashes and numbers are right, who wrote it had another key, and says it is this one."""
    forged = Writer(OTHER_SECRET, signature)
    forged.open("a" * 16)
    forged.append("a" * 16, {"kind": "decision", "id": "1"})
    own = Writer(SECRET, signature)
    own.open("a" * 16)
    own.append("a" * 16, {"kind": "decision", "id": "1"})
    data = bytes(forged.files[0])
    renamed = data.replace(_key_of(data), _key_of(bytes(own.files[0])))
    assert verdict([bytes(own.files[0])], proof(signature)).whole
    report = verdict([renamed], proof(signature))
    assert (report.faults[0].wrong, report.faults[0].place.line) == ("changed", 1)


def _key_of(data: bytes) -> bytes:
    key: str = json.loads(data.splitlines()[0])["key"]
    return key.encode()


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_log_chained_anew_behind_a_change_is_noticed_at_the_change(signature: str) -> None:
    """Who has no key changes a record and puts every hash after it right."""
    lines = [line.rstrip(b"\n") for line in lines_of(signature)[:12]]
    lines[3] = lines[3].replace(b'"allowed":true', b'"allowed":null')
    for index in range(4, 12):
        old = json.loads(lines[index])["prev"].encode()
        lines[index] = lines[index].replace(old, digest(lines[index - 1]).encode())
    report = verdict([b"\n".join(lines) + b"\n"], remembering(signature))
    assert report.faults[0].place.line == 4
    assert verdict([b"\n".join(lines) + b"\n"], Proof()).faults == []


def test_records_moved_from_one_file_to_another_are_noticed() -> None:
    lines = lines_of("hmac")
    cut = sample("hmac")[0].count(b"\n")
    moved = [*lines[:4], *lines[5 : cut + 2], lines[4], *lines[cut + 2 :]]
    report = verdict(refiled(moved, "hmac", -1), remembering("hmac"))
    assert (report.faults[0].wrong, report.faults[0].place.line) == ("moved", 5)


def test_a_segment_that_is_gone_or_was_replaced_by_an_older_copy_is_noticed() -> None:
    writer = Writer()
    writer.open("a" * 16)
    copies = []
    for number in range(3):
        writer.append("a" * 16, {"kind": "decision", "id": str(number)})
        copies.append(bytes(writer.files[-1]))
        writer.append("a" * 16, {"kind": "decision", "id": f"{number}b"})
        writer.rotate("a" * 16)
    files = [bytes(file) for file in writer.files[:3]]
    assert verdict(files).whole
    for older in (0, 1):
        replaced = [copies[index] if index == older else file for index, file in enumerate(files)]
        report = verdict(replaced)
        assert (report.faults[0].wrong, report.faults[0].place.line) == ("cut", 1)
        assert report.faults[0].place.file == f"audit.jsonl.00000{older + 2}" if older == 0 else "audit.jsonl"
    assert verdict([files[0], files[2]]).faults[0].wrong == "cut"
    assert verdict(files[1:]).faults[0].detail.startswith("cites a line that is not there")
