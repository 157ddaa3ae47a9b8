"""Cutting a stream at its line feeds: the same lines however the bytes arrive, and never more held than one line."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from smcp_security.adapters.stdio.lines import Line, LineReader, Part

STREAMS = st.lists(st.sampled_from([b"{}", b"\n", b"\r", b"\0", b"\xff", b"x" * 9, b"ab"]), max_size=30).map(b"".join)


def _cut(stream: bytes, places: list[int]) -> list[bytes]:
    cuts = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[start:end] for start, end in pairwise(cuts)]


def _joined(lines: list[Line]) -> list[tuple[str, bytes]]:
    """Lines over the cap put together again: where they were cut is of no account."""
    told: list[tuple[str, bytes]] = []
    for line in lines:
        if line.part in (Part.REST, Part.END):
            before = told.pop()[1]
            told.append(("over" if line.part is Part.END else "open", before + line.raw))
        else:
            told.append((line.part.value, line.raw))
    return told


@given(STREAMS, st.lists(st.integers(0, 300), max_size=8), st.integers(1, 12))
def test_any_split_of_the_bytes_gives_the_same_lines(stream: bytes, places: list[int], limit: int) -> None:
    reader = LineReader(limit)
    found = [line for piece in _cut(stream, places) for line in reader.feed(piece)] + reader.end()
    expected = [("whole" if len(raw) <= limit else "over", raw) for raw in stream.split(b"\n")[:-1]]
    last = stream.split(b"\n")[-1]
    if len(last) > limit:
        expected.append(("over", last))
    elif last.strip():
        expected.append(("cut", last))
    assert _joined(found) == expected


def test_a_line_without_an_end_is_passed_on_in_pieces_and_not_held() -> None:
    reader = LineReader(10)
    head = reader.feed(b"x" * 8) + reader.feed(b"x" * 8)
    rest = [line for _ in range(1_000) for line in reader.feed(b"y" * 1_000)]
    assert [line.part for line in head] == [Part.HEAD]
    assert {line.part for line in rest} == {Part.REST}
    assert [line.part for line in reader.feed(b"z\n{}\n")] == [Part.END, Part.WHOLE]


def test_a_line_of_exactly_the_cap_is_whole() -> None:
    assert LineReader(3).feed(b"abc\nabcd\n") == [Line(b"abc"), Line(b"abcd", Part.HEAD), Line(b"", Part.END)]


def test_after_the_end_of_a_stream_nothing_of_it_is_left() -> None:
    reader = LineReader(3)
    reader.feed(b"abcdef")
    assert reader.end() == [Line(b"", Part.END)]
    assert reader.feed(b"a\n") == [Line(b"a")]
