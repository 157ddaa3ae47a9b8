"""Which characters of a document are a credential: what no report shows. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from smcp_security.errors import ScanUnproven
from smcp_security.lint.document import Document
from smcp_security.policy.places import Path
from smcp_security.redaction.naming import WEAK, says

if TYPE_CHECKING:
    from smcp_security.redaction.redactor import Redactor

MASK: Final = "[secret]"
# What stands for a secret that is somewhere else.
_REFERENCE: Final = re.compile(
    r"(?:(?:bearer|basic|token)\s+)?(?:(?:passphrase:)?(?:env|file|vault):.*|\$\{[^}]+\}|(?-i:\$[A-Z_][A-Z0-9_]*)|\$\(.*|%[a-z_]+%|<[^<>]+>"
    r"|\{\{.*\}\}|x{3,}.*|\*{3,}|your[-_ ].*|change-?me|.*\.\.\.)",
    re.DOTALL | re.IGNORECASE,
)
# Every run is bounded: a line may be a megabyte of what somebody wants a scan to stumble over.
_TELLING: Final = re.compile(
    r"""(?ix)(?:passw|passphrase|secret|token|(?<![\w-])key|[_-]key|apikey|credential|authorization)
    (?!s\b|[\w.-]{0,20}(?:file|path|dir|name)s?\b)[\w.-]{0,40}["']?\s{0,8}[:=]
    \s{0,8}(?:(?:bearer|basic)\s{1,8})?(?P<value>"[^"\r\n]+"|'[^'\r\n]+'|[^\s,}\]#"']+)"""
)
_LEAST: Final = 8
_LEAST_NAMED: Final = 6
_LEAST_WEAK: Final = 12
# Without any of it no rule finds anything: compiling them takes longer than all the rest of a run.
_WORTH: Final = re.compile(
    r"(?i)(?:passw|passphrase|pwd|secret|token|key|credential|auth|login|mnemonic)[\w.-]{0,40}[\"']?\s{0,8}(?:[:=]|is)"
    r"\s{0,8}[\"']?(?!(?:passphrase:)?(?:env|file|vault):)[^\s\"'{\[]{3}"
    r"|bearer |basic |://[^\s/@]{0,200}:[^\s/@]{0,200}@|-----begin"
)
_RUN: Final = re.compile(r"[A-Za-z0-9_+/=-]{16,}")
_DIGIT: Final = re.compile(r"[0-9]")
_LINE_MAX: Final = 4_000
"""Characters of a line that a report may show. The rest of a longer one is not even looked at for it."""


class Secret(NamedTuple):
    """Characters `start` to `end` of a document, what they are, and the path of the value that they are in."""

    start: int
    end: int
    mask: str
    path: Path | None


@cache
def _redactor() -> Redactor:
    # Late, with what it imports: most files hold nothing that looks like a credential.
    from smcp_security.redaction.redactor import Redactor

    return Redactor(("secrets",))


@lru_cache(maxsize=4)
def _found(text: str, leaves: tuple[str, ...], names: tuple[str, ...]) -> tuple[tuple[int, int, int, str], ...] | None:
    """Leaf, start, end and mask of everything; the last leaf is the whole text. None: too much to tell."""
    from smcp_security.redaction.scan import SpanFlood

    try:
        spans = _redactor().find([*leaves, text], [*names, ""])
    except (ScanUnproven, SpanFlood):
        return None
    return tuple((span.leaf, span.start, span.end, span.mask) for span in spans)


def secrets_of(document: Document) -> list[Secret] | None:
    """Every credential in a document, each value once; None if there are more than can be told apart."""
    secrets = {secret.start: secret for secret in _of_clients(document)}
    leaves = [(path, value) for path, value in document.scalars() if _may_be_secret(value)]
    if not _is_worth_it(document.text) and not any(_name(document, path).startswith("-") for path, _ in leaves):
        return sorted(secrets.values())
    names = tuple(_name(document, path).lstrip("-") for path, _ in leaves)
    found = _found(document.text, tuple(value for _, value in leaves), names)
    if found is None:
        return None
    for leaf, _, _, mask in found:
        if leaf < len(leaves):
            begin, stop = _extent(document, leaves[leaf][0])
            secrets.setdefault(begin, Secret(begin, stop, mask, leaves[leaf][0]))
    covered = sorted((secret.start, secret.end) for secret in secrets.values())
    for leaf, start, end, mask in found:
        # What the whole text shows besides: in comments, keys, and what does not parse.
        at = bisect_right(covered, (start, len(document.text))) - 1
        if leaf == len(leaves) and (at < 0 or covered[at][1] <= start):
            secrets.setdefault(start, Secret(start, end, mask, None))
    return sorted(secrets.values(), key=lambda secret: secret.start)


def _of_clients(document: Document) -> list[Secret]:
    """What a client's configuration hands to servers under a name that says what it is, random or not."""
    found = []
    for path, value in document.scalars() if document.kind == "client" else ():
        told = says(_name(document, path).lstrip("-"))
        least = _LEAST_WEAK if told == WEAK else _LEAST_NAMED
        if told and isinstance(value, str) and len(value) >= least and _REFERENCE.fullmatch(value) is None:
            found.append(Secret(*_extent(document, path), f"{told} value" if told == WEAK else told, path))
    return found


def _extent(document: Document, path: Path) -> tuple[int, int]:
    span = document.span(path)
    return document.offset(span.line, span.column), document.offset(span.end_line, span.end_column)


def _hidden_extents(document: Document) -> list[tuple[int, int]] | None:
    """What no report shows: credentials, and whatever stands under a name of one. None: nothing may be shown."""
    secrets = secrets_of(document)
    if secrets is None:
        return None
    extents = {(secret.start, secret.end) for secret in secrets}
    for path, value in document.scalars():
        name = _name(document, path).lstrip("-")
        telling = says(name) or name.lower().endswith("key")
        if telling and isinstance(value, str) and _REFERENCE.fullmatch(value.strip()) is None:
            start, end = _extent(document, path)
            block = document.text[start : start + 1] in ("|", ">")
            extents.add((start, document.following(start)) if block else (start, end))
    return sorted(extents)


def _is_worth_it(text: str) -> bool:
    if _WORTH.search(text) is not None:
        return True
    return any(_DIGIT.search(run.group()) is not None for run in _RUN.finditer(text))


def _may_be_secret(value: object) -> bool:
    return isinstance(value, str) and len(value) >= _LEAST and _REFERENCE.fullmatch(value) is None


def _name(document: Document, path: Path) -> str:
    """The name of the field that a value stands in; of an item of a list, that of the list or the option before it."""
    if path and isinstance(path[-1], int) and path[-1] > 0:
        before = document.at((*path[:-1], path[-1] - 1))
        if isinstance(before, str) and before.startswith("-") and "=" not in before:
            return before
    return next((segment for segment in reversed(path) if isinstance(segment, str)), "")


def shown_lines(document: Document, numbers: Sequence[int]) -> dict[int, str]:
    """Lines of a document as a report may show them: without credentials, and without what a terminal obeys."""
    hidden = _hidden_extents(document)
    shown: dict[int, str] = {}
    for number in numbers:
        start = document.offset(number, 1)
        line = document.line(number)[:_LINE_MAX] if hidden is not None else ""
        for first, last in reversed(hidden or ()):
            begin, end = max(first - start, 0), min(last - start, len(line))
            if begin < end:
                # As long as what it hides, so that carets point at what they mean.
                line = line[:begin] + MASK.ljust(end - begin, "*")[: max(end - begin, 3)] + line[end:]
        shown[number] = printable(_TELLING.sub(_hidden, line))
    return shown


def shown_words(document: Document, told: Sequence[str]) -> list[str]:
    """What is told of a document, without the credentials of it: one may be a key, and so a part of a path."""
    secrets = secrets_of(document) or []
    texts = {document.text[secret.start : secret.end].strip("\"'") for secret in secrets}
    hidden = sorted((text for text in texts if len(text) >= _LEAST), key=len, reverse=True)
    return [_without(each, hidden) for each in told]


def _without(text: str, hidden: Sequence[str]) -> str:
    for each in hidden:
        text = text.replace(each, MASK)
    return text


def _hidden(match: re.Match[str]) -> str:
    value = match["value"]
    bare = value.strip("\"'")
    if (
        len(bare) < 3
        or _REFERENCE.fullmatch(bare) is not None
        or bare[0] in "[{|>"
        or value in ("null", "true", "false")
    ):
        return match.group()
    start, end = match.span("value")
    return (
        match.group()[: start - match.start()]
        + MASK.ljust(end - start, "*")[: end - start]
        + match.group()[end - match.start() :]
    )


def printable(text: str) -> str:
    """`text` on one line, tabs as blanks, and what a terminal would obey or not show as an escape."""
    return "".join(_seen(character) for character in text)


def _seen(character: str) -> str:
    if character == "\t":
        return " "
    return character if character.isprintable() else character.encode("unicode_escape").decode()
