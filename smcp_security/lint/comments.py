"""`# smcp: ignore[POL201] reason`: what a file says about findings in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Finding, Span
from smcp_security.lint.registry import Rule

# At the beginning of a line or behind a blank, as YAML has it; // in JSON with comments.
_COMMENT: Final = re.compile(
    r"(?:^|(?<=\s))(?:\#|//)[ \t]*smcp:[ \t]*ignore(?P<whole>-file)?(?:[ \t]*\[(?P<names>[^\]]*)\])?(?P<reason>.*)"
)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'')
_ONLY: Final = re.compile(r"\s*(#|//)")

UNIGNORED: Final = frozenset({"POL001", "CFG001", "LCK001"})
"""A file that cannot be used: what no other rule looks at must not be clean for a comment's sake."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """One such comment. `line` is the line that it is about, None for the whole file; without a reason it says
    nothing."""

    span: Span
    names: tuple[str, ...]
    reason: str
    line: int | None


@dataclass(frozen=True)
class Comments:
    """All of a document's, for the rules that look at them. `used` are those that some finding met."""

    document: Document
    ignores: tuple[Ignore, ...]
    used: frozenset[Ignore]
    ran: Mapping[str, Rule]
    known: Mapping[str, Rule]


def ignores_in(document: Document) -> tuple[Ignore, ...]:
    """Every such comment in a document."""
    return tuple(_ignores(document))[::-1] if "smcp:" in document.text else ()


def _ignores(document: Document) -> Iterator[Ignore]:
    following = len(document.starts)
    # From the end, so that the next line that says something is always known.
    for number in range(len(document.starts), 0, -1):
        line = document.line(number)
        found = _ignore(document, number, line, following) if "smcp:" in line else None
        if found is not None:
            yield found
        if line.strip() and not _ONLY.match(line):
            following = number


def _ignore(document: Document, number: int, line: str, following: int) -> Ignore | None:
    # What is quoted is no comment; as many other characters keep the columns.
    bare = _QUOTED.sub(lambda match: "." * len(match.group()), line)
    match = _COMMENT.search(bare)
    if match is None or (match.group().startswith("//") and not document.is_json):
        return None
    names = tuple(name.strip() for name in (match["names"] or "").split(",") if name.strip())
    reason = line[match.start("reason") :].removesuffix("*/").strip(" \t:-")
    about = None if match["whole"] else number if bare[: match.start()].strip() else following
    return Ignore(Span(number, match.start() + 1, number, len(line) + 1), names, reason, about)


def met_by(findings: Iterable[Finding], ignores: Iterable[Ignore]) -> dict[int, list[Ignore]]:
    """For each finding, by its place in the list, the comments that know it."""
    by_line: dict[tuple[int | None, str], list[Ignore]] = {}
    for ignore in ignores:
        for name in ignore.names if ignore.reason else ():
            by_line.setdefault((ignore.line, name), []).append(ignore)
    met: dict[int, list[Ignore]] = {}
    for at, finding in enumerate(findings):
        if finding.code in UNIGNORED:
            continue
        keys = ((line, name) for line in (finding.span.line, None) for name in (finding.code, finding.slug))
        known = [ignore for key in keys for ignore in by_line.get(key, ())]
        if known:
            met[at] = known
    return met
