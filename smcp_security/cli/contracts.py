"""`smcp contracts`: what is inferred of a server's tools, from a file with their list. Never connects anywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from smcp_security.cli.output import Failure, print_json

if TYPE_CHECKING:
    from smcp_security.contracts.inference import Inferred

_MOST: Final = 16 * 1024 * 1024
_EXPECTED: Final = "expected the result of tools/list as JSON, a response that holds one, or a list of tools"
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

    found = [(name, infer(name, schema)) for name, schema in _tools(file)]
    if form == "json":
        print_json([_facts(tool, each) for tool, inferred in found for each in inferred])
    elif form == "yaml":
        from smcp_security.cli.contracts_yaml import section

        click.echo(section(found))
    else:
        click.echo(_told(found))


def _tools(file: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The names and schemas in the file; what pages follow is said on stderr."""
    shown = "stdin" if file == "-" else repr(file)
    document = _parsed(_read(file, shown), shown)
    holder = document.get("result", document) if isinstance(document, dict) else document
    listed = holder.get("tools") if isinstance(holder, dict) else holder
    if not isinstance(listed, list):
        raise Failure("contracts", f"{shown}: no list of tools; {_EXPECTED}")
    if isinstance(holder, dict) and holder.get("nextCursor"):
        click.echo("smcp contracts: this is one page of the list; run it on the others too", err=True)
    return [_tool(entry, number, shown) for number, entry in enumerate(listed, start=1)]


def _read(file: str, shown: str) -> bytes:
    try:
        if file == "-":
            raw = b"" if sys.stdin is None else sys.stdin.buffer.read(_MOST + 1)
        else:
            with open(file, "rb") as source:
                raw = source.read(_MOST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "cannot be read"
        raise Failure("contracts", f"{shown}: {reason}; {_EXPECTED}") from None
    if len(raw) > _MOST:
        raise Failure("contracts", f"{shown}: more than {_MOST // 1024 // 1024} MiB; {_EXPECTED}")
    return raw


def _parsed(raw: bytes, shown: str) -> Any:
    from smcp_security.strict_json import Malformed, load

    try:
        return load(raw)[0]
    except Malformed as fault:
        raise Failure("contracts", f"{shown}: not strict JSON ({fault.code}); {_EXPECTED}") from None


def _tool(entry: Any, number: int, shown: str) -> tuple[str, Mapping[str, Any]]:
    name = entry.get("name") if isinstance(entry, dict) else None
    schema = entry.get("inputSchema", {}) if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name or not isinstance(schema, dict):
        raise Failure("contracts", f"{shown}: tool {number} of the list lacks a name or an inputSchema; {_EXPECTED}")
    return name, schema


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
