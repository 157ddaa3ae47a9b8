"""The `tools` section that `smcp contracts --format yaml` begins a policy with: valid as it stands.

What cannot be guessed (the roots of paths, the programs of commands) stands in it as a comment to fill in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smcp_security.contracts.inference import Inferred

_HEAD: Final = """\
# Inferred from names and schemas: read it before you use it. A contract refuses what does not fit, where an inferred
# kind refuses only what no honest value needs. What is commented out needs something that no schema says.
tools:"""

_SETTINGS: Final[Mapping[str, str]] = {
    "sql": "{kind: sql, statements: [select]}",
    "url": "{kind: url, schemes: [https], public_only: true}",
    "hostname": "{kind: hostname, addresses: true, public_only: true}",
    "argv_token": "{kind: argv_token}",
    "identifier": "{kind: identifier}",
    "email": "{kind: email}",
    "uuid": "{kind: uuid}",
    "json": "{kind: json}",
    "html": "{kind: html}",
    "template": "{kind: template}",
    "code": "{kind: code}",
    "document": "{kind: code}",
}
"""Kind -> a contract that is whole."""

_TO_FILL: Final[Mapping[str, str]] = {
    "path": '{kind: path, roots: ["/srv/data"]}',
    "command": "{kind: command, programs: {ls: null}}",
}
"""Kind -> an example of a contract."""

# As in the policy: anything else would be a glob, or no name of a tool there.
TOOL: Final = re.compile(r"[^\x00-\x20\x7f*]{1,256}")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_KEY_MAX: Final = 1000
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def section(found: Sequence[tuple[str, Sequence[Inferred]]]) -> str:
    """The YAML text for (tool, what is inferred of it), in the order given; the last of two tools of one name."""
    lines = [line for tool, inferred in dict(found).items() for line in _tool(tool, inferred)]
    empty = all(line.lstrip().startswith("#") for line in lines)
    return "\n".join([_HEAD + (" {}" if empty else ""), *lines])


def _tool(tool: str, inferred: Sequence[Inferred]) -> Iterator[str]:
    rows = [line for each in inferred if (line := row(each)) is not None]
    if not rows:
        return
    if TOOL.fullmatch(tool) is None:
        yield f"  # {_quoted(tool[:80])}: not a name that a policy can hold"
        return
    # A mapping in which everything is a comment would be null.
    lead = "" if any(not each.startswith("#") for each in rows) else "# "
    yield f"  {lead}{key(tool)}:"
    yield f"  {lead}  arguments:"
    for each in rows:
        yield f"  {lead}    {each.removeprefix('# ') if lead else each}"


def row(inferred: Inferred) -> str | None:
    """One argument and its contract, as a comment where something is to be filled in; None where there is none.

    None too for an argument whose name no policy can hold.
    """
    from smcp_security.pointer import pointer

    simple = len(inferred.pointer) == 1 and _PLAIN.fullmatch(inferred.pointer[0]) is not None
    place = _place(inferred.pointer[0] if simple else pointer(inferred.pointer))
    if place is None:
        return None
    if inferred.kind == "date" and inferred.why.startswith("format: "):
        return f"{place}: {{kind: date, form: {inferred.why.removeprefix('format: ')}}}"
    settings = _SETTINGS.get(inferred.kind)
    if settings is not None:
        return f"{place}: {settings}"
    example = _TO_FILL.get(inferred.kind)
    return None if example is None else f"# {place}: {example}"


def _place(text: str) -> str | None:
    from smcp_security.policy.pointers import parse_place

    try:
        parse_place(text)
    except ValueError:
        return None
    # YAML takes nothing longer for a key.
    return place if len(place := key(text)) <= _KEY_MAX else None


def key(text: str) -> str:
    """A key of YAML: plain where nothing could take it for more, else quoted."""
    plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    # JSON writes what is past U+FFFF as two halves, which YAML takes for two characters.
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)
