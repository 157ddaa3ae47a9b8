"""`smcp audit`: proves, reads, exports and cleans the record of verdicts. Each command loads when it is run."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "checkpoint": "Print a line that proves what the audit holds now; keep it elsewhere.",
    "erase": "Destroy the key of a person: their records cannot be read any more, and still verify.",
    "export": "Write records as JSON Lines, CSV or OCSF; with --caller, those of one person alone.",
    "key": "Print the public key, or the fingerprint of the secret.",
    "purge": "Remove whole segments that are older than some time.",
    "search": "Find records by caller, tool, code and time.",
    "stats": "Count verdicts by action, code, tool, caller and hour.",
    "tail": "Show the last records, and with -f those that follow.",
    "verify": "Prove that nothing was changed, dropped, repeated or moved; say where if it was.",
}


class _Group(click.Group):
    """A group that imports a command when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name.lower(), COMMANDS, n=1)
            wanted = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(sorted(COMMANDS))}"
            raise click.UsageError(f"no command {name[:40]!r}; {wanted}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group("audit", cls=_Group, no_args_is_help=False)
def command() -> None:
    """Prove, read, export and clean the record of verdicts.

    Exit code 0: as it should be, 1: not so, or nothing found, 2: usage, or a file or key that cannot be used, 3: a file
    that was changed, cut or torn.
    """
