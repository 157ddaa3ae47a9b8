"""How commands print and fail: JSON or text on stdout, one line on stderr. Must not import the engine."""

from __future__ import annotations

import json
import logging
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

WIDTH: Final = 100
"""Columns of running text; tables may be wider."""

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs.",
)


class Failure(click.ClickException):
    """What keeps a command from its work, as one line: what, where, what was expected, what to do. Exit code 2."""

    exit_code = 2

    def __init__(self, command: str, problem: str) -> None:
        super().__init__(f"smcp {command}: {problem}")


def print_json(value: Any) -> None:
    """Print a value as indented JSON in ASCII, so that no character depends on the terminal."""
    click.echo(json.dumps(value, indent=2))


def paragraph(label: str, text: str, *, indent: int = 2, width: int = 13) -> str:
    """`label` and a wrapped `text` beside it, in columns."""
    lead = " " * indent + label.ljust(width) + " "
    return textwrap.fill(text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_long_words=False)


@contextmanager
def without_log(level: int = logging.WARNING) -> Iterator[None]:
    """Keep log lines of `level` and below off the terminal: the command prints the same facts itself."""
    before = logging.root.manager.disable
    logging.disable(max(before, level))
    try:
        yield
    finally:
        logging.disable(before)
