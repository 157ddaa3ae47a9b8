"""One change of a definition in words, and what is noticed in any text that changed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from smcp_security.codes import Severity
from smcp_security.pins.canonical import canonical
from smcp_security.pins.escapes import is_hidden, shown

_EXCERPT: Final = 160
# Of a change more is shown, with so much around it.
_CHANGED: Final = 400
_AROUND: Final = 24
_LINK: Final = re.compile(r"\b(?:https?|ftp|wss?)://([^\s/\"'`<>()\[\]{}\\]{1,253})", re.IGNORECASE)


class Change(msgspec.Struct, frozen=True):
    """How risky a change is, what it is in one sentence, and the two sides of it as far as a reader needs them."""

    risk: Severity
    what: str
    before: str = ""
    after: str = ""


def same(one: Any, other: Any) -> bool:
    """Whether two values of definitions are one."""
    return canonical(one) == canonical(other)


def excerpt(value: Any) -> str:
    """A value as it may be printed."""
    return shown(_text(value), _EXCERPT)


def change(risk: Severity, what: str, before: Any, after: Any) -> Change:
    """A change from one value to another, None for one that is not there.

    Long texts are shown from shortly before the place where the two part to shortly behind the one where they meet.
    """
    one, other = _text(before), _text(after)
    if max(len(one), len(other)) <= _EXCERPT:
        return Change(risk, what, shown(one, _EXCERPT), shown(other, _EXCERPT))
    start = max(0, _shared(one, other) - _AROUND)
    end = max(0, _shared(one[start:][::-1], other[start:][::-1]) - _AROUND)
    return Change(risk, what, _part(one, start, len(one) - end), _part(other, start, len(other) - end))


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _part(text: str, start: int, end: int) -> str:
    cut = shown(text[start:end], _CHANGED)
    return f"{'... ' if start else ''}{cut}{' ...' if end < len(text) and not cut.endswith(' ...') else ''}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if type(value) is str else canonical(value).decode()


def text_changes(of: str, before: Any, after: Any, risk: Severity) -> Iterator[Change]:
    """What became of a text that somebody reads; `risk` is that of any change of it. None for a text that is not."""
    if same(before, after):
        return
    if before is None or after is None:
        verb = "added" if before is None else "removed"
        yield change(risk if before is None else Severity.LOW, f"{of} {verb}", before, after)
    else:
        yield change(risk, f"{of} changed", before, after)


def gains(of: str, before: Any, after: Any) -> Iterator[Change]:
    """What a changed value holds that it did not hold before: characters that nobody sees, links to other hosts."""
    one, other = _texts(before), _texts(after)
    more = (character for character in set(other) - set("\n\t\r") if is_hidden(character))
    hidden = [character for character in more if other.count(character) > one.count(character)]
    if hidden:
        listed = ", ".join(f"U+{ord(character):04X}" for character in sorted(hidden)[:8])
        yield Change(Severity.CRITICAL, f"{of} gained characters that nobody sees: {listed}")
    for host in sorted(_hosts(other) - _hosts(one))[:8]:
        yield Change(Severity.HIGH, f"{of} gained a link", after=shown(host, 80))


def _texts(value: Any) -> str:
    """Every text of a value, keys included."""
    if type(value) is dict:
        return "\n".join(f"{key}\n{_texts(member)}" for key, member in value.items())
    if type(value) is list:
        return "\n".join(map(_texts, value))
    return value if type(value) is str else ""


def _hosts(text: str) -> set[str]:
    return {host.lower() for host in _LINK.findall(text)}
