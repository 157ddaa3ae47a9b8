"""Rules about lock files and lists of tools as a whole: whether they can be used, and pin what they seem to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from smcp_security.errors import PolicyError
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.pins.canonical import Unpinnable, digest_of
from smcp_security.pins.lock import read
from smcp_security.policy.places import Path

_SECTIONS: Final = ("tools", "prompts", "templates")
_PREFIX: Final = "sha256:"


def _entries(document: Document) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What a lock file pins, by path; the instructions first."""
    value = document.value
    if isinstance(value.get("instructions"), dict):
        yield ("instructions",), value["instructions"]
    for section in _SECTIONS:
        for name, entry in value[section].items() if isinstance(value.get(section), dict) else ():
            if isinstance(entry, dict):
                yield (section, name), entry


def _forged(document: Document) -> Iterator[Path]:
    """The entries whose digest is well formed and does not fit."""
    for path, entry in _entries(document):
        try:
            fits = entry.get("digest") == _PREFIX + digest_of(entry.get("definition"))
        except Unpinnable:
            continue
        if not fits and isinstance(entry.get("digest"), str) and len(entry["digest"]) == len(_PREFIX) + 64:
            yield path


@rule("LCK002", "tampered-definition", "high", reads="lock")
def tampered_definition(document: Document) -> Iterator[Found]:
    """A pinned definition is not the one that its digest was made of.

    Why:
        Somebody has changed the definition or the digest by hand, so nobody has approved what stands there. A server
        with this file does not start.
    Bad:
        {
          "version": 1,
          "server": {"name": "library"},
          "instructions": {
            "digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "definition": "Finds books."
          },
          "tools": {},
          "prompts": {},
          "templates": {}
        }
    Good:
        {
          "version": 1,
          "server": {"name": "library"},
          "instructions": {
            "digest": "sha256:2fdc9d96e27a1e0eedf62a2bc6727923bef7ec67e54dd5c73f742082b1f54965",
            "definition": "Finds books."
          },
          "tools": {},
          "prompts": {},
          "templates": {}
        }
    Fix:
        Restore the file from version control, or read the definitions and pin them anew with `smcp pin`.
    See: docs/pins.md https://cwe.mitre.org/data/definitions/353.html
    """
    for path in _forged(document):
        yield Found((*path, "digest"), "does not fit the definition beside it; restore the file or pin anew")


@rule("LCK003", "refused-lock", "high", reads="lock")
def refused_lock(document: Document) -> Iterator[Found]:
    """The loader refuses the lock file: a server with it does not start.

    Why:
        A file of another version, with keys that nobody knows or with entries that are not whole, was not written by
        `smcp pin`; what it approves cannot be told.
    Bad:
        {"version": 2, "server": {}, "instructions": null, "tools": {}, "prompts": {}, "templates": {}}
    Good:
        {
          "version": 1,
          "server": {"name": "library"},
          "instructions": {
            "digest": "sha256:2fdc9d96e27a1e0eedf62a2bc6727923bef7ec67e54dd5c73f742082b1f54965",
            "definition": "Finds books."
          },
          "tools": {},
          "prompts": {},
          "templates": {}
        }
    Fix:
        Restore the file, or pin anew with `smcp pin`; a newer smcp-security may be needed to read it.
    See: docs/pins.md
    """
    if next(_forged(document), None) is not None:
        return
    try:
        read(document.text.encode("utf-8", "surrogatepass"))
    except PolicyError as error:
        yield Found(_blamed(document, str(error)), str(error).rstrip("."))


def _blamed(document: Document, problem: str) -> Path:
    """The part of the file that the loader's words begin with."""
    for path, _ in _entries(document):
        if problem.startswith(f'{path[0]} "{path[-1]}"'):
            return path
    start = problem.partition(":")[0].partition(" ")[0]
    return (start,) if start in document.value else ()


@rule("LCK004", "empty-lock", "medium", reads="lock")
def empty_lock(document: Document) -> Iterator[Found]:
    """The lock file pins nothing.

    Why:
        With it every definition is unknown: either nothing is let through, or everything is, as `pins` says. Mostly
        `smcp pin` was run against a server that was not ready.
    Bad:
        {"version": 1, "server": {}, "instructions": null, "tools": {}, "prompts": {}, "templates": {}}
    Good:
        {
          "version": 1,
          "server": {"name": "library"},
          "instructions": {
            "digest": "sha256:2fdc9d96e27a1e0eedf62a2bc6727923bef7ec67e54dd5c73f742082b1f54965",
            "definition": "Finds books."
          },
          "tools": {},
          "prompts": {},
          "templates": {}
        }
    Fix:
        Run `smcp pin` against the server that is meant, and read what it pins.
    See: docs/pins.md
    """
    if next(_entries(document), None) is None:
        yield Found((), "pins no tool, no prompt and no template; run smcp pin against the server that is meant")
