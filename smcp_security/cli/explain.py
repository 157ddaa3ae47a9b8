"""`smcp explain`: what a finding code means, from the table of codes and the rules. Never prints a pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches

import click

from smcp_security.cli.output import Failure, format_option, paragraph, print_json

_CWE = "https://cwe.mitre.org/data/definitions/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of one code. A detection rule also has a category, a level, the texts it reads and references."""

    code: str
    slug: str
    severity: str
    meaning: str
    remediation: str
    cwe: str
    owasp: str
    answers: Mapping[str, str]
    category: str = ""
    level: int = 0
    surfaces: Sequence[str] = field(default=())
    references: Sequence[str] = field(default=())


@click.command("explain")
@click.argument("code", required=False)
@click.option("--all", "everything", is_flag=True, help="List every code; the same as naming none.")
@format_option
def command(code: str | None, everything: bool, form: str) -> None:
    """Say what CODE (SMCP112, or its slug duplicate-key, in any case) means, how it is answered, and what to do.

    Codes and slugs of `smcp lint` (POL210, shadowed-restriction) are explained as well.
    """
    if code and everything:
        raise click.UsageError("a code and --all exclude each other; leave one out")
    entries = _entries()
    if code is None:
        _print_list(entries, form)
    elif (page := _page_of_lint(code, form, entries)) is not None:
        click.echo(page)
    elif form == "json":
        print_json(asdict(_found(code, entries)))
    else:
        click.echo(_told(_found(code, entries)))


def _entries() -> dict[str, Entry]:
    from smcp_security.cli.wire import shapes
    from smcp_security.codes import CODES
    from smcp_security.decision import Finding
    from smcp_security.rules.catalogue import read_rules

    known = [
        Entry(
            code=row.code, slug=row.slug, severity=row.severity.value, meaning=row.meaning,
            remediation=row.remediation, cwe=row.cwe, owasp=row.owasp,
            answers=shapes(Finding(row.code, row.slug, row.severity)),
        )
        for row in CODES.values()
    ]  # fmt: skip
    known += [
        Entry(
            code=rule.id, slug=rule.slug, severity=rule.severity.value, meaning=rule.why,
            remediation=rule.remediation, cwe=rule.cwe, owasp=rule.owasp,
            answers=shapes(Finding(rule.id, rule.slug, rule.severity)), category=rule.category, level=rule.level,
            surfaces=rule.surfaces, references=rule.references,
        )
        for rule in read_rules()
    ]  # fmt: skip
    return {entry.code: entry for entry in sorted(known, key=lambda entry: entry.code)}


def _page_of_lint(name: str, form: str, entries: Mapping[str, Entry]) -> str | None:
    """The page of a rule of `smcp lint`; None for what is no such rule, or the name of a finding of the engine."""
    from smcp_security.cli.lint_pages import told
    from smcp_security.lint.catalogue import rules

    wanted = name.strip()
    of_engine = {slug for entry in entries.values() for slug in (entry.code.lower(), entry.slug)}
    of_lint = {name for code, rule in rules().items() for name in (code.lower(), rule.slug)}
    return told(wanted, form) if wanted.lower() in of_lint - of_engine else None


def _found(name: str, entries: Mapping[str, Entry]) -> Entry:
    names = {entry.slug: entry for entry in entries.values()} | {code.lower(): entry for code, entry in entries.items()}
    wanted = name.strip().lower()
    if wanted in names:
        return names[wanted]
    near = get_close_matches(wanted, names, n=3, cutoff=0.7)
    meant = " or ".join(names[each].code if each.startswith("smcp") else each for each in near)
    advice = f"did you mean {meant}? `smcp explain` lists all" if meant else "`smcp explain` lists all"
    raise Failure("explain", f"no finding code or slug {name[:40]!r}; {advice}")


def _print_list(entries: Mapping[str, Entry], form: str) -> None:
    if form == "json":
        print_json([asdict(entry) for entry in entries.values()])
        return
    width = max(len(entry.slug) for entry in entries.values())
    for entry in entries.values():
        click.echo(f"{entry.code}  {entry.slug:<{width}}  {entry.severity:<8}  {_first_sentence(entry.meaning)}")


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".") + "."


def _told(entry: Entry) -> str:
    rows = [("severity", entry.severity), ("meaning", entry.meaning), ("do", entry.remediation)]
    if entry.category:
        rows.append(("detection", f"category {entry.category}, level {entry.level}, in {_texts(entry.surfaces)}"))
    if entry.cwe:
        rows.append(("weakness", f"{entry.cwe}, {_CWE}{entry.cwe.removeprefix('CWE-')}.html"))
    if entry.owasp:
        rows.append(("OWASP MCP", f"{entry.owasp} of the MCP Top 10"))
    rows += [("answer", f"{kind}: {told}" if kind else told) for kind, told in entry.answers.items()]
    rows += [("see", reference) for reference in entry.references]
    return "\n".join([f"{entry.code} {entry.slug}", *_labelled(rows)])


def _labelled(rows: Sequence[tuple[str, str]]) -> list[str]:
    """The rows as paragraphs; a label that repeats is written once."""
    before = ["", *(label for label, _ in rows)]
    return [paragraph("" if label == last else label, text) for (label, text), last in zip(rows, before, strict=False)]


def _texts(surfaces: Sequence[str]) -> str:
    spoken = {
        "request": "requests", "answer": "answers of the client", "result": "results", "description": "definitions",
    }  # fmt: skip
    *first, last = [spoken.get(surface, surface) for surface in surfaces]
    return f"{', '.join(first)} and {last}" if first else last
