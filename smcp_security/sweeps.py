"""The automata that a scan runs: every pattern of the rules in one pass, with the proof that it ran to the end. Pure.

Patterns here are atoms: short fragments without gaps, because an automaton is linear to run but not free to build
(`a.{0,60}b` cost 300 ms on a hostile 100 KB).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import re2

from smcp_security.decoding import ESCAPES
from smcp_security.errors import RulesError, ScanUnproven
from smcp_security.packed import SIGNALS
from smcp_security.text import SEPARATOR, Joined

SHORT: Final = 1024
"""Bytes up to which one automaton over everything is faster than all of the others; so short a text builds little of
it."""

LONG: Final = 64 * 1024
"""Characters from which a text is scanned apart from the others."""

PACKED: Final = -1
ESCAPED: Final = -2
"""Stand among the numbers of signatures for a text that may be packed into another, and for one with escapes."""

SENTINEL: Final = "\0smcp-scan-reached-the-end"
"""Stands at the end of every text that is scanned."""

TEXT_START: Final = "\0\n"
TEXT_START_ATOM: Final = r"\x00\n"
"""What stands before every text, plain and as a pattern: an atom behind it counts only where a text starts."""

_PARTS: Final[Mapping[str, str]] = {
    "command": "shell",
    "sql": "quotes",
    "nosql": "quotes",
    "ldap": "quotes",
    "html": "markup",
    "template": "braces",
    "prompt": "braces",
    "poisoning": "words",
    "deserialisation": "braces",
    "path": "places",
    "ssrf": "places",
    "secret": "tokens",
    "unicode": "marks",
    "control": "marks",
}
"""Which automaton the atoms of a category go into, but for those that begin with a word or a line."""

_PARTS_OF_WORDS: Final[Mapping[str, str]] = {
    "html": "code",
    "deserialisation": "code",
    "path": "places",
    "ssrf": "places",
}
"""And those, where it is not `words`."""

_OF_DIGITS: Final = (r"\b0", r"\b8", r"\baced")
"""How atoms for hex digits begin: like runs of Base64 they need no sign."""

_CLASS: Final = re.compile(r"\[[^\]]*\]|\(\?[-:i]*|\\b")
_SIGN_OF_TOKENS: Final = re.compile(r"[_~$:/=-]|\\\.")
"""Most tokens of services have a sign in them; the others go with what looks for runs."""

_DOT: Final = "."
"""Needed means here: a dot that is not the end."""

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "words": (),
    "packed": (),
    "places": (*tuple("/:\\%~@=["), _DOT, "0x", "0X", "017700000001", "2852039166", "2130706433", "3232235521"),
    "code": (*tuple(":=([<`>/+&\\\"'),;"), "%3", "%253", "__", "IQ-", "onerror"),
    "tokens": tuple("_-~$:/=."),
    "quotes": tuple("'\"`;()[]{}=|@&$<>%*"),
    "shell": tuple(";&|$`<>{%/(+["),
    "markup": tuple("<{[=#@%!*?_$(`|+\\>,"),
    "braces": tuple("<{[=#@%!*?_$(`|+\\"),
    "marks": (*tuple("\x1b\x08\x7f\r%&"), "\\x", "\\u", "\\/"),
}
"""The automata, and what a text must hold for each: a pass takes 1.4 ns a byte, so three instead of ten matter.

One automaton over everything takes one pass, but the states of independent atoms multiply: on 100 KB of text that it
has not seen it costs hundreds of milliseconds, these ten together under 30,. They were chosen by measuring which
categories go together; what looks for long runs of letters and digits (`packed`) goes with no other.
"""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One automaton over many atoms. `owners` are the signatures the atoms belong to; the sentinel comes after them.

    `needs`: every text that an atom matches holds one of these, or, if `wide`, is not ASCII; empty: no such list.
    """

    automaton: Any
    owners: tuple[int, ...]
    needs: tuple[str, ...] = ()
    wide: bool = False

    def applies(self, text: str) -> bool:
        """Whether one of its atoms can be in the text."""
        if not self.needs or (self.wide and not text.isascii()):
            return True
        # One character is found a hundred times as fast as two: a piece is looked for only where its first is.
        return any(piece[0] in text and piece in text and (piece != _DOT or _dotted(text)) for piece in self.needs)

    def found(self, data: bytes) -> set[int]:
        """The owners of the atoms in `data`, which ends in the sentinel."""
        matched: list[int] | None = self.automaton.Match(data)
        if not matched or len(self.owners) not in matched:
            raise ScanUnproven("an automaton of the rulebook did not prove that it ran; the message is denied")
        return {self.owners[atom] for atom in matched if atom < len(self.owners)}


class Sweeps:
    """The automata over the atoms of all signatures. Immutable after construction."""

    __slots__ = ("_all", "_parts")

    def __init__(self, atoms: Sequence[tuple[int, str, str]]) -> None:
        """`atoms` are a signature's number, the category of its rule and the atom."""
        parts: dict[str, list[tuple[int, str]]] = {name: [] for name in _NEEDS}
        parts["packed"] += ((PACKED, signal) for signal in SIGNALS)
        parts["marks"] += ((ESCAPED, escape) for escape in ESCAPES)
        for number, category, atom in atoms:
            parts[_part(category, atom)].append((number, atom))
        self._parts = tuple(_sweep(each, _NEEDS[name], name == "marks") for name, each in parts.items() if each)

        every = [atom for each in parts.values() for atom in each]
        # The first short request waits for it, no start does: that each of its atoms compiles, the parts have shown.
        self._all: Callable[[], Sweep] | None = cache(lambda: _sweep(every))

    def only(self, signatures: Set[int]) -> Sweeps:
        """The same automata without those that none of the signatures has an atom in; it may find others too."""
        fewer, wanted = copy(self), signatures | {PACKED, ESCAPED}
        fewer._parts = tuple(part for part in self._parts if not wanted.isdisjoint(part.owners))
        if len(fewer._parts) < len(self._parts):
            # In place of a few it saves 5 us, and many short texts that it has not seen cost four times as much.
            fewer._all = None
        return fewer

    def found(self, joined: Joined) -> set[int]:
        """The signatures with an atom somewhere in the texts, which end in `SENTINEL`.

        RE2 reports a failed scan like one that found nothing: raises `ScanUnproven` if it did not find that end.
        """
        if len(joined.data) <= SHORT and self._all is not None:
            return self._all().found(joined.data)
        found: set[int] = set()
        for text, data in _separated(joined):
            for sweep in self._parts:
                if sweep.applies(text):
                    found |= sweep.found(data)
        return found


def _dotted(text: str) -> bool:
    return text.find(".") < len(text) - 1


def _separated(joined: Joined) -> Iterator[tuple[str, bytes]]:
    """The texts with their bytes, long ones by themselves: a sign in a short one is no reason to scan those."""
    long = [leaf for leaf, text in enumerate(joined.texts) if len(text) >= LONG] if len(joined.text) >= LONG else ()
    if not long:
        yield joined.text, joined.data
        return
    for leaf in long:
        start, end = joined.bounds(leaf)
        yield joined.texts[leaf], joined.data[start - len(SEPARATOR) : end + len(SEPARATOR)] + SENTINEL.encode()
    if len(long) < len(joined.texts):
        rest = Joined([text for text in joined.texts if len(text) < LONG], SENTINEL)
        yield rest.text, rest.data


def options(megabytes: int) -> Any:
    """RE2's options. An automaton that fills its memory starts anew, so traffic of all kinds stays within it."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = megabytes << 20
    return options


_SWEEP_OPTIONS: Final = options(16)


def _part(category: str, atom: str) -> str:
    """The automaton an atom goes into. Fewer would be slow to build, more would be slow to run (see `_NEEDS`)."""
    # An atom that begins beyond ASCII, whatever it is for: only some texts hold that.
    if _PARTS[category] == "marks" or atom.startswith(r"\x{") or not atom.removeprefix("(?:")[0].isascii():
        return "marks"
    if category == "secret":
        return "tokens" if _SIGN_OF_TOKENS.search(_CLASS.sub("", atom)) is not None else "packed"
    if atom[0].isalnum() or atom.startswith((r"\b", TEXT_START_ATOM, "(?m:^)", "(?:(?m:^)")):
        if atom.startswith(_OF_DIGITS) or "(?-i:" in atom:
            return "packed"
        return _part_of_word(category, atom)
    return _PARTS[category]


def _part_of_word(category: str, atom: str) -> str:
    if category == "deserialisation" and r"\n" in atom:
        # The lines of a pickle need no sign at all, and the names of classes none but dots, like those of hosts.
        return "words"
    if category == "deserialisation" and r"\." in atom:
        return "places"
    return _PARTS_OF_WORDS.get(category, "words")


def _sweep(atoms: Sequence[tuple[int, str]], needs: tuple[str, ...] = (), wide: bool = False) -> Sweep:
    automaton = re2.Set.SearchSet(_SWEEP_OPTIONS)
    for _, atom in atoms:
        automaton.Add(atom)
    automaton.Add(re2.escape(SENTINEL))
    try:
        automaton.Compile()
    except re2.error as error:
        raise RulesError("the rules do not fit into one automaton; shorten the patterns") from error
    return Sweep(automaton, tuple(number for number, _ in atoms), needs, wide)
