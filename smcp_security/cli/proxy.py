"""`smcp proxy`: any MCP server that speaks over stdin and stdout, behind a policy. Nothing but MCP is on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from smcp_security.cli.output import Failure


@click.command("proxy", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--policy", metavar="FILE", help="The policy. Default: SMCP_POLICY, or the built-in defaults.")
@click.argument("server", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
def command(policy: str | None, server: Sequence[str]) -> int:
    """Start COMMAND, an MCP server in any language that speaks over stdin and stdout, and judge what passes.

    SMCP_CREDENTIAL is the API key or token that every message counts for. What the server writes to stderr is passed
    on; so are signals and its exit code. Exit code 2: the command cannot be started, or the policy cannot be used.
    """
    if not server:
        raise click.UsageError("no server to start; expected: smcp proxy -- COMMAND [ARG]...")
    if os.name != "posix":
        raise Failure("proxy", f"expected Linux or macOS, found {sys.platform}; run it in WSL")
    from smcp_security.adapters.stdio.child import NotStarted
    from smcp_security.adapters.stdio.proxy import run_proxy

    try:
        return run_proxy(policy, server)
    except NotStarted as error:
        raise Failure("proxy", str(error)) from None
