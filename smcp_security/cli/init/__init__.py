"""`smcp init`: a first policy for a server, from what it lists. Never overwrites a file unless told to."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from smcp_security.cli.output import Failure
from smcp_security.cli.pin.reach import PartedCommand, is_parted

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@click.command("init", cls=PartedCommand)
@click.argument("source", nargs=-1, type=click.UNPROCESSED, metavar="[TOOLS.json | -- COMMAND [ARG]...]")
@click.option("--from", "url", metavar="URL", help="A server to ask for its tools.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'",
              help="A header for --from; 'Authorization: Bearer env:TOKEN' reads the variable TOKEN.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(1, 3600), default=60.0, show_default=True,
              help="Seconds that the server has for all of it.")  # fmt: skip
@click.option("--keys", default="", metavar="FILE", help="Ask callers for a key of this file, and give them roles.")
@click.option("--out", "path", default="policy.yaml", show_default=True, metavar="FILE",
              help="The policy to write; - for stdout.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write over FILE if it is there.")
@click.pass_context
def command(
    context: click.Context,
    source: Sequence[str],
    url: str | None,
    headers: Sequence[str],
    timeout: float,
    keys: str,
    path: str,
    force: bool,
) -> None:
    """Write a first policy: contracts, limits and roles for each tool that a server lists, with the reasons.

    What a tool can do is taken from its annotations, its name and its arguments: the server's own word. Read it.

    \b
      smcp init --from http://127.0.0.1:8000/mcp
      smcp init -- npx -y some-mcp-server@1.2.3
      smcp init tools.json --out policy.yaml
    """
    parted = is_parted(context)
    _check(source, url, headers, path, parted=parted, force=force)
    _check_keys(keys)
    tools, told = _tools(source, url, headers, timeout, parted=parted)
    from smcp_security.cli.init.proposal import counted, proposal, proposed

    known = proposed(tools)
    text = proposal(known, source=told, left_out=len({tool["name"] for tool in tools}) - len(known), keys=keys)
    _validated(text)
    if path == "-":
        click.echo(text, nl=False)
        return
    _write(path, text, force=force)
    about = f"{len(known)} tools ({counted(known)})" if known else "any server: it names no tool"
    click.echo(f"{path} is a first policy for {about}; read it, then: smcp lint {shlex.quote(path)}", err=True)


def _check(
    source: Sequence[str], url: str | None, headers: Sequence[str], path: str, *, parted: bool, force: bool
) -> None:
    """Refuse what cannot be done before a server is started for it."""
    if url is not None and source:
        raise click.UsageError("one source at a time: --from URL, a file with tools, or -- COMMAND")
    if parted and not source:
        raise click.UsageError("expected a command behind --")
    if not parted and len(source) > 1:
        raise click.UsageError("expected one file with tools; a command stands behind --")
    if not parted and source and "://" in source[0]:
        raise click.UsageError(f"to ask a server, write: --from {source[0][:200]}")
    if headers and url is None:
        raise click.UsageError("--header is for --from")
    if not path.isprintable() or not path:
        raise click.UsageError("--out: expected the name of a file, without control characters")
    if path != "-" and os.path.lexists(path):
        _check_there(path, force=force)


def _check_there(path: str, *, force: bool) -> None:
    if not force:
        raise Failure("init", f"{path} is there already; name another file with --out, or write over it with --force")
    if os.path.islink(path) or not os.path.isfile(path):
        raise Failure("init", f"{path} is no plain file, so nothing is written over it; name another with --out")


def _check_keys(keys: str) -> None:
    if not keys.isprintable():
        raise click.UsageError("--keys: expected the name of a file, without control characters")


def _tools(
    source: Sequence[str], url: str | None, headers: Sequence[str], timeout: float, *, parted: bool
) -> tuple[list[Mapping[str, Any]], str]:
    """The definitions, and what to call where they came from."""
    if url is None and not source:
        return [], "any MCP server"
    if url is None and not parted:
        from smcp_security.cli.listed import read_tools

        return list(read_tools("init", source[0])), "the server whose tools were listed in a file"
    seen = _visited(source, url, headers, timeout)
    return [tool for tool in seen if isinstance(tool.get("name"), str) and tool["name"]], "an MCP server"


def _visited(source: Sequence[str], url: str | None, headers: Sequence[str], timeout: float) -> list[dict[str, Any]]:
    from smcp_security.cli.pin.reach import check_reach, visited
    from smcp_security.cli.pin.target import target_of

    target = target_of([url] if url is not None else source, headers, parted=url is None)
    check_reach("init", target, headers)
    return visited("init", target, "auto", timeout).tools


def _validated(text: str) -> None:
    """What is written must load: a name of a tool may be anything."""
    from smcp_security.policy.document import read_document
    from smcp_security.policy.model import validated

    validated(*read_document(text, "the proposal"))


def _write(path: str, text: str, *, force: bool) -> None:
    """A new file, its maker's alone. With `force` it takes the place of the one that is there, as a whole."""
    draft = f"{path}.{secrets.token_hex(6)}.new" if force else path
    try:
        with open(os.open(draft, _MAKE, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        if force:
            os.replace(draft, path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a file name"
        raise Failure("init", f"{path}: cannot be written ({reason}); name another file with --out") from None
    finally:
        if force:
            with suppress(OSError):
                os.unlink(draft)
