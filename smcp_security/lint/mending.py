"""Fixes -> a new text. A fix that the loader would not take, or that finds no end, is not written."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from typing import Final

from smcp_security.lint.document import Document, edited
from smcp_security.lint.finding import Edit, Finding, LintError
from smcp_security.lint.inputs import document as document_of
from smcp_security.lint.registry import Rule
from smcp_security.lint.run import examined
from smcp_security.lint.secrets import printable, shown_lines

_ROUNDS: Final = 10
"""One fix may open the way for the next. What is not settled by then turns in a circle."""


@dataclass(frozen=True)
class Mended:
    """A document before and after, and how many fixes lie between."""

    before: Document
    after: Document
    count: int


def mended(document: Document, chosen: Mapping[str, Rule], *, unsafe: bool = False) -> Mended:
    """The document with every fix that holds: what the loader took before, it still takes."""
    current, count = document, 0
    for _ in range(_ROUNDS):
        findings, _ = examined(current, chosen)
        fixes = [finding for finding in findings if finding.fix is not None and (unsafe or finding.fix.safe)]
        following, applied = _applied(current, fixes)
        if not applied:
            break
        current, count = following, count + applied
    return Mended(document, current, count)


def _applied(document: Document, findings: list[Finding]) -> tuple[Document, int]:
    """All of the fixes at once; if that does not hold, each that holds by itself."""
    together = _compatible(findings)
    tried = _tried(document, together)
    if tried is not None:
        return tried, len(together)
    count = 0
    for finding in together:
        tried = _tried(document, [finding])
        if tried is not None:
            return tried, 1
    return document, count


def _compatible(findings: list[Finding]) -> list[Finding]:
    """Those whose edits do not touch an earlier one's."""
    taken: list[Edit] = []
    result = []
    for finding in findings:
        edits = finding.fix.edits if finding.fix is not None else ()
        if all(edit.end < other.start or other.end < edit.start for edit in edits for other in taken):
            taken += edits
            result.append(finding)
    return result


def _tried(document: Document, findings: list[Finding]) -> Document | None:
    """The document with these fixes; None if it would be worse off."""
    edits = [edit for finding in findings if finding.fix is not None for edit in finding.fix.edits]
    text = edited(document.text, edits)
    if not edits or text == document.text:
        return None
    after = document_of(document.name, text, known=document.known)
    if not isinstance(after, Document) or after.kind != document.kind:
        return None
    if all(finding.fix is None or finding.fix.safe for finding in findings) and not _means_the_same(document, after):
        return None
    worse = (document.policy is not None and after.policy is None) or len(after.faults) > len(document.faults)
    return None if worse or (after.value is None and document.value is not None) else after


def _means_the_same(before: Document, after: Document) -> bool:
    """Whether a safe fix kept its word. What did not parse meant nothing yet."""
    return before.value is None or before.value == after.value


def difference(mended: Mended) -> str:
    """What has changed, as a unified diff for people: credentials are masked."""
    before, after = (
        list(shown_lines(each, range(1, len(each.starts) + 1)).values()) for each in (mended.before, mended.after)
    )
    name = printable(mended.before.name)
    lines = unified_diff(before, after, name, name, lineterm="")
    return "\n".join(lines)


def write(mended: Mended) -> None:
    """Put the text in place of the file at once or not at all; a link stays one. Raises `LintError`."""
    path = os.path.realpath(mended.before.name)
    draft = f"{path}.{secrets.token_hex(6)}.new"
    try:
        status = os.stat(path)
        with open(path, "rb") as file:
            if file.read().decode("utf-8").removeprefix("\ufeff") != mended.before.text.removeprefix("\ufeff"):
                raise LintError(f"lint: {mended.before.name}: changed while it was looked at; run it again")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(draft, flags, 0o600), "wb") as file:
            file.write(mended.after.text.encode("utf-8"))
            file.flush()
            with suppress(PermissionError):
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
            os.fsync(file.fileno())
        os.replace(draft, path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not as it was read"
        raise LintError(
            f"lint: {mended.before.name}: cannot be written ({reason}); nothing of it has changed"
        ) from None
    finally:
        with suppress(OSError):
            os.unlink(draft)
