"""Base64 in results: what it says if it is text, and that it is a picture or the like if not. Pure."""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from smcp_security.fields import Fields

FIELDS: Final = ("blob", "data")
"""What the fields are called in which results carry Base64: resources, pictures and sound."""

BINARY: Final = "\0binary"
"""Stands for what no text was packed in."""

LEAST_TEXT: Final = 16
"""Characters of Base64 below which nothing is looked for: a key of a service has more."""

LEAST_CERTAIN: Final = 1024
"""Shorter runs of the alphabet may be a key as they stand: they are looked at as they are too."""

# Pictures, sound, films, archives, documents and fonts, by how they begin. Nothing else passes unread: words without
# punctuation, and lists of keys, are Base64 of noise too.
_BEGINNINGS: Final = (
    b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF", b"II*\0", b"MM\0*", b"\0\0\1\0", b"OggS", b"fLaC",
    b"ID3\2", b"ID3\3", b"ID3\4", b"\x1aE\xdf\xa3", b"%PDF-", b"PK\3\4", b"\x1f\x8b\x08", b"7z\xbc\xaf",
    b"\x28\xb5\x2f\xfd", b"\x7fELF", b"\0asm", b"wOFF", b"wOF2", b"FORM", b"#!AMR",
)  # fmt: skip
_FILM: Final = b"ftyp"  # from the fifth byte on
_NEVER_IN_TEXT: Final = re.compile(r"[\x00-\x06\x10-\x1a\x1c-\x1f\x7f\ufffe\uffff]")
_NOISE: Final = re.compile(rf"{_NEVER_IN_TEXT.pattern}|[\x80-\x9f\ud800-\udfff\ue000-\uf8ff]")
_ASCII: Final = bytes(range(128))
_BREAKS: Final = b"\t\r\n"
_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def unpacked(text: str) -> str | None:
    """The text that was packed, `BINARY` for what is certainly none, None for what is to be read as it stands."""
    # Prose is most of what stands in such fields: a blank says so before anything is decoded.
    if len(text) < LEAST_TEXT or not text.isascii() or " " in text:
        return None
    data = _decoded(text.encode())
    if data is None:
        return None
    try:
        inside = data.decode()
    except UnicodeDecodeError:
        if len(text) >= LEAST_CERTAIN and (data.startswith(_BEGINNINGS) or data[4:8] == _FILM):
            return BINARY
        return _of_windows(data)
    # UTF-16 of plain letters is UTF-8 with a NUL after each.
    return (_of_windows(data) or inside) if "\0" in inside else inside


def is_text(inside: str) -> bool:
    """Whether what was packed is text, which a program may change: sound and archives may be valid UTF-8 as well."""
    return inside.isprintable() or _NEVER_IN_TEXT.search(inside) is None


def _of_windows(data: bytes) -> str | None:
    """The text in the other encodings that files have, UTF-16 and Windows-1252; None if it is in neither."""
    for encoding in _encodings(data):
        try:
            inside = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _NOISE.search(inside) is None:
            return inside
    return None


def _encodings(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if b"\0" in data:
        even, odd = data[::2].count(0), data[1::2].count(0)
        return ("utf-16-le",) if odd > even else ("utf-16-be",)
    # Noise has as many bytes over 127 as under; prose in the languages that this encoding is for has few.
    return ("cp1252",) if len(data) > 8 * len(data.translate(None, _ASCII)) else ()


class Packed:
    """A text that holds another one in Base64, to be masked like JSON in a text (`embedded.Embedded`)."""

    __slots__ = ("_text", "fields")

    def __init__(self, text: str, inside: str) -> None:
        self._text = text
        self.fields = Fields([inside], [""])

    @classmethod
    def of(cls, text: str) -> Packed | None:
        """What a text holds, None if it holds no text in Base64."""
        inside = unpacked(text)
        return None if inside is None or inside is BINARY else cls(text, inside)

    def touched(self, start: int, end: int) -> list[int]:
        """The texts that a span of the whole text touches: there is one."""
        return [0] if start < end else []

    def part(self, index: int, start: int, end: int) -> tuple[int, int]:
        """Which characters of the text a span of the whole text touches: nobody can tell, so all of them."""
        return 0, len(self.fields.texts[index])

    def with_texts(self, texts: Mapping[int, str], between: Iterable[tuple[int, int, str]] = ()) -> str:
        """The text with what is in it exchanged; there is nothing between."""
        return packed(texts[0]) if texts else self._text


def packed(text: str) -> str:
    """A text as Base64."""
    return b64encode(text.encode()).decode()


def _decoded(data: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error:
        pass
    # Readers differ: most take lines, the other alphabet and a missing end too.
    data = data.translate(_SAFE, _BREAKS).rstrip(b"=")
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True)
    except binascii.Error:
        return None
