"""Characters that nobody sees, and where honest text has them: emoji, scripts that join, right-to-left lines. Pure.

Two looks: one RE2 pass that says whether any stands where honest text has none, and the strict patterns that take out
what does. The first may suspect too much, never too little.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, TypeAlias

from smcp_security.decoding import in_utf8, pattern

Ranges: TypeAlias = tuple[tuple[int, int], ...]

_JOINING: Final[Ranges] = (
    (0x600, 0x61B), (0x61D, 0x7FF), (0x840, 0x8FF), (0x900, 0xDFF), (0xF00, 0x109F), (0x1780, 0x17B3),
    (0x17B6, 0x180A), (0x1810, 0x18AF), (0x1A20, 0x1AAF), (0x1B00, 0x1C4F), (0x1CD0, 0x1CFF), (0xA800, 0xA8FF),
    (0xA900, 0xA9FF), (0xAA60, 0xAAFF), (0xABC0, 0xABFF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC), (0x10A00, 0x10FFF),
    (0x11000, 0x11FFF), (0x1E900, 0x1E95F),
)  # fmt: skip
"""Scripts whose letters join: Arabic and its kin, the Indic ones, Mongolian."""

_UNSPACED: Final[Ranges] = (
    (0xE00, 0xEFF), (0xF00, 0x109F), (0x1780, 0x17B3), (0x17B6, 0x17FF), (0x1950, 0x19FF), (0x1A20, 0x1AAF),
    (0x1B00, 0x1BBF), (0x2E80, 0x3163), (0x3165, 0x9FFF), (0xA980, 0xA9DF), (0xAA60, 0xAADF), (0xF900, 0xFAFF),
    (0xFF01, 0xFF9F), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Scripts without blanks between words, where a blank without width says where a line may break."""

_RIGHT_TO_LEFT: Final[Ranges] = (
    (0x590, 0x61B), (0x61D, 0x8FF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFC), (0x10800, 0x10FFF), (0x1E800, 0x1EFFF),
)  # fmt: skip
_PICTURES: Final[Ranges] = (
    (0xA9, 0xA9), (0xAE, 0xAE), (0x203C, 0x203C), (0x2049, 0x2049), (0x20E3, 0x20E3), (0x2122, 0x2122),
    (0x2139, 0x2139), (0x2190, 0x21FF), (0x2300, 0x23FF), (0x2460, 0x24FF), (0x25A0, 0x27BF), (0x2900, 0x297F),
    (0x2B00, 0x2BFF), (0x3030, 0x303D), (0x3297, 0x3299), (0x1F000, 0x1FAFF),
)  # fmt: skip
_IDEOGRAPHS: Final[Ranges] = (
    (0x2E80, 0x2FFF),
    (0x3005, 0x3007),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_JAMO: Final[Ranges] = ((0x1100, 0x115E), (0x1161, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))
_KHMER: Final[Ranges] = ((0x1780, 0x17B3), (0x17B6, 0x17FF))
_MONGOLIAN: Final[Ranges] = ((0x1800, 0x180A), (0x1810, 0x18AF))
_LETTERS: Final[Ranges] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_PLAIN: Final[Ranges] = ((0x0, 0x22), (0x24, 0x29), (0x2B, 0x2F), (0x3A, 0x7F))
"""ASCII that no picture is made of; digits, # and * are, of keycaps."""

_TAGS: Final[Ranges] = ((0xE0000, 0xE007F),)
_NEVER: Final[Ranges] = (
    (0x2060, 0x2065), (0x206A, 0x206F), (0x3164, 0x3164), (0xFFA0, 0xFFA0),
    (0xFDD1, 0xFDEF), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0080, 0xE00FF),
)  # fmt: skip
"""What no text needs: overrides of direction, word joiners, invisible operators, fillers that look like blanks, and
what Unicode keeps for the insides of programs."""

_OVERRIDES: Final[Ranges] = ((0x202D, 0x202E),)
_UNUSED_VARIANTS: Final[Ranges] = ((0xFE03, 0xFE0D),)
_TURNS: Final[Ranges] = ((0x202A, 0x202C), (0x2066, 0x2069))
_MARKS: Final[Ranges] = ((0x61C, 0x61C), (0x200E, 0x200F))
_AS_TEXT: Final[Ranges] = ((0xFE0E, 0xFE0E),)
_AS_PICTURE: Final[Ranges] = ((0xFE0F, 0xFE0F),)
_VARIANTS: Final[Ranges] = ((0xFE00, 0xFE02),)
_NAMED_VARIANTS: Final[Ranges] = ((0xE0100, 0xE01EF),)
_JOINER: Final[Ranges] = ((0x200D, 0x200D),)
_SOFT: Final[Ranges] = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200C),
    (0xFEFF, 0xFEFF),
)  # fmt: skip
_NOT_IN_PICTURES: Final[Ranges] = (
    *_NEVER, *_OVERRIDES, *_UNUSED_VARIANTS, *_TURNS, *_MARKS, *_AS_TEXT, *_VARIANTS, *_NAMED_VARIANTS, *_SOFT,
)  # fmt: skip
_UNSEEN: Final[Ranges] = (*_NOT_IN_PICTURES, *_AS_PICTURE, *_JOINER)
"""All of them but tags, which flags have in a row. The rest stands alone in honest text, in pictures also in twos."""

_FLAGS: Final = tuple(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(sign)) for sign in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
)
"""England, Scotland and Wales: no other flag of tags is drawn anywhere."""

TAGS: Final = "tag characters"
DIRECTIONS: Final = "direction controls"
SELECTORS: Final = "variation selectors"
ZERO_WIDTH: Final = "characters without width"

RESERVED: Final = "\ufdd0"
BOUNDARY: Final = f"\n{RESERVED}\n"
"""Between texts that are judged at once, and before the first: `RESERVED` is taken out of texts before that."""

_RIGHT_TO_LEFT_LINES: Final = 20_000
"""Lines looked at for letters that run to the left; each costs half a microsecond."""

_PIECES: Final = 500
"""Stretches of such lines that are judged apart from the others."""


def _re2(*groups: Ranges) -> str:
    return "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for ranges in groups for first, last in ranges)


def _re(*groups: Ranges) -> str:
    return "".join(rf"\U{first:08x}-\U{last:08x}" for ranges in groups for first, last in ranges)


SUSPICIOUS: Final = "|".join((
    rf"[{_re2(_TAGS, _NEVER, _OVERRIDES, _UNUSED_VARIANTS, _TURNS)}\x{{FDD0}}]",
    rf"[{_re2(_NOT_IN_PICTURES, _JOINER)}][{_re2(_UNSEEN)}]",
    rf"\x{{FE0F}}[{_re2(_NOT_IN_PICTURES, _AS_PICTURE)}]",
    rf"[^{_re2(_JOINING, _PICTURES, _AS_PICTURE)}]\x{{200D}}",
    rf"[{_re2(_PICTURES, _AS_PICTURE)}]\x{{200D}}[^{_re2(_PICTURES)}]",
    rf"[^{_re2(_JOINING)}]\x{{200C}}",
    rf"[^{_re2(_UNSPACED)}]\x{{200B}}",
    rf"[{_re2(_PLAIN)}][{_re2(_AS_TEXT, _AS_PICTURE)}]",
    rf"[\x00-\x{{7F}}][{_re2(_VARIANTS)}\x{{34F}}]",
    rf"[^{_re2(_IDEOGRAPHS)}][{_re2(_NAMED_VARIANTS)}]",
    rf"[{_re2(_LETTERS)}][{_re2(_MARKS)}][{_re2(_LETTERS)}]",
    r"[\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}]",
    # A text starts behind a quote in JSON, and behind a line break and a NUL among joined texts.
    r'[^"\n]\x{FEFF}|[^\x00]\n\x{FEFF}|\\"\x{FEFF}',
))  # fmt: skip
"""RE2 pattern, for texts in JSON and for joined ones: no match where all stands as in honest text."""

_DIRECTED: Final = pattern(f"[{_re2(_TURNS, _MARKS)}]")


class _Step:
    """One thing to take out: what it is counted as, and what stays of it. `there`: RE2 for texts that may hold it."""

    __slots__ = ("expression", "kind", "stays", "there")

    def __init__(self, kind: str, there: Ranges, expression: str, stays: str = "") -> None:
        self.kind, self.stays = kind, stays
        self.there, self.expression = pattern(f"[{_re2(there)}]"), re.compile(expression)


def _lone(signs: str, before: str, behind: str = "") -> str:
    """Each of some signs, where what is before it and behind it lets it go."""
    # The sign comes first, so that the search runs from one to the next.
    return "|".join(f"{sign}{before.replace('@', sign)}{behind}" for sign in signs)


_ALONE: Final = "|".join((
    rf"\u200d(?:(?<![{_re(_JOINING, _PICTURES, _AS_PICTURE)}]\u200d)"
    rf"|(?<=[{_re(_PICTURES, _AS_PICTURE)}]\u200d)(?![{_re(_PICTURES)}]))",
    _lone("\u200c", f"(?<![{_re(_JOINING)}]@)"),
    _lone("\u200b", f"(?<![{_re(_UNSPACED)}]@)", f"(?![{_re(_UNSPACED)}])"),
    _lone("\u034f", r"(?<=[\x00-\x7f]@)"),
    _lone("\u115f\u1160", f"(?<![{_re(_JAMO)}]@)", f"(?![{_re(_JAMO)}])"),
    _lone("\u17b4\u17b5", f"(?<![{_re(_KHMER)}]@)"),
    _lone("\u180b\u180c\u180d\u180e\u180f", f"(?<![{_re(_MONGOLIAN)}]@)"),
    # Only where a text starts: what stands before each that is judged.
    _lone("\ufeff", r"(?<!\ufdd0\n@)"),
))  # fmt: skip


class _Strict:
    """What takes out exactly what stands where honest text has none. Made when the first text needs it.

    Steps run in their order: what an earlier one took out stands between nothing any more.
    """

    __slots__ = ("alone", "first", "left", "runs", "runs_to_the_left")

    def __init__(self) -> None:
        unseen, turns, looks = _re(_UNSEEN), _re(_TURNS, _MARKS), _re(_AS_TEXT, _AS_PICTURE)
        variants, named, marks = _re(_VARIANTS), _re(_NAMED_VARIANTS), _re(_MARKS)
        pair, letters = rf"\u200d[{_re(_PICTURES)}]", _re(_LETTERS)
        selectors = (*_VARIANTS, *_AS_TEXT, *_AS_PICTURE, *_NAMED_VARIANTS)
        self.left = re.compile(f"[{_re(_RIGHT_TO_LEFT)}]")
        self.first = (
            *(
                _Step(kind, ranges, f"[{_re(ranges)}][{_re(ranges)}]*")
                for kind, ranges in (
                    (TAGS, _TAGS), (DIRECTIONS, _OVERRIDES), (SELECTORS, _UNUSED_VARIANTS), (ZERO_WIDTH, _NEVER),
                )
            ),
            _Step(SELECTORS, selectors, f"[{_re(selectors)}][{_re(selectors)}]+"),
        )  # fmt: skip
        self.runs = (
            _Step(DIRECTIONS, _TURNS, f"[{_re(_TURNS)}][{_re(_TURNS)}]*"),
            _Step(ZERO_WIDTH, _UNSEEN, rf"[{unseen}](?<!\ufe0f(?={pair}))[{unseen}]+"),
        )
        self.runs_to_the_left = (
            _Step(
                ZERO_WIDTH, _UNSEEN, rf"(\ufe0f(?={pair})\u200d|[{turns}]{{2,3}}(?![{unseen}]))|[{unseen}]{{2,}}", r"\1"
            ),
        )
        self.alone = (
            _Step(SELECTORS, (*_AS_TEXT, *_AS_PICTURE), f"[{looks}](?<=[{_re(_PLAIN)}][{looks}])"),
            _Step(SELECTORS, _VARIANTS, rf"[{variants}](?<=[\x00-\x7f][{variants}])"),
            _Step(SELECTORS, _NAMED_VARIANTS, f"[{named}](?<![{_re(_IDEOGRAPHS)}][{named}])"),
            _Step(DIRECTIONS, _MARKS, f"[{marks}](?<=[{letters}][{marks}])(?=[{letters}])"),
            _Step(ZERO_WIDTH, (*_SOFT, *_JOINER), _ALONE),
        )


@cache
def _strict() -> _Strict:
    return _Strict()


def runs_to_the_left(text: str) -> bool:
    """Whether there are letters in a text that are written from right to left."""
    return _strict().left.search(text) is not None


def visible(text: str, counts: Counter[str]) -> str:
    """The text without the characters that nobody sees and honest text has no use for; `counts` grows by their kinds.

    `BOUNDARY` stands before each of several texts that are judged at once. The same text comes back if there are none.
    Doing it twice changes nothing more.
    """
    strict = _strict()
    for place, flag in enumerate(_FLAGS):
        text = text.replace(flag, f"{RESERVED}{place}")
    text = _after(strict.first, text, counts)
    for place, flag in enumerate(_FLAGS):
        text = text.replace(f"{RESERVED}{place}", flag)
    if _DIRECTED.search(in_utf8(text)) is None:
        text = _after(strict.runs, text, counts)
    else:
        pieces = _pieces(text, strict.left)
        text = "".join(
            _after(strict.runs_to_the_left if left else strict.runs, piece, counts) for piece, left in pieces
        )
    return _after(strict.alone, text, counts)


def _after(steps: Iterable[_Step], text: str, counts: Counter[str]) -> str:
    data = in_utf8(text)
    for step in steps:
        if step.there.search(data) is None:
            continue
        left = step.expression.sub(step.stays, text)
        if len(left) != len(text):
            counts[step.kind] += len(text) - len(left)
            text, data = left, in_utf8(left)
    return text


def _pieces(text: str, left: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    """The text in stretches of lines: those with letters that run to the left, and the others."""
    start, end, lines, stretches = 0, 0, 0, 0
    while lines < _RIGHT_TO_LEFT_LINES and stretches < _PIECES:
        found = left.search(text, end)
        if found is None:
            break
        lines += 1
        begin = text.rfind("\n", end, found.start()) + 1 or end
        if begin > end:
            stretches += 1
            yield text[start:end], True
            yield text[end:begin], False
            start = begin
        end = text.find("\n", found.end()) + 1 or len(text)
    yield text[start:end], True
    yield text[end:], False
