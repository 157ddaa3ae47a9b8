"""`smcp demo`: a real server, client and attacks on this machine. Here: the command; the MCP SDK loads when it runs."""

from __future__ import annotations

import asyncio
import os
import shlex
from importlib.util import find_spec
from pathlib import Path

import click

from smcp_security.cli.output import Failure, format_option, print_json

_NEEDED = ("mcp", "uvicorn", "httpx2")
_PATIENCE = 120
"""Seconds. It takes about three; a hang must end with a word on a machine that nobody watches."""


@click.command("demo")
@click.option("--audit", metavar="FILE", help="Keep the audit of it here, in a new file, to be verified and searched.")
@format_option
def command(form: str, audit: str | None) -> int:
    """Start an MCP server with careless tools, put the middleware in front and attack it.

    The official client speaks both protocol eras. Ordinary calls must succeed; each attack must be refused before
    the server sees it, and what the server leaks or turns into must not come through unseen: a token in a stream, a
    poisoned description, a definition that changes after it was pinned. A tool uses a secret of a vault, another one
    tells it; all bytes on the wire, the log and the audit are searched for it. All of it is tried on the same server
    without the middleware too, on the loopback interface and in a temporary folder. Exit code 0 if every expectation
    held, 1 if not.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise Failure(
            "demo", f"needs the packages {', '.join(missing)}; install them: pip install 'smcp-security[mcp,server]'"
        )
    if audit is not None and (os.path.lexists(audit) or os.path.lexists(f"{audit}.keys")):
        raise Failure("demo", f"--audit {audit}: is there already, or its {audit}.keys; name a new file")
    from smcp_security.cli.demo import report
    from smcp_security.cli.demo.play import perform

    try:
        played = asyncio.run(asyncio.wait_for(perform(Path(audit) if audit else None), _PATIENCE))
    except TimeoutError:
        raise Failure("demo", f"did not end within {_PATIENCE} seconds; is the machine out of memory or CPU?") from None
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise Failure("demo", f"a loopback port or a temporary folder cannot be had: {problem}") from None
    if form == "json":
        print_json(report.facts(played))
    else:
        click.echo(report.text(played))
        if audit is not None:
            click.echo(
                f"The audit of it is kept; see that nothing of it was changed: smcp audit verify {shlex.quote(audit)}"
            )
    return 0 if played.held else 1
