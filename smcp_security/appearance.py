"""What a text looks like to its reader: composed, without what shows nothing, look-alikes as the letters they imitate.

Pure. Words in one script are left alone, so that prose in Cyrillic or Greek is neither slowed down nor misread.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from typing import Final

from smcp_security.decoding import Budget, in_utf8, pattern

MARKS_IN_A_ROW: Final = 30
"""Unicode's stream-safe limit (UAX 15, section 13). NFKC is quadratic beyond it: 100 KB of marks took 1.9 s."""

_SLICE: Final = 1024
"""Characters normalised at a time, so that a text that expands under NFKC stops at the budget."""

_EXPANSION: Final = 8
"""What each character that NFKC adds costs, in characters of output."""

_INVISIBLE_RANGES: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE01EF),
)  # fmt: skip
"""Characters that show nothing (Default_Ignorable_Code_Point): between the letters of a word they only hide it."""

_INVISIBLE: Final = {code: None for first, last in _INVISIBLE_RANGES for code in range(first, last + 1)}
_TAGS: Final = {**_INVISIBLE, **{0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}}
"""Tag characters spell ASCII to a language model."""

_FEW: Final = 12
"""Up to so many different signs it is faster to take out each by itself than to look every character up."""


def _class(ranges: Iterable[tuple[int, int]]) -> str:
    return "[" + "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in ranges) + "]"


HIDDEN: Final = pattern(_class(_INVISIBLE_RANGES))
MARKS: Final = pattern(r"[\pM\x{FF9E}\x{FF9F}]" + f"{{{MARKS_IN_A_ROW + 1}}}")
"""Half-width katakana sound marks are letters that NFKC turns into combining marks, so they count."""

_TAG: Final = pattern(_class([(0xE0020, 0xE007E)]))
_ACCENTED: Final = r"[A-Za-z]\pM|(?:[\x{C0}-\x{24F}\x{1E00}-\x{1EFF}][a-z]{0,2}){3}"
"""A mark that no letter composes with, or a word with three accents, which French seldom and disguises often have."""

_MARKS_OF_LATIN: Final = ((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))
_ACCENTED_LATIN: Final = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))

_TYPOGRAPHY: Final = frozenset(
    "\xa2\xa5\xd7\xd8\xf8\u02bb\u02bc\u2010\u2012\u2013\u2018\u2019\u201a\u2032\u2039\u203a\u2043\u2212\u2223"
)
"""Signs and letters that stand in honest text: alone they are no reason to read it another way."""

_OWN_SCRIPTS: Final = (
    "HEBREW",
    "ARABIC",
    "SYRIAC",
    "CJK",
    "KATAKANA",
    "THAI",
    "LAO",
    "BENGALI",
    "DEVANAGARI",
    "GEORGIAN",
)
"""Scripts of which a few letters look like an ASCII sign while nobody takes their words for English."""


class _Lookalikes:
    """The table of look-alikes with its patterns. Made on the first text that is not ASCII, not at start."""

    __slots__ = ("disguised", "other", "table", "telling", "unusual")

    def __init__(self) -> None:
        from smcp_security.confusables import LOOKALIKES

        known = {sign: letter for letter, signs in LOOKALIKES.items() for sign in signs}
        marks = (range(first, last + 1) for first, last in _MARKS_OF_LATIN)
        self.table: dict[int, str | None] = dict.fromkeys(chain.from_iterable(marks))
        self.table |= {code: unicodedata.normalize("NFD", chr(code))[0] for code in _ACCENTED_LATIN}
        self.table |= {ord(sign): letter for sign, letter in known.items()}
        telling = [sign for sign in known if sign not in _TYPOGRAPHY and not _of_own_script(sign)]
        letters = "".join(sign for sign in telling if unicodedata.category(sign)[0] in "LN")
        signs = "".join(sign for sign in telling if unicodedata.category(sign)[0] not in "LN")
        self.disguised = pattern(f"{_ACCENTED}|[A-Za-z0-9][{letters}]|[{letters}][A-Za-z0-9]|[{signs}]")
        self.telling = pattern(f"[{letters}]")
        self.unusual = pattern(f"{_ACCENTED}|[{letters}{signs}]|{_class(_INVISIBLE_RANGES)}")
        self.other = pattern(rf"[^\x00-\x7f{''.join(known)}]")


def _of_own_script(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith(_OWN_SCRIPTS)


@cache
def _lookalikes() -> _Lookalikes:
    return _Lookalikes()


def usual(text: str) -> bool:
    """Whether some texts joined certainly have no other look each: nothing hidden, no marks, no disguise."""
    data = in_utf8(text)
    if any(each.search(data) is not None for each in (_lookalikes().unusual, MARKS)):
        return False
    return unicodedata.is_normalized("NFKC", text)


def disguised(data: bytes) -> bool:
    """Whether a text that is not ASCII, in UTF-8, may read as another: by its marks, by look-alikes that are mixed into
    words, or because it has no other letters than those and ASCII."""
    known = _lookalikes()
    if known.disguised.search(data) is not None:
        return True
    return known.other.search(data) is None and known.telling.search(data) is not None


def appearances(text: str, budget: Budget) -> Iterator[str]:
    """What a text that is not ASCII looks like, the plainest last; nothing if it has no other look.

    The caller has seen to it that no long run of marks is in it.
    """
    if _TAG.search(in_utf8(text)) is not None:
        yield _composed(text.translate(_TAGS), budget)
    shown = visible(text, budget)
    if shown != text:
        yield shown
    if budget.spent or shown.isascii():
        return
    plain = _plain(shown, budget)
    if plain != shown:
        yield plain


def visible(text: str, budget: Budget) -> str:
    """NFKC without the characters that show nothing."""
    if HIDDEN.search(in_utf8(text)) is not None:
        text = _stripped(text)
    return _composed(text, budget)


def marked(text: str) -> bool:
    """Whether more combining marks stand in a row than may be normalised."""
    return len(text) > MARKS_IN_A_ROW and not text.isascii() and MARKS.search(in_utf8(text)) is not None


def _composed(text: str, budget: Budget) -> str:
    pieces: list[str] = []
    for start in range(0, len(text), _SLICE):
        piece = text[start : start + _SLICE]
        pieces.append(unicodedata.normalize("NFKC", piece))
        # Characters that expand are slow to normalise, far beyond their number.
        if not budget.take(_EXPANSION * max(0, len(pieces[-1]) - len(piece))):
            break
    return "".join(pieces)


def _plain(text: str, budget: Budget) -> str:
    """Look-alikes as what they imitate and Latin letters without their marks, where that may be a disguise."""
    return text.translate(_lookalikes().table) if disguised(in_utf8(text)) and budget.take(len(text)) else text


def _stripped(text: str) -> str:
    hidden = _INVISIBLE.keys() & map(ord, set(text))
    if len(hidden) > _FEW:
        return text.translate(_INVISIBLE)
    for code in hidden:
        text = text.replace(chr(code), "")
    return text
