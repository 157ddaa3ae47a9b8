"""Documents and rules -> findings. Knows no format and no option."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import PurePath
from traceback import extract_tb
from types import TracebackType
from typing import Final

from smcp_security.lint.catalogue import rules
from smcp_security.lint.comments import Comments, ignores_in, met_by
from smcp_security.lint.document import Document, Known
from smcp_security.lint.finding import Finding, Found, LintError, Span, Unreadable
from smcp_security.lint.inputs import Source, beside, read, sources
from smcp_security.lint.registry import Rule
from smcp_security.policy.places import shown_path

# Items of a list move when others come and go.
_INDEX: Final = re.compile(r"\[[0-9]+\]")
_PER_RULE: Final = 200
"""Findings of one rule in one file. More say the same thing again."""


@dataclass(frozen=True)
class Report:
    """What came of a run. `ignored` findings are those that a comment or the baseline knows."""

    findings: tuple[Finding, ...]
    documents: Mapping[str, Document]
    unreadable: tuple[Unreadable, ...]
    ignored: int
    ran: Mapping[str, Rule]


class _Blamed:
    """Says which rule it was that crashed, and on which file; never what the file holds."""

    def __init__(self, rule: Rule, document: Document) -> None:
        self._rule, self._document = rule, document

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception):
            return
        last = extract_tb(trace)[-1]
        raise LintError(
            f"lint: the rule {self._rule.code} {self._rule.slug} crashed on {self._document.name}"
            f" ({type(error).__name__}, {PurePath(last.filename).name}:{last.lineno}), so the file counts as not"
            f" looked at; this is a mistake of smcp-security: report it, and go on with --ignore {self._rule.code}"
        ) from error


def run(
    paths: Sequence[str],
    chosen: Mapping[str, Rule],
    *,
    known: Known | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Look at everything that `paths` name. `progress` is told the number of files after each.

    Raises:
        LintError: a rule crashed.
    """
    findings: list[Finding] = []
    documents: dict[str, Document] = {}
    unreadable: list[Unreadable] = []
    ignored = 0
    for number, source in enumerate(sources(paths), start=1):
        found = source if isinstance(source, Unreadable) else _document(source, known)
        if isinstance(found, Unreadable):
            unreadable.append(found)
        elif found is not None:
            told, left_out = examined(found, chosen)
            documents[found.name] = found
            findings += told
            ignored += left_out
        progress(number)
    return Report(tuple(findings), documents, tuple(unreadable), ignored, chosen)


def _document(source: Source, known: Known | None) -> Document | Unreadable | None:
    found = read(source, known)
    return beside(found) if isinstance(found, Document) else found


def examined(document: Document, chosen: Mapping[str, Rule]) -> tuple[list[Finding], int]:
    """What the rules find in a document, in its order, and how many findings its comments leave out."""
    found = [
        finding for rule in chosen.values() if _concerns(rule, document) for finding in _by(rule, document, document)
    ]
    ignores = ignores_in(document)
    known = met_by(found, ignores)
    kept = [finding for at, finding in enumerate(found) if at not in known]
    if ignores:
        used = frozenset(ignore for each in known.values() for ignore in each)
        comments = Comments(document, ignores, used, chosen, rules())
        kept += [f for rule in chosen.values() if rule.reads == "comments" for f in _by(rule, document, comments)]
    kept.sort(key=lambda finding: (finding.span, finding.code, finding.message))
    return fingerprinted(document, kept), len(known)


def _concerns(rule: Rule, document: Document) -> bool:
    match rule.reads:
        case "text":
            return True
        case "policy":
            return document.policy is not None
        case "raw policy":
            return document.kind == "policy"
        case "tools":
            return document.kind in ("tools", "lock") and document.value is not None
        case "comments":
            return False
        case _:
            return document.kind == rule.reads and document.value is not None


def _by(rule: Rule, document: Document, given: Document | Comments) -> Iterator[Finding]:
    with _Blamed(rule, document):
        for number, found in enumerate(rule.look(given)):
            if number == _PER_RULE:
                return
            yield _finding(rule, document, found)


def _finding(rule: Rule, document: Document, found: Found) -> Finding:
    is_span = isinstance(found.where, Span)
    span = found.where if isinstance(found.where, Span) else document.span(found.where, key=found.key)
    return Finding(
        code=rule.code, slug=rule.slug, severity=rule.severity, confidence=rule.confidence, message=found.message,
        file=document.name, span=span, at="" if is_span else shown_path(found.where), fix=found.fix,
    )  # fmt: skip


def fingerprinted(document: Document, findings: Iterable[Finding]) -> list[Finding]:
    """The findings with what tells each from all others of its file, whatever line it is on.

    It is made of the code, of the keys above it, so that what moves to another role is new, and of the line without
    credentials: a hash must not let anybody try passwords.
    """
    given = list(findings)
    if not given:
        return given
    from smcp_security.lint.secrets import shown_lines, shown_words

    ats = shown_words(document, [finding.at for finding in given])
    messages = shown_words(document, [finding.message for finding in given])
    given = [replace(each, at=at, message=told) for each, at, told in zip(given, ats, messages, strict=True)]
    lines = shown_lines(document, sorted({finding.span.line for finding in given}))
    seen: Counter[tuple[str, str, str]] = Counter()
    result = []
    for finding in given:
        line = " ".join(lines[finding.span.line].split())
        above = _INDEX.sub("", finding.at)
        seen[finding.code, above, line] += 1
        number = str(seen[finding.code, above, line])
        parts = (PurePath(finding.file).as_posix(), finding.code, above, line, number)
        digest = sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
        result.append(replace(finding, fingerprint=digest[:32]))
    return result
