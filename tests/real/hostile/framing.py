"""How a message is framed on the connection: chunks, lengths, header lines, versions of HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.real.attacks import ADD, MARK
from tests.real.hostile.row import After, Row, Said, garbage, served, spoiled, unfinished
from tests.real.messages import Request

BODY: Final = ADD.body
_OPEN: Final = Request(headers=ADD.headers, length=False)
"""A request without any framing field."""


def framed(*fields: tuple[str, str], body: bytes = BODY) -> bytes:
    """The honest call with framing fields of its own and a body as given."""
    return _OPEN.adding(*fields).raw() + body


def chunked(body: bytes, *fields: tuple[str, str], spelling: str = "chunked") -> bytes:
    """The honest call with a body that is already cut into chunks."""
    return framed(("transfer-encoding", spelling), *fields, body=body)


def chunk(data: bytes, extension: bytes = b"", size: bytes | None = None) -> bytes:
    """One chunk, its size line spelt as wanted."""
    return (b"%x" % len(data) if size is None else size) + extension + b"\r\n" + data + b"\r\n"


END: Final = b"0\r\n\r\n"
WHOLE: Final = chunked(chunk(BODY) + END)


def chunks() -> Iterable[Row]:
    """Chunked bodies of every shape."""
    bytewise = b"".join(chunk(BODY[place : place + 1]) for place in range(len(BODY)))
    yield served("a chunk for every byte", chunked(bytewise + END))
    yield served("chunk extensions", chunked(chunk(BODY, b';a=b;c="; d"') + b"0;last\r\n\r\n"))
    yield served("trailers after the last chunk", chunked(chunk(BODY) + b"0\r\nx-a: b\r\n\r\n"))
    yield served("a routing header repeated as a trailer", chunked(chunk(BODY) + b"0\r\nmcp-name: other\r\n\r\n"))
    yield served("a size with leading zeros", chunked(chunk(BODY, size=b"0000%X" % len(BODY)) + END))
    yield served("the coding in capitals", chunked(chunk(BODY) + END, spelling="Chunked"))
    yield unfinished("the last chunk is missing", chunked(chunk(BODY)), WHOLE)
    yield unfinished("the last chunk has no blank line", chunked(chunk(BODY) + b"0\r\n"), WHOLE)
    yield unfinished("a size beyond the data", chunked(chunk(BODY, size=b"ffff") + END), WHOLE)
    yield garbage("a size below the data", chunked(chunk(BODY, size=b"8") + END), WHOLE)
    for name, size in _BAD_SIZES.items():
        yield garbage(f"a size that is {name}", chunked(chunk(BODY, size=size) + END), WHOLE)
    yield garbage("no line end after the data", chunked(b"%x\r\n%s" % (len(BODY), BODY) + END), WHOLE)
    yield spoiled(
        "chunks and a length", chunked(chunk(BODY) + END, ("content-length", str(len(BODY)))), "SMCP107", WHOLE
    )
    yield spoiled("chunks and a length of zero", chunked(chunk(BODY) + END, ("content-length", "0")), "SMCP107", WHOLE)
    for spelling in (
        "gzip, chunked",
        "chunked, chunked",
        "xchunked",
        "identity",
        "chunked, identity",
        "chunked;q=1",
        "",
    ):
        yield garbage(f"coding {spelling!r}", chunked(chunk(BODY) + END, spelling=spelling), WHOLE)
    twice = framed(("transfer-encoding", "chunked"), ("transfer-encoding", "chunked"), body=chunk(BODY) + END)
    yield garbage("the coding in two fields", twice, WHOLE)


_BAD_SIZES: Final = {
    "negative": b"-5",
    "signed": b"+5",
    "hexadecimal by name": b"0x5",
    "missing": b"",
    "a word": b"five",
    "a number of 21 digits": b"f" * 21,
    "underscored": b"1_0",
    "outside ASCII": "５".encode(),
}


def lengths() -> Iterable[Row]:
    """Content lengths that are absurd, repeated, or not true."""
    size = len(BODY)
    honest = framed(("content-length", str(size)))
    yield served("a length with leading zeros", framed(("content-length", f"000{size}")))
    yield served("the same length twice", framed(("content-length", str(size)), ("content-length", str(size))))
    yield served("the same length twice in one field", framed(("content-length", f"{size}, {size}")))
    yield served("no length and a body of nothing else", _OPEN.carrying(b""), _EMPTY, reaches=0)
    for name, value in _NO_LENGTHS.items():
        yield garbage(f"a length that is {name}", framed(("content-length", value)), honest)
    yield garbage("two lengths that differ", framed(("content-length", str(size)), ("content-length", "4")), honest)
    yield garbage("two lengths that differ in one field", framed(("content-length", f"{size}, 4")), honest)
    for value in ("1048577", "9" * 15, "9" * 20):
        yield spoiled(
            f"a length of {len(value)} digits over the limit",
            framed(("content-length", value)),
            "SMCP104",
            honest,
            after=After.WAITS,
        )
    yield garbage("a length of 5,000 digits", framed(("content-length", "9" * 5000)), honest)
    yield unfinished("a length beyond the body", framed(("content-length", str(size + 1))), honest)
    yield spoiled(
        "a length below the body", framed(("content-length", str(size - 1))), "SMCP114", honest, after=After.CLOSED
    )
    yield spoiled(
        "a length of zero before a body", framed(("content-length", "0")), "SMCP114", honest, after=After.CLOSED
    )


_EMPTY: Final = Said(400, "SMCP114", -32700)
_NO_LENGTHS: Final = {
    "negative": "-1",
    "signed": "+5",
    "a fraction": "5.0",
    "hexadecimal": "0x10",
    "an exponent": "1e3",
    "empty": "",
    "two words": "5 5",
    "underscored": "1_0",
    "outside ASCII": "\xb2",
}


def lines() -> Iterable[Row]:
    """Header lines that readers take differently, and their number and size."""
    one = ADD.raw()
    bare = one.replace(b"\r\n", b"\n")
    first, rest = one.split(b"\r\n", 1)
    yield served("lines that end in LF alone", bare)
    yield garbage("lines that end in CR alone", first + b"\r" + rest, one)
    yield garbage("a blank before the colon", one.replace(b"mcp-name:", b"mcp-name :"), one)
    yield garbage("a field without a name", one.replace(b"mcp-name:", b":"), one)
    yield garbage("a NUL in a value", one.replace(b"mcp-name: add", b"mcp-name: a\0dd"), one)
    yield garbage("a CR in a value", one.replace(b"mcp-name: add", b"mcp-name: add\rx-a: b"), one)
    yield garbage("a colon missing", one.replace(b"mcp-name: add", b"mcp-name add"), one)
    yield garbage("a blank line first of all fields", first + b"\r\n x-a: b\r\n" + rest, one)
    folded = one.replace(b"application/json\r\n", b"application/json\r\n ; charset=utf-16\r\n", 1)
    yield spoiled("a value folded over two lines", folded, "SMCP106", one)
    yield served("blanks and tabs around a value", one.replace(b"mcp-name: add", b"mcp-name:\t  add \t"))
    yield spoiled("201 fields", ADD.adding(*((f"x-{n}", MARK) for n in range(201))), "SMCP103", one)
    yield spoiled("5,000 fields", ADD.adding(*((f"x-{n}", MARK) for n in range(5000))), "SMCP103", one)
    yield spoiled("one field 3,000 times", ADD.adding(*([("cookie", "a=b")] * 3000)), "SMCP103", one)
    yield spoiled("a field of 100 KB", ADD.adding(("x-a", MARK * 10_000)), "SMCP103", ADD.adding(("x-a", "b" * 50_000)))
    yield spoiled("a name of 100 KB", ADD.adding((MARK * 10_000, "a")), "SMCP103", one)
    yield garbage("a head of 1 MiB that goes on", ADD.adding(("x-a", "b" * 2**20)).raw()[: 2**20 + 100], one)


def versions() -> Iterable[Row]:
    """Other versions of HTTP, and what only looks like one."""
    one = ADD.raw()
    old = one.replace(b"HTTP/1.1", b"HTTP/1.0")
    nameless = ADD.named(None).raw()
    yield served("HTTP/1.0", old, after=After.CLOSED)
    yield served(
        "HTTP/1.0 that asks to stay", old.replace(b"\r\n", b"\r\nconnection: keep-alive\r\n", 1), after=After.CLOSED
    )
    yield spoiled("HTTP/1.0 without a Host", nameless.replace(b"1.1", b"1.0"), "SMCP101", old, after=After.CLOSED)
    yield garbage("HTTP/1.1 without a Host", nameless, one)
    yield served("HTTP/1.0 in chunks", WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"), after=After.CLOSED)
    yield garbage("HTTP/0.9", b"GET /mcp\r\n\r\n", one)
    yield served("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Said(404), after=After.CLOSED)
    yield served("HTTP/9.9", one.replace(b"HTTP/1.1", b"HTTP/9.9"))
    yield garbage("the version in small letters", one.replace(b"HTTP/1.1", b"http/1.1"), one)
    yield garbage("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, one)
    yield garbage("JSON without HTTP", BODY + b"\r\n\r\n", one)
    yield served("a body that is expected to be asked for", ADD.adding(("expect", "100-continue")))
    yield spoiled(
        "a foreign Host that waits to be asked for its body",
        ADD.named("attacker.example").adding(("expect", "100-continue")),
        "SMCP101",
        one,
    )
    yield served("an offer to speak HTTP/2", ADD.adding(("connection", "upgrade"), ("upgrade", "h2c")))
