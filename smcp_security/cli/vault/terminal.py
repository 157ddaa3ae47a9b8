"""Between a command and whoever runs it: words on stderr, questions, progress, and text that is safe to show."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from smcp_security.cli.vault.place import failure

if TYPE_CHECKING:
    from smcp_security.vault.vault import Progress


def say(line: str) -> None:
    """A line for people: stdout is for what was asked for."""
    click.echo(shown(line), err=True)


def shown(text: str) -> str:
    """`text` with everything escaped that could move a cursor or hide something."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def confirmed(question: str, option: str) -> bool:
    """Ask on the terminal. Where nobody can be asked, `option` must have said so before."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise failure(f"nobody is here to confirm it; give {option}")
    return click.confirm(shown(question), err=True)


@contextmanager
def progress(label: str) -> Iterator[Progress | None]:
    """What to tell (done, all) of long work; None where nobody watches."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def told(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield told
