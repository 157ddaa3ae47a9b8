"""`sse.py` under fuzz: any chunks give the same events, a client reads what was judged, and no byte is lost.

The first byte says how many cuts follow and which cap holds; then the places of the cuts; then the stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from smcp_security.sse import Event, EventReader, Part, message_event, read_event, with_data
from tests.fuzz import samples
from tests.fuzz.oracle import expect

LIMITS: Final = (1 << 20, 64, 16, 1)
NEAR: Final = 2
"""The LF of a CRLF that is cut counts for the event before it or for the next: at the very cap that may decide."""

BOM: Final = b"\xef\xbb\xbf"
WORDS: Final = (
    b"data: ", b"data:", b"data", b"event: ", b"event:message", b"id: 1", b"retry: 5", b": ping", b"\n\n", b"\r\n\r\n",
    b"\r\r", b"\r", b"\n", b"\r\n", b"\n\r", BOM, BOM[:2], b"\xe2\x80\xa8", b"\x85", b"\x0b", b"\0", b"\xff",
    b'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n',
)  # fmt: skip

Told = list[tuple[str, bytes]]


def judge(data: bytes) -> None:
    """Read the stream in `data` in one piece and in its chunks, and as a client of what is passed on."""
    first = data[0] if data else 0
    cuts, limit = data[1 : 1 + (first & 7)], LIMITS[first >> 6]
    stream = data[1 + (first & 7) :]
    events = read([stream], len(stream) + 1)
    expect(all(event.part is Part.WHOLE for event in events), "below the cap there are only whole events")
    for event in events:
        if event.data is not None:
            _check_rewriting(event)
    _check_client(events)
    if _unmarked(stream.removeprefix(BOM)):
        _check_bytes(events, stream)
    for chunks in ([stream], _chunks(stream, cuts), [bytes([byte]) for byte in stream]):
        _check_chunks(chunks, limit, events)


def seeds() -> Iterator[bytes]:
    """Streams with every kind of line end, cut in several places."""
    bodies = (body.decode() for body in samples.messages())
    for number, body in enumerate(bodies):
        end = ("\n", "\r\n", "\r")[number % 3]
        event = (
            f"event: message{end}data: {body}{end}{end}: ping{end}{end}id: {number}{end}data: a{end}data: b{end}{end}"
        )
        yield bytes([number % 8, *range(7, 7 + 20 * (number % 8), 20)]) + event.encode()
    yield b"\x00" + BOM + b"data: a\n\n"
    yield b"\x02\x01\x02" + BOM + BOM + b"data: a\r\n\r\n"
    yield b"\x41\x09data: a\rdata: b\r\r\ndata: c\n\r\ndata: " + b"x" * 80 + b"\n\n"


def read(chunks: list[bytes], limit: int) -> list[Event]:
    """The events of a stream."""
    reader = EventReader(limit)
    return [event for chunk in chunks for event in reader.feed(chunk)]


def reference(stream: bytes) -> Told:
    """What a client dispatches, by the letter of WHATWG HTML 9.2.6: (type, data), one sign after the other."""
    told: Told = []
    name, data = "", b""
    for line in _lines(stream.removeprefix(BOM)):
        if not line:
            if data:
                told.append((name, data.removesuffix(b"\n")))
            name, data = "", b""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data += value + b"\n"
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return told


def _lines(stream: bytes) -> Iterator[bytes]:
    """The whole lines of a stream; what has no end yet is none."""
    line = bytearray()
    after_return = False
    for byte in stream:
        if byte == 0x0A and after_return:
            after_return = False
            continue
        after_return = byte == 0x0D
        if byte in (0x0A, 0x0D):
            yield bytes(line)
            line.clear()
        else:
            line.append(byte)


def _chunks(stream: bytes, cuts: bytes) -> list[bytes]:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[start:end] for start, end in pairwise(places)]


def _check_chunks(chunks: list[bytes], limit: int, at_once: list[Event]) -> None:
    """Events without data may come one by one, as one, or in pieces; of the others the cap alone decides."""
    events = read(chunks, limit)
    stream = b"".join(chunks)
    within = _judged([event for event in at_once if len(event.raw) <= limit])
    expect(_among(_judged(events), _judged(at_once)), "no chunks make other events")
    # A comment over the cap takes the event behind it along if it trickles in.
    if not any(len(event.raw) > limit - NEAR and (event.data is None or _near(event, limit)) for event in at_once):
        expect(_judged(events) == within, "in any chunks the same events are judged")
        large = sum(len(event.raw) > limit for event in at_once)
        expect(sum(event.part is Part.HEAD for event in events) >= large, "an event over the cap is told as such")
    if _unmarked(stream):
        expect(stream.startswith(b"".join(event.raw for event in events)), "in any chunks every byte is passed on")
    expect(_in_order(events), "the rest of an event follows its head")


def _unmarked(stream: bytes) -> bool:
    """Whether no line begins with a byte order mark: before an event those are taken off."""
    return not stream.startswith(BOM) and b"\n" + BOM not in stream and b"\r" + BOM not in stream


def _near(event: Event, limit: int) -> bool:
    return abs(len(event.raw) - limit) <= NEAR


def _among(some: Told, all_of_them: Told) -> bool:
    """Whether the first are among the second, in their order."""
    rest = iter(all_of_them)
    return all(told in rest for told in some)


def _in_order(events: list[Event]) -> bool:
    return all(
        event.part is not Part.REST or before.part in (Part.HEAD, Part.REST)
        for before, event in pairwise([Event(b"", None), *events])
    )


def _check_bytes(events: list[Event], stream: bytes) -> None:
    """For a stream with a byte order mark nowhere but at its beginning, where the standard takes it off."""
    passed, plain = b"".join(event.raw for event in events), stream.removeprefix(BOM)
    expect(plain.startswith(passed), "what is passed on is what came, byte for byte")
    expect(not reference(plain[len(passed) :]), "what is left over at the end is no event")
    expect(_judged(events) == reference(stream), "what was judged is what the server said")


def _judged(events: list[Event]) -> Told:
    return [(event.name, event.data) for event in events if event.data is not None]


def _check_client(events: list[Event]) -> None:
    """Whatever is dropped from the beginning, a client dispatches nothing that was not judged."""
    for number in range(min(len(events), 4)):
        sent = b"".join(event.raw for event in events[number:])
        expect(reference(sent) == _judged(events[number:]), "a client reads what was judged")


def _check_rewriting(event: Event) -> None:
    expect(read_event(event.raw) == event, "an event is read alike a second time")
    data = b'{"jsonrpc":"2.0","id":1}'
    expect(reference(with_data(event, data)) == [(event.name, data)], "a rewritten event has the new data alone")
    beside = message_event(data) + event.raw
    expect(reference(beside)[:1] == [("message", data)], "an event of our own before it is read")
