"""`smcp proxy`: any MCP server that speaks over stdin and stdout, behind a policy. Nothing but MCP is on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from smcp_security.cli.output import Failure

if TYPE_CHECKING:
    from smcp_security.adapters.stdio.variables import Variable


def _variables(context: click.Context, option: click.Parameter, given: Sequence[str]) -> Sequence[Variable]:
    if not given:
        return ()
    # Late: it loads the engine.
    from smcp_security.adapters.stdio.variables import parse_variable

    try:
        variables = [parse_variable(text) for text in given]
    except ValueError as error:
        raise click.UsageError(f"--env: {error}", context) from None
    names = [variable.name for variable in variables]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise click.UsageError(f"--env: {name} is given twice; leave one out", context)
    return variables


@click.command("proxy", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--policy", metavar="FILE", help="The policy. Default: SMCP_POLICY, or the built-in defaults.")
@click.option(
    "--env",
    "variables",
    metavar="NAME=vault://SECRET",
    multiple=True,
    callback=_variables,
    help="A variable of the server that holds a secret of the vault; repeat for more.",
)
@click.argument("server", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
def command(policy: str | None, variables: Sequence[Variable], server: Sequence[str]) -> int:
    """Start COMMAND, an MCP server in any language that speaks over stdin and stdout, and judge what passes.

    SMCP_CREDENTIAL is the API key or token that every message counts for. What the server writes to stderr is passed
    on; so are signals and its exit code. Exit code 2: the command cannot be started, or the policy or the vault cannot
    be used; 3: the vault is damaged.
    """
    if not server:
        raise click.UsageError("no server to start; expected: smcp proxy -- COMMAND [ARG]...")
    if os.name != "posix":
        raise Failure("proxy", f"expected Linux or macOS, found {sys.platform}; run it in WSL")
    from smcp_security.adapters.stdio.child import NotStarted
    from smcp_security.adapters.stdio.proxy import run_proxy

    try:
        return run_proxy(policy, server, variables)
    except NotStarted as error:
        raise Failure("proxy", str(error)) from None
