"""Server-sent events cut and written anew: the same events whatever the chunks, every byte accounted for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.sse import Event, EventReader, Part, message_event, place_of, read_event, with_data

LIMIT = 1 << 20
ENDS = ["\n", "\r\n", "\r"]


def _read(*chunks: bytes, limit: int = LIMIT) -> list[Event]:
    reader = EventReader(limit)
    return [event for chunk in chunks for event in reader.feed(chunk)]


def _reference(raw: bytes) -> list[tuple[str, bytes | None]]:
    """The events of a stream by the letter of WHATWG HTML 9.2.6, one line after the other."""
    text = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: list[tuple[str, bytes | None]] = []
    name, data = "", None
    lines = text.split(b"\n")[:-1]
    for line in lines:
        if not line:
            events.append((name, data))
            name, data = "", None
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data = value if data is None else data + b"\n" + value
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return [event for event in events if event != ("", None)]


def _told(events: list[Event]) -> list[tuple[str, bytes | None]]:
    return [(event.name, event.data) for event in events if (event.name, event.data) != ("", None)]


STREAMS = [
    b"data: a\n\ndata: b\n\n: end\n\n",
    b'event: message\r\ndata: {"a":1}\r\n\r\n: ping\r\n\r\nid: 7\r\nretry: 9\r\ndata: x\r\n\r\n'
    b"event: e\r\n\r\n:z\r\n\r\n",
    b"data: a\rdata: b\r\rdata\r\r:\r\rdata: c\r\r:last\r\n\r\n",
    b"\xef\xbb\xbfdata: first\n\ndata: \xef\xbb\xbf\xc3\xa9\n\n:\n\n",
    b"data:a\ndata:  b\ndata:\n\ndatax: no\n: data: no\ndata : no\n\ndata: mixed\r\n\n:\n\n",
    b"\n\n\r\n\r\ndata: a\n\n\n\n\ndata: b\r\n\r\n:\n\n",
]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_split_anywhere_yields_the_same_events(stream: bytes) -> None:
    whole = _told(_read(stream))
    assert whole == _reference(stream)
    for place in range(len(stream) + 1):
        assert _told(_read(stream[:place], stream[place:])) == whole, place
    assert _told(_read(*(bytes([byte]) for byte in stream))) == whole


FIELDS = st.sampled_from(["data: x", "data", "data:", 'data: {"a":1}', "event: m", "id: 1", ":c", "retry: 5", "", "é"])


@given(st.lists(st.tuples(FIELDS, st.sampled_from(ENDS)), max_size=12), st.lists(st.integers(0, 150), max_size=6))
def test_any_chunking_gives_the_events_of_the_standard(lines: list[tuple[str, str]], cuts: list[int]) -> None:
    # A comment at the end settles whether a last CR was half of a CRLF.
    stream = "".join(line + end for line, end in lines).encode() + b":\n\n"
    places = sorted({0, *cuts, len(stream)})
    chunks = [stream[start:end] for start, end in pairwise(places)]
    assert _told(_read(*chunks)) == _reference(stream)


@given(st.binary(max_size=80) | st.text("\r\n:dat a", max_size=60).map(str.encode), st.integers(0, 80))
def test_what_was_cut_is_the_input_up_to_the_last_blank_line(stream: bytes, cut: int) -> None:
    events = _read(stream[:cut], stream[cut:])
    cut_out = b"".join(event.raw for event in events)
    plain = stream.removeprefix(b"\xef\xbb\xbf")
    assert plain.startswith(cut_out)
    rest = plain[len(cut_out) :]
    # What is left holds no whole event: at most an undecided CR at its very end.
    assert _told(_read(rest)) == []
    assert b"\n\n" not in rest and b"\r\n\r\n" not in rest and b"\r\r" not in rest[:-1]


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_cut_without_complaint(stream: bytes) -> None:
    assert all(isinstance(event.raw, bytes) for event in _read(stream))


def test_an_event_is_passed_on_by_its_own_last_byte() -> None:
    assert [event.data for event in _read(b"data: a\n\n")] == [b"a"]
    assert [event.data for event in _read(b"data: a\r\n\r\n")] == [b"a"]


@pytest.mark.parametrize("marks", [1, 2, 3, 50])
def test_no_byte_order_mark_stays_before_an_event(marks: int) -> None:
    # A client takes one off at the beginning of what reaches it, and any event may become the first that does.
    bom = b"\xef\xbb\xbf" * marks
    for before in (b"", b"data: a\n\n", b": ping\n", b"id: 1\n\n"):
        for chunks in ([before + bom + b"data: b\n\n"], [before + bom[:2], bom[2:] + b"data: b\n\n"]):
            last = _read(*chunks)[-1]
            assert (last.raw, last.data) == (b"data: b\n\n", b"b")


@pytest.mark.parametrize("field", [b"data", b"data: \xef\xbb\xbf", b"x: \xef\xbb\xbf\ndata: b"])
def test_a_byte_order_mark_inside_an_event_goes_on_as_it_is(field: bytes) -> None:
    assert [event.raw for event in _read(field + b"\n\n")] == [field + b"\n\n"]


def test_an_event_that_ends_in_a_bare_cr_waits_for_nothing() -> None:
    reader = EventReader(LIMIT)
    assert [event.raw for event in reader.feed(b"data: a\r\r")] == [b"data: a\r\r"]
    # Half of a CRLF after all: an empty line of its own to every client.
    assert [(event.raw, event.data) for event in reader.feed(b"\ndata: b\n\n")] == [
        (b"\n", None),
        (b"data: b\n\n", b"b"),
    ]


@pytest.mark.parametrize("end", ENDS)
def test_a_comment_is_passed_on_with_its_own_line_and_counts_nowhere(end: str) -> None:
    reader = EventReader(50)
    for _ in range(20):
        assert [event.raw for event in reader.feed(f": ping{end}".encode())] == [f": ping{end}".encode()]
    assert [event.data for event in reader.feed(b": pi")] == []
    assert [event.raw for event in reader.feed(f"ng{end}".encode())] == [f": ping{end}".encode()]
    assert [event.data for event in reader.feed(b"data: a\n\n")] == [b"a"]


def test_events_without_data_in_a_row_come_as_one() -> None:
    stream = b": a\n\nid: 1\n\nretry: 5\r\n\r\n\n\n:b\rfoo\r\r" * 1000
    assert [event.raw for event in _read(stream)] == [stream]


@pytest.mark.parametrize(
    ("raw", "data", "name"),
    [
        (b"data: a\n\n", b"a", ""),
        (b"data:a\n\n", b"a", ""),
        (b"data:  a\n\n", b" a", ""),
        (b"data: a: b\n\n", b"a: b", ""),
        (b"data\n\n", b"", ""),
        (b"data:\ndata:\n\n", b"\n", ""),
        (b"data: a\ndata: b\n\n", b"a\nb", ""),
        (b": a\n\n", None, ""),
        (b"id: 1\nretry: 2\n\n", None, ""),
        (b"event: endpoint\ndata: /m\n\n", b"/m", "endpoint"),
        (b"event: a\nevent: b\n\n", None, "b"),
        (b"event: a\nevent:\ndata: x\n\n", b"x", ""),
        (b"Data: a\n\n", None, ""),
        (b" data: a\n\n", None, ""),
        (b"event: \xff\ndata: x\n\n", b"x", "\ufffd"),
    ],
)
def test_fields_are_read_as_the_standard_says(raw: bytes, data: bytes | None, name: str) -> None:
    assert read_event(raw) == Event(raw, data, name)


@pytest.mark.parametrize("chunks", [1, 2, 7])
def test_an_event_at_the_cap_passes_and_one_byte_more_does_not(chunks: int) -> None:
    event = b"data: " + b"x" * 100 + b"\n\n"

    def pieces(raw: bytes) -> list[bytes]:
        size = -(-len(raw) // chunks)
        return [raw[start : start + size] for start in range(0, len(raw), size)]

    assert [found.raw for found in _read(*pieces(event), limit=len(event))] == [event]
    over = _read(*pieces(event), b"data: after\n\n", limit=len(event) - 1)
    assert over[0].part is Part.HEAD
    assert {found.part for found in over[1:-2]} <= {Part.REST} and over[-2].part is Part.END
    assert all(found.data is None for found in over[:-1])
    # All of it is accounted for, and what comes after is an event again.
    assert b"".join(found.raw for found in over[:-1]) == event and over[-1].data == b"after"


@pytest.mark.parametrize("line", [b"data: x\n", b"id: 1\n", b"data: ", b"\r\ndata: x"])
def test_an_event_without_an_end_cannot_fill_the_memory(line: bytes) -> None:
    reader = EventReader(1000)
    parts = [event.part for _ in range(100) for event in reader.feed(line * 10)]
    assert len(reader._held) <= 1000
    assert Part.HEAD in parts and reader.within


@given(
    st.lists(st.sampled_from([b"data: x\n", b"data: a\r\n", b"\n", b"\r", b"\r\n", b":c\n", b"y" * 30]), max_size=40)
)
def test_pieces_of_events_over_the_cap_add_up_to_the_stream(chunks: list[bytes]) -> None:
    reader = EventReader(20)
    out = b"".join(event.raw for chunk in chunks for event in reader.feed(chunk))
    assert out + bytes(reader._held) == b"".join(chunks)


def test_many_small_events_in_one_large_chunk_are_within_the_cap() -> None:
    assert len(_read(b"data: x\n\n" * 10_000, limit=20)) == 10_000


@pytest.mark.parametrize("end", ENDS)
def test_rewriting_keeps_every_field_but_the_data(end: str) -> None:
    raw = end.join(["id: 7", "event: message", "data: old", "retry: 10", ": note", "data: older", "", ""]).encode()
    again = read_event(with_data(read_event(raw), b'{"new":1}'))
    lines = again.raw.split(b"\n")
    assert lines[:4] == [b"id: 7", b"event: message", b"retry: 10", b": note"]
    assert again.data == b'{"new":1}' and again.name == "message"
    assert b"old" not in again.raw
    assert _read(again.raw) == [again]


@given(st.binary(max_size=40).filter(lambda data: b"\r" not in data))
def test_data_of_any_lines_survives_rewriting(data: bytes) -> None:
    assert read_event(with_data(read_event(b"id: 1\ndata: x\n\n"), data)).data == data


def test_an_event_of_our_own_is_read_back_as_a_message() -> None:
    [event] = _read(message_event(b'{"a":1}'))
    assert (event.name, event.data) == ("message", b'{"a":1}')


@pytest.mark.parametrize(
    ("head", "place"),
    [
        (b"id: 7\nevent: message\ndata: x", b"id: 7\n"),
        (b"event: message\r\nid:7\r\ndata: x", b"id:7\n"),
        (b"event: message\ndata: x\nid: 7", b""),
        (b"data: x", b""),
        (b"", b""),
    ],
)
def test_the_place_of_an_event_is_the_id_before_its_data(head: bytes, place: bytes) -> None:
    assert place_of(head) == place
    assert read_event(message_event(b"{}", place)).data == b"{}"
