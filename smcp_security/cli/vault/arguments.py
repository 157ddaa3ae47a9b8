"""What commands take: a NAME, a tenant, and an error that quotes nothing, since it may be a secret in a wrong place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import click

from smcp_security.cli.vault.place import failure

_F = TypeVar("_F", bound=Callable[..., object])
_SEEN: Final = (
    "If that was a value or a key: other processes could read it, and the shell's history now holds it, so replace it"
    " where it came from. A value goes to stdin, a key into a file or a variable"
)


class Discreet(click.Command):
    """A command that never repeats an argument that it does not understand."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            near = "".join(f"; did you mean {each}?" for each in error.possibilities or () if _like(each, error))
            where = "; a value goes to stdin, never into an option" if ctx.info_name == "set" else ""
            raise click.UsageError(f"no such option{near}{where}", ctx) from None
        except (click.MissingParameter, click.BadOptionUsage):
            raise
        except click.BadParameter as error:
            raise click.UsageError(f"{_called(error.param)}: expected {_expected(error.param)}", ctx) from None
        except click.UsageError:
            raise click.UsageError(f"more arguments than it takes. {_SEEN}", ctx) from None


class DiscreetGroup(Discreet, click.Group):
    """Commands, and an error for what is none of them that does not repeat it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            raise click.UsageError(f"no such command; expected one of {', '.join(self.commands)}", ctx)
        return super().resolve_command(ctx, args)


def _like(option: str, error: click.NoSuchOption) -> bool:
    """`--value` is no misspelling of `--file`."""
    return option[:3] == error.option_name[:3]


def named(function: _F) -> _F:
    """Give a command the argument NAME."""
    alone = click.argument("surplus", nargs=-1, callback=_refuse, expose_value=False, metavar="")
    return click.argument("name", callback=_checked)(alone(function))


def tenant_option(function: _F) -> _F:
    """Give a command the option that says whose secret is meant."""
    option = click.option("--tenant", default="", help="The tenant that owns it. Default: nobody in particular.")
    return option(function)


def _checked(_context: click.Context, _argument: click.Parameter, name: str) -> str:
    from smcp_security.policy.vault import is_name

    if not is_name(name):
        raise failure("NAME: expected letters, digits and _ . -, at most 128, beginning with none of . and -")
    return name


def _refuse(_context: click.Context, _argument: click.Parameter, surplus: tuple[str, ...]) -> None:
    if surplus:
        raise failure(f"expected one NAME and nothing after it. {_SEEN}")


def _called(parameter: click.Parameter | None) -> str:
    if isinstance(parameter, click.Option):
        return parameter.opts[0]
    return "argument" if parameter is None else (parameter.name or "").upper()


def _expected(parameter: click.Parameter | None) -> str:
    kind = None if parameter is None else parameter.type
    if isinstance(kind, click.Choice):
        return " or ".join(str(each) for each in kind.choices)
    return "a whole number from 1" if isinstance(kind, click.IntRange) else "something else"
