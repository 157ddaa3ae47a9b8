"""`smcp selftest`: fires known attacks at a server of the operator's own, each beside an honest twin."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from smcp_security.cli.output import Failure, print_json
from smcp_security.cli.selftest.target import Target, chosen

if TYPE_CHECKING:
    from smcp_security.cli.selftest.play import Wanted
    from smcp_security.cli.selftest.report import Account


@click.command("selftest")
@click.argument("target", metavar="URL | MODULE:APP")
@click.option("--target-confirmed", "confirmed", metavar="URL", help="The same URL again, where it is elsewhere.")
@click.option("--path", metavar="PATH", help="Where MODULE:APP has its MCP endpoint.  [default: /mcp]")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="A header of every request; repeat for more. 'Authorization: Bearer env:TOKEN' reads the variable TOKEN.",
)
@click.option("--era", type=click.Choice(["auto", "modern", "legacy"]), default="auto", show_default=True,
              help="The era of the protocol to speak; auto: each that the server speaks.")  # fmt: skip
@click.option("--tool", default="", metavar="NAME", help="The tool that may be called with any text.")
@click.option("--argument", default="", metavar="NAME", help="Its argument that takes the text.")
@click.option("--flood", is_flag=True, help="Also send many requests at once.")
@click.option("--token-in-query", "query", is_flag=True, help="Also send the credential in a URL, which logs keep.")
@click.option("--strict", is_flag=True, help="What most policies only report counts as got through.")
@click.option("--timeout", type=click.FloatRange(0.1, 600), default=10.0, show_default=True,
              help="Seconds that each answer has.")  # fmt: skip
@click.option("--start-timeout", type=click.FloatRange(1, 600), default=60.0, show_default=True,
              help="Seconds that MODULE:APP has until it listens.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True,
              help="Text for people, JSON for programs, SARIF for code scanning.")  # fmt: skip
def command(
    target: str,
    confirmed: str | None,
    path: str | None,
    headers: Sequence[str],
    era: str,
    tool: str,
    argument: str,
    flood: bool,
    query: bool,
    strict: bool,
    timeout: float,
    start_timeout: float,
    form: str,
) -> int:
    """Fire known attacks at a server of your own through its real edge, each with an honest twin that must pass.

    MODULE:APP is started on a free loopback port for the length of the run. A URL that is not on this machine must be
    named twice. Attacks in the text of an argument need a tool that says it only reads, or the one that --tool names.

    \b
      smcp selftest http://127.0.0.1:8000/mcp
      smcp selftest mypackage.main:app --header 'Authorization: Bearer env:TOKEN' --tool search

    Exit code 0: all held, 1: something got through, was cut short, or a twin was refused, 2: no server to fire at.
    """
    from smcp_security.cli.selftest.play import Wanted
    from smcp_security.cli.selftest.report import as_facts, as_sarif, as_text

    if argument and not tool:
        raise click.UsageError("--argument is one of the tool that --tool names; give both")
    account = _account(chosen(target, confirmed, path, headers), era, Wanted(tool, argument, flood, query), timeout,
                       start_timeout, strict)  # fmt: skip
    if form == "json":
        print_json(as_facts(account))
    else:
        click.echo(as_text(account) if form == "text" else as_sarif(account))
    return 1 if account.bad else 0


def _account(target: Target, era: str, wanted: Wanted, timeout: float, start_timeout: float, strict: bool) -> Account:
    """Play the whole table. An application is started before, and ended behind it."""
    from smcp_security.cli.selftest.hosting import hosted
    from smcp_security.cli.selftest.meeting import meet
    from smcp_security.cli.selftest.play import Range
    from smcp_security.cli.selftest.report import Account
    from smcp_security.cli.selftest.wire import Place, Unreachable

    with contextlib.ExitStack() as stack:
        url = stack.enter_context(hosted(target.app, target.path, start_timeout)) if target.app else target.url
        place = Place(url, timeout, target.anywhere)
        try:
            met = meet(place, target.fields, era)
        except Unreachable as error:
            raise Failure("selftest", f"{target.shown} {error}") from None
        results = list(Range(place, met, wanted, _progress).run())
    _progress("")
    eras = tuple("2026-07-28" if voice.modern else voice.revision for voice in met.voices)
    return Account(target.shown, eras, results, strict)


def _progress(slug: str) -> None:
    """Say on a terminal what is tried, on a line that goes away."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{slug}", nl=False, err=True)
