"""What `smcp pin` tells, as text, plain data or Markdown. Pure: prints nothing, and shows nothing of a server raw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

from smcp_security.cli.output import WIDTH, paragraph
from smcp_security.cli.pin.judgement import Found, Judgement, entries_of
from smcp_security.pins.escapes import named, shown

if TYPE_CHECKING:
    from smcp_security.cli.pin.visit import Seen
    from smcp_security.pins.differences import Difference

_TRUST: Final = (
    "This is trust on first use: nobody can know from here whether these definitions are honest. Read them in the "
    "file; from now on it tells what changes."
)
_ACCEPT: Final = "Nothing was written. Read these definitions; --accept pins them as they are."
_MOST: Final = 60
"""Findings and differences that are told at length; the JSON has them all."""


@dataclass(frozen=True, slots=True)
class Account:
    """How a run went. `word`: pinned, updated, same, whole, differs or refused; `seen` is None where no server was."""

    word: str
    path: str
    digest: str
    judgement: Judgement
    seen: Seen | None

    @property
    def good(self) -> bool:
        """Whether there is nothing to look at."""
        return self.word not in ("differs", "refused")


def facts(account: Account) -> dict[str, Any]:
    """The whole account as plain data. Names are the server's own."""
    seen, judgement = account.seen, account.judgement
    return {
        "outcome": account.word,
        "file": account.path,
        "digest": account.digest or None,
        "server": dict(judgement.now.server),
        "revision": None if seen is None else seen.revision,
        "counts": _counts(judgement),
        "unreadable": [] if seen is None else list(seen.odd),
        "findings": [
            {"kind": each.kind, "name": each.name, "code": each.code, "slug": each.slug,
             "severity": each.severity.value, "where": each.where, "grave": each.grave, "advice": each.advice}
            for each in judgement.findings
        ],
        "differences": [
            {"risk": each.risk.value, "kind": each.kind, "name": each.name, "what": each.what, "before": each.before,
             "after": each.after}
            for each in judgement.differences
        ],
    }  # fmt: skip


def text(account: Account) -> str:
    """The account for a terminal."""
    lines = [*_odd(account), *_told_findings(account), *_told_differences(account), _balance(account)]
    if account.word in ("pinned", "updated", "same", "whole"):
        lines.append(f"digest: {account.digest}")
    if advice := _advice(account):
        lines += ["", fill(advice, WIDTH, break_long_words=False, break_on_hyphens=False)]
    return "\n".join(lines)


def markdown(account: Account) -> str:
    """The account for the comment on a pull request. What is the server's stands in code, where nothing links."""
    judgement = account.judgement
    lines = [f"### MCP definitions: {_heading(account)}", "", _markdown_balance(account)]
    lines += ["", *(f"- {line}" for line in _odd(account))] if _is_odd(account) else []
    if judgement.differences:
        lines += ["", *(_markdown_difference(each) for each in judgement.differences[:_MOST])]
    if judgement.findings:
        lines += ["", "Findings in what is new:", "", *(_markdown_finding(each) for each in judgement.findings[:_MOST])]
    lines += [f"- and {more} more" for more in [_more(judgement)] if more]
    if account.good:
        lines += ["", f"digest: {_code(account.digest)}"]
    return "\n".join([*lines, *([""] if _advice(account) else []), *filter(None, [_advice(account)])])


def _counts(judgement: Judgement) -> dict[str, int]:
    counted = Counter(kind for kind, _, _ in entries_of(judgement.now))
    return {kind: counted[kind] for kind in ("tool", "prompt", "template", "instructions")}


def _amount(judgement: Judgement) -> str:
    counts = _counts(judgement)
    parts = [_plural(counts[kind], kind) for kind in ("tool", "prompt", "template") if counts[kind]]
    if counts["instructions"]:
        parts.append("the instructions")
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "nothing"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _server(account: Account) -> str:
    server = account.judgement.now.server
    name = shown(" ".join(filter(None, (server.get("name"), server.get("version")))), 80) or "the server"
    return name if account.seen is None else f"{name} ({account.seen.revision})"


def _balance(account: Account) -> str:
    amount, file = _amount(account.judgement), account.path
    match account.word:
        case "pinned":
            return f"{file}: pinned {amount} of {_server(account)}"
        case "updated":
            return f"{file}: written anew: {amount} of {_server(account)}"
        case "same":
            return f"{file}: {_server(account)} shows the very definitions that were pinned: {amount}"
        case "whole":
            return f"{file}: whole: {amount} of {_server(account)}; compared with no server"
        case "differs":
            return f"{file}: {_server(account)} differs: {_differing(account)}"
        case _:
            return f"{file}: not written: grave findings in {amount} of {_server(account)}"


def _heading(account: Account) -> str:
    match account.word:
        case "differs":
            return _differing(account)
        case "refused":
            return "grave findings, not pinned"
        case word:
            return word


def _differing(account: Account) -> str:
    return _plural(max(1, len(account.judgement.differences)), "difference")


def _advice(account: Account) -> str:
    match account.word:
        case "pinned":
            return _TRUST
        case "refused":
            return _ACCEPT
        case "differs":
            return f"Pin anew only what you have read: `smcp pin --update` writes {account.path}."
        case "whole":
            return "Give a URL or -- COMMAND to compare a server with it."
        case _:
            return ""


def _is_odd(account: Account) -> bool:
    return account.seen is not None and bool(account.seen.odd)


def _odd(account: Account) -> Iterator[str]:
    for method in () if account.seen is None else account.seen.odd:
        yield f"{method}: the answer does not fit its revision, so clients may read it differently; pinned as it came"


def _told_findings(account: Account) -> Iterator[str]:
    findings = account.judgement.findings
    for found in findings[:_MOST]:
        what = f"{found.code} {found.slug} ({found.severity.value}) at {_place(found)}"
        yield f"{_subject(found.kind, found.name)}: {what}"
        yield paragraph("", found.advice, indent=2, width=0)
    if len(findings) > _MOST:
        yield f"and {len(findings) - _MOST} findings more; --format json has them all"


def _told_differences(account: Account) -> Iterator[str]:
    differences = account.judgement.differences
    for each in differences[:_MOST]:
        yield f"{each.risk.value}: {_subject(each.kind, each.name)}: {each.what}"
        if each.before or each.after:
            yield f"  - {each.before or '(nothing)'}"
            yield f"  + {each.after or '(nothing)'}"
    if len(differences) > _MOST:
        yield f"and {len(differences) - _MOST} differences more; --format json has them all"


def _subject(kind: str, name: str) -> str:
    return f"{kind} {named(name)}" if name else kind


def _place(found: Found) -> str:
    return shown(found.where) or "/"


def _more(judgement: Judgement) -> int:
    return max(0, len(judgement.differences) - _MOST) + max(0, len(judgement.findings) - _MOST)


def _markdown_balance(account: Account) -> str:
    return f"{_code(account.path)}, {_amount(account.judgement)} of {_code(_server(account))}"


def _markdown_difference(each: Difference) -> str:
    line = f"- **{each.risk.value}** {_markdown_subject(each.kind, each.name)}: {_code(each.what)}"
    if each.before or each.after:
        line += f"\n  - before: {_code(each.before)}\n  - after: {_code(each.after)}"
    return line


def _markdown_finding(found: Found) -> str:
    subject = _markdown_subject(found.kind, found.name)
    return f"- **{found.severity.value}** {subject}: {found.code} {found.slug} at {_code(_place(found))}"


def _markdown_subject(kind: str, name: str) -> str:
    return f"{kind} {_code(named(name))}" if name else kind


def _code(raw: str) -> str:
    """A text as a code span: nothing in it links, mentions or loads, and it cannot end the span."""
    plain = shown(raw).replace("`", "\\u0060").strip()
    return f"`{plain}`" if plain else "(nothing)"
