"""What a text may turn into before it is used as a path: percent escapes taken off, look-alike signs folded. Pure.

Wider than any single server: whoever decodes twice, folds full-width signs or accepts overlong UTF-8 is covered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from smcp_security.decoding import Budget, in_utf8, without_backslashes, without_percent

ROUNDS: Final = 5
"""Escapes within escapes. Servers take off one or two layers; a text with more than this is not looked into."""

_OUTPUT: Final = 400_000
"""What slow escapes (`%uXXXX`) may cost a text, as `decoding.Budget` counts."""

_FOLDED: Final = {
    "\u2024": ".", "\u2025": "..", "\u2026": "...", "\u3002": ".", "\ufe19": "...", "\ufe30": "..", "\ufe52": ".",
    "\uff0e": ".", "\uff61": ".", "\u2044": "/", "\u2215": "/", "\uff0f": "/", "\u2100": "a/c", "\u2101": "a/s",
    "\u2105": "c/o", "\u2106": "c/u", "\u2216": "\\", "\ufe68": "\\", "\uff3c": "\\",
    "\ufe13": ":", "\ufe55": ":", "\uff1a": ":", "\uff5e": "~",
    # What IIS makes of two code points of nobody's.
    "\uf025": "/", "\uefc8": "\\",
}  # fmt: skip
"""Signs that NFKC, or a Windows code page, turns into those that paths are made of."""

_UNSEEN: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x180B, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E),
    (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xE0000, 0xE007F), (0xE0100, 0xE01EF),
)  # fmt: skip
_FOLD: Final[dict[int, str | None]] = {
    **{code: None for first, last in _UNSEEN for code in range(first, last + 1)},
    **{ord(sign): plain for sign, plain in _FOLDED.items()},
}

_WIDE_PERCENT: Final = (b"\xef\xbc\x85", b"\xef\xb9\xaa")
# The last two are backslashes in the code pages of Japanese and Korean.
_BACKSLASHES: Final = ("\\", "\xa5", "\u20a9")
_CODE_POINT_ESCAPE: Final = re.compile("%[uU][0-9A-Fa-f]{4}", re.ASCII)


def _overlong() -> tuple[tuple[bytes, bytes], ...]:
    """Forms of `.`, `/` and `\\` that are longer than UTF-8 allows, with the second byte as sloppy decoders take it."""
    forms = []
    for sign in b"./\\":
        lead, rest = 0xC0 | sign >> 6, sign & 0x3F
        forms += [bytes((lead, high | rest)) for high in (0x00, 0x40, 0x80, 0xC0)]
        tail = bytes((0x80 | sign >> 6, 0x80 | rest))
        forms += [b"\xe0" + tail, b"\xf0\x80" + tail, b"\xf8\x80\x80" + tail, b"\xfc\x80\x80\x80" + tail]
    plain = [bytes((sign,)) for sign in b"./\\" for _ in range(8)]
    return tuple(zip(forms, plain, strict=True))


_OVERLONG: Final = _overlong()


@dataclass(frozen=True, slots=True)
class Spellings:
    """The readings of a text, itself first, look-alikes folded. `layers` are the same before folding.

    `valid` is False where escapes stand for what is no UTF-8, `bounded` where there were more layers than are read.
    """

    layers: tuple[str, ...]
    forms: tuple[str, ...]
    valid: bool = True
    bounded: bool = True


def spellings(text: str) -> Spellings:
    """All readings of `text`. Linear in its length."""
    if "%" not in text and text.isascii():
        return Spellings((text,), (text,))
    layers, valid, bounded = [text], _CODE_POINT_ESCAPE.search(text) is None, True
    budget = Budget(_OUTPUT)
    data = _one_percent(in_utf8(text))
    for step in range(ROUNDS + 1):
        following = _one_percent(without_percent(data, budget))
        if following == data or budget.spent:
            break
        if step == ROUNDS:
            bounded = False
            break
        data = following
        found = _texts_of(data)
        layers += found
        valid = valid and len(found) == 1
    forms = dict.fromkeys((text, *map(folded, layers)))
    return Spellings(tuple(layers), tuple(forms), valid, bounded and not budget.spent)


def folded(text: str) -> str:
    """The text with look-alikes of the signs that paths are made of in their plain form, and nothing unseen."""
    return text if text.isascii() else text.translate(_FOLD)


def climbs(text: str) -> bool:
    """Whether a path, in any decoding, leaves the place it starts from; an absolute one, by going back to its root.

    `a/../b`, `...` and `v1..v2` do not.
    """
    found = spellings(text)
    if not found.bounded or any(map(_climbs, found.forms)):
        return True
    if "\\u" not in text and "\\x" not in text:
        return False
    budget = Budget(_OUTPUT)
    escaped = without_backslashes(in_utf8(text), budget).decode("utf-8", "replace")
    return budget.spent or _climbs(folded(escaped))


def is_up(segment: str) -> bool:
    """Whether some reader takes the segment for `..`: blanks fall off on Windows, what follows `;` in Java servers."""
    if not segment.startswith((".", " ", "\t", "\0")):
        return False
    bare = segment.partition(";")[0]
    dots = bare.replace(" ", "").replace("\t", "").replace("\0", "")
    return dots == ".." or (dots != bare and len(dots) >= 2 and not dots.strip("."))


def _one_percent(data: bytes) -> bytes:
    for wide in _WIDE_PERCENT:
        data = data.replace(wide, b"%")
    return data


def _texts_of(data: bytes) -> list[str]:
    """The text; what is no UTF-8 has several, as sloppy decoders understand it and as others skip what is wrong."""
    try:
        return [data.decode("utf-8")]
    except UnicodeDecodeError:
        skipped = data.decode("utf-8", "ignore")
        for form, plain in _OVERLONG:
            data = data.replace(form, plain)
        return [data.decode("utf-8", "replace"), skipped]


def has_step_up(path: str) -> bool:
    """Whether any segment of the path is `..` to some reader."""
    path = _slashed(path)
    return ".." in path and any(map(is_up, path.split("/")))


def _climbs(form: str) -> bool:
    path = _slashed(form.strip(" \t\r\n\"'"))
    if ".." not in path:
        return False
    # A filter that takes "../" out once makes "../" of "....//".
    weeded = path.replace("../", "") if ".../" in path else ""
    return _goes_above(path) or (".." in weeded and _goes_above(weeded))


def _slashed(path: str) -> str:
    for sign in _BACKSLASHES if not path.isascii() else _BACKSLASHES[:1]:
        path = path.replace(sign, "/")
    path = path.lower()
    if "0x2" in path or "0x5" in path:
        path = path.replace("0x2e", ".").replace("0x2f", "/").replace("0x5c", "/")
    if "..2f" in path or "..5c" in path:
        # Escapes whose percent sign was taken out on the way.
        path = path.replace("..2f", "../").replace("..5c", "../")
    return path


def _goes_above(path: str) -> bool:
    path = path.removeprefix("file:")
    absolute = path.startswith("/") or path[1:3] == ":/"
    first, slash, _ = path.lstrip("/").partition("/")
    if slash and len(first) > 2 and not first.strip("."):
        # Several steps at once to some; at the end, as in `./...`, it stands for everything below.
        return True
    depth = 0
    for segment in path.split("/"):
        if segment in ("", "."):
            continue
        # Most names begin with neither a dot nor a blank.
        if segment != ".." and (segment[0] > "." or not is_up(segment)):
            depth += 1
            continue
        depth -= 1
        if depth < 0 or (absolute and depth == 0):
            return True
    return False
