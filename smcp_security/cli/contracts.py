"""`smcp contracts`: what is inferred of a server's tools, from a file with their list. Never connects anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from smcp_security.cli.listed import read_tools
from smcp_security.cli.output import print_json

if TYPE_CHECKING:
    from smcp_security.contracts.inference import Inferred

_SHOWN: Final = 120


@click.command("contracts")
@click.argument("file")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "yaml"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs, YAML to begin a policy's tools section with.",
)
def command(file: str, form: str) -> None:
    """Show the kinds inferred for the tools listed in FILE (- for stdin), and why.

    FILE is the result of tools/list, a JSON-RPC response that holds one, or a list of tools. An argument that is not
    shown is plain text: every detection category counts there.

    \b
      smcp contracts tools.json
      smcp contracts tools.json --format yaml >> policy.yaml
    """
    from smcp_security.contracts.inference import infer

    found = [(tool["name"], infer(tool["name"], tool["inputSchema"])) for tool in read_tools("contracts", file)]
    if form == "json":
        print_json([_facts(tool, each) for tool, inferred in found for each in inferred])
    elif form == "yaml":
        from smcp_security.cli.contracts_yaml import section

        click.echo(section(found))
    else:
        click.echo(_told(found))


def _facts(tool: str, inferred: Inferred) -> Mapping[str, Any]:
    from smcp_security.contracts.expected import EXPECTED
    from smcp_security.pointer import pointer

    content = sorted(EXPECTED.get(inferred.kind, ()))
    place = pointer(inferred.pointer)
    return {"tool": tool, "pointer": place, "kind": inferred.kind, "why": inferred.why, "content": content}


def _told(found: Sequence[tuple[str, Sequence[Inferred]]]) -> str:
    count = sum(len(inferred) for _, inferred in found)
    known = sum(bool(inferred) for _, inferred in found)
    return "\n".join([*_rows(found), f"{count} arguments of {known} in {len(found)} tools; the rest is plain text"])


def _rows(found: Sequence[tuple[str, Sequence[Inferred]]]) -> Iterator[str]:
    from smcp_security.pointer import pointer

    places = [(printable(pointer(each.pointer)), each) for _, inferred in found for each in inferred]
    width = min(max((len(place) for place, _ in places), default=0), 40)
    for tool, inferred in found:
        if inferred:
            yield printable(tool)
        for each in inferred:
            yield f"  {printable(pointer(each.pointer)):<{width}}  {each.kind:<10}  {printable(each.why)}"


def printable(text: str) -> str:
    """A text of a server as it may be shown on a terminal: no control characters, no great length."""
    short = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return short if short.isprintable() else ascii(short)
