"""`smcp pin`: writes the lock file of a server's definitions, and compares a server with it. The MCP SDK loads when it
runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from smcp_security.cli.output import Failure
from smcp_security.cli.pin.reach import PartedCommand, check_reach, is_parted, visited
from smcp_security.cli.pin.target import target_of

if TYPE_CHECKING:
    from smcp_security.cli.pin.judgement import Judgement
    from smcp_security.cli.pin.report import Account
    from smcp_security.cli.pin.visit import Seen
    from smcp_security.pins.lock import Lock


@click.command("pin", cls=PartedCommand)
@click.argument("server", nargs=-1, type=click.UNPROCESSED, metavar="URL | -- COMMAND [ARG]...")
@click.option("--file", "path", default="smcp.lock", show_default=True, metavar="FILE", help="The lock file.")
@click.option("--check", is_flag=True, help="Write nothing: compare the server with FILE. For CI.")
@click.option("--update", is_flag=True, help="Write FILE anew where the server differs from it.")
@click.option("--accept", is_flag=True, help="Pin definitions with grave findings too: somebody has read them.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="A header of every request; repeat for more. 'Authorization: Bearer env:TOKEN' reads the variable TOKEN.",
)
@click.option(
    "--era",
    type=click.Choice(["auto", "modern", "legacy"]),
    default="auto",
    show_default=True,
    help="The era of the protocol to speak.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="Seconds that the server has for all of it.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs, Markdown for the comment on a pull request.",
)
@click.pass_context
def command(
    context: click.Context,
    server: Sequence[str],
    path: str,
    check: bool,
    update: bool,
    accept: bool,
    headers: Sequence[str],
    era: str,
    timeout: float,
    form: str,
) -> int:
    """Pin every tool, prompt, resource template and the instructions of a server in FILE, or compare with it.

    The first pin is trust on first use: it tells from then on what changes, not whether the server is honest. What is
    new is searched for texts that speak to a model; with grave findings FILE is written only with --accept.

    \b
      smcp pin https://mcp.example.com/mcp --header 'Authorization: Bearer env:TOKEN'
      smcp pin -- npx -y some-mcp-server
      smcp pin --check --format markdown -- npx -y some-mcp-server

    Exit code 0: pinned, or the same, 1: differences or grave findings, and nothing written, 2: no server or no lock
    file to work with.
    """
    if check and (update or accept):
        raise click.UsageError("--check writes nothing; leave --update and --accept out")
    if check and not server:
        return _shown(_whole(path), form)
    target = target_of(server, headers, parted=is_parted(context))
    check_reach("pin", target, headers)
    before = _before(path, needed=check)
    seen = visited("pin", target, era, timeout)
    return _shown(_settled(seen, before, path, check=check, update=update, accept=accept), form)


def _before(path: str, *, needed: bool) -> Lock | None:
    from smcp_security.pins.file import load_lock

    return load_lock(path) if needed or os.path.lexists(path) else None


def _settled(seen: Seen, before: Lock | None, path: str, *, check: bool, update: bool, accept: bool) -> Account:
    """Judge what was seen, and write it if that is right."""
    from smcp_security.cli.pin.judgement import judged
    from smcp_security.cli.pin.report import Account
    from smcp_security.pins.file import write_lock

    judgement = judged(_lock_of(seen), before)
    word = _word(judgement, check=check, update=update, accept=accept)
    digest = "" if before is None else before.digest
    if word in ("pinned", "updated"):
        digest = write_lock(path, judgement.now)
    return Account(word, path, digest, judgement, seen)


def _word(judgement: Judgement, *, check: bool, update: bool, accept: bool) -> str:
    """What becomes of it: same, differs, refused, pinned or updated."""
    if judgement.same:
        return "same"
    if judgement.before is not None and not update:
        return "differs"
    if judgement.grave and not accept:
        return "refused"
    return "updated" if judgement.before is not None else "pinned"


def _lock_of(seen: Seen) -> Lock:
    from smcp_security.pins.canonical import Unpinnable
    from smcp_security.pins.lock import lock_of

    try:
        return lock_of(seen.tools, seen.prompts, seen.templates, seen.instructions, seen.server)
    except Unpinnable as fault:
        raise Failure("pin", f"the server's definitions cannot be pinned: {fault}") from None


def _whole(path: str) -> Account:
    """The account of a lock file that is read and compared with nothing."""
    from smcp_security.cli.pin.judgement import Judgement
    from smcp_security.cli.pin.report import Account
    from smcp_security.pins.file import load_lock

    lock = load_lock(path)
    return Account("whole", path, lock.digest, Judgement(lock, lock), None)


def _shown(account: Account, form: str) -> int:
    from smcp_security.cli.output import print_json
    from smcp_security.cli.pin import report

    if form == "json":
        print_json(report.facts(account))
    else:
        click.echo(report.markdown(account) if form == "markdown" else report.text(account))
    return 0 if account.good else 1
