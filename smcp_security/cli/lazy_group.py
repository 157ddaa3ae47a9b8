"""Groups of commands that are imported one at a time, when they are run: `smcp --help` waits for none of them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands are the `command` of modules of `package`; `summaries` says what each does."""

    def __init__(self, *arguments: Any, package: str, summaries: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.package, self.summaries = package, summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in order."""
        return sorted(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported."""
        if cmd_name not in self.summaries:
            return None
        command: click.Command = import_module(f"{self.package}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with. Raises `click.UsageError`, with the nearest name."""
        name = args[0]
        if name not in self.summaries and not name.startswith("-"):
            near = get_close_matches(name.lower(), self.summaries, n=1)
            wanted = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(sorted(self.summaries))}"
            raise click.UsageError(f"no command {name[:40]!r}; {wanted}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All of them, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self.summaries.items()))
