"""`smcp` itself: its commands, loaded one at a time, and what every one of them does with errors and exit codes.

Exit codes: 0 right, 1 findings or denied, 2 usage or unreadable input, 3 damaged data, 130 interrupted,
141 the reader of the output went away. Imports click and nothing else that takes time to load.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from smcp_security.cli.lazy_group import LazyGroup
from smcp_security.errors import AuditDamaged, RulesError, SMCPError, VaultDamaged
from smcp_security.version import VERSION

# Said here, so that `smcp --help` need not load the commands.
COMMANDS: Final = {
    "audit": "Prove, read, export and clean the record of verdicts.",
    "check": "Judge one message against a policy; the exit code says allowed or denied.",
    "contracts": "Show what kinds of arguments are inferred for the tools of a server, and why.",
    "demo": "Run a real MCP server, its official client and a series of attacks.",
    "doctor": "Check that every MCP route of an application is behind the policy.",
    "explain": "Say what a finding code means and what to do about it.",
    "init": "Write a first policy for a server, from what it lists.",
    "keys": "Create, list and revoke API keys.",
    "lint": "Look for what policies, lock files and client configurations say in vain or at a risk.",
    "pin": "Pin the definitions of an MCP server in a lock file, or compare a server with one.",
    "proxy": "Put a policy in front of any MCP server that speaks over stdin and stdout.",
    "revoke": "End a token, a caller or an API key in all processes that share a store.",
    "schema": "Print the JSON Schema of the policy file, for editors.",
    "selftest": "Fire known attacks at a server of your own, each beside its honest twin, and see what holds.",
    "test": "Play cases against a policy: who sends what, and what should become of it.",
    "vault": "Keep the secrets of tools in a sealed file: make it, fill it, exchange its keys.",
}
UNUSABLE: Final = 2
DAMAGED: Final = 3
INTERRUPTED: Final = 130
READER_GONE: Final = 141


class _Program(LazyGroup):
    """The commands of `smcp`, and what a reader of the output that goes away does to them."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # click would end the process with 1, which means denied here.
            raise click.exceptions.Exit(READER_GONE) from None


@click.group(
    cls=_Program,
    package="smcp_security.cli",
    summaries=COMMANDS,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, "--version", prog_name="smcp", message="%(prog)s %(version)s")
def program() -> None:
    """Security for Model Context Protocol servers: one policy, one engine, in front of any MCP server."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `smcp` with `arguments` (those of the process by default) and end the process with its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character must not end the command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # `smcp explain --all | head`: nobody reads on.
        code = _without_output(READER_GONE)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        code = _without_output(_failed(f"smcp: the output cannot be written: {reason}; write it elsewhere", UNUSABLE))
    sys.exit(code)


def _without_output(code: int) -> int:
    """`code`, with stdout led nowhere: Python would complain once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        given = None if arguments is None else list(arguments)
        return int(program.main(given, prog_name="smcp", standalone_mode=False) or 0)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx is not None else "smcp"
        return _failed(f"{where}: {_one_line(error.format_message())}; see `{where} --help`", UNUSABLE)
    except click.ClickException as error:
        return _failed(error.format_message(), error.exit_code)
    except RulesError as error:
        return _failed(f"smcp: the detection rules cannot be used: {_one_line(str(error))}", DAMAGED)
    except (VaultDamaged, AuditDamaged) as error:
        return _failed(f"smcp: {_one_line(str(error))}", DAMAGED)
    except SMCPError as error:
        # A policy names every mistake on a line of its own.
        return _failed("\n".join(f"smcp: {line}" for line in str(error).splitlines()), UNUSABLE)
    except click.Abort:
        return _failed("smcp: interrupted", INTERRUPTED)


def _failed(message: str, code: int) -> int:
    click.echo(message, err=True)
    return code


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
