"""Rules about the comments that ignore findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smcp_security.lint.comments import UNIGNORED, Comments, Ignore
from smcp_security.lint.finding import Edit, Fix, Found
from smcp_security.lint.registry import rule
from smcp_security.lint.selection import suggested

ASK_TOOLS: Final = frozenset(
    {
        "POL212", "POL213", "POL311", "POL406", "POL416", "POL420", "POL421", "POL424", "POL510", "POL609", "POL704",
        "POL808",
    }
)  # fmt: skip
"""Rules that find other things where a list of tools is known."""


@rule("LNT001", "ignore-without-reason", "medium", reads="comments")
def ignore_without_reason(comments: Comments) -> Iterator[Found]:
    """A comment ignores a finding and does not say why, so it ignores nothing.

    Why:
        Whoever reads the file next cannot tell a decision from a way to silence a tool. A reason costs a line; without
        one the finding stays.
    Bad:
        mode: monitor # smcp: ignore[POL010]
    Good:
        mode: monitor # smcp: ignore[POL010] trial until the end of the quarter
    Fix:
        Say behind the brackets why the finding is right to be there, or mend what it is about.
    See: docs/lint.md#comments
    """
    for ignore in comments.ignores:
        if not ignore.reason:
            yield Found(ignore.span, "ignores without a reason, so it does not count; say why behind the brackets")


@rule("LNT002", "unused-ignore", "low", reads="comments", fixes="safe")
def unused_ignore(comments: Comments) -> Iterator[Found]:
    """A comment ignores a finding that is not there.

    Why:
        What it was about has been mended or has moved, and the comment waits for the next mistake on that line, which
        nobody would see.
    Bad:
        mode: enforce # smcp: ignore[POL010] trial until the end of the quarter
    Good:
        mode: enforce
    Fix:
        Take the comment out, or put it on the line that it means.
    See: docs/lint.md#comments
    """
    for ignore in comments.ignores:
        known = [name for name in ignore.names if _codes(name, comments)]
        ran = [name for name in known if any(_looked(code, comments) for code in _codes(name, comments))]
        # A rule that did not look might have found what the comment is about.
        if ignore.reason and known and ran == known == list(ignore.names) and ignore not in comments.used:
            fix = None if comments.document.is_json else Fix((_removal(comments, ignore),))
            yield Found(ignore.span, f"nothing here is a finding of {', '.join(known)}; take the comment out", fix=fix)


def _removal(comments: Comments, ignore: Ignore) -> Edit:
    """Without the comment, the blanks before it, and the line that it leaves empty."""
    document, number = comments.document, ignore.span.line
    before = document.line(number)[: ignore.span.column - 1].rstrip()
    if not before and number < len(document.starts):
        return Edit(document.offset(number, 1), document.offset(number + 1, 1), "")
    return Edit(document.offset(number, len(before) + 1), document.offset(number, ignore.span.end_column), "")


@rule("LNT003", "unknown-ignore", "medium", reads="comments")
def unknown_ignore(comments: Comments) -> Iterator[Found]:
    """A comment names no rule, one that does not exist, or one that no comment can ignore.

    Why:
        It ignores nothing, and whoever wrote it thinks that it does. A file that cannot be used (POL001, CFG001,
        LCK001) is never clean: no other rule has looked at all of it.
    Bad:
        mode: monitor # smcp: ignore[POL999] trial until the end of the quarter
    Good:
        mode: monitor # smcp: ignore[POL010] trial until the end of the quarter
    Fix:
        Write the code or the slug of the rule into the brackets; several are parted by commas.
    See: docs/lint.md#comments
    """
    for ignore in comments.ignores:
        if not ignore.names:
            yield Found(ignore.span, "names no rule; write ignore[CODE] and the reason")
        for name in ignore.names:
            if not _codes(name, comments):
                meant = suggested(name, comments.known)
                advice = f"did you mean {meant}?" if meant else "`smcp lint --explain all` lists the rules"
                yield Found(ignore.span, f'no rule "{name[:40]}"; {advice}')
            elif not UNIGNORED.isdisjoint(_codes(name, comments)):
                yield Found(ignore.span, f"{name} cannot be ignored: with it no other rule has looked; mend the file")


def _looked(code: str, comments: Comments) -> bool:
    """Whether a rule had all that it looks at: it ran, the loader takes the policy, the tools are known."""
    document = comments.document
    if code not in comments.ran or (comments.known[code].reads == "policy" and document.policy is None):
        return False
    if code in UNIGNORED:
        return False
    return code not in ASK_TOOLS or (document.known is not None and code != "POL704")


def _codes(name: str, comments: Comments) -> list[str]:
    return [code for code, rule in comments.known.items() if name in (code, rule.slug)]
