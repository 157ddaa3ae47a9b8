"""The tables of hostile traffic, in the order of the document."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tests.real.hostile import addresses, bodies, eras, fields, framing, payloads
from tests.real.hostile.row import Row


@dataclass(frozen=True)
class Group:
    """Rows of one kind under one heading."""

    title: str
    rows: tuple[Row, ...]


def _group(title: str, *makers: Callable[[], Iterable[Row]]) -> Group:
    return Group(title, tuple(row for make in makers for row in make()))


REQUESTS: Final = (
    _group("Chunked bodies", framing.chunks),
    _group("Content lengths", framing.lengths),
    _group("Header lines", framing.lines),
    _group("Versions of HTTP", framing.versions),
    _group("Host", addresses.hosts),
    _group("Origin", addresses.origins),
    _group("Targets and twins of the path", addresses.targets),
    _group("HTTP methods", addresses.methods),
    _group("Routing headers", fields.routing),
    _group("Repeated fields", fields.repeated),
    _group("Content types", fields.types),
    _group("Content codings", fields.codings),
    _group("Encodings of the body", bodies.encodings),
    _group("JSON", bodies.json_texts),
    _group("Envelopes and ids", bodies.envelopes),
    _group("Methods and params", bodies.methods),
    _group("The ladders of both eras", eras.ladders),
    _group("Tricks with the eras", eras.downgrades, eras.metas),
    _group("Responses and notifications", eras.answers),
    _group("Attacks in text", payloads.places, payloads.spellings),
)
