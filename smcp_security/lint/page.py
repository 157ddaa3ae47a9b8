"""The docstring of a rule as a page: what, why, a bad and a good example, the fix, references. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import cleandoc
from typing import Final

_PART: Final = re.compile(r"^(Why|Bad|Good|Fix|See):[ \t]*", re.MULTILINE)
PARTS: Final = ("Why", "Bad", "Good", "Fix", "See")


@dataclass(frozen=True, slots=True)
class Page:
    """What people read about a rule. `bad` and `good` are whole files."""

    what: str
    why: str
    bad: str
    good: str
    fix: str
    see: tuple[str, ...]


def page_of(docstring: str | None) -> Page:
    """The page that a docstring is.

    Raises:
        ValueError: a part is missing, twice, empty or out of order.
    """
    what, *rest = _PART.split(cleandoc(docstring or ""))
    parts = dict(zip(rest[::2], rest[1::2], strict=True))
    if tuple(rest[::2]) != PARTS or not what.strip() or not all(part.strip() for part in parts.values()):
        raise ValueError(f"expected a sentence, then {', '.join(PARTS)}, each once and in this order")
    return Page(
        what=_joined(what),
        why=_joined(parts["Why"]),
        bad=_example(parts["Bad"]),
        good=_example(parts["Good"]),
        fix=_joined(parts["Fix"]),
        see=tuple(parts["See"].split()),
    )


def _joined(text: str) -> str:
    return " ".join(text.split())


def _example(text: str) -> str:
    return cleandoc("\n" + text).strip("\n") + "\n"
