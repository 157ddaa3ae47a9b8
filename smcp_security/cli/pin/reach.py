"""What `smcp pin` and `smcp init` share: a command line that knows `--`, and a server that is visited or an error."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from smcp_security.cli.output import Failure
from smcp_security.cli.pin.target import Target, warnings_about

if TYPE_CHECKING:
    from smcp_security.cli.pin.visit import Seen

_NEEDED = ("mcp", "httpx2")
_PARTED = "smcp.parted"


class PartedCommand(click.Command):
    """Remembers whether `--` was there: what stands behind it is a command, what stands alone is a URL or a file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does."""
        ctx.meta[_PARTED] = "--" in args
        return super().parse_args(ctx, args)


def is_parted(context: click.Context) -> bool:
    """Whether `--` was there."""
    return bool(context.meta[_PARTED])


def check_reach(command: str, target: Target, headers: Sequence[str]) -> None:
    """Warn of what a careful operator would do otherwise. Raises `Failure` for packages that are missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        needed = ", ".join(missing)
        raise Failure(command, f"needs the packages {needed}; install them: pip install 'smcp-security[mcp]'")
    for warning in warnings_about(target, headers):
        click.echo(f"smcp {command}: warning: {warning}", err=True)


def visited(command: str, target: Target, era: str, timeout: float) -> Seen:
    """All definitions of a server. Raises `Failure`."""
    from smcp_security.cli.pin.faults import Unreached
    from smcp_security.cli.pin.visit import visit

    try:
        return visit(target, era, timeout)
    except Unreached as error:
        raise Failure(command, str(error)) from None
