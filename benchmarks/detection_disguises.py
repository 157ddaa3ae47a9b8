"""The same attack in other clothes: what each disguise costs in points of recall.

A disguise changes how a text is written, never what it says to whoever undoes it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from benchmarks.detection_corpus import UNTYPED, Row
from benchmarks.detection_groups import GROUPS, group_of
from benchmarks.detection_judging import engine, judge_as, judge_untyped
from benchmarks.messages import SEED
from benchmarks.samples import markdown

Disguise: TypeAlias = Callable[[str], Any]

ALLOWED: Final = 5.0
"""Points of recall that a disguise may cost."""

SAMPLE: Final = 400
"""Attacks that are dressed, of every group as many."""

_PADDING: Final = 60_000
_DEPTH: Final = 12
_CASE_IS_MEANING: Final = "deserialisation"
"""Serialised data in Base64 is another text, and no attack, with its case changed."""

_A_DISGUISE: Final = "unicode"
"""Hidden signs are a disguise themselves: written otherwise, they hide nothing."""


def _homoglyphs(text: str) -> str:
    return text.translate(_LOOKALIKES)


_LOOKALIKES: Final[Mapping[int, int]] = MappingProxyType({
    ord(plain): other
    for plain, other in {
        "a": 0x0430, "c": 0x0441, "e": 0x0435, "o": 0x043E, "p": 0x0440, "x": 0x0445, "y": 0x0443, "i": 0x0456,
        "s": 0x0455, "j": 0x0458, "A": 0x0410, "E": 0x0415, "O": 0x041E, "P": 0x0420, "C": 0x0421, "T": 0x0422,
        "H": 0x041D, "B": 0x0412, "K": 0x041A, "M": 0x041C, "X": 0x0425, "S": 0x0405, "I": 0x0406,
    }.items()
})  # fmt: skip


def _between_letters(sign: str, text: str) -> str:
    pieces = []
    for place, letter in enumerate(text):
        pieces.append(letter)
        if letter.isalpha() and text[place + 1 : place + 2].isalpha():
            pieces.append(sign)
    return "".join(pieces)


def _tags(text: str) -> str:
    return "hello " + "".join(chr(0xE0000 + ord(letter)) if letter.isascii() else letter for letter in text)


def _full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def _mixed_case(text: str) -> str:
    random = Random(SEED)
    return "".join(random.choice((letter.upper(), letter.lower())) for letter in text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _percent_all(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


def _percent(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _nested(text: str) -> Any:
    value: Any = text
    for _ in range(_DEPTH):
        value = {"part": value}
    return value


def _padded(text: str) -> str:
    words = "the morning report of the harbour team went after a quiet market to the river and the letter "
    return (words * (_PADDING // len(words) + 1))[:_PADDING] + "\n" + text


DISGUISES: Final[Mapping[str, Disguise]] = MappingProxyType({
    "homoglyphs": _homoglyphs,
    "zero-width": partial(_between_letters, "\u200b"),
    "soft hyphen": partial(_between_letters, "\u00ad"),
    "tags": _tags,
    "full width": _full_width,
    "Base64": _base64,
    "Base64 in a sentence": lambda text: f"please see {_base64(text)} for the rest",
    "percent": _percent,
    "percent, every character": _percent_all,
    "percent, twice": lambda text: _percent(_percent(text)),
    "mixed case": _mixed_case,
    "line breaks": lambda text: text.replace(" ", "\n"),
    "as a key": lambda text: {text: 1},
    "in a list": lambda text: ["first", text, "last"],
    "depth 12": _nested,
    "JSON in a string": lambda text: json.dumps({"note": text}),
    "after 60 KB": _padded,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loss:
    """How many of some attacks, all caught plain, were caught in disguise."""

    name: str
    count: int
    caught: int
    by_group: Mapping[str, tuple[int, int]]

    @property
    def points(self) -> float:
        """Points of recall lost."""
        return 100 * (self.count - self.caught) / self.count if self.count else 0.0

    @property
    def worst(self) -> str:
        """The group that lost most, if any lost."""
        losses = {name: count - caught for name, (count, caught) in self.by_group.items() if count > caught}
        most = max(losses, key=lambda name: losses[name] / self.by_group[name][0], default="")
        return f"{most} -{losses[most]} of {self.by_group[most][0]}" if most else ""


def measure(rows: Sequence[Row], level: int, most: int) -> list[Loss]:
    """What each disguise costs on at most `most` attacks, of every group as many."""
    with engine(level) as security:
        chosen = _caught_plain(rows, security, most)
        return [_loss(name, disguise, chosen, security) for name, disguise in DISGUISES.items()]


def report(rows: Sequence[Row], level: int, most: int = SAMPLE) -> tuple[str, object]:
    """The table, and the same facts for a machine."""
    losses = measure(rows, level, most)
    table = [
        [loss.name, str(loss.count), str(loss.caught), f"{loss.points:.1f}{' !' if loss.points > ALLOWED else ''}",
         loss.worst]
        for loss in losses
    ]  # fmt: skip
    head = f"# Disguises at level {level}: points of recall lost by attacks caught plain; {ALLOWED:.0f} allowed"
    text = head + "\n\n" + markdown(("disguise", "attacks", "caught", "lost", "worst group"), table)
    return text, {loss.name: {"attacks": loss.count, "caught": loss.caught, "lost": loss.points} for loss in losses}


def _caught_plain(rows: Sequence[Row], security: Any, most: int) -> list[Row]:
    random = Random(SEED)
    chosen: list[Row] = []
    share = max(1, most // (len(GROUPS) - 1))
    for group in GROUPS:
        if group.name == _A_DISGUISE:
            continue
        of_group = [row for row in rows if group_of(row) is group]
        random.shuffle(of_group)
        caught = [one.row for one in judge_untyped(security, of_group[: 2 * share]) if one.caught(group)]
        chosen += caught[:share]
    return chosen


def _loss(name: str, disguise: Disguise, rows: Sequence[Row], security: Any) -> Loss:
    if name == "mixed case":
        rows = [row for row in rows if _group_name(row) != _CASE_IS_MEANING]
    verdicts = judge_as(security, UNTYPED[0], rows, [disguise(row.text) for row in rows])
    by_group: dict[str, tuple[int, int]] = {}
    for one in verdicts:
        group = group_of(one.row)
        if group is not None:
            count, caught = by_group.get(group.name, (0, 0))
            by_group[group.name] = (count + 1, caught + one.caught(group))
    return Loss(name, len(rows), sum(caught for _, caught in by_group.values()), by_group)


def _group_name(row: Row) -> str:
    group = group_of(row)
    return "" if group is None else group.name
