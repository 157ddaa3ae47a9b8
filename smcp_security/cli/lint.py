"""`smcp lint`: what policies, lock files and clients' configurations mean, held against the rules of `lint`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from smcp_security.cli.output import Failure

if TYPE_CHECKING:
    from smcp_security.lint.document import Known
    from smcp_security.lint.run import Report

_SEVERITIES: Final = ["info", "low", "medium", "high"]
_MANY: Final = 500
"""Files after which a run says how far it is."""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What was asked for."""

    paths: Sequence[str]
    form: str
    select: Sequence[str]
    ignore: Sequence[str]
    least: str
    fail_on: str
    persona: str
    tools: str | None
    baseline: str | None
    write_baseline: str | None
    statistics: bool
    fix: bool
    unsafe: bool
    diff: bool


@click.command("lint")
@click.argument("paths", nargs=-1)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "sarif", "github", "junit"]), default="text",
    show_default=True, help="Text for people, the others for programs.",
)  # fmt: skip
@click.option(
    "--select", multiple=True, metavar="RULES", help="Run these alone: codes, their beginnings, slugs; commas."
)
@click.option("--ignore", multiple=True, metavar="RULES", help="Leave these out.")
@click.option("--min-severity", "least", type=click.Choice(_SEVERITIES), default="info", help="Show from here on.")
@click.option(
    "--fail-on", type=click.Choice([*_SEVERITIES, "never"]), default="low", show_default=True,
    help="From which severity on the exit code is 1.",
)  # fmt: skip
@click.option(
    "--persona", type=click.Choice(["regular", "strict"]), default="regular", show_default=True,
    help="strict runs rules of taste as well.",
)  # fmt: skip
@click.option("--tools", metavar="FILE", help="What the server has: smcp.lock or the result of tools/list.")
@click.option("--baseline", metavar="FILE", help="Leave out the findings that this file knows.")
@click.option("--write-baseline", metavar="FILE", help="Write such a file and leave with 0.")
@click.option("--statistics", is_flag=True, help="Say how often each rule found something, and no more.")
@click.option("--fix", is_flag=True, help="Write what can be mended without changing what the file means.")
@click.option("--unsafe-fixes", "unsafe", is_flag=True, help="Also what somebody should look at afterwards.")
@click.option("--diff", is_flag=True, help="Show what --fix would write, and write nothing.")
@click.option("--explain", metavar="CODE", help="Print the page of a rule; all: the list of them.")
def command(explain: str | None, form: str, **wanted: object) -> int:
    """Look for what policies, smcp.lock, lists of tools and MCP clients' configurations say in vain or at a risk.

    Files are recognised by their content; folders are walked; - is stdin. Exit code 0: nothing found at or above
    --fail-on, 1: findings, 2: usage, or an input that cannot be read.

    \b
      smcp lint policy.yaml
      smcp lint . --format sarif > smcp.sarif
      smcp lint policy.yaml --fix --diff
      smcp lint --explain POL201
    """
    if explain is not None:
        from smcp_security.cli.lint_pages import told

        click.echo(told(explain, form))
        return 0
    return _linted(_wanted(form, wanted))


def _wanted(form: str, given: dict[str, object]) -> _Wanted:
    wanted = _Wanted(form=form, **given)  # type: ignore[arg-type]
    if not wanted.paths:
        raise click.UsageError("expected a file, a folder, or - for stdin")
    if wanted.paths.count("-") > 1:
        raise click.UsageError("- is given twice, and stdin can be read once")
    if "-" in wanted.paths and (wanted.fix or wanted.unsafe) and not wanted.diff:
        raise click.UsageError("--fix cannot write stdin; add --diff to see what it would write")
    if wanted.statistics and form != "text":
        raise click.UsageError("--statistics is text; leave --format out")
    return wanted


def _linted(wanted: _Wanted) -> int:
    from smcp_security.lint.baseline import read, without, written
    from smcp_security.lint.run import run
    from smcp_security.lint.selection import chosen

    rules = chosen(_names(wanted.select), _names(wanted.ignore), "strict" if wanted.persona == "strict" else "regular")
    known = frozenset[str]() if wanted.baseline is None else read(wanted.baseline)
    tools = _known(wanted.tools)
    report = run(wanted.paths, rules, known=tools, progress=_progress)
    if wanted.fix or wanted.unsafe or wanted.diff:
        mended = _mended(report, wanted)
        if wanted.diff:
            return 2 if report.unreadable else int(mended)
        report = run(wanted.paths, rules, known=tools) if mended else report
    report = _from(wanted.least, report)
    if wanted.write_baseline is not None:
        # With what another baseline knows: to write one anew must not forget it.
        _write(wanted.write_baseline, written(report.findings))
        return 2 if report.unreadable else 0
    report = without(report, known)
    _print(report, wanted)
    return _exit_code(report, wanted.fail_on)


def _names(given: Sequence[str]) -> list[str]:
    return [name for part in given for name in part.split(",") if name.strip()]


def _known(tools: str | None) -> Known | None:
    from smcp_security.lint.inputs import known_tools

    return None if tools is None else known_tools(tools)


def _progress(number: int) -> None:
    if number % _MANY:
        return
    # On a terminal one line that grows, elsewhere a line for each step.
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    click.echo(
        f"\rsmcp lint: {number} files" if on_terminal else f"smcp lint: {number} files", err=True, nl=not on_terminal
    )


def _from(least: str, report: Report) -> Report:
    from dataclasses import replace

    from smcp_security.lint.finding import Severity

    rank = Severity(least).rank
    return replace(report, findings=tuple(each for each in report.findings if each.severity.rank >= rank))


def _mended(report: Report, wanted: _Wanted) -> bool:
    """Whether something was mended; written, or shown."""
    from smcp_security.lint.mending import difference, mended, write
    from smcp_security.lint.secrets import printable

    some = False
    for document in report.documents.values():
        result = mended(document, report.ran, unsafe=wanted.unsafe)
        if not result.count:
            continue
        some = True
        if wanted.diff:
            click.echo(difference(result))
        else:
            write(result)
            plural = "" if result.count == 1 else "s"
            click.echo(f"smcp lint: {printable(document.name)}: {result.count} finding{plural} mended", err=True)
    return some


def _write(path: str, text: str) -> None:
    from smcp_security.lint.baseline import check_replaceable

    check_replaceable(path)
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Failure("lint", f"--write-baseline {path}: cannot be written ({error.strerror})") from None


def _print(report: Report, wanted: _Wanted) -> None:
    click.echo(_rendered(report, wanted))
    if wanted.form in ("text", "junit"):
        from smcp_security.lint.secrets import printable

        for each in report.unreadable:
            click.echo(f"smcp lint: {printable(each.file)}: {each.problem}", err=True)


def _rendered(report: Report, wanted: _Wanted) -> str:
    if wanted.form != "text":
        render: Callable[[Report], str] = import_module(f"smcp_security.lint.report.{wanted.form}").render
        return render(report)
    from smcp_security.lint.report import text

    return text.statistics(report) if wanted.statistics else text.render(report, colour=_colour())


def _colour() -> bool:
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    return on_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _exit_code(report: Report, fail_on: str) -> int:
    from smcp_security.lint.finding import Severity

    if report.unreadable:
        return 2
    if fail_on == "never":
        return 0
    return int(any(finding.severity.rank >= Severity(fail_on).rank for finding in report.findings))
